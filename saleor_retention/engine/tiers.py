"""Which tier a member has: metric values in, a decision out.

A ladder counts a metric over a window. Reaching a tier gives it at once, valid to the end of the
next period. So at any instant more than one window may speak for a member: this year's, and last
year's, whose validity still runs. ``counting_windows`` names them; the caller measures the metric,
net of everything reversed by now, over each; ``decide`` compares. It follows that a tier reached
only by orders that were reversed since has no window left that speaks for it, and is withdrawn.
``sql/qualifying`` measures the metric of many members, ``sql/write_tiers`` writes what was decided.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from saleor_retention.engine.periods import (
    end_of_window,
    local_date,
    next_window_end,
    start_of_window,
)
from saleor_retention.engine.rules import Downgrade, Ladder, ProgramRules, Tier, Window


class DecisionKind(StrEnum):
    """What becomes of a member's tier."""

    KEEP = "keep"
    RENEW = "renew"  # the same tier, valid for longer
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"  # validity and grace are over
    WITHDRAW = "withdraw"  # reached only by orders that were reversed since
    WARN = "warn"  # keep, and tell the member what is missing before it lapses
    OVERRIDE_END = "override_end"  # a tier set by staff has run out
    LADDER = "ladder"  # the held tier is not on the ladder any more


@dataclass(frozen=True, slots=True)
class CountingWindow:
    """A window whose metric speaks for the member now; ends are exclusive, None is open."""

    start_at: dt.datetime | None
    end_at: dt.datetime | None
    valid_until: dt.datetime | None
    """Until when a tier reached in this window is valid; None: for ever."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The metric over one counting window, net of everything reversed by now."""

    value: int
    valid_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class HeldTier:
    """The tier that a member has, as the account and its last change record it."""

    slug: str | None = None
    valid_until: dt.datetime | None = None
    is_manual: bool = False
    is_warned: bool = False
    metric_value: int | None = None  # the sum recorded when the tier was given
    threshold_then: int | None = None  # its threshold in the rules' version of that time


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and the largest sum that speaks for the member, to be recorded with it.

    ``gap`` is what is missing to keep the tier, where that is a warning.
    """

    kind: DecisionKind
    tier: Tier | None
    valid_until: dt.datetime | None
    metric_value: int
    gap: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a member is: the next tier and what is missing to it; None at the top."""

    next_tier: Tier | None
    missing: int | None


def to_reference(
    minor: int, currency: str, rules: ProgramRules, exponents: Mapping[str, int]
) -> int:
    """Return an amount in minor units of the program's reference currency, rounded down.

    At the merchant's stated rates; there is no live conversion. A currency without a rate counts
    nothing, which the parser refuses for a ladder that counts spend.

    >>> from fractions import Fraction
    >>> euro = rules(reference_rates={"EUR": Fraction("1.10")})
    >>> to_reference(999, "EUR", euro, {"EUR": 2, "USD": 2})
    1098
    """
    if currency == rules.reference_currency:
        return minor
    rate = rules.reference_rates.get(currency)
    if rate is None:
        return 0
    from_scale: int = 10 ** exponents[currency]
    to_scale: int = 10 ** exponents[rules.reference_currency]
    return math.floor(minor * rate * to_scale / from_scale)


def counting_windows(
    ladder: Ladder,
    now: dt.datetime,
    tz: str,
    joined_on: dt.date | None = None,
    reached_at: dt.datetime | None = None,
) -> tuple[CountingWindow, ...]:
    """Return the windows that speak for a member now, the present one first.

    Calendar and membership years: this one and the one before, whose tier is valid to the end of
    this one. Rolling: the one that ends now and, while its validity runs, the one that ended when
    the tier was reached (``reached_at``). Lifetime: one, without ends.
    """
    window, months = ladder.window, ladder.window_months
    start_at = start_of_window(window, months, now, tz, joined_on)
    end_at = end_of_window(window, months, now, tz, joined_on)
    valid_until = next_window_end(window, months, now, tz, joined_on)
    if window is Window.LIFETIME or start_at is None:
        return (CountingWindow(None, None, None),)
    if window is Window.ROLLING_MONTHS:
        present = CountingWindow(start_at, None, valid_until)
        earlier = _window_of_reach(ladder, now, tz, reached_at)
        return (present,) if earlier is None else (present, earlier)
    present = CountingWindow(start_at, end_at, valid_until)
    if window is Window.MEMBERSHIP_YEAR and joined_on is not None:
        first = local_date(start_at, tz)
        if first <= joined_on:
            return (present,)
    before_at = start_of_window(
        window, months, start_at - dt.timedelta(microseconds=1), tz, joined_on
    )
    return (present, CountingWindow(before_at, start_at, end_at))


def gave_validity(
    ladder: Ladder, at: dt.datetime, valid_until: dt.datetime | None, tz: str
) -> bool:
    """Tell whether the orders that were counted at ``at`` are those behind a rolling tier.

    Its validity says so: it runs from the day on which they reached the tier, be it a climb or a
    fall. A change that leaves the validity as it was (a step replaced, a higher one withdrawn) was
    decided by the orders of then.
    """
    if ladder.window is not Window.ROLLING_MONTHS or valid_until is None:
        return False
    return valid_until == next_window_end(ladder.window, ladder.window_months, at, tz)


def outlook_start(
    ladder: Ladder, valid_until: dt.datetime, tz: str, joined_on: dt.date | None = None
) -> dt.datetime | None:
    """Return from when on orders still count on the day that the tier lapses, in UTC.

    For the warning: the metric from here to now is what the member has towards keeping the tier.
    Orders that will have left a rolling window by then count no more.
    """
    if ladder.window is Window.ROLLING_MONTHS:
        return start_of_window(ladder.window, ladder.window_months, valid_until, tz)
    last_instant = valid_until - dt.timedelta(microseconds=1)
    return start_of_window(ladder.window, ladder.window_months, last_instant, tz, joined_on)


def reached(ladder: Ladder, value: int) -> Tier | None:
    """Return the highest tier whose threshold ``value`` meets; None below the first.

    >>> steps = ladder(tier("regular", 0), tier("vip", 50000))
    >>> reached(steps, 49999).slug, reached(steps, 50000).slug
    ('regular', 'vip')
    """
    met = [tier for tier in ladder.tiers if tier.threshold <= value]
    return met[-1] if met else None


def progress(ladder: Ladder, tier_slug: str | None, value: int) -> Progress:
    """Return the tier after the held one and what is missing to it.

    ``value`` is the metric over the present window: what a member has to add to climb now.
    """
    rank = _rank(ladder, tier_slug)
    above = ladder.tiers[0 if rank is None else rank + 1 :]
    if not above:
        return Progress(None, None)
    return Progress(above[0], max(0, above[0].threshold - value))


def decide(
    ladder: Ladder,
    held: HeldTier,
    standings: Sequence[Standing],
    now: dt.datetime,
    outlook_value: int | None = None,
) -> Decision:
    """Return what becomes of the held tier; ``standings`` follow ``counting_windows``.

    A higher tier is given at once. A tier that no counting window speaks for is withdrawn at once
    while its validity runs, because then orders were reversed; not where only the merchant raised
    the threshold. Once validity and grace are over, the member falls to what the
    windows give, or one step. A tier set by staff holds until it runs out; meanwhile only a climb
    above both it and what the metric gave when it was set changes it. ``outlook_value`` is the
    metric since ``outlook_start``, for the warning. Ties and zero: a threshold is met by equality,
    so a first tier at zero is everyone's. No standing at all: ``ValueError``.
    """
    if not standings:
        raise ValueError("A decision needs the metric of at least one window.")
    case = _Case(ladder, held, tuple(standings), now, outlook_value)
    if held.is_manual and held.slug is not None:
        return _decide_manual(case)
    if held.slug is not None and case.rank is None:
        return case.moved(DecisionKind.LADDER)
    if _is_above(case.target_rank, case.rank):
        return case.moved(DecisionKind.UPGRADE)
    if case.tier is None:
        return Decision(DecisionKind.KEEP, None, None, case.value)
    if case.rank == case.target_rank:
        return _decide_same(case, case.tier)
    return _decide_lower(case, case.tier)


@dataclass(frozen=True, slots=True)
class _Case:
    """What is to be decided, and what follows from it at once."""

    ladder: Ladder
    held: HeldTier
    standings: tuple[Standing, ...]
    now: dt.datetime
    outlook_value: int | None

    @property
    def best(self) -> Standing:
        """Return the standing that reaches the highest tier, and of these the longest valid."""
        never = dt.datetime.max.replace(tzinfo=dt.UTC)

        def merit(standing: Standing) -> tuple[int, dt.datetime]:
            rank = _rank_of(self.ladder, reached(self.ladder, standing.value))
            return -1 if rank is None else rank, standing.valid_until or never

        return max(self.standings, key=merit)

    @property
    def value(self) -> int:
        """Return the largest sum that speaks for the member."""
        return max(standing.value for standing in self.standings)

    @property
    def target(self) -> Tier | None:
        """Return the tier that the windows speak for."""
        return reached(self.ladder, self.value)

    @property
    def target_rank(self) -> int | None:
        """Return that tier's place on the ladder."""
        return _rank_of(self.ladder, self.target)

    @property
    def rank(self) -> int | None:
        """Return the held tier's place on the ladder; None: it has none, or none is held."""
        return _rank(self.ladder, self.held.slug)

    @property
    def tier(self) -> Tier | None:
        """Return the held tier as the ladder has it now."""
        return None if self.rank is None else self.ladder.tiers[self.rank]

    def moved(self, kind: DecisionKind) -> Decision:
        """Return the move to the tier that the windows speak for."""
        return Decision(kind, self.target, _validity(self.target, self.best), self.value)

    def kept(self, tier: Tier, outlook_value: int | None) -> Decision:
        """Keep the tier; warn once, in time, where it will not last."""
        valid_until = self.held.valid_until
        if valid_until is not None and not self.held.is_warned and outlook_value is not None:
            gap = tier.threshold - outlook_value
            warns_at = valid_until - dt.timedelta(days=self.ladder.warning_days)
            if gap > 0 and warns_at <= self.now:
                return Decision(DecisionKind.WARN, tier, valid_until, self.value, gap=gap)
        return Decision(DecisionKind.KEEP, tier, valid_until, self.value)


def _decide_manual(case: _Case) -> Decision:
    held = case.held
    if held.valid_until is not None and held.valid_until <= case.now:
        return case.moved(DecisionKind.OVERRIDE_END)
    if case.rank is None:
        return case.moved(DecisionKind.LADDER)
    if held.metric_value is not None and _is_above(case.target_rank, case.rank):
        then = _rank_of(case.ladder, reached(case.ladder, held.metric_value))
        if _is_above(case.target_rank, then):
            return case.moved(DecisionKind.UPGRADE)
    return Decision(DecisionKind.KEEP, case.tier, held.valid_until, case.value)


def _decide_same(case: _Case, tier: Tier) -> Decision:
    """Renew the tier that the windows speak for, or keep it and perhaps warn.

    A rolling window is renewed when it lapses and not with every day, or a tier would last for
    twice the window.
    """
    valid_until = _validity(tier, case.best)
    held_until = case.held.valid_until
    is_other = valid_until != held_until
    if held_until is not None and valid_until is not None:
        is_due = held_until <= case.now or case.ladder.window is not Window.ROLLING_MONTHS
        is_other = is_due and valid_until > held_until
    if is_other:
        return Decision(DecisionKind.RENEW, tier, valid_until, case.value)
    return case.kept(tier, case.outlook_value)


def _decide_lower(case: _Case, tier: Tier) -> Decision:
    """Decide on a tier that no window speaks for: it was reversed, lapsed, or waits for that."""
    ladder, held, value = case.ladder, case.held, case.value
    period_ends_at = case.standings[-1].valid_until
    if held.valid_until is None or case.now < held.valid_until:
        if _was_reversed(held, tier, value):
            return case.moved(DecisionKind.WITHDRAW)
        if held.valid_until is None and period_ends_at is not None:  # the ladder began to lapse
            return Decision(DecisionKind.RENEW, tier, period_ends_at, value)
        return case.kept(tier, case.outlook_value)
    if case.now < held.valid_until + dt.timedelta(days=ladder.grace_days):
        return case.kept(tier, case.standings[0].value)
    if ladder.downgrade is Downgrade.ONE_STEP and case.rank:
        below = ladder.tiers[case.rank - 1]
        if below != case.target:
            return Decision(DecisionKind.DOWNGRADE, below, period_ends_at, value)
    return case.moved(DecisionKind.DOWNGRADE)


def _was_reversed(held: HeldTier, tier: Tier, value: int) -> bool:
    """Return whether orders that reached the tier were reversed since.

    That is: the recorded sum met the threshold and the sum of today does not. Where the merchant
    raised the threshold, or the member fell here by one step, the recorded sum never met it.
    """
    threshold = tier.threshold
    if held.threshold_then is not None:
        threshold = min(threshold, held.threshold_then)
    return value < threshold and (held.metric_value is None or held.metric_value >= threshold)


def _validity(tier: Tier | None, best: Standing) -> dt.datetime | None:
    """Return until when the tier is valid; a tier that takes nothing never lapses."""
    return best.valid_until if tier is not None and tier.threshold > 0 else None


def _rank(ladder: Ladder, slug: str | None) -> int | None:
    return next((rank for rank, tier in enumerate(ladder.tiers) if tier.slug == slug), None)


def _rank_of(ladder: Ladder, tier: Tier | None) -> int | None:
    return None if tier is None else _rank(ladder, tier.slug)


def _is_above(rank: int | None, other: int | None) -> bool:
    return (-1 if rank is None else rank) > (-1 if other is None else other)


def _window_of_reach(
    ladder: Ladder, now: dt.datetime, tz: str, reached_at: dt.datetime | None
) -> CountingWindow | None:
    if reached_at is None:
        return None
    valid_until = next_window_end(ladder.window, ladder.window_months, reached_at, tz)
    if valid_until is None or valid_until <= now:
        return None
    start_at = start_of_window(ladder.window, ladder.window_months, reached_at, tz)
    end_at = reached_at + dt.timedelta(microseconds=1)  # the order that reached it counts
    return CountingWindow(start_at, end_at, valid_until)
