"""Days that campaigns know by name: fixed ones, lunar ones, public holidays, the merchant's own.

Lunar days and public holidays come from whoever knows them
(``services.campaigning.holiday_dates``): the engine has no tables of the moon.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from saleor_retention.engine.campaigns.terms import Trigger

FIXED: Mapping[str, tuple[int, int]] = {
    "new-year": (1, 1),
    "valentine": (2, 14),
    "white-day": (3, 14),
    "christmas": (12, 25),
}
LUNAR: Mapping[str, tuple[int, int]] = {
    "lunar-new-year": (1, 1),
    "lantern": (1, 15),
    "dragon-boat": (5, 5),
    "qixi": (7, 7),
    "mid-autumn": (8, 15),
    "double-ninth": (9, 9),
}
OWN = "own"
PUBLIC = "public:"
HOLIDAYS = (*FIXED, *LUNAR, OWN)


class Almanac(Protocol):
    """Whoever knows the days that the engine cannot calculate."""

    def lunar(self, year: int, month: int, day: int) -> dt.date:
        """Return the day of a Chinese lunar year's (no leap) month; ``ValueError``: unknown."""

    def public(self, country: str, name: str, year: int) -> tuple[dt.date, ...]:
        """Return the days of a country's public holiday of that name in a year, maybe none."""


def days_of(trigger: Trigger, year: int, almanac: Almanac) -> tuple[dt.date, ...]:
    """Return the days of a trigger's holiday that fall in a (Gregorian) year, in order.

    A lunar year may begin after such a day of the Gregorian one, so that the lunar year before is
    looked at too. Raises ``ValueError`` for a name that is unknown or a year without a table.
    """
    name = trigger.holiday
    if name in FIXED:
        return (dt.date(year, *FIXED[name]),)
    if name in LUNAR:
        days = {almanac.lunar(lunar_year, *LUNAR[name]) for lunar_year in (year - 1, year)}
        return tuple(sorted(day for day in days if day.year == year))
    if name == OWN:
        return tuple(sorted(day for day in trigger.own_days if day.year == year))
    if name.startswith(PUBLIC):
        country, _colon, holiday = name.removeprefix(PUBLIC).partition(":")
        return tuple(sorted(almanac.public(country, holiday, year)))
    raise ValueError(f"There is no holiday {name}.")


def is_on(trigger: Trigger, day: dt.date, almanac: Almanac) -> bool:
    """Tell whether a day is the trigger's holiday."""
    return day in days_of(trigger, day.year, almanac)
