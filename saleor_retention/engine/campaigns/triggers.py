"""Whom a day makes due, and under which cycle: a customer gets a campaign once in each cycle.

Days are local days. A campaign that comes some days before an occasion is due on the earlier day,
in the cycle of the occasion.
"""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib

from saleor_retention.engine.campaigns.calendar import OWN
from saleor_retention.engine.periods import add_months, anniversary
from saleor_retention.engine.segments.bands import Band, Limits, edges

HOLIDAY_LENGTH_MAX = 64


def birthdays_on(day: dt.date) -> tuple[tuple[int, int], ...]:
    """Return the (month, day) of the birthdays that are celebrated on a day.

    >>> birthdays_on(dt.date(2027, 2, 28))
    ((2, 28), (2, 29))
    """
    if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year):
        return ((2, 28), (2, 29))
    return ((day.month, day.day),)


def is_anniversary(first_on: dt.date, day: dt.date) -> bool:
    """Tell whether a day is an anniversary of an earlier year's day."""
    return first_on.year < day.year and anniversary(first_on, day.year) == day


def next_month(day: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of the month after that of a day."""
    first = add_months(day.replace(day=1), 1)
    return first, add_months(first, 1) - dt.timedelta(days=1)


def entering_band(band: Band, day: dt.date, limits: Limits) -> tuple[dt.date, dt.date]:
    """Return [from, to) of last orders' days whose customers fall into a band on a day.

    Empty where both are equal: in the last days of a month nobody falls, or several days do at
    once. Raises ``ValueError`` for a band that is entered by buying.
    """
    before, now = edges(day - dt.timedelta(days=1), limits), edges(day, limits)
    if band is Band.SLEEPING:
        return before.active, now.active
    if band is Band.AT_RISK:
        return before.sleeping, now.sleeping
    if band is Band.LOST:
        return before.at_risk, now.at_risk
    raise ValueError(f"Nobody falls into the band {band}.")


def cycle_of_year(name: str, occasion: dt.date) -> str:
    """Return the cycle of what comes once a year, whatever day it is moved to.

    >>> cycle_of_year("birthday", dt.date(2027, 1, 2))
    'birthday:2027'
    """
    return f"{name}:{occasion.year}"


def cycle_of_holiday(holiday: str, occasion: dt.date) -> str:
    """Return the cycle of a holiday: another one in the same year is another occasion.

    Names are those of ``calendar.HOLIDAYS``, or ``public:<country>:<name>`` of any length; those
    that a cycle cannot hold are known by a digest.

    >>> cycle_of_holiday("qixi", dt.date(2026, 8, 19)), cycle_of_holiday("own", dt.date(2026, 8, 1))
    ('holiday:qixi:2026', 'holiday:2026-08-01')
    """
    if holiday == OWN:  # of which a year may have several
        return f"holiday:{occasion}"
    name = holiday
    if len(name) > HOLIDAY_LENGTH_MAX:
        name = hashlib.sha256(name.encode()).hexdigest()
    return f"holiday:{name}:{occasion.year}"


def days_between(after: dt.date, through: dt.date, days_max: int) -> list[dt.date]:
    """Return the days after one through another: of a job that missed some, all that it missed.

    The oldest are left out beyond ``days_max``: what they made due is long out of date.
    """
    count = min((through - after).days, days_max)
    return [through - dt.timedelta(days=back) for back in range(count - 1, -1, -1)]
