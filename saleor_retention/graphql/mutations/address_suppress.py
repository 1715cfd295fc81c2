"""``retentionAddressSuppress``: send nothing more to an address that bounced or complained."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.engine.campaigns.terms import Channel
from saleor_retention.graphql.enums_campaigns import RetentionMessageChannel
from saleor_retention.graphql.enums_consents import RetentionSuppressionReason
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_suppression import RetentionSuppression, suppression_type
from saleor_retention.host.contract import Requestor
from saleor_retention.models import SuppressionReason
from saleor_retention.services.consenting import suppressing


class RetentionAddressSuppress(RetentionMutation):
    """Sends nothing more to an address, whatever its owner agrees to. Requires MANAGE_USERS.

    For the app of a mail or SMS provider, to report what bounced and who complained. Sent again it
    changes nothing and answers the same.
    """

    class Arguments:
        """What is asked for."""

        channel = RetentionMessageChannel(description="By which way.", required=True)
        address = graphene.String(
            description="The e-mail address, or the number as +12025550123.", required=True
        )
        reason = RetentionSuppressionReason(
            description="Why; not UNSUBSCRIBED, for which the consent is withdrawn.", required=True
        )
        purpose = graphene.String(
            description="Messages of which purpose; of every one when left out."
        )

    permissions = ("users",)

    suppression = graphene.Field(RetentionSuppression, description="What holds now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        channel: str,
        address: str,
        reason: str,
        purpose: str | None = None,
    ) -> RetentionAddressSuppress:
        """Put it on the list."""
        row = suppressing.suppress_address(
            Channel(channel),
            address,
            SuppressionReason(reason),
            purpose=purpose or "",
            actor_ref=asks.actor_ref,
        )
        return cls(suppression=suppression_type(row))
