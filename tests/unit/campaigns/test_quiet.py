"""Quiet hours and hours of sending on clocks that change, and at the ends of the earth."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.campaigns.quiet import (
    QuietHours,
    furthest_day,
    instant_on,
    next_allowed,
)

NIGHT = QuietHours(dt.time(21), dt.time(9))
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Pacific/Kiritimati", "Asia/Taipei")
MINUTE = dt.timedelta(minutes=1)


def utc(text: str) -> dt.datetime:
    """Return an instant of UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_a_message_at_night_waits_for_the_morning_of_the_customer() -> None:
    """Three in the morning in Paris is sent at nine in Paris."""
    assert next_allowed(utc("2026-01-10 02:00"), "Europe/Paris", NIGHT) == utc("2026-01-10 08:00")


def test_by_day_nothing_waits() -> None:
    """At noon a message goes at once."""
    assert next_allowed(utc("2026-01-10 11:00"), "Europe/Paris", NIGHT) == utc("2026-01-10 11:00")


def test_the_day_begins_first_in_kiritimati() -> None:
    """UTC+14: ten in the morning of New Year's Day is still the year before in UTC."""
    at = instant_on(dt.date(2027, 1, 1), dt.time(10), "Pacific/Kiritimati")

    assert at == utc("2026-12-31 20:00")
    assert furthest_day(utc("2026-12-31 10:00")) == dt.date(2027, 1, 1)
    assert furthest_day(utc("2026-12-31 09:59")) == dt.date(2026, 12, 31)


def test_quiet_hours_whose_end_the_clock_skips_end_with_the_jump() -> None:
    """Paris has no 2:30 on 29 March 2026: quiet hours to 2:30 are over at 3:00."""
    quiet = QuietHours(dt.time(22), dt.time(2, 30))

    assert next_allowed(utc("2026-03-28 23:00"), "Europe/Paris", quiet) == utc("2026-03-29 01:00")


def test_quiet_hours_whose_end_comes_twice_end_the_first_time() -> None:
    """Paris has 2:30 twice on 25 October 2026; from the second 2:10 on the second one counts."""
    quiet = QuietHours(dt.time(22), dt.time(2, 30))

    assert next_allowed(utc("2026-10-24 23:00"), "Europe/Paris", quiet) == utc("2026-10-25 00:30")
    assert next_allowed(utc("2026-10-25 01:10"), "Europe/Paris", quiet) == utc("2026-10-25 01:30")


def test_a_time_of_sending_that_is_skipped_is_an_hour_later() -> None:
    """2:30 on the day when the clock jumps from 2 to 3 reads 3:30."""
    at = instant_on(dt.date(2026, 3, 29), dt.time(2, 30), "Europe/Paris")

    assert at.astimezone(ZoneInfo("Europe/Paris")).time() == dt.time(3, 30)


TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0))


@given(
    start=TIMES,
    end=TIMES,
    zone=st.sampled_from(ZONES),
    minutes=st.integers(0, 2 * 365 * 24 * 60),
)
def test_the_wait_is_the_shortest(start: dt.time, end: dt.time, zone: str, minutes: int) -> None:
    """The result is never earlier, never quiet, and every minute before it is quiet."""
    at = utc("2026-01-01 00:00") + minutes * MINUTE
    quiet = QuietHours(start, end)

    allowed = next_allowed(at, zone, quiet)

    assert allowed >= at
    assert not quiet.holds(allowed.astimezone(ZoneInfo(zone)).time())
    waits = (allowed - at) // MINUTE
    for passed in {0, waits // 3, waits // 2, waits - 1} if waits else ():
        before = (at + passed * MINUTE).astimezone(ZoneInfo(zone))
        assert quiet.holds(before.time())


@pytest.mark.parametrize(("start", "end"), [("09:00", "09:00"), ("00:00", "00:00")])
def test_equal_ends_are_no_quiet_hours(start: str, end: str) -> None:
    """Nothing waits a whole day by mistake."""
    quiet = QuietHours(dt.time.fromisoformat(start), dt.time.fromisoformat(end))

    assert next_allowed(utc("2026-01-01 09:00"), "UTC", quiet) == utc("2026-01-01 09:00")
