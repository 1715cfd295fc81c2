"""``retentionCampaignEnd``: end a campaign for good."""

from __future__ import annotations

from saleor_retention.graphql.mutations.campaign_changes import CampaignStep
from saleor_retention.services.campaigning.campaigns import end_campaign


class RetentionCampaignEnd(CampaignStep):
    """Ends a campaign for good; what was planned is left out. Requires MANAGE_DISCOUNTS."""

    step = staticmethod(end_campaign)
