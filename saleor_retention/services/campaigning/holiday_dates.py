"""Lunar days and public holidays, from the packages that keep them (extra ``calendar``)."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from importlib.util import find_spec

LUNAR_PACKAGE = "borax"
PUBLIC_PACKAGE = "holidays"
HINT = 'pip install "saleor-retention[calendar]"'


class Packaged:
    """The almanac of ``engine.campaigns.calendar`` by the packages ``borax`` and ``holidays``."""

    def lunar(self, year: int, month: int, day: int) -> dt.date:
        """Return the day of a Chinese lunar year's (no leap) month.

        Raises ``ValueError`` outside the package's table (1900 to 2100), and without the package.
        """
        if find_spec(LUNAR_PACKAGE) is None:
            raise ValueError(f"Lunar days need a package: {HINT}.")
        from borax.calendars.lunardate import LunarDate

        found: dt.date = LunarDate(year, month, day).to_solar_date()
        return found

    def public(self, country: str, name: str, year: int) -> tuple[dt.date, ...]:
        """Return the days of a country's public holiday by its English or local name.

        Raises ``ValueError`` for a country that the package does not know, and without it.
        """
        if find_spec(PUBLIC_PACKAGE) is None:
            raise ValueError(f"Public holidays need a package: {HINT}.")
        days = {
            day
            for language in ("en_US", None)
            for day, names in _holidays(country, year, language).items()
            if name.casefold() in {each.strip().casefold() for each in names.split(";")}
        }
        return tuple(sorted(days))


@lru_cache(maxsize=256)
def _holidays(country: str, year: int, language: str | None) -> dict[dt.date, str]:
    import holidays

    if country not in holidays.list_supported_countries():
        raise ValueError(f"There is no list of public holidays for {country}.")
    return dict(holidays.country_holidays(country, years=year, language=language))
