"""Offers in a cart: what applies, what little is missing, what may be chosen, and why not the rest.

What applies is told from the price that the checkout has. The rest is another search, made once for
a checkout when one of its fields is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import graphene
from promise import Promise

from saleor_retention import host
from saleor_retention.engine.offers.result import Finding, NearMiss, OfferQuote, OfferVerdict
from saleor_retention.engine.offers.terms import OfferTerms
from saleor_retention.engine.offers.verdict_words import near_miss_text, verdict_text
from saleor_retention.engine.offers.words import Vocabulary
from saleor_retention.graphql import enums_offers, offer_words, words
from saleor_retention.graphql.context import may, moment, requestor
from saleor_retention.graphql.dataloaders.offers import VersionById
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import Money, money
from saleor_retention.graphql.suggestions import (
    RetentionAddOnSuggestion,
    RetentionGiftChoice,
    add_on_suggestions,
    gift_choices,
)
from saleor_retention.graphql.types_offer import offer_id
from saleor_retention.models import OfferVersion
from saleor_retention.selectors.offers import OfferShelf, kept_terms
from saleor_retention.services.offering.offer_explaining import case_of_all, explain
from saleor_retention.services.offering.offer_suggesting import suggest

if TYPE_CHECKING:
    from saleor_retention.graphql.types_checkout import Checkout

PERSONAL = {
    Finding.OTHER_TIER,
    Finding.OTHER_SEGMENT,
    Finding.OTHER_TAG,
    Finding.NOT_NEW,
    Finding.NOT_RETURNING,
    Finding.NOT_GRANTED,
    Finding.LIMIT_PER_CUSTOMER,
    Finding.STAMPS_MISSING,
    Finding.NO_GIFT_LEFT,
}
"""Conditions that tell of the checkout's customer, and so are for that customer."""


class RetentionAppliedOfferLine(graphene.ObjectType):
    """What an offer takes off one line."""

    line_id = graphene.ID(
        description="The checkout line; null for what no line's price can express (Saleor 2.10)."
    )
    amount = graphene.Field(Money, description="How much.", required=True)


class RetentionAppliedOffer(graphene.ObjectType):
    """An offer that the checkout's price has."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    kind = enums_offers.RetentionOfferKind(description="What it gives.", required=True)
    amount = graphene.Field(Money, description="What it takes off in all.", required=True)
    lines = graphene.List(
        graphene.NonNull(RetentionAppliedOfferLine),
        description="What it takes off each line.",
        required=True,
    )
    uses = graphene.Int(
        description="How often it is used: sets, units or orders, as the kind counts.",
        required=True,
    )
    sentence = graphene.String(description="What it gives, in words.", required=True)


class RetentionOfferNearMiss(graphene.ObjectType):
    """What little is missing to an offer, or to its next step."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    kind = enums_offers.RetentionOfferKind(description="What it gives.", required=True)
    code = enums_offers.RetentionOfferVerdictCode(
        description="What is missing: units, an amount or stamps.", required=True
    )
    text = graphene.String(description="What is missing for what, in words.", required=True)
    missing = graphene.Int(description="How many units or stamps; null for an amount.")
    missing_amount = graphene.Field(Money, description="How much; null for units and stamps.")


class RetentionOfferVerdict(graphene.ObjectType):
    """What became of one offer at this checkout, and why."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    kind = enums_offers.RetentionOfferKind(description="What it gives.", required=True)
    code = enums_offers.RetentionOfferVerdictCode(
        description="What became of it; of several conditions missed, the first.", required=True
    )
    codes = graphene.List(
        graphene.NonNull(enums_offers.RetentionOfferVerdictCode),
        description="Every condition that it misses.",
        required=True,
    )
    text = graphene.String(description="The reason in words, with all conditions.", required=True)
    amount = graphene.Field(Money, description="What it takes off.", required=True)
    beaten_by = graphene.List(
        graphene.NonNull(graphene.String),
        description="Names of what won the goods, or its exclusion group.",
        required=True,
    )


class CheckoutOffers:
    """The offers of a priced checkout; what needs a search of its own is found once."""

    def __init__(self, checkout: Checkout, info: Any) -> None:
        self.checkout = checkout
        self.info = info

    @cached_property
    def explained(self) -> tuple[OfferQuote, OfferShelf]:
        """Return what became of every offer, and the offers."""
        with host.current().writer():
            return explain(self.checkout.priced, moment(self.info))

    @cached_property
    def is_personal(self) -> bool:
        """Tell whether the requestor may read what is known of the checkout's customer."""
        owner_ref = self.checkout.priced.standing.user_ref
        asks = requestor(self.info)
        is_owner = asks.app_ref is None and asks.user_ref == owner_ref
        return owner_ref is None or is_owner or may(self.info, "checkouts", "users")

    @property
    def facts(self) -> dict[str, Any]:
        """Return what is known of the customer and the checkout; see sql/functions."""
        found: dict[str, Any] = json.loads(self.checkout.priced.standing.offer_facts or "{}")
        return found

    def vocabulary(self) -> Any:
        """Promise the names that are needed to speak of all offers."""
        _quote, shelf = self.explained
        return offer_words.vocabulary(
            self.info,
            shelf.terms.values(),
            self.checkout.rules,
            currency=self.checkout.currency,
            offers=shelf.names,
        )

    def verdicts(self) -> Iterator[OfferVerdict]:
        """Yield what the requestor may read: nothing of another customer, nothing to come."""
        quote, shelf = self.explained
        for verdict in quote.verdicts:
            codes = {miss.code for miss in verdict.misses}
            is_hidden = bool(codes & PERSONAL) and not self.is_personal
            is_secret = Finding.NOT_STARTED in codes and not may(self.info, "discounts")
            if verdict.offer_id in shelf.terms and not is_hidden and not is_secret:
                yield verdict

    def near_misses(self) -> Iterator[NearMiss]:
        """Yield what the requestor may read of what is missing."""
        quote, shelf = self.explained
        for near in quote.near_misses:
            if near.offer_id in shelf.terms and (near.code not in PERSONAL or self.is_personal):
                yield near


class RetentionCheckoutOffers(graphene.ObjectType):
    """Offers at a checkout, with its prices as they are now."""

    applied = graphene.List(
        graphene.NonNull(RetentionAppliedOffer),
        description="The offers that the price has.",
        required=True,
    )
    near_misses = graphene.List(
        graphene.NonNull(RetentionOfferNearMiss),
        description="What little is missing to an offer or to its next step.",
        required=True,
    )
    gift_choices = graphene.List(
        graphene.NonNull(RetentionGiftChoice),
        description="Gifts that the shopper may choose, or has chosen.",
        required=True,
    )
    add_on_suggestions = graphene.List(
        graphene.NonNull(RetentionAddOnSuggestion),
        description="Goods not in the cart that would have a price of their own in it.",
        required=True,
    )
    verdicts = graphene.List(
        graphene.NonNull(RetentionOfferVerdict),
        description="What became of every offer of the channel. Those that have not begun are "
        "shown to MANAGE_DISCOUNTS; what tells of the customer, to the customer and to "
        "MANAGE_CHECKOUTS with MANAGE_USERS.",
        required=True,
    )
    saving = graphene.Field(Money, description="What the offers take off in all.", required=True)
    is_optimal = graphene.Boolean(
        description="Whether it is proved that no choice of offers gives a lower price.",
        required=True,
    )
    gap = graphene.Field(
        Money, description="How much lower the price might be, where that is not.", required=True
    )

    @staticmethod
    @discreet
    def resolve_applied(root: CheckoutOffers, info: Any) -> Any:
        """Promise what the price has, in the words of the versions that made it."""
        applied = root.checkout.quote.applied
        loaded = VersionById.of(info).load_many([each.version_id for each in applied])
        return loaded.then(lambda versions: _applied(root, info, versions))

    @staticmethod
    @discreet
    def resolve_near_misses(root: CheckoutOffers, _info: Any) -> Any:
        """Promise what is missing, in words."""
        _quote, shelf = root.explained
        return root.vocabulary().then(
            lambda spoken: [
                near_miss_type(near, shelf.terms, shelf.names, spoken)
                for near in root.near_misses()
            ]
        )

    @staticmethod
    @discreet
    def resolve_gift_choices(root: CheckoutOffers, _info: Any) -> Any:
        """Return the gifts to choose from, for the checkout's customer."""
        if not root.is_personal:
            return []
        quote, shelf = root.explained
        checkout_ref = root.checkout.priced.basket.ref
        return gift_choices(quote, shelf, root.facts, checkout_ref)

    @staticmethod
    @discreet
    def resolve_add_on_suggestions(root: CheckoutOffers, info: Any) -> Any:
        """Promise what could be added at a price of its own."""
        quote, shelf = root.explained
        priced = root.checkout.priced

        def suggested(spoken: Vocabulary) -> list[RetentionAddOnSuggestion]:
            with host.current().writer():
                _shelf, case, tier = case_of_all(priced, moment(info))
                found = suggest(priced.basket, quote, case, tier)
            return add_on_suggestions(found, shelf, spoken)

        return root.vocabulary().then(suggested)

    @staticmethod
    @discreet
    def resolve_verdicts(root: CheckoutOffers, _info: Any) -> Any:
        """Promise what became of every offer, in words."""
        _quote, shelf = root.explained
        return root.vocabulary().then(
            lambda spoken: [
                verdict_type(verdict, shelf.terms, shelf.names, spoken)
                for verdict in root.verdicts()
            ]
        )

    @staticmethod
    def resolve_saving(root: CheckoutOffers, _info: Any) -> Any:
        """Return what the offers come to."""
        minor = sum(each.amount_minor for each in root.checkout.quote.applied)
        return money(minor, root.checkout.currency)

    @staticmethod
    def resolve_is_optimal(root: CheckoutOffers, _info: Any) -> bool:
        """Return whether the price is proved to be the lowest."""
        return root.checkout.quote.is_optimal

    @staticmethod
    def resolve_gap(root: CheckoutOffers, _info: Any) -> Any:
        """Return how much lower it might be."""
        return money(root.checkout.quote.gap_minor, root.checkout.currency)


def _applied(
    root: CheckoutOffers, info: Any, versions: list[OfferVersion | None]
) -> Promise[list[RetentionAppliedOffer]]:
    checkout = root.checkout
    pairs = [
        (each, version)
        for each, version in zip(checkout.quote.applied, versions, strict=True)
        if version is not None
    ]
    terms = [kept_terms(version.pk, version.document) for _, version in pairs]
    spoken = offer_words.vocabulary(info, terms, checkout.rules, currency=checkout.currency)
    return spoken.then(
        lambda names: [
            RetentionAppliedOffer(
                offer_id=offer_id(each.offer_id),
                name=version.offer.name,
                kind=version.offer.kind,
                amount=money(each.amount_minor, checkout.currency),
                lines=list(_lines(checkout, f"offer:{each.offer_id}")),
                uses=each.uses,
                sentence=offer_words.sentence(said, names),
            )
            for (each, version), said in zip(pairs, terms, strict=True)
        ]
    )


def _lines(checkout: Checkout, rule_key: str) -> Iterator[RetentionAppliedOfferLine]:
    shop = host.current()
    for item in checkout.quote.allocations:
        if item.rule_key == rule_key:
            yield RetentionAppliedOfferLine(
                line_id=shop.to_global_id("CheckoutLine", item.line_ref) if item.line_ref else None,
                amount=money(item.amount_minor, checkout.currency),
            )


def near_miss_type(
    near: NearMiss,
    terms: Mapping[str, OfferTerms],
    names: Mapping[str, str],
    spoken: Vocabulary,
) -> RetentionOfferNearMiss:
    """Return what is missing to an offer as GraphQL gives it out; mappings are by offer id."""
    said = terms[near.offer_id]
    is_amount = near.code is Finding.AMOUNT_MISSING
    return RetentionOfferNearMiss(
        offer_id=offer_id(near.offer_id),
        name=names[near.offer_id],
        kind=said.kind.value,
        code=near.code.value,
        text=words.capitalized(words.said(near_miss_text(near, said, spoken))),
        missing=None if is_amount else near.missing,
        missing_amount=money(near.missing, spoken.currency) if is_amount else None,
    )


def verdict_type(
    verdict: OfferVerdict,
    terms: Mapping[str, OfferTerms],
    names: Mapping[str, str],
    spoken: Vocabulary,
) -> RetentionOfferVerdict:
    """Return what became of an offer as GraphQL gives it out; mappings are by offer id."""
    said = terms[verdict.offer_id]
    return RetentionOfferVerdict(
        offer_id=offer_id(verdict.offer_id),
        name=names[verdict.offer_id],
        kind=said.kind.value,
        code=verdict.code.value,
        codes=[miss.code.value for miss in verdict.misses],
        text=words.said(verdict_text(verdict, said, spoken)),
        amount=money(verdict.amount_minor, spoken.currency),
        beaten_by=[names[each] for each in verdict.by if each in names],
    )
