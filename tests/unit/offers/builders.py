"""Short builders of offers for tests: only what a case is about is spelled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.checker import check
from saleor_retention.engine.offers.kinds import (
    AddOn,
    Bundle,
    Cut,
    FreeShipping,
    Gift,
    MemberPrice,
    Offer,
    Opening,
    Part,
    PunchCard,
    QuantityStep,
    QuantitySteps,
    SpendStep,
    SpendThreshold,
)
from saleor_retention.engine.offers.result import OfferQuote, OfferVerdict
from saleor_retention.engine.offers.situation import Shopper, Situation
from saleor_retention.engine.rules import Selection
from tests.unit.builders import NOON


def products(*numbers: int) -> Selection:
    """Return a selection of products p1, p2, ...; of none, everything."""
    return Selection(products=frozenset(f"p{number}" for number in numbers))


def percent(number: int | str) -> Cut:
    """Return a cut of so many per cent."""
    return Cut(percent=Decimal(number))


def amount(minor: int) -> Cut:
    """Return a cut of so many minor units."""
    return Cut(amount_minor=minor)


def fixed(minor: int) -> Cut:
    """Return a cut to a price."""
    return Cut(price_minor=minor)


def offer(offer_id: str, benefit: Any, **changes: Any) -> Offer:
    """Return an offer that anybody may use at any time."""
    return Offer(offer_id, f"Offer {offer_id}", benefit, **changes)


def any_of(quantity: int, *numbers: int, cut: Cut | None = None, free: int = 0) -> Bundle:
    """Return a bundle of so many units, any of these products."""
    return Bundle((Part(products(*numbers), quantity),), cut, free)


def set_of(*numbers: int, cut: Cut | None = None, free: int = 0) -> Bundle:
    """Return a bundle of one unit of each of these products."""
    return Bundle(tuple(Part(products(number), 1) for number in numbers), cut, free)


def steps(*pairs: tuple[int, Cut], of: Selection | None = None, **changes: Any) -> QuantitySteps:
    """Return quantity steps."""
    return QuantitySteps(
        of or Selection(), tuple(QuantityStep(quantity, cut) for quantity, cut in pairs), **changes
    )


def threshold(*pairs: tuple[int, Cut], of: Selection | None = None) -> SpendThreshold:
    """Return a spend threshold in steps."""
    return SpendThreshold(tuple(SpendStep(minor, cut) for minor, cut in pairs), of or Selection())


def situation(shopper: Shopper | None = None, **changes: Any) -> Situation:
    """Return a Tuesday noon and a guest."""
    return Situation(at=NOON, shopper=shopper or Shopper(), **changes)


def quote(
    basket: BasketFacts, *offers: Offer, at: Situation | None = None, **options: Any
) -> OfferQuote:
    """Return the best price, verified by the checker."""
    given = at or situation()
    found = best_offers(basket, offers, given, **options)
    check(found, basket, offers, given)
    return found


def verdict(found: OfferQuote, offer_id: str) -> OfferVerdict:
    """Return the verdict of one offer."""
    return next(each for each in found.verdicts if each.offer_id == offer_id)


def taken(found: OfferQuote) -> dict[tuple[str, str], int]:
    """Return what every offer takes off every line."""
    return {
        (each.line_ref, each.rule_key.removeprefix("offer:")): each.amount_minor
        for each in found.allocations
    }


__all__ = [
    "AddOn",
    "Bundle",
    "FreeShipping",
    "Gift",
    "MemberPrice",
    "Opening",
    "Part",
    "PunchCard",
    "Shopper",
    "amount",
    "any_of",
    "fixed",
    "offer",
    "percent",
    "products",
    "quote",
    "set_of",
    "situation",
    "steps",
    "taken",
    "threshold",
    "verdict",
]
