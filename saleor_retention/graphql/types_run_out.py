"""When a member's goods run out, and what of them cannot be bought again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.campaigns.rhythm import RunOut, Supply, Thin
from saleor_retention.graphql import words
from saleor_retention.graphql.dataloaders.run_outs import RunOutsOf
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.host_types import Date
from saleor_retention.host.contract import Lack
from saleor_retention.models import Account
from saleor_retention.services.campaigning.reordering import Missing
from saleor_retention.services.campaigning.run_outs import RunningOut

RetentionSupply = described(
    "RetentionSupply",
    Supply,
    "How long the goods of the last purchase will do.",
    {
        Supply.UNKNOWN: "No rhythm is seen; `reason` says why.",
        Supply.LASTING: "It is not yet time for a reminder.",
        Supply.RUNNING_OUT: "From the day of the reminder through the latest day of the range.",
        Supply.USED_UP: "They should be used up by now.",
    },
)

RetentionLack = described(
    "RetentionLack",
    Lack,
    "Why goods cannot be bought now.",
    {
        Lack.UNAVAILABLE: "They are not sold in the channel, or not any more.",
        Lack.OUT_OF_STOCK: "There are none, or fewer than the usual quantity.",
        Lack.OVER_LIMIT: "The usual quantity is more than the shop sells at once.",
    },
)


class RetentionRunOut(graphene.ObjectType):
    """Goods that a member buys again and again, and when they run out by that rhythm.

    Days are in the program's time zone. Where there are too few purchases to see a rhythm, there
    are no days, and `reason` says so.
    """

    variant_id = graphene.ID(description="The variant.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    supply = RetentionSupply(description="How long the last purchase will do.", required=True)
    days_bought = graphene.Int(description="On how many days it was bought.", required=True)
    last_bought_on = graphene.Field(Date, description="When it was bought last.", required=True)
    usual_quantity = graphene.Int(
        description="How many are bought at once: the median of the days.", required=True
    )
    reminded_on = graphene.Field(Date, description="From when it counts as running out.")
    runs_out_on = graphene.Field(Date, description="The likely day.")
    earliest_on = graphene.Field(Date, description="The first day of the range.")
    latest_on = graphene.Field(Date, description="The last day of the range.")
    is_firm = graphene.Boolean(
        description="Whether the range says what is usual; false where it is just what was seen "
        "so far.",
        required=True,
    )
    reason = graphene.String(description="Why there are no days; null where there are.")

    @staticmethod
    def resolve_variant_id(root: RunningOut, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("ProductVariant", root.variant_ref)

    @staticmethod
    def resolve_days_bought(root: RunningOut, _info: Any) -> int:
        """Return on how many days it was bought."""
        return root.days

    @staticmethod
    def resolve_last_bought_on(root: RunningOut, _info: Any) -> dt.date:
        """Return the day of the last purchase."""
        return root.last_on

    @staticmethod
    def resolve_runs_out_on(root: RunningOut, _info: Any) -> dt.date | None:
        """Return the likely day."""
        return None if (found := _days(root)) is None else found.on

    @staticmethod
    def resolve_earliest_on(root: RunningOut, _info: Any) -> dt.date | None:
        """Return the first day of the range."""
        return None if (found := _days(root)) is None else found.earliest

    @staticmethod
    def resolve_latest_on(root: RunningOut, _info: Any) -> dt.date | None:
        """Return the last day of the range."""
        return None if (found := _days(root)) is None else found.latest

    @staticmethod
    def resolve_is_firm(root: RunningOut, _info: Any) -> bool:
        """Return whether there are gaps enough."""
        found = _days(root)
        return found is not None and found.is_firm

    @staticmethod
    def resolve_reason(root: RunningOut, _info: Any) -> str | None:
        """Return why there are no days, in the request's language."""
        found = root.found
        return words.said(found.reason) if isinstance(found, Thin) else None


class RetentionReorderMissing(graphene.ObjectType):
    """Goods that run out and cannot be bought now."""

    variant_id = graphene.ID(description="The variant.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    quantity = graphene.Int(description="How many were to be bought.", required=True)
    lack = RetentionLack(description="Why they cannot be bought.", required=True)

    @staticmethod
    def resolve_variant_id(root: Missing, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("ProductVariant", root.goods.variant_ref)

    @staticmethod
    def resolve_name(root: Missing, _info: Any) -> str:
        """Return what customers read."""
        return root.goods.name

    @staticmethod
    def resolve_quantity(root: Missing, _info: Any) -> int:
        """Return the usual quantity."""
        return root.goods.usual_quantity


def resolve_run_outs(info: Any, account: Account) -> Any:
    """Promise what a member buys again and again, what runs out first at the top."""
    return RunOutsOf.of(info).load(account.pk).then(lambda found: found or [])


def _days(root: RunningOut) -> RunOut | None:
    found = root.found
    return found if isinstance(found, RunOut) else None
