"""Quiet hours and hours of sending, on the customer's own clock.

Clocks that change: a time that a day skips is read an hour later, as people do; quiet hours end
with the first instant that the clock does not show as quiet, also where their end is skipped or
comes twice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

FURTHEST_ZONE = "Pacific/Kiritimati"  # UTC+14: where each day begins first
MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From a time (included) to a time (left out); over midnight where ``start`` is later."""

    start: dt.time
    end: dt.time

    def holds(self, at: dt.time) -> bool:
        """Tell whether a time on the clock is quiet; equal ends are no hours at all.

        >>> QuietHours(dt.time(21), dt.time(9)).holds(dt.time(3))
        True
        """
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def next_allowed(at: dt.datetime, zone: str, quiet: QuietHours | None) -> dt.datetime:
    """Return ``at`` itself, or when the quiet hours that it falls in are over, in UTC."""
    tz = ZoneInfo(zone)
    if quiet is None or not quiet.holds(at.astimezone(tz).time()):
        return at.astimezone(dt.UTC)
    ends = _ends_after(at, tz, quiet.end)
    end = min(instant for instant in ends if not _is_quiet(instant, tz, quiet))
    return _first_loud(at.astimezone(dt.UTC), end, tz, quiet)


def instant_on(day: dt.date, time: dt.time, zone: str) -> dt.datetime:
    """Return the instant of a time on a local day, in UTC; the first where it comes twice.

    >>> instant_on(dt.date(2026, 1, 1), dt.time(10), "Pacific/Kiritimati").isoformat()
    '2025-12-31T20:00:00+00:00'
    """
    return dt.datetime.combine(day, time, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def furthest_day(at: dt.datetime) -> dt.date:
    """Return the latest day that it is anywhere on earth."""
    return at.astimezone(ZoneInfo(FURTHEST_ZONE)).date()


def _ends_after(at: dt.datetime, tz: ZoneInfo, end: dt.time) -> list[dt.datetime]:
    """Return the instants after ``at`` at which the clock can show ``end``, of three days."""
    today = at.astimezone(tz).date()
    instants = [
        dt.datetime.combine(today + dt.timedelta(days), end, tzinfo=tz)
        .replace(fold=fold)
        .astimezone(dt.UTC)
        for days in (0, 1, 2)
        for fold in (0, 1)
    ]
    return [instant for instant in instants if instant > at]


def _first_loud(
    low: dt.datetime, high: dt.datetime, tz: ZoneInfo, quiet: QuietHours
) -> dt.datetime:
    """Return the first instant on (low, high] that is not quiet.

    Earlier than ``high`` only where the clock jumps over the end of the quiet hours.
    """
    jump = high.astimezone(tz).replace(tzinfo=None) - low.astimezone(tz).replace(tzinfo=None)
    if jump <= high - low or _is_quiet(high - MINUTE, tz, quiet):
        return high
    while high - low > MINUTE:
        middle = low + (high - low) / 2
        if _is_quiet(middle, tz, quiet):
            low = middle
        else:
            high = middle
    return high.replace(second=0, microsecond=0)


def _is_quiet(at: dt.datetime, tz: ZoneInfo, quiet: QuietHours) -> bool:
    return quiet.holds(at.astimezone(tz).time())
