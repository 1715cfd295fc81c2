"""What the mutations of offers share: their answer, and refusals in terms of their input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import graphene

from saleor_retention.engine.rules import RuleProblem
from saleor_retention.errors import Refusal, renaming
from saleor_retention.graphql.documents import Conversion
from saleor_retention.graphql.lookups import OFFER_WITH
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.previewing import RetentionWarning
from saleor_retention.graphql.offer_documents import OFFER, ROOT
from saleor_retention.graphql.types_offer import RetentionOffer
from saleor_retention.models import Offer

NO_INPUT = Conversion({}, {}, OFFER)
"""Of mutations without a document: problems are named by their place in the offer."""

OWN_FIELDS: Mapping[str, str] = {"slug": "slug", "name": "name"}
"""Fields of refusals that are arguments, and the arguments' names."""


class OfferMutation(RetentionMutation):
    """The base of the mutations of offers, for those who may change programs."""

    class Meta:
        """Only its subclasses are mutations."""

        abstract = True

    permissions = ("discounts",)

    @classmethod
    def __init_subclass_with_meta__(cls, **options: Any) -> None:
        """Give the payload the offer and its warnings."""
        cls.offer = graphene.Field(RetentionOffer, description="The offer as it is now.")
        cls.warnings = graphene.List(
            graphene.NonNull(RetentionWarning),
            description="What to think about; it did not stop the change.",
        )
        super().__init_subclass_with_meta__(**options)


def in_input_terms(
    conversion: Conversion = NO_INPUT, own: Mapping[str, str] = OWN_FIELDS
) -> AbstractContextManager[None]:
    """Name what a service refuses by the field of the input that it came from."""
    return renaming(lambda refusal: _named(refusal, conversion, own))


def warning_types(
    warnings: Iterable[RuleProblem], conversion: Conversion = NO_INPUT
) -> list[RetentionWarning]:
    """Return warnings as GraphQL gives them out."""
    return [
        RetentionWarning(
            field=conversion.field_of(warning.field, ROOT),
            code=warning.code,
            message=warning.message,
        )
        for warning in warnings
    ]


def reread(offer: Offer) -> Offer:
    """Return an offer as it is now, with what its type shows."""
    return Offer.objects.select_related(*OFFER_WITH).get(pk=offer.pk)


def _named(refusal: Refusal, conversion: Conversion, own: Mapping[str, str]) -> Refusal:
    if refusal.field is None:
        return refusal
    first, dot, rest = refusal.field.partition(".")
    if first in own:
        return Refusal(refusal.code, refusal.message, f"{own[first]}{dot}{rest}")
    return conversion.refusal(refusal, ROOT)
