"""Local days, months and years; clocks that change, leap days, month ends."""

from __future__ import annotations

import datetime as dt

import pytest

from saleor_retention.engine.periods import (
    add_months,
    anniversary,
    end_of_local_day,
    end_of_month_plus,
    end_of_window,
    end_of_year_plus,
    local_date,
    next_window_end,
    plus_local_days,
    start_of_local_day,
    start_of_window,
)
from saleor_retention.engine.rules import Window
from tests.unit.builders import instant

PARIS = "Europe/Paris"
DAY = dt.date.fromisoformat


@pytest.mark.parametrize(
    ("at", "tz", "day"),
    [
        ("2026-01-31 23:30", PARIS, "2026-02-01"),
        ("2026-01-31 22:59", PARIS, "2026-01-31"),
        ("2026-01-31 23:30", "UTC", "2026-01-31"),
        ("2026-01-01 03:00", "America/New_York", "2025-12-31"),
        ("2026-06-30 15:00", "Asia/Tokyo", "2026-07-01"),
    ],
)
def test_local_date(at: str, tz: str, day: str) -> None:
    """The day is the one on the program's wall calendar."""
    assert local_date(instant(at), tz) == DAY(day)


def test_local_date_of_a_naive_instant() -> None:
    """An instant without a zone is refused, as it could mean any day."""
    with pytest.raises(ValueError, match=r"An instant needs a time zone\."):
        local_date(dt.datetime(2026, 1, 1), PARIS)  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    ("day", "tz", "start", "end"),
    [
        ("2026-01-15", PARIS, "2026-01-14 23:00", "2026-01-15 23:00"),
        ("2026-03-29", PARIS, "2026-03-28 23:00", "2026-03-29 22:00"),  # 23 hours
        ("2026-10-25", PARIS, "2026-10-24 22:00", "2026-10-25 23:00"),  # 25 hours
        ("2024-02-29", "UTC", "2024-02-29 00:00", "2024-03-01 00:00"),
        ("2026-12-31", "UTC", "2026-12-31 00:00", "2027-01-01 00:00"),
        # Midnight is skipped: the day begins at 01:00.
        ("2024-04-26", "Africa/Cairo", "2024-04-25 22:00", "2024-04-26 21:00"),
        # Midnight comes twice: the first one counts.
        ("2024-11-03", "America/Havana", "2024-11-03 04:00", "2024-11-04 05:00"),
        # A day that a whole country left out.
        ("2011-12-30", "Pacific/Apia", "2011-12-30 10:00", "2011-12-30 10:00"),
    ],
)
def test_local_days(day: str, tz: str, start: str, end: str) -> None:
    """A day runs from its first instant to the first instant of the next."""
    assert start_of_local_day(DAY(day), tz) == instant(start)
    assert end_of_local_day(DAY(day), tz) == instant(end)


@pytest.mark.parametrize(
    ("at", "days", "later"),
    [
        ("2026-03-28 11:00", 1, "2026-03-29 10:00"),  # noon stays noon over the change
        ("2026-10-24 10:00", 1, "2026-10-25 11:00"),
        ("2026-03-28 01:30", 1, "2026-03-29 01:30"),  # 02:30 is skipped: read as 03:30
        ("2026-02-28 12:00", 1, "2026-03-01 12:00"),
        ("2026-01-01 12:00", 0, "2026-01-01 12:00"),
    ],
)
def test_same_time_days_later(at: str, days: int, later: str) -> None:
    """Days are counted on the calendar, not in hours."""
    assert plus_local_days(instant(at), days, PARIS) == instant(later)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-05-31", 0, "2026-05-31"),
    ],
)
def test_months_later(day: str, months: int, later: str) -> None:
    """The same day of the month, or the last one where the month is shorter."""
    assert add_months(DAY(day), months) == DAY(later)


@pytest.mark.parametrize(
    ("day", "year", "expected"),
    [
        ("2024-02-29", 2026, "2026-02-28"),
        ("2024-02-29", 2028, "2028-02-29"),
        ("2026-02-28", 2028, "2028-02-28"),
        ("2026-07-04", 2020, "2020-07-04"),
    ],
)
def test_anniversaries(day: str, year: int, expected: str) -> None:
    """29 February is 28 February in other years."""
    assert anniversary(DAY(day), year) == DAY(expected)


@pytest.mark.parametrize(
    ("at", "months", "end"),
    [
        ("2026-01-15 12:00", 0, "2026-01-31 23:00"),
        ("2026-01-31 23:30", 0, "2026-02-28 23:00"),  # already February in Paris
        ("2026-01-31 12:00", 1, "2026-02-28 23:00"),
        ("2026-03-15 12:00", 0, "2026-03-31 22:00"),  # summer time
        ("2026-11-30 12:00", 1, "2026-12-31 23:00"),
        ("2026-12-31 12:00", 2, "2027-02-28 23:00"),
        ("2024-01-31 12:00", 1, "2024-02-29 23:00"),
    ],
)
def test_end_of_month_plus(at: str, months: int, end: str) -> None:
    """The end of the local month, so many months later."""
    assert end_of_month_plus(instant(at), months, PARIS) == instant(end)


@pytest.mark.parametrize(
    ("at", "years", "end"),
    [
        ("2026-05-05 12:00", 0, "2026-12-31 23:00"),
        ("2026-12-31 23:30", 0, "2027-12-31 23:00"),  # already 2027 in Paris
        ("2026-05-05 12:00", 1, "2027-12-31 23:00"),
    ],
)
def test_end_of_year_plus(at: str, years: int, end: str) -> None:
    """The end of the local year, so many years later."""
    assert end_of_year_plus(instant(at), years, PARIS) == instant(end)


JOINED_ON = DAY("2024-02-29")
WINDOWS = """
    calendar_year  | 12 | 2026-03-10 12:00 | 2026-01-01 | 2027-01-01 | 2028-01-01
    calendar_year  | 12 | 2026-12-31 23:59 | 2026-01-01 | 2027-01-01 | 2028-01-01
    rolling_months | 12 | 2026-03-10 12:00 | 2025-03-10 | 2027-03-11 | 2027-03-11
    rolling_months |  1 | 2026-03-31 12:00 | 2026-02-28 | 2026-05-01 | 2026-05-01
    rolling_months | 12 | 2024-02-29 12:00 | 2023-02-28 | 2025-03-01 | 2025-03-01
    membership_year| 12 | 2026-02-27 12:00 | 2025-02-28 | 2026-02-28 | 2027-02-28
    membership_year| 12 | 2026-02-28 00:00 | 2026-02-28 | 2027-02-28 | 2028-02-29
    membership_year| 12 | 2028-02-28 12:00 | 2027-02-28 | 2028-02-29 | 2029-02-28
    membership_year| 12 | 2024-02-29 12:00 | 2024-02-29 | 2025-02-28 | 2026-02-28
"""  # window, months, now; where it begins, where it ends, how long a tier reached now is valid


@pytest.mark.parametrize("row", WINDOWS.strip().splitlines())
def test_windows(row: str) -> None:
    """Where a window begins and ends, and how long a tier reached in it is valid."""
    name, months, at, *days = (cell.strip() for cell in row.split("|"))
    asked = (Window(name), int(months), instant(at), "UTC", JOINED_ON)

    limits = [start_of_window(*asked), end_of_window(*asked), next_window_end(*asked)]

    assert limits == [instant(f"{day} 00:00") for day in days]


def test_a_lifetime_has_no_ends() -> None:
    """It counts everything, and what was reached stays."""
    asked = (Window.LIFETIME, 12, instant("2026-03-10 12:00"), PARIS, JOINED_ON)

    assert [start_of_window(*asked), end_of_window(*asked), next_window_end(*asked)] == [None] * 3


def test_windows_begin_with_the_local_day() -> None:
    """The calendar year of Paris begins an hour before that of UTC."""
    now = instant("2026-03-10 12:00")

    start = start_of_window(Window.CALENDAR_YEAR, 12, now, PARIS, JOINED_ON)

    assert start == instant("2025-12-31 23:00")


def test_a_year_of_membership_needs_its_first_day() -> None:
    """Without the day of joining there is no such year."""
    for asked in (start_of_window, end_of_window, next_window_end):
        with pytest.raises(ValueError, match=r"A membership year needs the day of joining\."):
            asked(Window.MEMBERSHIP_YEAR, 12, instant("2026-01-01 00:00"), PARIS, None)
