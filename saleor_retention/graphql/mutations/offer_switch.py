"""``retentionOfferSwitch``: switch an offer on or off."""

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

OWN_FIELDS = {"offer": "id", "program": "id"}


class RetentionOfferSwitch(OfferMutation):
    """Switches an offer on or off; open checkouts are priced afresh. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The offer.", required=True)
        is_active = graphene.Boolean(description="Whether it is on.", required=True)

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002
        is_active: bool,
    ) -> RetentionOfferSwitch:
        """Switch it."""
        offer = offer_of(id)
        with in_input_terms(own=OWN_FIELDS):
            change = offers.switch_offer(offer=offer, is_active=is_active, actor_ref=asks.actor_ref)
        return cls(offer=reread(change.offer), warnings=warning_types(change.warnings))
