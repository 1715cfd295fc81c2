"""Numbers, shares, money and days as the report prints them, and its smallest phrases."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from saleor_retention.engine.money import from_minor, round_half_up
from saleor_retention.selectors.segments import Money

NONE = "–"  # noqa: RUF001 - the sign that tables use for "nothing to divide by"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Money in the program's one currency; nothing where it has none."""

    money: Money

    @property
    def is_known(self) -> bool:
        """Tell whether sums of money mean anything."""
        return bool(self.money.currency)

    def text(self, minor: int | Fraction | None) -> str:
        """Return an amount, to the nearest minor unit where it is a fraction of one."""
        if minor is None or not self.is_known:
            return NONE
        return money(round_half_up(Fraction(minor)), self.money.currency, self.money.exponent)


def money(minor: int, currency: str, exponent: int) -> str:
    """Return an amount with its thousands apart."""
    return f"{from_minor(minor, exponent):,f} {currency}"


def number(count: int) -> str:
    """Return a count with its thousands apart."""
    return f"{count:,}"


def percent(share: Fraction | None) -> str:
    """Return a share in per cent with one decimal, a half upwards."""
    return NONE if share is None else f"{percents(share)} %"


def percents(share: Fraction) -> str:
    """Return the same without its sign, as charts take it."""
    return str(from_minor(round_half_up(share * 1000), 1))


def decimals(value: Fraction | None, places: int = 2) -> str:
    """Return a number with so many decimals, a half upwards."""
    if value is None:
        return NONE
    return f"{from_minor(round_half_up(value * 10**places), places):,f}"


def month(day: dt.date) -> str:
    """Return a month as everybody sorts it."""
    return f"{day:%Y-%m}"


def ratio(part: int, whole: int) -> Fraction | None:
    """Return a share, or None where there is nothing to divide by."""
    return Fraction(part, whole) if whole else None


def customers(count: int) -> str:
    """Return so many customers."""
    text = ngettext("%(number)s customer", "%(number)s customers", count)
    return text % {"number": number(count)}


def orders(count: int) -> str:
    """Return so many orders."""
    text = ngettext("%(number)s order", "%(number)s orders", count)
    return text % {"number": number(count)}


def points(count: int) -> str:
    """Return so many points."""
    text = ngettext("%(number)s point", "%(number)s points", count)
    return text % {"number": number(count)}


def days(count: int) -> str:
    """Return so many days."""
    text = ngettext("%(number)s day", "%(number)s days", count)
    return text % {"number": number(count)}


def description() -> str:
    """Return how before and after, cost and revenue are to be read."""
    return _("This is a description. It does not show what the program has caused.")
