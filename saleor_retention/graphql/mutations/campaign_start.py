"""``retentionCampaignStart``: start a campaign now, or go on with it."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.campaign_changes import CampaignMutation, changed
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning.campaigns import start_campaign


class RetentionCampaignStart(CampaignMutation):
    """Starts a campaign now, or goes on with a paused one. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The campaign.", required=True)

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionCampaignStart:
        """Start it."""
        return cls(campaign=changed(id, start_campaign, actor_ref=asks.actor_ref))
