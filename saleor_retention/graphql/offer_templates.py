"""Ready offers for staff to begin with, in the shape that the mutations take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from graphene.utils.str_converters import to_camel_case

from saleor_retention import host
from saleor_retention.engine.offers.templates import OfferTemplate, offer_templates
from saleor_retention.graphql import enums_offers
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.programs import channels
from saleor_retention.graphql.documents import Keyed, Rows, Section
from saleor_retention.graphql.enums import Weekday
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import JSONString
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.offer_documents import OFFER

CHOICES = {"kind", "novelty", "period"}
"""Fields of the input that are enums, whose names are the document's values in capitals."""


class RetentionOfferTemplate(graphene.ObjectType):
    """A ready offer, for staff to begin with."""

    name = graphene.String(description="A stable name.", required=True)
    title = graphene.String(description="What it is, in words.", required=True)
    kind = enums_offers.RetentionOfferKind(description="What it gives.", required=True)
    input = graphene.Field(
        JSONString,
        description="A `RetentionOfferInput`. Where it names goods, these are placeholders: put "
        "ids of goods in their place.",
        required=True,
    )


@discreet
def resolve_offer_templates(_root: Any, info: Any, program: str) -> Any:
    """Promise the templates with amounts in a program's currencies, for those who may use them."""
    require(info, "discounts")
    refs = set(program_of(program, "program").channels.values_list("channel_ref", flat=True))

    def made(places: Any) -> list[RetentionOfferTemplate]:
        shop = host.current()
        codes = sorted({place.currency for place in places if place.ref in refs})
        exponents = {code: shop.currency_exponent(code) for code in codes}
        return [_template_type(template) for template in offer_templates(exponents)]

    return channels(info).then(made)


def _template_type(template: OfferTemplate) -> RetentionOfferTemplate:
    return RetentionOfferTemplate(
        name=template.name,
        title=template.title,
        kind=template.document["kind"],
        input=input_of(template.document),
    )


def input_of(document: Mapping[str, Any], fields: Mapping[str, Any] = OFFER) -> dict[str, Any]:
    """Return the input object that means a document; references stay as they are.

    >>> input_of({"kind": "free_shipping", "free_shipping": {"from": {"EUR": "50.00"}}})["kind"]
    'FREE_SHIPPING'
    """
    by_key = {spec if isinstance(spec, str) else spec.key: name for name, spec in fields.items()}
    return {
        to_camel_case(by_key[key]): _input_value(by_key[key], fields[by_key[key]], value)
        for key, value in document.items()
    }


def _input_value(name: str, spec: Any, value: Any) -> Any:
    match spec:
        case Section():
            return input_of(value, spec.fields)
        case Rows():
            return [input_of(item, spec.fields) for item in value]
        case Keyed(by=by, value=str() as one):
            return [{by: key, one: amount} for key, amount in value.items()]
    if name in CHOICES:
        return value.upper()
    if name == "weekdays":
        return [Weekday(day).name for day in value]
    return value
