"""A segment's rule as GraphQL takes it, and the way to the document that it means.

Every condition is a field of one input type; a rule has exactly one of them, which the one parser
says where a client gives more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import graphene
from graphene.utils.str_converters import to_camel_case

from saleor_retention import host
from saleor_retention.engine.segments.bands import Band
from saleor_retention.engine.segments.parsing import TOP
from saleor_retention.engine.segments.rules import Novelty, Word
from saleor_retention.engine.segments.stages import Stage
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.documents import GOODS
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.enums_consents import RetentionConsentChannel, RetentionGender
from saleor_retention.graphql.host_types import Date, Decimal
from saleor_retention.graphql.inputs import RetentionSelectionInput
from saleor_retention.graphql.scalars import NotWhole, RetentionWholeNumber

RetentionRecencyBand = described(
    "RetentionRecencyBand",
    Band,
    "How long ago a customer last ordered, by the program's limits.",
    {
        Band.BEST: "Within a month, unless the program says otherwise.",
        Band.ACTIVE: "Within three months, the best with them.",
        Band.SLEEPING: "Three to six months ago.",
        Band.AT_RISK: "Six to twelve months ago.",
        Band.LOST: "Longer ago.",
    },
)

RetentionCustomerStage = described(
    "RetentionCustomerStage",
    Stage,
    "How far a customer has come, as far as his behaviour tells.",
    {
        Stage.AWARE: "Has an account.",
        Stage.APPEAL: "Has marked a favorite, or follows the shop.",
        Stage.ASK: "Has asked a question.",
        Stage.ACT: "Has ordered once.",
        Stage.ADVOCATE: "Has ordered again, written a review, or referred a friend.",
    },
)

RetentionNovelty = described(
    "RetentionNovelty",
    Novelty,
    "Whether a customer has ordered once or again.",
    {Novelty.NEW: "Has ordered once.", Novelty.RETURNING: "Has ordered again."},
)


def _input(name: str, about: str, **fields: Any) -> Any:
    """Return an input type; some of its fields are named as Python's own words are."""
    return type(name, (graphene.InputObjectType,), {"__doc__": about, **fields})


RetentionSegmentRangeInput = _input(
    "RetentionSegmentRangeInput",
    "A range of whole numbers, both ends included; one of them at least.",
    **{
        "from": RetentionWholeNumber(description="The least."),
        "to": RetentionWholeNumber(description="The most."),
    },
)

RetentionSegmentSpendInput = _input(
    "RetentionSegmentSpendInput",
    "A range of money in the program's reference currency, both ends included; one at least.",
    **{
        "from": graphene.InputField(Decimal, description="The least."),
        "to": graphene.InputField(Decimal, description="The most."),
    },
)

RetentionSegmentDaysInput = _input(
    "RetentionSegmentDaysInput",
    "A range of days in the program's time zone; one end at least.",
    **{
        "from": graphene.InputField(Date, description="On this day or later."),
        "before": graphene.InputField(Date, description="Before this day."),
    },
)


class RetentionSegmentConsentInput(graphene.InputObjectType):
    """A consent that the program asks for."""

    channel = RetentionConsentChannel(description="What it is to.", required=True)
    purpose = graphene.String(description="What it is for.", required=True)


class RetentionSegmentAnswerInput(graphene.InputObjectType):
    """Answers to a question of the merchant's own, any of which will do."""

    key = graphene.String(description="The question.", required=True)
    values = graphene.List(
        graphene.NonNull(graphene.String),
        description="Texts or options; a whole number, a day as YYYY-MM-DD, true or false as text.",
        required=True,
    )


class RetentionSegmentBoughtInput(graphene.InputObjectType):
    """Goods that were bought, and when at the earliest."""

    select = graphene.InputField(
        RetentionSelectionInput, description="The goods, any of which will do.", required=True
    )
    days = graphene.InputField(
        RetentionWholeNumber, description="How many days ago at most; ever when left out."
    )


def _range(about: str) -> Any:
    return graphene.InputField(RetentionSegmentRangeInput, description=about)


def _days(about: str) -> Any:
    return graphene.InputField(RetentionSegmentDaysInput, description=about)


def _names(kind: Any, about: str) -> Any:
    return graphene.List(graphene.NonNull(kind), description=about)


def _rules(about: str) -> Any:
    return graphene.List(graphene.NonNull(lambda: RetentionSegmentRuleInput), description=about)


RetentionSegmentRuleInput: Any = _input(
    "RetentionSegmentRuleInput",
    "Who is in a segment: exactly one of these conditions, which may hold others.",
    **{
        "all": _rules("Every one of these."),
        "any": _rules("At least one of these."),
        "not": graphene.InputField(lambda: RetentionSegmentRuleInput, description="Not this."),
        "days_since_last_order": _range("Days since the last order."),
        "days_since_first_order": _range("Days since the first order."),
        "orders": _range("How many orders."),
        "spend": graphene.InputField(
            RetentionSegmentSpendInput, description="What is kept of all orders."
        ),
        "recency_score": _range("The fifth by last order, 5 the most recent."),
        "frequency_score": _range("The fifth by days with an order, 5 the most."),
        "monetary_score": _range("The fifth by spend, 5 the most."),
        "first_order": _days("The day of the first order."),
        "last_order": _days("The day of the last order."),
        "joined": _days("The day of joining the program."),
        "band": _names(RetentionRecencyBand, "In any of these recency bands."),
        "stage": _names(RetentionCustomerStage, "At any of these stages."),
        "novelty": _names(RetentionNovelty, "Any of these."),
        "tier": _names(graphene.String, "In any of these tiers, by slug."),
        "tag": _names(graphene.String, "With any of these tags."),
        "segment": _names(graphene.String, "On any of these explicit lists, by slug."),
        "points": _range("Points that can be spent now."),
        "gender": _names(RetentionGender, "Said to be any of these."),
        "interest": _names(graphene.String, "Interested in any of these."),
        "birth_month": _names(RetentionWholeNumber, "Born in any of these months, 1 to 12."),
        "consent": graphene.InputField(
            RetentionSegmentConsentInput, description="Gave this consent, and holds to it."
        ),
        "field": graphene.InputField(
            RetentionSegmentAnswerInput, description="Gave any of these answers."
        ),
        "bought": graphene.InputField(
            RetentionSegmentBoughtInput,
            description="Bought any of these goods in an order that counts.",
        ),
        "language": _names(graphene.String, "Reads any of these languages, such as zh-hant."),
    },
)


SELECT = "select"
ENUMS = (Word.BAND, Word.STAGE, Word.NOVELTY, Word.GENDER, "channel")
"""Whose names are those of an enum, which a client writes in capitals."""


def document_of(rule: Mapping[str, Any], path: str = TOP) -> dict[str, Any]:
    """Return the document that an input means; what is null was not given.

    Refuses NOT_FOUND an id that is none of the goods it stands for.
    """
    return {
        key: _refs(value, f"{path}.{key}") if key == SELECT else _plain(value, f"{path}.{key}")
        for key, value in rule.items()
        if value is not None
    }


def json_of(document: Mapping[str, Any]) -> str:
    """Return a stored document as JSON that the input takes."""
    return json.dumps(_camelized(document), ensure_ascii=False, sort_keys=True)


def in_terms_of_input(refusal: Refusal) -> Refusal:
    """Return a refusal with its path into a rule as the client has written it."""
    path = refusal.field or ""
    if not path.startswith(TOP):
        return refusal
    shown = ".".join(to_camel_case(part) for part in path.split("."))
    return Refusal(refusal.code, refusal.message.replace(path, shown), shown)


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return document_of(value, path)
    if isinstance(value, list):
        return [_plain(item, f"{path}.{index}") for index, item in enumerate(value)]
    return str(value) if isinstance(value, NotWhole) else value


def _refs(select: Mapping[str, Sequence[str] | None], path: str) -> dict[str, list[str]]:
    """Return the goods of a selection by reference."""
    return {
        kind: [_ref(kind, each, f"{path}.{kind}.{index}") for index, each in enumerate(ids)]
        for kind, ids in select.items()
        if ids is not None
    }


def _ref(kind: str, global_id: str, path: str) -> str:
    ref = host.current().from_global_id(global_id, GOODS[kind])
    if ref is None:
        message = f'{path} must be the id of a {GOODS[kind]}; it is "{global_id}".'
        raise in_terms_of_input(Refusal(Code.NOT_FOUND, message, path))
    return ref


def _ids(select: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    shop = host.current()
    return {
        kind: [shop.to_global_id(GOODS[kind], ref) for ref in refs] for kind, refs in select.items()
    }


def _camelized(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            to_camel_case(key): _ids(inner)
            if key == SELECT
            else (_enum_names(inner) if key in ENUMS else _camelized(inner))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_camelized(item) for item in value]
    return value


def _enum_names(value: Any) -> Any:
    return [name.upper() for name in value] if isinstance(value, list) else str(value).upper()
