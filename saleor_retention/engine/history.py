"""What a program makes of one customer's past orders, walked through in the order of time.

Simulation and backfill both ask here, so that what is shown and what is booked are the same. The
tier that an order earns in is the one that the earlier orders had reached by then. Of a refund only
the outcome is known: an order counts with what is kept of it from its payment on.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from saleor_retention.engine import lots, tiers
from saleor_retention.engine.accrual import EarnTerms, earn, kept, kept_spend, may_earn
from saleor_retention.engine.caps import Used, day_of, month_of, room_for_order
from saleor_retention.engine.facts import OrderFacts, OrderState
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import ExpiryPolicy, Metric, ProgramRules, Window
from saleor_retention.engine.settlement import is_void, matures_at
from saleor_retention.engine.tiers import CountingWindow, DecisionKind, HeldTier, Standing

STAYS = (DecisionKind.KEEP, DecisionKind.WARN)
REACHED = (DecisionKind.UPGRADE, DecisionKind.RENEW)


class Reason(StrEnum):
    """Why a past order brings no points."""

    NOT_PAID = "not_paid"
    CANCELED = "canceled"
    RETURNED = "returned"  # all of it, or refunded
    ORIGIN = "origin"  # drafts, reissues, bulk imports, as the program says
    NO_RATE = "no_rate"  # nothing is earned in that currency
    TOO_SMALL = "too_small"  # what is kept is worth less than a point
    CAPPED = "capped"  # other orders have used up what the caps allow
    EXPIRED = "expired"  # the points would be dead by now
    GUEST = "guest"  # no customer with a confirmed address
    NOT_A_MEMBER = "not_a_member"  # has not enrolled, or has left
    SETTLED = "settled"  # the program knows the order already


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what the orders of a customer are looked at."""

    rules: ProgramRules
    at: dt.datetime  # the end; what was paid later was not paid
    reference_exponent: int = 2
    lives_from: dt.datetime | None = None  # inactivity counts from here at the earliest
    has_first_order: bool = False  # the points for it were given, or are not due any more
    used: tuple[tuple[dt.datetime, int], ...] = ()
    """Payment and points of the customer's other orders, which count against caps."""
    booked: Mapping[str, int] = field(default_factory=dict)
    """Points of orders that are booked, by reference; they are in ``used``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order: the tier it earned in, its points, and how long they live."""

    order: OrderFacts
    tier: str | None
    reason: Reason | None = None
    paid_at: dt.datetime | None = None  # None: the order does not count
    points: int = 0  # of what is kept
    bonus: int = 0  # for being the first order
    spend_minor: int = 0  # in the reference currency
    valid_from: dt.datetime | None = None  # None: waits for fulfilment
    expires_at: dt.datetime | None = None

    @property
    def is_counted(self) -> bool:
        """Tell whether the order counts towards tiers."""
        return self.paid_at is not None

    def is_dead(self, at: dt.datetime) -> bool:
        """Tell whether the order's points are over at that instant."""
        return _is_over(self.expires_at, at)

    def is_pending(self, at: dt.datetime) -> bool:
        """Tell whether the order's points are still to become available."""
        return self.valid_from is None or self.valid_from > at


@dataclass(frozen=True, slots=True)
class History:
    """A customer's orders in the order they were created, and what their points' lives count from.

    ``lives_from`` is None under all expiry policies but inactivity.
    """

    outcomes: tuple[Outcome, ...]
    lives_from: dt.datetime | None = None


def replay(orders: Sequence[OrderFacts], setting: Setting) -> History:
    """Return what each order brings; ``orders`` are one customer's, oldest first.

    The member begins without a tier, climbs with each payment and falls when a tier's time and
    grace are over. Points whose life is over at ``setting.at`` are told as EXPIRED. The first order
    that counts brings the first-order points, and they live and die with its own.
    """
    climb = _Climb(setting.rules, orders)
    lives_from = _lives_from(orders, setting)
    used = list(setting.used)
    looked: dict[int, Outcome] = {}
    for position, is_payment in _steps(orders, setting.at):
        order = orders[position]
        if not is_payment:
            tier = climb.tier_at(order.created_at)
            outcome = _judged(order, tier, setting, lives_from, used)
            looked[position] = outcome
            climb.look(order.created_at)
        elif looked[position].is_counted:
            climb.pay(looked[position])
        else:
            climb.look(_paid_at(order, setting.at) or setting.at)
    outcomes = [looked[position] for position in range(len(orders))]
    return History(tuple(_with_bonus(outcomes, setting)), lives_from)


def metric_value(outcome: Outcome, metric: Metric, at: dt.datetime) -> int:
    """Return what an order adds to the metric once it is booked at ``at``.

    Points that are dead by then are not booked and do not count.
    """
    match metric:
        case Metric.SPEND:
            return outcome.spend_minor
        case Metric.ORDERS:
            return 1
        case Metric.POINTS:
            return 0 if outcome.is_dead(at) else outcome.points


def tier_at_end(
    outcomes: Sequence[Outcome], rules: ProgramRules, at: dt.datetime, joined_on: dt.date
) -> str | None:
    """Return the tier of a new member who has these orders at ``at``, by the sums of then."""
    ladder = rules.ladder
    if not ladder.tiers:
        return None
    counted = [outcome for outcome in outcomes if outcome.is_counted]
    sums = _Sums()
    for outcome in sorted(counted, key=lambda outcome: outcome.paid_at or at):
        sums.add(outcome.paid_at or at, metric_value(outcome, ladder.metric, at))
    windows = tiers.counting_windows(ladder, at, rules.time_zone, joined_on)
    standings = [Standing(sums.within(window), window.valid_until) for window in windows]
    decision = tiers.decide(ladder, HeldTier(), standings, at)
    return decision.tier.slug if decision.tier is not None else None


def _steps(orders: Sequence[OrderFacts], at: dt.datetime) -> list[tuple[int, bool]]:
    """Return (position, is it the payment) of all creations and payments in the order of time."""
    steps = []
    for position, order in enumerate(orders):
        steps.append((order.created_at, position, False))
        paid_at = _paid_at(order, at)
        if paid_at is not None:
            steps.append((max(paid_at, order.created_at), position, True))
    return [(position, is_payment) for _, position, is_payment in sorted(steps)]


def _paid_at(order: OrderFacts, at: dt.datetime) -> dt.datetime | None:
    """Return when the order was paid; one that is paid and does not say when, as it was created."""
    if not order.is_paid:
        return None
    paid_at = order.paid_at or order.created_at
    return paid_at if paid_at <= at else None


def _objection(order: OrderFacts, setting: Setting) -> Reason | None:
    """Return why the order does not count at all; None where it does."""
    if order.state is OrderState.CANCELED:
        return Reason.CANCELED
    if _paid_at(order, setting.at) is None:
        return Reason.NOT_PAID
    if not may_earn(order, setting.rules):
        return Reason.ORIGIN
    return Reason.RETURNED if is_void(order) else None


def _judged(
    order: OrderFacts,
    tier: str | None,
    setting: Setting,
    lives_from: dt.datetime | None,
    used: list[tuple[dt.datetime, int]],
) -> Outcome:
    """Return what the order brings in this tier; what it uses of the caps is added to ``used``."""
    objection, paid_at = _objection(order, setting), _paid_at(order, setting.at)
    if objection is not None or paid_at is None:
        return Outcome(order, tier, objection)
    rules, terms = setting.rules, EarnTerms(setting.rules, tier)
    valid_from = matures_at(order, terms, paid_at)
    expires_at = _expires_at(valid_from, rules, lives_from)
    is_dead = _is_over(expires_at, setting.at)
    earned = setting.booked.get(order.ref, earn(order, terms).points)
    if order.ref not in setting.booked and not is_dead:  # dead points are not booked
        earned = _within_caps(earned, paid_at, rules, used)
        used.append((paid_at, earned))
    points = min(kept(order, terms).points, earned)
    return Outcome(
        order=order,
        tier=tier,
        reason=_why_none(order, terms, points, earned, is_dead=is_dead),
        paid_at=paid_at,
        points=points,
        spend_minor=_reference_spend(order, terms, setting),
        valid_from=valid_from,
        expires_at=expires_at,
    )


def _why_none(
    order: OrderFacts, terms: EarnTerms, points: int, earned: int, *, is_dead: bool
) -> Reason | None:
    """Return why an order that counts brings nothing; None where it brings points."""
    if points:
        return Reason.EXPIRED if is_dead else None
    if not earned and earn(order, terms).points:
        return Reason.CAPPED
    rate = terms.rules.earn_rates.get(order.currency)
    return Reason.TOO_SMALL if rate is not None and rate.points else Reason.NO_RATE


def _within_caps(
    earned: int, paid_at: dt.datetime, rules: ProgramRules, used: Sequence[tuple[dt.datetime, int]]
) -> int:
    """Return what the caps leave of an order's points beside those of the orders before it."""
    if not rules.earn_caps.look_at_other_orders:
        return earned
    day, month = (span(paid_at, rules.time_zone) for span in (day_of, month_of))
    others = Used(
        in_day=sum(points for at, points in used if day[0] <= at < day[1]),
        in_month=sum(points for at, points in used if month[0] <= at < month[1]),
        ever=sum(points for _at, points in used),
    )
    room = room_for_order(rules.earn_caps, others)
    return earned if room is None else min(earned, room)


def _reference_spend(order: OrderFacts, terms: EarnTerms, setting: Setting) -> int:
    spend_minor, rules = kept_spend(order, terms), setting.rules
    if not rules.reference_currency:
        return spend_minor
    exponents = {
        order.currency: order.exponent,
        rules.reference_currency: setting.reference_exponent,
    }
    return tiers.to_reference(spend_minor, order.currency, rules, exponents)


def _lives_from(orders: Sequence[OrderFacts], setting: Setting) -> dt.datetime | None:
    """Return the last activity, which all points live from under inactivity; else None."""
    if setting.rules.expiry.policy is not ExpiryPolicy.INACTIVITY:
        return None
    paid = [_paid_at(order, setting.at) for order in orders if _objection(order, setting) is None]
    activities = [paid_at for paid_at in paid if paid_at is not None]
    if setting.lives_from is not None:
        activities.append(setting.lives_from)
    return max(activities, default=None)


def _expires_at(
    valid_from: dt.datetime | None, rules: ProgramRules, lives_from: dt.datetime | None
) -> dt.datetime | None:
    if valid_from is None:
        return None
    from_at = max(valid_from, lives_from or valid_from)
    return lots.expires_at(rules.expiry, from_at, rules.time_zone)


def _is_over(expires_at: dt.datetime | None, at: dt.datetime) -> bool:
    return expires_at is not None and expires_at <= at


def _with_bonus(outcomes: Sequence[Outcome], setting: Setting) -> Iterator[Outcome]:
    """Give the first order that counts its bonus."""
    bonus = 0 if setting.has_first_order else setting.rules.first_order_points
    for outcome in outcomes:
        if not outcome.is_counted:
            yield outcome
            continue
        yield replace(outcome, bonus=bonus)
        bonus = 0


@dataclass(slots=True)
class _Sums:
    """Sums of a metric over spans of time; instants are added in their order."""

    instants: list[dt.datetime] = field(default_factory=list)
    totals: list[int] = field(default_factory=lambda: [0])

    def add(self, at: dt.datetime, value: int) -> None:
        """Count ``value`` from ``at`` on."""
        self.instants.append(at)
        self.totals.append(self.totals[-1] + value)

    def within(self, window: CountingWindow) -> int:
        """Return the sum over a window."""
        first = 0 if window.start_at is None else bisect_left(self.instants, window.start_at)
        end = len(self.instants)
        if window.end_at is not None:
            end = bisect_left(self.instants, window.end_at)
        return self.totals[max(first, end)] - self.totals[first]


class _Climb:
    """The tier of one customer through time, had the program been there from the first order on.

    A membership year begins with the day of the first order.
    """

    def __init__(self, rules: ProgramRules, orders: Sequence[OrderFacts]) -> None:
        self._rules = rules
        self._held = HeldTier()
        self._reached_at: dt.datetime | None = None
        self._reached: dict[dt.datetime | None, dt.datetime] = {}  # by the tier's validity
        self._sums = _Sums()
        self._joined_on = local_date(orders[0].created_at, rules.time_zone) if orders else None
        if orders:
            self._decide(orders[0].created_at)

    def look(self, at: dt.datetime) -> None:
        """Evaluate the member, as settling an order does on each occasion."""
        self.tier_at(at)
        self._decide(at)

    def tier_at(self, at: dt.datetime) -> str | None:
        """Return the tier at an instant, after the evaluations that were due before it."""
        grace = dt.timedelta(days=self._rules.ladder.grace_days)
        while self._held.slug is not None and self._held.valid_until is not None:
            due_at = self._held.valid_until + grace
            if due_at > at:
                break
            before = self._held
            self._decide(due_at)
            if (self._held.slug, self._held.valid_until) == (before.slug, before.valid_until):
                break
        return self._held.slug

    def pay(self, outcome: Outcome) -> None:
        """Count a payment and climb if it is enough."""
        paid_at = max(outcome.paid_at or outcome.order.created_at, outcome.order.created_at)
        self.tier_at(paid_at)
        self._sums.add(paid_at, metric_value(outcome, self._rules.ladder.metric, paid_at))
        self._decide(paid_at)

    def _decide(self, at: dt.datetime) -> None:
        ladder, tz = self._rules.ladder, self._rules.time_zone
        if not ladder.tiers:
            return
        is_rolling = ladder.window is Window.ROLLING_MONTHS
        reached_at = self._reached_at if is_rolling else None
        windows = tiers.counting_windows(ladder, at, tz, self._joined_on, reached_at)
        standings = [Standing(self._sums.within(window), window.valid_until) for window in windows]
        decision = tiers.decide(ladder, self._held, standings, at)
        if decision.kind in STAYS:
            return
        tier = decision.tier
        self._held = HeldTier(
            slug=tier.slug if tier is not None else None,
            valid_until=decision.valid_until,
            metric_value=decision.metric_value,
            threshold_then=tier.threshold if tier is not None else None,
        )
        if tiers.gave_validity(ladder, at, decision.valid_until, tz):
            self._reached[decision.valid_until] = at
        climbed_at = at if decision.kind in REACHED else None
        self._reached_at = self._reached.get(decision.valid_until, climbed_at)
