"""``retentionCampaignUpdate``: change what a campaign says, or see first how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.campaign_documents import campaign_document
from saleor_retention.graphql.documents import overlaid
from saleor_retention.graphql.inputs_campaigns import RetentionCampaignUpdateInput
from saleor_retention.graphql.lookups import campaign_of
from saleor_retention.graphql.mutations.campaign_changes import (
    DRY_RUN,
    CampaignMutation,
    in_input_terms,
    reread,
    words_of,
)
from saleor_retention.graphql.types_campaign import RetentionCampaignWords
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning import campaigns


class RetentionCampaignUpdate(CampaignMutation):
    """Changes a campaign; what is planned already goes out as it was planned.

    Requires MANAGE_DISCOUNTS.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The campaign.", required=True)
        input = RetentionCampaignUpdateInput(description="What changes.", required=True)
        dry_run = graphene.Boolean(description=DRY_RUN, default_value=False)

    words = graphene.List(
        graphene.NonNull(RetentionCampaignWords),
        description="Its message in each of its languages, with made-up facts.",
    )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        input: Mapping[str, Any],  # noqa: A002
        dry_run: bool = False,
    ) -> RetentionCampaignUpdate:
        """Change it, or only read it."""
        campaign = campaign_of(id)
        conversion = campaign_document(input.get("campaign") or {})
        document = overlaid(campaigns.document_of(campaign), conversion.content)
        with in_input_terms(conversion):
            if dry_run:
                terms = campaigns.checked_terms(campaign.program, document)
                return cls(campaign=campaign, words=words_of(campaign.program, terms))
            campaigns.update_campaign(
                campaign, document=document, name=input.get("name"), actor_ref=asks.actor_ref
            )
        made = reread(campaign)
        return cls(campaign=made, words=words_of(made.program, campaigns.terms_of(made)))
