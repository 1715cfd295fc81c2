"""``retentionExperimentEnd``: let nobody new into an experiment."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import experiment_of
from saleor_retention.graphql.mutations.experiments import ExperimentMutation, reread
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning import trials


class RetentionExperimentEnd(ExperimentMutation):
    """Ends an experiment: nobody is assigned any more, and who was goes on counting.

    Requires MANAGE_USERS and MANAGE_DISCOUNTS.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The experiment.", required=True)

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionExperimentEnd:
        """End it."""
        return cls(experiment=reread(trials.end(experiment_of(id), actor_ref=asks.actor_ref)))
