"""What could be added to a cart at a price of its own, and what that would bring within reach.

An add-on that a cart opens and has none of is suggested with goods that the shop can send to it: of
the named ones and of whole categories and collections the cheapest. Their price is the customer's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from saleor_retention import host
from saleor_retention.engine.facts import BasketFacts, BasketLine
from saleor_retention.engine.offers.kinds import (
    AddOn,
    FreeShipping,
    MemberPrice,
    Offer,
    Opening,
    SpendThreshold,
)
from saleor_retention.engine.offers.quoting import OfferCase, lowest
from saleor_retention.engine.offers.result import Finding, OfferQuote
from saleor_retention.engine.rules import Tier
from saleor_retention.engine.selections import matches
from saleor_retention.host.contract import ShelfPrice

OFFERS_MAX = 10
"""For so many offers goods are suggested, the first by id."""

VARIANTS_MAX = 20
"""So many variants are suggested for one offer."""

CONSIDERED_MAX = 60
"""So many of an offer's goods are looked at: some of them may be out of stock."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Goods that could be added; amounts are for one unit, in minor units of the currency."""

    variant_ref: str
    currency: str
    list_minor: int  # without the offer, for everybody
    own_minor: int  # with it, for this customer
    reaches: tuple[str, ...]  # ids of offers that one unit would bring within reach


def suggest(
    basket: BasketFacts, quote: OfferQuote, case: OfferCase, tier: Tier | None
) -> dict[str, tuple[Suggestion, ...]]:
    """Return what could be added by the id of its offer, cheapest first; none without goods.

    ``quote`` is what became of all offers of the case in this basket. A constant number of
    statements, and one for each offer.
    """
    offers = {offer.id: offer for offer in case.offers}
    shop = host.current()
    refs = {
        key: shop.sold_of(benefit.selection, basket.channel_ref, CONSIDERED_MAX)
        for key in _lacking_goods(quote, offers)[:OFFERS_MAX]
        if isinstance(benefit := offers[key].benefit, AddOn)
    }
    wanted = sorted({ref for each in refs.values() for ref in each})
    if not wanted:
        return {}
    there = shop.in_stock(wanted, basket.ref)
    shown = {
        key: [ref for ref in each if ref in there][:VARIANTS_MAX] for key, each in refs.items()
    }
    named = {ref for each in shown.values() for ref in each}
    prices = shop.shelf_prices(sorted(named), basket.channel_ref)
    near = list(_amounts_missing(quote, offers))
    found = {
        key: tuple(
            _suggestion(prices[ref], key, near, _own_minor(basket, prices[ref], key, case, tier))
            for ref in each
            if ref in prices and not prices[ref].is_gift_card
        )
        for key, each in shown.items()
    }
    return {
        key: tuple(sorted(each, key=lambda one: (one.own_minor, one.variant_ref)))
        for key, each in found.items()
        if each
    }


def _lacking_goods(quote: OfferQuote, offers: Mapping[str, Offer]) -> list[str]:
    """Return the add-ons that are open, of which the basket has none."""
    return [
        verdict.offer_id
        for verdict in quote.verdicts
        if [miss.code for miss in verdict.misses] == [Finding.NO_MATCHING_GOODS]
        and verdict.offer_id in offers
        and isinstance(offers[verdict.offer_id].benefit, AddOn)
    ]


def _own_minor(
    basket: BasketFacts, shelf: ShelfPrice, key: str, case: OfferCase, tier: Tier | None
) -> int:
    """Return what the engine asks this customer for one unit, beside what opens the offer.

    That is a basket of this unit alone, in which the offer is open and member prices stand.
    """
    line = BasketLine(
        ref=shelf.goods.variant_ref,
        goods=shelf.goods,
        quantity=1,
        unit_minor=shelf.list_minor,
        total_minor=shelf.unit_minor,
    )
    offers = tuple(
        replace(offer, benefit=replace(offer.benefit, opening=Opening()))
        if offer.id == key and isinstance(offer.benefit, AddOn)
        else offer
        for offer in case.offers
        if offer.id == key or isinstance(offer.benefit, MemberPrice)
    )
    alone = lowest(replace(basket, lines=(line,)), tier, replace(case, offers=offers))
    return shelf.unit_minor - sum(each.amount_minor for each in alone.allocations)


def _suggestion(
    shelf: ShelfPrice, offer_id: str, near: list[tuple[Offer, int]], own_minor: int
) -> Suggestion:
    return Suggestion(
        variant_ref=shelf.goods.variant_ref,
        currency=shelf.currency,
        list_minor=shelf.unit_minor,
        own_minor=own_minor,
        reaches=tuple(
            other.id
            for other, missing in near
            if other.id != offer_id
            and missing <= own_minor
            and isinstance(other.benefit, FreeShipping | SpendThreshold)
            and matches(other.benefit.selection, shelf.goods)
        ),
    )


def _amounts_missing(quote: OfferQuote, offers: Mapping[str, Offer]) -> Iterator[tuple[Offer, int]]:
    for near in quote.near_misses:
        if near.code is Finding.AMOUNT_MISSING and near.offer_id in offers:
            yield offers[near.offer_id], near.missing
