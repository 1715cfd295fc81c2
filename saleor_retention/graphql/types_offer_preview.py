"""What offers would do to a basket that staff put together, before any shopper meets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import graphene
from graphql.error import GraphQLError

from saleor_retention import host
from saleor_retention.engine.facts import BasketLine
from saleor_retention.engine.money import to_minor
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql import offer_words
from saleor_retention.graphql.channels import channel_named
from saleor_retention.graphql.context import moment, require
from saleor_retention.graphql.documents import overlaid
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import Money, money
from saleor_retention.graphql.lookups import account_of, offer_of, program_of
from saleor_retention.graphql.mutations.offer_changes import in_input_terms
from saleor_retention.graphql.offer_documents import offer_document
from saleor_retention.graphql.scalars import whole
from saleor_retention.graphql.types_checkout_offers import (
    RetentionOfferNearMiss,
    RetentionOfferVerdict,
    near_miss_type,
    verdict_type,
)
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Account, Offer, Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.offering import offers
from saleor_retention.services.offering.offer_previewing import TRIED, OfferTrial

OWN_FIELDS = {"lines": "lines", "channel": "channel", "gift_picks": "giftPicks"}
DELIVERY_MAX = 10**6
DECIMALS_MAX = 9


class RetentionOfferPreviewDiscount(graphene.ObjectType):
    """What an offer, or the price of a tier, takes off a line of an imagined cart."""

    name = graphene.String(
        description="The offer's name, or the tier's; empty of a new one.", required=True
    )
    amount = graphene.Field(Money, description="How much.", required=True)


class RetentionOfferPreviewLine(graphene.ObjectType):
    """A line of an imagined cart."""

    variant_id = graphene.ID(description="The variant.", required=True)
    quantity = graphene.Int(description="Units.", required=True)
    price = graphene.Field(Money, description="What they cost without offers.", required=True)
    total = graphene.Field(Money, description="What they cost with them.", required=True)
    discounts = graphene.List(
        graphene.NonNull(RetentionOfferPreviewDiscount),
        description="What is taken off.",
        required=True,
    )


class RetentionOfferPreview(graphene.ObjectType):
    """The lowest price of an imagined cart, with the reasons. Nothing is stored.

    An offer that does not exist yet has an id that nothing else has.
    """

    lines = graphene.List(
        graphene.NonNull(RetentionOfferPreviewLine), description="The goods.", required=True
    )
    saving = graphene.Field(
        Money, description="What is taken off in all, free delivery included.", required=True
    )
    free_shipping = graphene.Boolean(description="Whether shipping is free.", required=True)
    is_optimal = graphene.Boolean(
        description="Whether it is proved that no choice of offers gives a lower price.",
        required=True,
    )
    gap = graphene.Field(
        Money, description="How much lower the price might be, where that is not.", required=True
    )
    verdicts = graphene.List(
        graphene.NonNull(RetentionOfferVerdict),
        description="What became of every offer, and why.",
        required=True,
    )
    near_misses = graphene.List(
        graphene.NonNull(RetentionOfferNearMiss),
        description="What little is missing to an offer or to its next step.",
        required=True,
    )


@discreet
def resolve_offer_preview(_root: Any, info: Any, **arguments: Any) -> Any:
    """Promise what offers would do to a basket, for those who may change them.

    A member's limits, cards and tier are for those who manage customers too.
    """
    require(info, "discounts")
    if arguments.get("member_id") is not None:
        require(info, "discounts", "users")
    place = channel_named(info, arguments.get("channel"))

    def previewed(channel: ChannelFacts) -> Any:
        with host.current().writer():
            return _previewed(info, channel, arguments)

    return place.then(previewed)


def _previewed(info: Any, channel: ChannelFacts, arguments: Mapping[str, Any]) -> Any:
    program = program_of(arguments["program"], "program")
    offer = _offer(program, arguments.get("offer_id"))
    account = _account(program, arguments.get("member_id"))
    conversion = offer_document(_given(arguments.get("offer"), offer))
    document: Mapping[str, Any] | None = None
    if conversion.content:
        base = {} if offer is None else offers.document_of(offer)
        document = overlaid(base, conversion.content)
    with in_input_terms(conversion, OWN_FIELDS):
        trial = offers.preview(
            program=program,
            lines=_lines(arguments["lines"]),
            channel_ref=channel.ref,
            document=document,
            offer=offer,
            account=account,
            shipping_minor=_delivery(arguments.get("delivery_price"), channel.currency),
            gift_picks=_gift_picks(program, arguments.get("gift_picks") or ()),
            at=arguments.get("at") or moment(info),
        )
    names = {each.id: each.name for each in trial.offers}
    spoken = offer_words.vocabulary(
        info,
        trial.terms.values(),
        rules_of(program.current_version_id),
        currency=trial.basket.currency,
        offers=names,
    )
    return spoken.then(lambda known: _preview_type(trial, names, known))


def _given(given: Mapping[str, Any] | None, offer: Offer | None) -> Mapping[str, Any]:
    """Return the input; of a new offer null is the same as left out."""
    if given is None or offer is not None:
        return given or {}
    return {name: value for name, value in given.items() if value is not None}


def _offer(program: Program, global_id: str | None) -> Offer | None:
    if global_id is None:
        return None
    offer = offer_of(global_id, "offerId")
    if offer.program_id != program.pk:
        raise Refusal(Code.NOT_FOUND, "There is no such offer in the program.", "offerId")
    return offer


def _account(program: Program, global_id: str | None) -> Account | None:
    if global_id is None:
        return None
    account = account_of(global_id)
    if account.program_id != program.pk:
        raise Refusal(Code.NOT_FOUND, "There is no such member in the program.", "memberId")
    return account


def _lines(given: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    return [
        (
            _variant(line["variant_id"], f"lines.{index}.variantId"),
            whole(line["quantity"], f"lines.{index}.quantity", minimum=1),
        )
        for index, line in enumerate(given)
    ]


def _variant(global_id: str, path: str) -> str:
    ref = host.current().from_global_id(global_id, "ProductVariant")
    if ref is None:
        raise GraphQLError(f"`{path}` is not the id of a ProductVariant.")
    return ref


def _gift_picks(program: Program, given: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    picks: dict[str, list[str]] = {}
    for index, pick in enumerate(given):
        offer = _offer(program, pick.get("offer_id"))
        refs = [
            _variant(each, f"giftPicks.{index}.variantIds.{position}")
            for position, each in enumerate(pick["variant_ids"])
        ]
        picks.setdefault(TRIED if offer is None else str(offer.pk), []).extend(refs)
    return picks


def _delivery(amount: Any, currency: str) -> int:
    if amount is None:
        return 0
    is_sane = amount.is_finite() and -int(amount.as_tuple().exponent) <= DECIMALS_MAX
    if not (is_sane and 0 <= amount <= DELIVERY_MAX):
        message = f"A delivery costs from 0 to {DELIVERY_MAX}."
        raise Refusal(Code.INVALID, message, "deliveryPrice")
    try:
        return to_minor(amount, host.current().currency_exponent(currency))
    except ValueError as error:
        raise Refusal(Code.INVALID, str(error), "deliveryPrice") from None


def _preview_type(
    trial: OfferTrial, names: Mapping[str, str], spoken: Any
) -> RetentionOfferPreview:
    quote, currency = trial.quote, trial.basket.currency
    return RetentionOfferPreview(
        lines=[_line_type(trial, line) for line in trial.basket.lines],
        saving=money(quote.saving_minor, currency),
        free_shipping=trial.has_free_shipping,
        is_optimal=quote.is_optimal,
        gap=money(quote.gap_minor, currency),
        verdicts=[
            verdict_type(verdict, trial.terms, names, spoken)
            for verdict in quote.verdicts
            if verdict.offer_id in trial.terms
        ],
        near_misses=[
            near_miss_type(near, trial.terms, names, spoken)
            for near in quote.near_misses
            if near.offer_id in trial.terms
        ],
    )


def _line_type(trial: OfferTrial, line: BasketLine) -> RetentionOfferPreviewLine:
    currency = trial.basket.currency
    taken = [item for item in trial.quote.allocations if item.line_ref == line.ref]
    off = sum(item.amount_minor for item in taken)
    return RetentionOfferPreviewLine(
        variant_id=host.current().to_global_id("ProductVariant", line.goods.variant_ref),
        quantity=line.quantity,
        price=money(line.total_minor, currency),
        total=money(line.total_minor - off, currency),
        discounts=[
            RetentionOfferPreviewDiscount(name=item.name, amount=money(item.amount_minor, currency))
            for item in taken
        ],
    )
