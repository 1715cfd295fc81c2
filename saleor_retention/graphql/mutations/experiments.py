"""What the mutations of experiments share."""

from __future__ import annotations

import graphene

from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_experiment import RetentionExperiment
from saleor_retention.models import Experiment


class ExperimentMutation(RetentionMutation):
    """The base of those that answer with an experiment."""

    class Meta:
        """Only its subclasses are mutations."""

        abstract = True

    permissions = ("users", "discounts")

    experiment = graphene.Field(RetentionExperiment, description="The experiment, as it is now.")


def reread(experiment: Experiment) -> Experiment:
    """Return an experiment as it is now, with the program that its fields ask for."""
    return Experiment.objects.select_related("program__current_version").get(pk=experiment.pk)
