"""Experiments as staff see them: what was stated, and what has come of it."""

from __future__ import annotations

from decimal import Decimal as Number
from fractions import Fraction
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.experiments.assignment import PER_MILLE
from saleor_retention.engine.experiments.power import customers_needed
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql import paging
from saleor_retention.graphql.context import moment, require
from saleor_retention.graphql.dataloaders.campaigns import CampaignSecrets
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime, Decimal
from saleor_retention.graphql.lookups import experiment_of, program_of
from saleor_retention.graphql.types_report import RetentionReportExperiment, experiment_type
from saleor_retention.models import Experiment
from saleor_retention.selectors.experiments import outcome
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.report import Tried
from saleor_retention.selectors.segments import Money, money_of

DECIMALS_MAX = 6
NEEDED_MAX = 2**31 - 1
SHARES: dict[str, Any] = {
    "baseline": graphene.Argument(
        Decimal, description="The share that buys without it, such as 0.1.", required=True
    ),
    "expected": graphene.Argument(
        Decimal, description="The share with it that is to be seen, such as 0.15.", required=True
    ),
}


class RetentionExperiment(graphene.ObjectType):
    """Something that is done for most customers and not for some, to see whether it works."""

    id = graphene.ID(description="The experiment's id.", required=True)
    slug = graphene.String(
        description="A stable name; a campaign's holdout has its.", required=True
    )
    name = graphene.String(description="What staff read.", required=True)
    held_out_per_mille = graphene.Int(
        description="How many of 1000 customers are held out.", required=True
    )
    window_days = graphene.Int(
        description="Orders count for so many days after the assignment.", required=True
    )
    created_at = graphene.Field(DateTime, description="When it was begun.", required=True)
    ended_at = graphene.Field(DateTime, description="From when on nobody is assigned.")
    is_of_campaign = graphene.Boolean(
        description="Whether it is a campaign's own holdout.", required=True
    )
    result = graphene.Field(
        RetentionReportExperiment, description="What has come of it until now.", required=True
    )
    customers_needed = graphene.Int(
        description="Customers in both arms together that would show a difference four times of "
        "five, with this share held out.",
        required=True,
        **SHARES,
    )

    @staticmethod
    def resolve_id(root: Experiment, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionExperiment", str(root.pk))

    @staticmethod
    @discreet
    def resolve_is_of_campaign(root: Experiment, info: Any) -> Any:
        """Promise whether a campaign shares its secret."""
        loaded = CampaignSecrets.of(info).load((root.program_id, root.slug))
        return loaded.then(lambda secret: secret == root.secret)

    @staticmethod
    @discreet
    def resolve_result(root: Experiment, info: Any) -> RetentionReportExperiment:
        """Return what both arms did, one statement."""
        tried = Tried(root.name, root.window_days, outcome(root, now=moment(info)))
        return experiment_type(tried, _money(root))

    @staticmethod
    @discreet
    def resolve_customers_needed(
        root: Experiment, _info: Any, *, baseline: Number, expected: Number
    ) -> int:
        """Return how many it takes."""
        return needed(baseline, expected, root.held_out_per_mille)


class RetentionExperimentConnection(paging.Connection):
    """Experiments, a page at a time."""

    class Meta:
        """Of experiments."""

        node = RetentionExperiment


@discreet
def resolve_experiments(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of a program's experiments, the newest first, for those who may see reports."""
    require(info, "users", "discounts")
    window = paging.Window.of("retentionExperiments", arguments, paging.instant, paging.row_id)
    rows = Experiment.objects.filter(program=program_of(program_id, "programId"))
    found = rows.select_related("program__current_version")
    order = paging.Order("created_at", is_descending=True)
    return paging.page(RetentionExperimentConnection, found, order, window)


@discreet
def resolve_experiment(_root: Any, info: Any, *, id: str) -> Experiment:  # noqa: A002
    """Return one experiment, for those who may see reports."""
    require(info, "users", "discounts")
    return experiment_of(id)


@discreet
def resolve_size(_root: Any, info: Any, **arguments: Any) -> int:
    """Return how many customers an experiment would take, for those who may begin one."""
    require(info, "users", "discounts")
    return needed(arguments["baseline"], arguments["expected"], arguments["held_out_per_mille"])


def needed(baseline: Number, expected: Number, held_out_per_mille: int) -> int:
    """Return how many customers would show a difference; refuse INVALID for what is none."""
    if not 0 < held_out_per_mille < PER_MILLE:
        message = f"From 1 to {PER_MILLE - 1} of {PER_MILLE} customers are held out."
        raise Refusal(Code.INVALID, message, "heldOutPerMille")
    shares = (_share(baseline, "baseline"), _share(expected, "expected"))
    if shares[0] == shares[1]:
        raise Refusal(Code.INVALID, "Two shares that are the same show no difference.", "expected")
    count = customers_needed(*shares, held_out=Fraction(held_out_per_mille, PER_MILLE))
    if count > NEEDED_MAX:
        message = f"So small a difference takes more than {NEEDED_MAX} customers."
        raise Refusal(Code.INVALID, message, "expected")
    return count


def _share(value: Number, field: str) -> Fraction:
    is_sane = value.is_finite() and -int(value.as_tuple().exponent) <= DECIMALS_MAX
    if not (is_sane and 0 <= value <= 1):
        message = f"A share is from 0 to 1, with {DECIMALS_MAX} decimals at most."
        raise Refusal(Code.INVALID, message, field)
    return Fraction(value)


def _money(experiment: Experiment) -> Money:
    version_id = experiment.program.current_version_id
    return Money("", 0) if version_id is None else money_of(rules_of(version_id))
