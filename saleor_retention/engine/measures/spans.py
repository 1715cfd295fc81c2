"""The periods that measures are told for: local days, weeks, months, quarters, years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from saleor_retention.engine.periods import add_months, end_of_local_day, start_of_local_day


class Interval(StrEnum):
    """How long a period is. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last, both included."""

    first_day: dt.date
    last_day: dt.date


def spans(first_day: dt.date, last_day: dt.date, interval: Interval) -> Iterator[Span]:
    """Yield the periods of the calendar between two days; those at the ends may be parts.

    >>> [each.last_day.isoformat() for each in spans(
    ...     dt.date(2026, 1, 15), dt.date(2026, 3, 2), Interval.MONTH)]
    ['2026-01-31', '2026-02-28', '2026-03-02']
    """
    day = first_day
    while day <= last_day:
        last = min(_next(day, interval) - dt.timedelta(days=1), last_day)
        yield Span(day, last)
        day = last + dt.timedelta(days=1)


def bounds(periods: list[Span], tz: str) -> list[dt.datetime]:
    """Return the instants between periods that follow each other, and those at both ends."""
    starts = [start_of_local_day(period.first_day, tz) for period in periods]
    return [*starts, end_of_local_day(periods[-1].last_day, tz)]


def _next(day: dt.date, interval: Interval) -> dt.date:
    """Return the first day of the period after the one that holds ``day``."""
    if interval is Interval.DAY:
        return day + dt.timedelta(days=1)
    if interval is Interval.WEEK:
        return day + dt.timedelta(days=7 - day.weekday())
    months = MONTHS[interval]
    first = dt.date(day.year, (day.month - 1) // months * months + 1, 1)
    return add_months(first, months)
