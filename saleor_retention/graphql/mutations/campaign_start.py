"""``retentionCampaignStart``: start a campaign now, or go on with it."""

from __future__ import annotations

from saleor_retention.graphql.mutations.campaign_changes import CampaignStep
from saleor_retention.services.campaigning.campaigns import start_campaign


class RetentionCampaignStart(CampaignStep):
    """Starts a campaign now, or goes on with a paused one. Requires MANAGE_DISCOUNTS."""

    step = staticmethod(start_campaign)
