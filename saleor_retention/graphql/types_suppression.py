"""An address that nothing is sent to, as staff and the apps that report it see it."""

from __future__ import annotations

import graphene

from saleor_retention.graphql.enums_campaigns import RetentionMessageChannel
from saleor_retention.graphql.enums_consents import RetentionSuppressionReason
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.models import Suppression


class RetentionSuppression(graphene.ObjectType):
    """What nothing is sent of to an address; the address is kept as a keyed hash only."""

    channel = graphene.Field(RetentionMessageChannel, description="By which way.", required=True)
    purpose = graphene.String(description="Of which purpose; null: of every one.")
    reason = graphene.Field(RetentionSuppressionReason, description="Why.", required=True)
    at = graphene.Field(DateTime, description="When it was last reported.", required=True)


def suppression_type(row: Suppression) -> RetentionSuppression:
    """Return a row of the list as GraphQL gives it out."""
    return RetentionSuppression(
        channel=row.channel, purpose=row.purpose or None, reason=row.reason, at=row.at
    )
