"""What a shopper could put into the cart for an offer: gifts to choose, add-ons at their price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.engine.offers.kinds import AddOn, FreeShipping, Offer, SpendThreshold
from saleor_retention.engine.offers.result import Finding, OfferQuote
from saleor_retention.engine.offers.terms import GiftTerms
from saleor_retention.engine.offers.words import Vocabulary, benefit_of
from saleor_retention.engine.selections import matches
from saleor_retention.graphql import words
from saleor_retention.graphql.host_types import Money, money
from saleor_retention.graphql.types_offer import offer_id
from saleor_retention.host.contract import ShelfPrice
from saleor_retention.selectors.offers import OfferShelf

SUGGESTED_MAX = 20
"""So many variants are suggested for one offer; those of named variants and products only."""


class RetentionGiftChoice(graphene.ObjectType):
    """Gifts of one offer that the shopper may choose, or has chosen."""

    offer_id = graphene.ID(description="The offer, for `retentionGiftPick`.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    variant_ids = graphene.List(
        graphene.NonNull(graphene.ID),
        description="The variants to choose from: in stock, and never given to this customer.",
        required=True,
    )
    quantity = graphene.Int(description="Free units in this order.", required=True)
    picked = graphene.List(
        graphene.NonNull(graphene.ID),
        description="The variants that were chosen, as many as `quantity` at most.",
        required=True,
    )


class RetentionAddOnVariant(graphene.ObjectType):
    """Goods that could be added at the offer's price."""

    variant_id = graphene.ID(description="The variant.", required=True)
    price = graphene.Field(
        Money, description="What one unit would cost with the offer.", required=True
    )
    list_price = graphene.Field(Money, description="What one unit costs without.", required=True)
    reaches = graphene.List(
        graphene.NonNull(graphene.ID),
        description="Offers, such as free shipping, that one unit would bring within reach.",
        required=True,
    )


class RetentionAddOnSuggestion(graphene.ObjectType):
    """An add-on offer that is open, and whose goods are not in the cart."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    text = graphene.String(description="What it gives, in words.", required=True)
    variants = graphene.List(
        graphene.NonNull(RetentionAddOnVariant),
        description="What could be added, cheapest first; empty where the offer names no variants "
        "or products.",
        required=True,
    )


def gift_choices(
    quote: OfferQuote, shelf: OfferShelf, facts: Mapping[str, Any], checkout_ref: str
) -> list[RetentionGiftChoice]:
    """Return the gifts that are open to choose, and those that were chosen and apply.

    The shop is asked what is in stock, for each offer that has gifts to choose.
    """
    shop = host.current()
    picks = facts.get("gift_picks", {})
    had = set(facts.get("gifts_had", ()))
    applied = {each.offer_id: each.uses for each in quote.verdicts if each.code is Finding.APPLIED}
    open_units = {gift.offer_id: gift.quantity for gift in quote.gifts}
    made = []
    for key, terms in shelf.terms.items():
        if not isinstance(terms.benefit, GiftTerms):
            continue
        picked = picks.get(key, [])
        if key not in open_units and not (picked and key in applied):
            continue
        there = shop.in_stock(sorted(terms.benefit.choices - had), checkout_ref)
        refs = sorted({*there, *picked})
        made.append(
            RetentionGiftChoice(
                offer_id=offer_id(key),
                name=shelf.names[key],
                variant_ids=[shop.to_global_id("ProductVariant", ref) for ref in refs],
                quantity=applied.get(key, 0) + open_units.get(key, 0),
                picked=[shop.to_global_id("ProductVariant", ref) for ref in picked],
            )
        )
    return made


def add_on_suggestions(
    quote: OfferQuote, shelf: OfferShelf, channel_ref: str, spoken: Vocabulary
) -> list[RetentionAddOnSuggestion]:
    """Return the add-ons that are open and not in the cart; prices are read once for all."""
    offers = {offer.id: offer for offer in shelf.offers}
    closed_by_goods = [
        verdict.offer_id
        for verdict in quote.verdicts
        if [miss.code for miss in verdict.misses] == [Finding.NO_MATCHING_GOODS]
    ]
    refs = {
        key: _variants(benefit, channel_ref)
        for key in closed_by_goods
        if key in offers and isinstance(benefit := offers[key].benefit, AddOn)
    }
    prices = host.current().shelf_prices(
        sorted({ref for each in refs.values() for ref in each}), channel_ref
    )
    near = list(_amounts_missing(quote, offers))
    return [
        RetentionAddOnSuggestion(
            offer_id=offer_id(key),
            name=shelf.names[key],
            text=words.capitalized(words.said(benefit_of(shelf.terms[key], spoken))),
            variants=sorted(
                (
                    _variant(prices[ref], offers[key], near)
                    for ref in refs[key]
                    if ref in prices and not prices[ref].is_gift_card
                ),
                key=lambda each: (each.price.amount, each.variant_id),
            ),
        )
        for key in refs
    ]


def _variants(benefit: AddOn, channel_ref: str) -> list[str]:
    """Return some variants of a selection that names variants or products."""
    found = sorted(benefit.selection.variants)[:SUGGESTED_MAX]
    products = sorted(benefit.selection.products)[:SUGGESTED_MAX]
    if products:
        of_products = host.current().variants_of_products(products, channel_ref)
        found += [ref for product in products for ref in of_products.get(product, ())]
    return list(dict.fromkeys(found))[:SUGGESTED_MAX]


def _variant(
    shelf: ShelfPrice, offer: Offer, near: list[tuple[Offer, int]]
) -> RetentionAddOnVariant:
    benefit = offer.benefit
    assert isinstance(benefit, AddOn)  # noqa: S101 - only these are suggested
    minor = max(
        shelf.unit_minor - benefit.cut.off(shelf.unit_minor),
        min(offer.floor_minor, shelf.unit_minor),
    )
    return RetentionAddOnVariant(
        variant_id=host.current().to_global_id("ProductVariant", shelf.goods.variant_ref),
        price=money(minor, shelf.currency),
        list_price=money(shelf.unit_minor, shelf.currency),
        reaches=[
            offer_id(other.id)
            for other, missing in near
            if other.id != offer.id and missing <= minor and _counts(other, shelf.goods)
        ],
    )


def _amounts_missing(quote: OfferQuote, offers: Mapping[str, Offer]) -> Iterator[tuple[Offer, int]]:
    for near in quote.near_misses:
        if near.code is Finding.AMOUNT_MISSING and near.offer_id in offers:
            yield offers[near.offer_id], near.missing


def _counts(offer: Offer, goods: GoodsFacts) -> bool:
    """Tell whether goods count for what an offer asks to be spent."""
    benefit = offer.benefit
    if isinstance(benefit, FreeShipping | SpendThreshold):
        return matches(benefit.selection, goods)
    return False
