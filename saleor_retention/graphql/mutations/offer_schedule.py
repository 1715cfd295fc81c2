"""``retentionOfferSchedule``: set when an offer begins and ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import graphene

from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.lookups import offer_of
from saleor_retention.graphql.mutations.offer_changes import (
    OfferMutation,
    in_input_terms,
    reread,
    warning_types,
)
from saleor_retention.host.contract import Requestor
from saleor_retention.services.offering import offers

OWN_FIELDS = {"starts_at": "startsAt", "ends_at": "endsAt", "offer": "id", "program": "id"}


class RetentionOfferSchedule(OfferMutation):
    """Sets when an offer begins and ends, in whole seconds. Requires MANAGE_DISCOUNTS.

    A time without an offset is in the program's time zone.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The offer.", required=True)
        starts_at = graphene.Argument(
            DateTime, description="When it begins; it has begun when left out."
        )
        ends_at = graphene.Argument(
            DateTime, description="The first instant at which it is over; never when left out."
        )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002
        starts_at: dt.datetime | None = None,
        ends_at: dt.datetime | None = None,
    ) -> RetentionOfferSchedule:
        """Set the window."""
        offer = offer_of(id)
        with in_input_terms(own=OWN_FIELDS):
            change = offers.schedule_offer(
                offer=offer, starts_at=starts_at, ends_at=ends_at, actor_ref=asks.actor_ref
            )
        return cls(offer=reread(change.offer), warnings=warning_types(change.warnings))
