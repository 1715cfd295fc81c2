"""What a shopper could put into the cart for an offer: gifts to choose, add-ons at their price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.offers.result import Finding, OfferQuote
from saleor_retention.engine.offers.terms import GiftTerms
from saleor_retention.engine.offers.words import Vocabulary, benefit_of
from saleor_retention.graphql import words
from saleor_retention.graphql.host_types import Money, money
from saleor_retention.graphql.types_offer import offer_id
from saleor_retention.selectors.offers import OfferShelf
from saleor_retention.services.offering.offer_suggesting import Suggestion


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
        Money, description="What one unit would cost this customer with the offer.", required=True
    )
    list_price = graphene.Field(
        Money, description="What one unit costs without, for everybody.", required=True
    )
    reaches = graphene.List(
        graphene.NonNull(graphene.ID),
        description="Offers, such as free shipping, that one unit would bring within reach.",
        required=True,
    )


class RetentionAddOnSuggestion(graphene.ObjectType):
    """An add-on offer that is open, and goods of it, of which the cart has none."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    text = graphene.String(description="What it gives, in words.", required=True)
    variants = graphene.List(
        graphene.NonNull(RetentionAddOnVariant),
        description="What could be added, cheapest first: 20 of the cheapest that are in stock.",
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
    found: Mapping[str, Sequence[Suggestion]], shelf: OfferShelf, spoken: Vocabulary
) -> list[RetentionAddOnSuggestion]:
    """Return what could be added, by offer id, as GraphQL gives it out."""
    return [
        RetentionAddOnSuggestion(
            offer_id=offer_id(key),
            name=shelf.names[key],
            text=words.capitalized(words.said(benefit_of(shelf.terms[key], spoken))),
            variants=[
                RetentionAddOnVariant(
                    variant_id=host.current().to_global_id("ProductVariant", each.variant_ref),
                    price=money(each.own_minor, each.currency),
                    list_price=money(each.list_minor, each.currency),
                    reaches=[offer_id(other) for other in each.reaches],
                )
                for each in variants
            ],
        )
        for key, variants in found.items()
    ]
