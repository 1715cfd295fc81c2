"""Local days, months and years of a program, as instants in UTC.

A program counts in its own time zone. The zone is given by its name, as rules hold it
(``zoneinfo`` keeps loaded zones). Instants are aware and come back in UTC; a period is half open:
it ends at the first instant of the next one.

Clocks that change at midnight: where midnight is skipped, the day begins at the first instant that
exists; where it comes twice, at the first of the two.
"""

from __future__ import annotations

import calendar
import datetime as dt
from zoneinfo import ZoneInfo

from saleor_retention.engine.rules import Window


def local_date(at: dt.datetime, tz: str) -> dt.date:
    """Return the day that the instant falls on in the zone.

    >>> local_date(dt.datetime(2026, 1, 31, 23, 30, tzinfo=dt.timezone.utc), "Europe/Paris")
    datetime.date(2026, 2, 1)
    """
    if at.tzinfo is None:
        raise ValueError("An instant needs a time zone.")
    return at.astimezone(ZoneInfo(tz)).date()


def start_of_local_day(day: dt.date, tz: str) -> dt.datetime:
    """Return the first instant of the day, in UTC."""
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(tz))
    return midnight.astimezone(dt.UTC)


def end_of_local_day(day: dt.date, tz: str) -> dt.datetime:
    """Return the instant at which the day is over: the first one of the next day, in UTC.

    >>> end_of_local_day(dt.date(2026, 3, 29), "Europe/Paris")  # a day of 23 hours
    datetime.datetime(2026, 3, 29, 22, 0, tzinfo=datetime.timezone.utc)
    """
    return start_of_local_day(day + dt.timedelta(days=1), tz)


def plus_local_days(at: dt.datetime, days: int, tz: str) -> dt.datetime:
    """Return the same time on the clock ``days`` local days later, in UTC.

    A time that the clock skips on that day is read an hour later, as people do.
    """
    local = at.astimezone(ZoneInfo(tz))
    later = local.replace(tzinfo=None) + dt.timedelta(days=days)
    return later.replace(tzinfo=ZoneInfo(tz)).astimezone(dt.UTC)


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the day ``months`` later, or the last one of a shorter month.

    >>> add_months(dt.date(2024, 2, 29), 12), add_months(dt.date(2026, 3, 31), -1)
    (datetime.date(2025, 2, 28), datetime.date(2026, 2, 28))
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month0 + 1)[1]
    return dt.date(year, month0 + 1, min(day.day, last))


def end_of_month_plus(at: dt.datetime, months: int, tz: str) -> dt.datetime:
    """Return the end of the local month that is ``months`` after that of ``at``, in UTC."""
    first = local_date(at, tz).replace(day=1)
    return start_of_local_day(add_months(first, months + 1), tz)


def end_of_year_plus(at: dt.datetime, years: int, tz: str) -> dt.datetime:
    """Return the end of the local year that is ``years`` after that of ``at``, in UTC."""
    return start_of_local_day(dt.date(local_date(at, tz).year + years + 1, 1, 1), tz)


def anniversary(day: dt.date, year: int) -> dt.date:
    """Return the day in another year; 29 February is 28 February where there is none.

    >>> anniversary(dt.date(2024, 2, 29), 2026), anniversary(dt.date(2024, 2, 29), 2028)
    (datetime.date(2026, 2, 28), datetime.date(2028, 2, 29))
    """
    return add_months(day, 12 * (year - day.year))


def start_of_window(
    window: Window, months: int, at: dt.datetime, tz: str, joined_on: dt.date | None = None
) -> dt.datetime | None:
    """Return the first instant that counts at ``at``, in UTC; None for a lifetime.

    A rolling window begins with the same local day ``months`` earlier, which still counts whole:
    no one loses a tier for the hour of an order. A membership year needs ``joined_on``, the local
    day of joining, and raises ``ValueError`` without it.
    """
    if window is Window.LIFETIME:
        return None
    return start_of_local_day(_first_day(window, months, local_date(at, tz), joined_on), tz)


def end_of_window(
    window: Window, months: int, at: dt.datetime, tz: str, joined_on: dt.date | None = None
) -> dt.datetime | None:
    """Return when the window that holds ``at`` is over, in UTC; None for a lifetime.

    A rolling window moves with the day: what counts today counts for ``months`` more.
    """
    if window is Window.LIFETIME:
        return None
    today = local_date(at, tz)
    if window is Window.ROLLING_MONTHS:
        return end_of_local_day(add_months(today, months), tz)
    return start_of_local_day(_next_first_day(window, today, joined_on), tz)


def next_window_end(
    window: Window, months: int, at: dt.datetime, tz: str, joined_on: dt.date | None = None
) -> dt.datetime | None:
    """Return how long a tier reached at ``at`` is valid: to the end of the next period, in UTC.

    Calendar and membership years: to the end of the year after this one. Rolling: ``months`` from
    today, when what counts today has left the window. Lifetime: None, it never lapses.
    """
    end = end_of_window(window, months, at, tz, joined_on)
    if end is None or window is Window.ROLLING_MONTHS:
        return end
    return end_of_window(window, months, end, tz, joined_on)


def _first_day(window: Window, months: int, today: dt.date, joined_on: dt.date | None) -> dt.date:
    if window is Window.CALENDAR_YEAR:
        return dt.date(today.year, 1, 1)
    if window is Window.ROLLING_MONTHS:
        return add_months(today, -months)
    if joined_on is None:
        raise ValueError("A membership year needs the day of joining.")
    this_year = anniversary(joined_on, today.year)
    return this_year if this_year <= today else anniversary(joined_on, today.year - 1)


def _next_first_day(window: Window, today: dt.date, joined_on: dt.date | None) -> dt.date:
    if window is Window.CALENDAR_YEAR:
        return dt.date(today.year + 1, 1, 1)
    if joined_on is None:
        raise ValueError("A membership year needs the day of joining.")
    this_year = anniversary(joined_on, today.year)
    return this_year if this_year > today else anniversary(joined_on, today.year + 1)
