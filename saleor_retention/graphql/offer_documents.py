"""Typed input of an offer to its document, by the same writer as the rules of a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saleor_retention.graphql.documents import (
    Channels,
    Conversion,
    Goods,
    Ids,
    Keyed,
    Rows,
    Section,
    converted,
)

ROOT = "offer"
"""The input field that the document is under."""

_SELECT: Mapping[str, Any] = {"select": Goods()}
_PERCENT: Mapping[str, Any] = {"percent": "percent"}
_AMOUNT: Mapping[str, Any] = {"amounts": Keyed("amount", "currency", "amount")}
_PRICE: Mapping[str, Any] = {"prices": Keyed("price", "currency", "amount")}
_FROM: Mapping[str, Any] = {"from_amounts": Keyed("from", "currency", "amount")}
_CUT: Mapping[str, Any] = {**_PERCENT, **_AMOUNT, **_PRICE}
_OPENS = Section(
    "opens",
    {
        **_SELECT,
        **_FROM,
        "quantity": "quantity",
        "below_amounts": Keyed("below", "currency", "amount"),
        "below_offer": "below_offer",
    },
)

OFFER: Mapping[str, Any] = {
    "kind": "kind",
    "bundle": Section(
        "bundle",
        {
            **_CUT,
            "parts": Rows("parts", {**_SELECT, "quantity": "quantity"}),
            "cheapest_free": "cheapest_free",
        },
    ),
    "quantity": Section(
        "quantity",
        {
            **_SELECT,
            "steps": Rows("steps", {**_CUT, "from_quantity": "from"}),
            "units_max": "units_max",
        },
    ),
    "add_on": Section("add_on", {**_SELECT, **_CUT, "opens": _OPENS, "units_each": "units_each"}),
    "gift": Section(
        "gift", {"variants": Ids("variants", "variants"), "quantity": "quantity", "opens": _OPENS}
    ),
    "punch_card": Section("punch_card", {**_SELECT, **_CUT, "buy": "buy"}),
    "member_price": Section("member_price", {**_SELECT, **_CUT}),
    "threshold": Section(
        "threshold", {**_SELECT, "steps": Rows("steps", {**_FROM, **_PERCENT, **_AMOUNT})}
    ),
    "free_shipping": Section("free_shipping", {**_SELECT, **_FROM}),
    "channels": Channels(),
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "weekdays": "weekdays",
    "audience": Section(
        "audience",
        {
            name: name
            for name in ("members_only", "tiers", "segments", "tags", "novelty", "granted_only")
        },
    ),
    "limits": Section(
        "limits",
        {
            name: name
            for name in ("per_order", "per_customer", "in_total", "period", "total_period")
        },
    ),
    "group": "group",
    "floor": Keyed("floor", "currency", "amount"),
    "priority": "priority",
}
"""Where each field of ``RetentionOfferInput`` goes in the document."""


def offer_document(given: Mapping[str, Any], root: str = ROOT) -> Conversion:
    """Return the (partial) document that a ``RetentionOfferInput`` means; ``Refusals`` as rules."""
    return converted(OFFER, given, root)
