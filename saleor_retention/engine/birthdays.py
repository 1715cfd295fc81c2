"""Birthdays: a month and a day, the year optional; when one is kept, and whether it counts.

A birthday that was entered or changed within the 30 days before it counts from the next year on,
so that nobody enters one for the benefit. 29 February is kept on 28 February in other years.
Days are the program's local ones. Source: semantics, 'Time and place'.
"""

from __future__ import annotations

import datetime as dt

from saleor_retention.engine.periods import anniversary

LEAP_YEAR = 2000
KNOWN_DAYS_MIN = 30
"""A birthday must have been known for longer than this when it comes."""


def is_day(month: int, day: int) -> bool:
    """Tell whether there is such a day in any year.

    >>> is_day(2, 29), is_day(2, 30), is_day(13, 1)
    (True, False, False)
    """
    try:
        dt.date(LEAP_YEAR, month, day)
    except ValueError:
        return False
    return True


def kept_on(month: int, day: int, year: int) -> dt.date:
    """Return the day on which a birthday is kept in a year.

    >>> kept_on(2, 29, 2026), kept_on(2, 29, 2028)
    (datetime.date(2026, 2, 28), datetime.date(2028, 2, 29))
    """
    return anniversary(dt.date(LEAP_YEAR, month, day), year)


def counts_in(year: int, *, month: int, day: int, known_since: dt.date) -> bool:
    """Tell whether a birthday earns its benefit in a year, given since when it is as it is.

    >>> counts_in(2026, month=6, day=15, known_since=dt.date(2026, 5, 15))
    True
    >>> counts_in(2026, month=6, day=15, known_since=dt.date(2026, 5, 16))  # 30 days before
    False
    """
    return (kept_on(month, day, year) - known_since).days > KNOWN_DAYS_MIN


def next_counting(today: dt.date, *, month: int, day: int, known_since: dt.date) -> dt.date:
    """Return the next day, today at the earliest, on which a birthday earns its benefit.

    >>> next_counting(dt.date(2026, 6, 1), month=6, day=15, known_since=dt.date(2026, 6, 1))
    datetime.date(2027, 6, 15)
    """
    year = today.year
    while kept_on(month, day, year) < today or not counts_in(
        year, month=month, day=day, known_since=known_since
    ):
        year += 1
    return kept_on(month, day, year)
