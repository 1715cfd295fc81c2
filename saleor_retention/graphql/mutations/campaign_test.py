"""``retentionCampaignTest``: send a campaign's message to one address, with made-up facts."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import campaign_of
from saleor_retention.graphql.mutations.campaign_changes import (
    CampaignMutation,
    in_input_terms,
)
from saleor_retention.graphql.types_campaign import RetentionCampaignWords
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning.campaign_trying import send_test


class RetentionCampaignTest(CampaignMutation):
    """Sends a campaign's message to one address, with made-up facts. Requires MANAGE_DISCOUNTS.

    Nobody's consent is asked and no benefit is given; the audit trail says that it was sent.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The campaign.", required=True)
        to = graphene.String(
            description="An e-mail address, or a phone number of a text message.", required=True
        )
        language = graphene.String(
            description="en, zh-hant or zh-hans; the first of its languages when left out.",
            default_value="",
        )

    words = graphene.Field(RetentionCampaignWords, description="What was sent.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        to: str,
        language: str = "",
    ) -> RetentionCampaignTest:
        """Send it."""
        campaign = campaign_of(id)
        with in_input_terms():
            words = send_test(campaign, to=to, language=language or "", actor_ref=asks.actor_ref)
        return cls(campaign=campaign, words=words)
