"""Ready offers for staff to begin with, in the shape that the mutations take."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.offers.templates import OfferTemplate, offer_templates
from saleor_retention.graphql import enums_offers
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.programs import channels
from saleor_retention.graphql.document_inputs import input_of
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import JSONString
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.offer_documents import OFFER


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
        input=input_of(template.document, OFFER),
    )
