"""``retentionAddressRelease``: take an address off the list again."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.engine.campaigns.terms import Channel
from saleor_retention.graphql.enums_campaigns import RetentionMessageChannel
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_suppression import RetentionSuppression, suppression_type
from saleor_retention.host.contract import Requestor
from saleor_retention.services.consenting import suppressing


class RetentionAddressRelease(RetentionMutation):
    """Lifts what was reported of an address. Requires MANAGE_USERS.

    What its owner ended stays: only a new consent of theirs lifts that.
    """

    class Arguments:
        """What is asked for."""

        channel = RetentionMessageChannel(description="By which way.", required=True)
        address = graphene.String(
            description="The e-mail address, or the number as +12025550123.", required=True
        )
        purpose = graphene.String(
            description="As it was reported: of this purpose; of every one when left out."
        )

    permissions = ("users",)

    suppression = graphene.Field(RetentionSuppression, description="What held until now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        channel: str,
        address: str,
        purpose: str | None = None,
    ) -> RetentionAddressRelease:
        """Take it off the list."""
        row = suppressing.release_address(
            Channel(channel), address, purpose=purpose or "", actor_ref=asks.actor_ref
        )
        return cls(suppression=suppression_type(row))
