"""``retentionCampaignCreate``: write a campaign, or see first how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.campaign_documents import campaign_document
from saleor_retention.graphql.inputs_campaigns import RetentionCampaignCreateInput
from saleor_retention.graphql.lookups import program_of
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


class RetentionCampaignCreate(CampaignMutation):
    """Creates a campaign as a draft. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        input = RetentionCampaignCreateInput(description="The campaign.", required=True)
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
        program_id: str,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
        dry_run: bool = False,
    ) -> RetentionCampaignCreate:
        """Create it, or only read it."""
        program = program_of(program_id, "programId")
        conversion = campaign_document(input["campaign"])
        with in_input_terms(conversion):
            if dry_run:
                terms = campaigns.checked_terms(program, conversion.content)
                return cls(words=words_of(program, terms))
            campaign = campaigns.create_campaign(
                program,
                slug=input["slug"],
                name=input["name"],
                document=conversion.content,
                actor_ref=asks.actor_ref,
            )
        made = reread(campaign)
        return cls(campaign=made, words=words_of(program, campaigns.terms_of(made)))
