"""``retentionOfferDuplicate``: begin an offer from another one."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import offer_of
from saleor_retention.graphql.mutations.offer_changes import (
    OfferMutation,
    in_input_terms,
    reread,
    warning_types,
)
from saleor_retention.host.contract import Requestor
from saleor_retention.services.offering import offers

OWN_FIELDS = {"slug": "slug", "name": "name", "program": "id"}


class RetentionOfferDuplicate(OfferMutation):
    """Creates an offer that says what another one says, switched off. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The offer to begin from.", required=True)
        slug = graphene.String(description="The new offer's stable name.", required=True)
        name = graphene.String(description="What customers read; as the other when left out.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002
        slug: str,
        name: str | None = None,
    ) -> RetentionOfferDuplicate:
        """Create it."""
        offer = offer_of(id)
        with in_input_terms(own=OWN_FIELDS):
            change = offers.duplicate_offer(
                offer=offer, slug=slug, name=name, actor_ref=asks.actor_ref
            )
        return cls(offer=reread(change.offer), warnings=warning_types(change.warnings))
