"""``retentionOfferRetire``: end an offer for good."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import offer_of
from saleor_retention.graphql.mutations.offer_changes import OfferMutation, in_input_terms, reread
from saleor_retention.host.contract import Requestor
from saleor_retention.services.offering import offers

OWN_FIELDS = {"program": "id"}


class RetentionOfferRetire(OfferMutation):
    """Ends an offer for good; orders keep what it gave them. Requires MANAGE_DISCOUNTS.

    To stop an offer for a while, switch it off instead.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The offer.", required=True)

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002
    ) -> RetentionOfferRetire:
        """End it; once it is ended, again changes nothing."""
        offer = offer_of(id)
        with in_input_terms(own=OWN_FIELDS):
            offer = offers.retire_offer(offer=offer, actor_ref=asks.actor_ref)
        return cls(offer=reread(offer), warnings=[])
