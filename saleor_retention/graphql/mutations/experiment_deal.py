"""``retentionExperimentDeal``: deal a segment's members to the arms of an experiment."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import experiment_of, segment_of
from saleor_retention.graphql.mutations.experiments import ExperimentMutation, reread
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning import trials


class RetentionExperimentDeal(ExperimentMutation):
    """Assigns everybody who is in a segment now, and puts the treated on a list.

    An offer or a campaign for that list is done for the treated alone. Who was assigned stays in
    his arm, so that it can be done again for those who came. Requires MANAGE_USERS and
    MANAGE_DISCOUNTS.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The experiment.", required=True)
        segment_id = graphene.ID(
            description="The segment of all for whom it could be done.", required=True
        )
        treated_list_id = graphene.ID(
            description="The segment, an explicit list, that the treated are put on.", required=True
        )

    treated = graphene.Int(description="How many of the segment are treated.")
    held_out = graphene.Int(description="How many of it are held out.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        segment_id: str,
        treated_list_id: str,
    ) -> RetentionExperimentDeal:
        """Deal them."""
        experiment = experiment_of(id)
        segment = segment_of(segment_id, "segmentId")
        treated_list = segment_of(treated_list_id, "treatedListId")
        dealt = trials.deal(experiment, segment, treated_list, actor_ref=asks.actor_ref)
        made = reread(experiment)
        return cls(experiment=made, treated=dealt.treated, held_out=dealt.held_out)
