"""``retentionCampaignEnd``: end a campaign for good."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.campaign_changes import CampaignMutation, changed
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning.campaigns import end_campaign


class RetentionCampaignEnd(CampaignMutation):
    """Ends a campaign for good; what was planned is left out. Requires MANAGE_DISCOUNTS."""

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
    ) -> RetentionCampaignEnd:
        """End it."""
        return cls(campaign=changed(id, end_campaign, actor_ref=asks.actor_ref))
