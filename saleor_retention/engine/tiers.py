"""Which tier a member has: metric values in, a decision out.

A ladder counts a metric over a window. Reaching a tier gives it at once, valid to the end of the
next period. So at any instant more than one window may speak for a member: this year's, and last
year's, whose validity still runs. ``counting_windows`` names them; the caller measures the metric,
net of everything reversed by now, over each; ``decide`` compares. It follows that a tier reached
only by orders that were reversed since has no window left that speaks for it, and is withdrawn.
Set-based twin: ``sql/evaluate_tiers``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from saleor_retention.engine.periods import (
    end_of_window,
    local_date,
    next_window_end,
    start_of_window,
)
from saleor_retention.engine.rules import Downgrade, Ladder, ProgramRules, Tier, Window


class DecisionKind(str, Enum):
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
    """What to do. ``gap`` is what is missing to keep the tier, where that is a warning."""

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
    so a first tier at zero is everyone's.
    """
    best = _best_standing(ladder, standings)
    target = reached(ladder, best.value)
    if held.is_manual and held.slug is not None:
        return _decide_manual(ladder, held, target, best, now)
    rank, target_rank = _rank(ladder, held.slug), _rank(ladder, target.slug if target else None)
    if held.slug is not None and rank is None:
        return _moved(DecisionKind.LADDER, target, best)
    if _is_above(target_rank, rank):
        return _moved(DecisionKind.UPGRADE, target, best)
    if rank == target_rank:
        return _decide_same(ladder, held, target, best, now, outlook_value)
    return _decide_lower(ladder, held, target, standings, now, outlook_value)


def _decide_manual(
    ladder: Ladder, held: HeldTier, target: Tier | None, best: Standing, now: dt.datetime
) -> Decision:
    if held.valid_until is not None and held.valid_until <= now:
        return _moved(DecisionKind.OVERRIDE_END, target, best)
    rank, target_rank = _rank(ladder, held.slug), _rank(ladder, target.slug if target else None)
    if rank is None:
        return _moved(DecisionKind.LADDER, target, best)
    if held.metric_value is not None and _is_above(target_rank, rank):
        then = reached(ladder, held.metric_value)
        if _is_above(target_rank, _rank(ladder, then.slug if then else None)):
            return _moved(DecisionKind.UPGRADE, target, best)
    return Decision(DecisionKind.KEEP, ladder.tiers[rank], held.valid_until, best.value)


def _decide_same(
    ladder: Ladder,
    held: HeldTier,
    tier: Tier | None,
    best: Standing,
    now: dt.datetime,
    outlook_value: int | None,
) -> Decision:
    """The windows speak for the held tier: renew it, or keep it and perhaps warn.

    A rolling window is renewed when it lapses and not with every day, or a tier would last for
    twice the window.
    """
    if tier is None:
        return Decision(DecisionKind.KEEP, None, None, best.value)
    valid_until = _validity(tier, best)
    is_other = valid_until != held.valid_until
    if held.valid_until is not None and valid_until is not None:
        is_due = held.valid_until <= now or ladder.window is not Window.ROLLING_MONTHS
        is_other = is_due and valid_until > held.valid_until
    if is_other:
        return Decision(DecisionKind.RENEW, tier, valid_until, best.value)
    return _kept(ladder, held, tier, best, now, outlook_value)


def _decide_lower(
    ladder: Ladder,
    held: HeldTier,
    target: Tier | None,
    standings: Sequence[Standing],
    now: dt.datetime,
    outlook_value: int | None,
) -> Decision:
    """No window speaks for the held tier any more: it was reversed, lapses, or waits for that."""
    rank = _rank(ladder, held.slug)
    assert rank is not None  # a target below it means that the held tier is on the ladder
    tier = ladder.tiers[rank]
    best = _best_standing(ladder, standings)
    if held.valid_until is None or now < held.valid_until:
        if _was_reversed(held, tier, best.value):
            return _moved(DecisionKind.WITHDRAW, target, best)
        ends_at = standings[-1].valid_until
        if held.valid_until is None and ends_at is not None:  # the ladder began to lapse
            return Decision(DecisionKind.RENEW, tier, ends_at, best.value)
        return _kept(ladder, held, tier, best, now, outlook_value)
    if now < held.valid_until + dt.timedelta(days=ladder.grace_days):
        return _kept(ladder, held, tier, best, now, standings[0].value)
    if ladder.downgrade is Downgrade.ONE_STEP and rank > 0:
        below = ladder.tiers[rank - 1]
        if below != target:
            ends_at = standings[-1].valid_until
            return Decision(DecisionKind.DOWNGRADE, below, ends_at, best.value)
    return _moved(DecisionKind.DOWNGRADE, target, best)


def _kept(
    ladder: Ladder,
    held: HeldTier,
    tier: Tier,
    best: Standing,
    now: dt.datetime,
    outlook_value: int | None,
) -> Decision:
    """The tier stays; warn once, in time, where it will not last."""
    if held.valid_until is not None and not held.is_warned and outlook_value is not None:
        gap = tier.threshold - outlook_value
        if gap > 0 and held.valid_until - dt.timedelta(days=ladder.warning_days) <= now:
            return Decision(DecisionKind.WARN, tier, held.valid_until, best.value, gap=gap)
    return Decision(DecisionKind.KEEP, tier, held.valid_until, best.value)


def _best_standing(ladder: Ladder, standings: Sequence[Standing]) -> Standing:
    """Return the standing that reaches the highest tier, and of these the longest valid."""
    if not standings:
        raise ValueError("A decision needs the metric of at least one window.")
    never = dt.datetime.max.replace(tzinfo=dt.UTC)

    def merit(standing: Standing) -> tuple[int, dt.datetime, int]:
        tier = reached(ladder, standing.value)
        rank = -1 if tier is None else ladder.tiers.index(tier)
        return rank, standing.valid_until or never, standing.value

    return max(standings, key=merit)


def _was_reversed(held: HeldTier, tier: Tier, value: int) -> bool:
    """Return whether orders that reached the tier were reversed since.

    That is: the recorded sum met the threshold and the sum of today does not. Where the merchant
    raised the threshold, or the member fell here by one step, the recorded sum never met it.
    """
    threshold = tier.threshold
    if held.threshold_then is not None:
        threshold = min(threshold, held.threshold_then)
    return value < threshold and (held.metric_value is None or held.metric_value >= threshold)


def _moved(kind: DecisionKind, tier: Tier | None, best: Standing) -> Decision:
    return Decision(kind, tier, _validity(tier, best), best.value)


def _validity(tier: Tier | None, best: Standing) -> dt.datetime | None:
    """Return until when the tier is valid; a tier that takes nothing never lapses."""
    return best.valid_until if tier is not None and tier.threshold > 0 else None


def _rank(ladder: Ladder, slug: str | None) -> int | None:
    return next((rank for rank, tier in enumerate(ladder.tiers) if tier.slug == slug), None)


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
