"""``retentionExperimentCreate``: begin an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.experiments import ExperimentMutation, reread
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning import trials


class RetentionExperimentInput(graphene.InputObjectType):
    """An experiment; share and window cannot be changed later."""

    slug = graphene.String(description="A stable name within the program.", required=True)
    name = graphene.String(description="What staff read.", required=True)
    held_out_per_mille = graphene.Int(
        description="How many of 1000 customers are held out: from 1 to 999.", required=True
    )
    window_days = graphene.Int(
        description="For how many days after the assignment orders count: from 1 to 365.",
        required=True,
    )


class RetentionExperimentCreate(ExperimentMutation):
    """Begins an experiment; nobody is assigned yet. Requires MANAGE_USERS and MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        input = RetentionExperimentInput(description="The experiment.", required=True)

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionExperimentCreate:
        """Create it; the secret that deals the arms is drawn and kept."""
        program = program_of(program_id, "programId")
        made = trials.begin(program, **input, actor_ref=asks.actor_ref)
        return cls(experiment=reread(made))
