"""``retentionOfferCreate``: set up an offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.db import transaction

from saleor_retention.graphql.documents import overlaid
from saleor_retention.graphql.inputs_offers import RetentionOfferCreateInput
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.offer_changes import (
    OfferMutation,
    in_input_terms,
    reread,
    warning_types,
)
from saleor_retention.graphql.offer_documents import offer_document
from saleor_retention.host.contract import Requestor
from saleor_retention.services.offering import offers

OWN_FIELDS = {"slug": "slug", "name": "name", "program": "programId"}


class RetentionOfferCreate(OfferMutation):
    """Creates an offer of a program with its first version. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        input = RetentionOfferCreateInput(description="The offer.", required=True)
        dry_run = graphene.Boolean(
            description="Only say what is wrong or odd, and change nothing.", default_value=False
        )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        input: Mapping[str, Any],  # noqa: A002
        dry_run: bool = False,
    ) -> RetentionOfferCreate:
        """Create it, or refuse everything that is wrong with it at once."""
        program = program_of(program_id, "programId")
        given = {name: value for name, value in input["offer"].items() if value is not None}
        conversion = offer_document(given)
        is_active = input.get("is_active")
        with in_input_terms(conversion, OWN_FIELDS), transaction.atomic():
            change = offers.create_offer(
                program=program,
                slug=input["slug"],
                name=input["name"],
                document=overlaid({}, conversion.content),
                is_active=True if is_active is None else is_active,
                actor_ref=asks.actor_ref,
            )
            transaction.set_rollback(dry_run)
        return cls(
            offer=None if dry_run else reread(change.offer),
            warnings=warning_types(change.warnings, conversion),
        )
