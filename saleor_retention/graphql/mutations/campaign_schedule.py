"""``retentionCampaignSchedule``: have a campaign start, and end, by itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import graphene

from saleor_retention.graphql.campaign_documents import in_zone_of
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.lookups import campaign_of
from saleor_retention.graphql.mutations.campaign_changes import (
    CampaignMutation,
    in_input_terms,
    reread,
)
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning.campaigns import schedule_campaign


class RetentionCampaignSchedule(CampaignMutation):
    """Has a campaign start, and end, by itself. Requires MANAGE_DISCOUNTS.

    A time without an offset is in the program's time zone.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The campaign.", required=True)
        starts_at = graphene.Argument(DateTime, description="When it starts.", required=True)
        ends_at = graphene.Argument(
            DateTime, description="When it ends; not by itself when left out."
        )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        starts_at: dt.datetime,
        ends_at: dt.datetime | None = None,
    ) -> RetentionCampaignSchedule:
        """Schedule it."""
        campaign = campaign_of(id)
        program = campaign.program
        with in_input_terms():
            scheduled = schedule_campaign(
                campaign,
                starts_at=in_zone_of(program, starts_at),
                ends_at=None if ends_at is None else in_zone_of(program, ends_at),
                actor_ref=asks.actor_ref,
            )
        return cls(campaign=reread(scheduled))
