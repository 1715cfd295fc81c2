"""``retentionCampaignPause``: send nothing more until it is started again."""

from __future__ import annotations

from saleor_retention.graphql.mutations.campaign_changes import CampaignStep
from saleor_retention.services.campaigning.campaigns import pause_campaign


class RetentionCampaignPause(CampaignStep):
    """Sends nothing more of a campaign until it is started again. Requires MANAGE_DISCOUNTS."""

    step = staticmethod(pause_campaign)
