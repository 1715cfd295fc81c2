"""Ready programs as rules documents: a start that a merchant edits, not a default.

The ladders are the ones that shop owners described (capabilities C29, C30 and C31). Amounts are in
one currency that the merchant names; a template is parsed like any other document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from saleor_retention.engine.money import from_minor


def template_names() -> tuple[str, ...]:
    """Return the names of the templates, simplest first."""
    return tuple(_TEMPLATES)


def template(name: str, currency: str, exponent: int) -> dict[str, Any]:
    """Return a template's rules document for one currency; an unknown name raises ``KeyError``.

    ``exponent`` is the digits of the currency's minor unit. Amounts are the same numbers in every
    currency, so that a merchant who sells in yen has to raise them.

    >>> template("points", "EUR", 2)["earn"]["rates"]
    {'EUR': {'points': 1, 'per': '1.00'}}
    """
    return _TEMPLATES[name](currency, exponent)


def _points(currency: str, exponent: int) -> dict[str, Any]:
    """One point per unit spent, a hundred points worth one; welcome points; no tiers."""
    return {
        "earn": {"rates": {currency: {"points": 1, "per": _money(1, exponent)}}},
        "point_value": {currency: "0.01"},
        "reference": {"currency": currency},
        "welcome_points": 100,
        "redemption": {"minimum_points": 100},
        "maturing": {"rule": "days_after_payment", "days": 14},
        "expiry": {"policy": "end_of_year", "count": 1},
    }


def _four_tiers(currency: str, exponent: int) -> dict[str, Any]:
    """Return C29: regular, advanced, VIP and supreme, with benefits on the four axes of C31."""
    ladder = [
        {"slug": "regular", "name": "Regular", "threshold": _money(0, exponent)},
        {
            "slug": "advanced",
            "name": "Advanced",
            "threshold": _money(200, exponent),
            "earn_multiplier": "1.25",
            "free_shipping": True,
        },
        {
            "slug": "vip",
            "name": "VIP",
            "threshold": _money(500, exponent),
            "earn_multiplier": "1.5",
            "prices": [{"percent": 5}],
            "free_shipping": True,
            "return_window_days": 30,
        },
        {
            "slug": "supreme",
            "name": "Supreme",
            "threshold": _money(1500, exponent),
            "earn_multiplier": "2",
            "prices": [{"percent": 10}],
            "free_shipping": True,
            "return_window_days": 60,
            "maturing_days": 0,
            "perks": {"care": "A person of their own to write to", "shipping": "Express"},
        },
    ]
    tiers = {
        "metric": "spend",
        "window": "calendar_year",
        "downgrade": "one_step",
        "grace_days": 30,
        "warning_days": 30,
        "ladder": ladder,
    }
    return _points(currency, exponent) | {"tiers": tiers}


def _free_shipping_club(currency: str, exponent: int) -> dict[str, Any]:
    """Return C30: one completed purchase is free shipping all year, spend above X is 5 % off.

    Both steps stand on one ladder that counts spend. The first threshold is the smallest amount
    there is, so that any purchase that is kept reaches it.
    """
    ladder = [
        {
            "slug": "customer",
            "name": "Customer",
            "threshold": f"{from_minor(1, exponent):f}",
            "free_shipping": True,
        },
        {
            "slug": "regular",
            "name": "Regular customer",
            "threshold": _money(500, exponent),
            "prices": [{"percent": 5}],
            "free_shipping": True,
        },
    ]
    tiers = {"metric": "spend", "window": "rolling_months", "months": 12, "ladder": ladder}
    return {
        "reference": {"currency": currency},
        "redemption": {"enabled": False},
        "tiers": tiers,
    }


def _money(units: int, exponent: int) -> str:
    scale: int = 10**exponent
    return f"{from_minor(units * scale, exponent):f}"


_TEMPLATES: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "points": _points,
    "free_shipping_club": _free_shipping_club,
    "four_tiers": _four_tiers,
}
