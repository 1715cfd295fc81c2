"""When a customer's goods run out, by the rhythm in which he buys them.

The rhythm is the time between his purchases, weighted by how much he bought each time: who takes
two bags needs the next one later. With few purchases nothing is claimed: fewer than three give no
date, and the range is as wide as the purchases are uneven. Capability: C38.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from saleor_retention.engine.phrases import Phrase, _, phrase

PURCHASES_MIN = 3
GAPS_FIRM = 5
"""With fewer gaps than this the range goes from the shortest to the longest one seen."""

DAYS_PER_UNIT_MAX = 730


@dataclass(frozen=True, slots=True)
class Bought:
    """So many units on a local day."""

    on: dt.date
    quantity: int


@dataclass(frozen=True, slots=True)
class RunOut:
    """When the last purchase is used up: likely, at the earliest, at the latest.

    ``is_firm`` is False where the range is just what was seen so far.
    """

    on: dt.date
    earliest: dt.date
    latest: dt.date
    gaps: int
    is_firm: bool


@dataclass(frozen=True, slots=True)
class Thin:
    """Why no date can be given."""

    reason: Phrase


class Supply(StrEnum):
    """How long the goods of the last purchase will do."""

    UNKNOWN = "unknown"  # no rhythm is seen
    LASTING = "lasting"
    RUNNING_OUT = "running_out"  # from the day of the reminder through the latest day of the range
    USED_UP = "used_up"


def run_out(purchases: Sequence[Bought]) -> RunOut | Thin:
    """Return when the goods of the last purchase run out, or why that cannot be said.

    Purchases of one day are one. Likely is the median of days per unit, times the units bought
    last, rounded half up; the range are the quartiles of it, rounded outwards.

    >>> days = (dt.date(2026, 1, 1), dt.date(2026, 1, 31), dt.date(2026, 3, 2))
    >>> run_out([Bought(day, 1) for day in days]).on
    datetime.date(2026, 4, 1)
    """
    by_day = _units_by_day(purchases)
    days = sorted(by_day)
    if len(days) < PURCHASES_MIN:
        message = _("Bought on fewer than %(days)s days, which is too little to see a rhythm.")
        return Thin(phrase(message, days=str(PURCHASES_MIN)))
    gaps = sorted(
        Fraction((after - before).days, by_day[before]) for before, after in pairwise(days)
    )
    likely = _quantile(gaps, Fraction(1, 2))
    if likely > DAYS_PER_UNIT_MAX:
        return Thin(phrase(_("Bought too rarely for a reminder to make sense.")))
    is_firm = len(gaps) >= GAPS_FIRM
    low, high = (Fraction(1, 4), Fraction(3, 4)) if is_firm else (Fraction(0), Fraction(1))
    last, units = days[-1], by_day[days[-1]]
    return RunOut(
        on=_plus(last, (likely * units + Fraction(1, 2)).__floor__()),
        earliest=_plus(last, (_quantile(gaps, low) * units).__floor__()),
        latest=_plus(last, (_quantile(gaps, high) * units).__ceil__()),
        gaps=len(gaps),
        is_firm=is_firm,
    )


def reminded_on(bought: Sequence[Bought], days_before: int) -> dt.date | None:
    """Return the day to remind on: so long before the goods run out, but after the last purchase.

    None where no date can be given.
    """
    found = run_out(bought)
    if isinstance(found, Thin):
        return None
    last = max(purchase.on for purchase in bought if purchase.quantity > 0)
    return max(_plus(found.on, -days_before), _plus(last, 1))


def supply_on(bought: Sequence[Bought], day: dt.date, days_before: int) -> Supply:
    """Return how long the last purchase will do, seen from a day and by a reminder's days."""
    found = run_out(bought)
    reminder = reminded_on(bought, days_before)
    if isinstance(found, Thin) or reminder is None:
        return Supply.UNKNOWN
    if day < reminder:
        return Supply.LASTING
    return Supply.RUNNING_OUT if day <= max(reminder, found.latest) else Supply.USED_UP


def usual_quantity(bought: Sequence[Bought]) -> int:
    """Return how many units are bought at once: the median of days; of two middle ones the lower.

    So it is always a number that was really bought. 0 where nothing was.

    >>> day = dt.date(2026, 1, 1)
    >>> usual_quantity([Bought(day, 1), Bought(day, 2), Bought(day + dt.timedelta(30), 2)])
    2
    """
    by_day = _units_by_day(bought)
    return median_low(by_day.values()) if by_day else 0


def days_bought(bought: Sequence[Bought]) -> int:
    """Return on how many days something was bought: purchases of one day are one."""
    return len(_units_by_day(bought))


def _units_by_day(purchases: Sequence[Bought]) -> dict[dt.date, int]:
    by_day: dict[dt.date, int] = {}
    for purchase in purchases:
        if purchase.quantity > 0:
            by_day[purchase.on] = by_day.get(purchase.on, 0) + purchase.quantity
    return by_day


def _quantile(ordered: Sequence[Fraction], share: Fraction) -> Fraction:
    """Return a quantile, between two values in proportion (as the ``inclusive`` method does)."""
    place = share * (len(ordered) - 1)
    below = place.__floor__()
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _plus(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days)
