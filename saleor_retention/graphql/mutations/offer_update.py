"""``retentionOfferUpdate``: change an offer, or see first what that would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.documents import overlaid
from saleor_retention.graphql.inputs_offers import RetentionOfferUpdateInput
from saleor_retention.graphql.lookups import offer_of
from saleor_retention.graphql.mutations.offer_changes import (
    OfferMutation,
    in_input_terms,
    reread,
    warning_types,
)
from saleor_retention.graphql.offer_documents import offer_document
from saleor_retention.host.contract import Requestor
from saleor_retention.services.offering import offers

OWN_FIELDS = {"name": "name", "offer": "id", "program": "id"}


class RetentionOfferUpdate(OfferMutation):
    """Changes an offer; another document than before makes its next version.

    Orders keep what the version gave them that they were placed under. Requires MANAGE_DISCOUNTS.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The offer.", required=True)
        input = RetentionOfferUpdateInput(description="What to change.", required=True)
        dry_run = graphene.Boolean(
            description="Only say what would change, and change nothing.", default_value=False
        )

    differences = graphene.List(
        graphene.NonNull(graphene.String),
        description="Each value that would change, in words, of a dry run.",
    )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002
        input: Mapping[str, Any],  # noqa: A002
        dry_run: bool = False,
    ) -> RetentionOfferUpdate:
        """Save the change, or preview it."""
        offer = offer_of(id)
        conversion = offer_document(input.get("offer") or {})
        changes: dict[str, Any] = {"offer": offer, "name": input.get("name")}
        if conversion.content:
            changes["document"] = overlaid(offers.document_of(offer), conversion.content)
        with in_input_terms(conversion, OWN_FIELDS):
            if dry_run:
                preview = offers.preview_update(**changes)
                return cls(
                    offer=reread(offer),
                    differences=list(preview.changes),
                    warnings=warning_types(preview.warnings, conversion),
                )
            change = offers.update_offer(**changes, actor_ref=asks.actor_ref)
        return cls(offer=reread(change.offer), warnings=warning_types(change.warnings, conversion))
