"""Ready offers as documents: a start that a merchant edits, one or more of each kind.

Goods are placeholders, which no shop has: an offer whose goods were not put in is refused by name.
Amounts are round ones of about the same worth in every currency, to begin with: no rate of a day is
asked. A template is parsed like any other document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from saleor_retention.engine.money import from_minor

PRODUCT = "your-product"
OTHER_PRODUCT = "your-other-product"
VARIANTS = ("YOUR-SKU-1", "YOUR-SKU-2")

_SCALES = {
    **dict.fromkeys(("BRL", "ILS", "MYR", "PEN", "PLN", "RON"), 4),
    **dict.fromkeys(("CNY", "DKK", "HKD", "MOP", "NOK", "SEK"), 10),
    **dict.fromkeys(("CZK", "MXN", "PHP", "THB", "TRY", "TWD", "UAH", "ZAR"), 30),
    **dict.fromkeys(("BDT", "INR", "ISK", "JPY", "KES", "RUB"), 100),
    **dict.fromkeys(("HUF", "KZT", "LKR", "PKR"), 400),
    **dict.fromkeys(("ARS", "CLP", "KRW", "NGN"), 1000),
    **dict.fromkeys(("COP", "IDR", "VND"), 10_000),
}
"""How many of a currency are about as much as one dollar or euro; one of most others is."""

_SCALE_WITHOUT_CENTS = 100
"""The same of any other currency that has no smaller unit."""

Amount = Callable[[int], dict[str, str]]
"""From dollars or so to the amount in every currency of the template."""


@dataclass(frozen=True, slots=True)
class OfferTemplate:
    """A ready offer: its name here, what it is in words, and its document."""

    name: str
    title: str
    document: dict[str, Any]


def offer_templates(exponents: Mapping[str, int]) -> tuple[OfferTemplate, ...]:
    """Return every template, with amounts in these currencies (with the digits of their units)."""
    return tuple(offer_template(name, exponents) for name in _TEMPLATES)


def offer_template(name: str, exponents: Mapping[str, int]) -> OfferTemplate:
    """Return one template; an unknown name raises ``KeyError``.

    >>> offer_template("free_shipping_from", {"EUR": 2}).document["free_shipping"]
    {'from': {'EUR': '50.00'}}
    >>> offer_template("free_shipping_from", {"JPY": 0, "TWD": 2}).document["free_shipping"]
    {'from': {'JPY': '5000', 'TWD': '1500.00'}}
    """

    def amount(units: int) -> dict[str, str]:
        return {
            currency: f"{from_minor(units * _scale(currency, exponent) * 10**exponent, exponent):f}"
            for currency, exponent in exponents.items()
        }

    title, make = _TEMPLATES[name]
    document = make(amount)
    (kind,) = document.keys() - {"weekdays", "audience", "limits"}
    return OfferTemplate(name, title, {"kind": kind, **document})


def _scale(currency: str, exponent: int) -> int:
    return _SCALES.get(currency, 1 if exponent else _SCALE_WITHOUT_CENTS)


def _goods(product: str = PRODUCT) -> dict[str, Any]:
    return {"select": {"products": [product]}}


def _three_for_two(_amount: Amount) -> dict[str, Any]:
    return {"bundle": {"parts": [{**_goods(), "quantity": 3}], "cheapest_free": 1}}


def _second_at_half_price(_amount: Amount) -> dict[str, Any]:
    """Return a quarter off two units of one price, which is half off one of them."""
    return {"bundle": {"parts": [{**_goods(), "quantity": 2}], "percent": 25}}


def _any_three(amount: Amount) -> dict[str, Any]:
    return {"bundle": {"parts": [{**_goods(), "quantity": 3}], "price": amount(20)}}


def _set(_amount: Amount) -> dict[str, Any]:
    parts = [{**_goods(), "quantity": 1}, {**_goods(OTHER_PRODUCT), "quantity": 1}]
    return {"bundle": {"parts": parts, "percent": 15}}


def _quantity_steps(_amount: Amount) -> dict[str, Any]:
    steps = [
        {"from": 3, "percent": 5},
        {"from": 6, "percent": 10},
        {"from": 12, "percent": 15},
    ]
    return {"quantity": {**_goods(), "steps": steps}}


def _spend_steps(amount: Amount) -> dict[str, Any]:
    steps = [
        {"from": amount(50), "amount": amount(5)},
        {"from": amount(100), "amount": amount(15)},
        {"from": amount(200), "amount": amount(40)},
    ]
    return {"threshold": {"steps": steps}}


def _gift_from(amount: Amount) -> dict[str, Any]:
    return {
        "gift": {"variants": list(VARIANTS), "quantity": 1, "opens": {"from": amount(50)}},
        "limits": {"per_order": 1},
    }


def _add_on(_amount: Amount) -> dict[str, Any]:
    opens = {**_goods(), "quantity": 1}
    return {"add_on": {**_goods(OTHER_PRODUCT), "percent": 30, "opens": opens, "units_each": 1}}


def _filler(amount: Amount) -> dict[str, Any]:
    """Return an add-on that opens between two subtotals, below free shipping (C27)."""
    opens = {"from": amount(30), "below": amount(50)}
    return {"add_on": {**_goods(OTHER_PRODUCT), "percent": 20, "opens": opens}}


def _punch_card(_amount: Amount) -> dict[str, Any]:
    return {"punch_card": {**_goods(), "buy": 6}}


def _member_price(_amount: Amount) -> dict[str, Any]:
    return {
        "member_price": {**_goods(), "percent": 10},
        "audience": {"members_only": True},
    }


def _member_day(_amount: Amount) -> dict[str, Any]:
    return {
        "member_price": {"percent": 5},
        "weekdays": ["tue"],
        "audience": {"members_only": True},
    }


def _welcome(amount: Amount) -> dict[str, Any]:
    return {
        "threshold": {"steps": [{"from": amount(30), "amount": amount(5)}]},
        "audience": {"novelty": "new"},
        "limits": {"per_customer": 1},
    }


def _free_shipping_from(amount: Amount) -> dict[str, Any]:
    return {"free_shipping": {"from": amount(50)}}


_TEMPLATES: dict[str, tuple[str, Callable[[Amount], dict[str, Any]]]] = {
    "three_for_two": ("Three for two", _three_for_two),
    "second_at_half_price": ("The second at half price", _second_at_half_price),
    "any_three": ("Any three for a fixed price", _any_three),
    "set": ("A set of two goods", _set),
    "quantity_steps": ("Cheaper by the number bought", _quantity_steps),
    "spend_steps": ("More off the more is spent", _spend_steps),
    "gift_from": ("A gift from a choice", _gift_from),
    "add_on": ("An add-on beside a main item", _add_on),
    "filler": ("An add-on that fills up to free shipping", _filler),
    "punch_card": ("Six bought, the seventh free", _punch_card),
    "member_price": ("A price for members", _member_price),
    "member_day": ("A day for members", _member_day),
    "welcome": ("Something off the first order", _welcome),
    "free_shipping_from": ("Free shipping from a sum", _free_shipping_from),
}
