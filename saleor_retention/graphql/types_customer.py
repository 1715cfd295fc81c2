"""What is known of a customer at a glance, for staff: sums, band, scores, stage, tags, segments."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import graphene
from promise import Promise

from saleor_retention import host
from saleor_retention.engine.money import round_half_up
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.segments.bands import Limits, band_of
from saleor_retention.engine.segments.stages import NO_DEEDS, Deeds, stage_dates, stage_of
from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.customers import (
    DeedsOf,
    RollupOf,
    SegmentsOf,
    TagsOf,
)
from saleor_retention.graphql.dataloaders.programs import ProgramById
from saleor_retention.graphql.dataloaders.segments import LimitsByProgram
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import Date, DateTime, Money, money
from saleor_retention.graphql.segment_rules import RetentionCustomerStage, RetentionRecencyBand
from saleor_retention.graphql.types_program import Terms
from saleor_retention.models import Account, AccountState, CustomerRollup, SegmentMember
from saleor_retention.selectors.segments import money_of, rollup_in


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with its sums, and the day and currency in which they are told."""

    account: Account
    row: CustomerRollup | None
    deeds: Deeds
    currency: str
    limits: Limits
    today: dt.date


class RetentionRfm(graphene.ObjectType):
    """Fifths among all customers of the program, 1 to 5, as of the last night."""

    recency = graphene.Int(description="By the last day of buying.", required=True)
    frequency = graphene.Int(description="By days of buying.", required=True)
    monetary = graphene.Int(description="By what is kept of the orders.", required=True)


class RetentionStageDate(graphene.ObjectType):
    """A stage that a customer has reached, and when."""

    stage = RetentionCustomerStage(description="The stage.", required=True)
    at = graphene.Field(DateTime, description="When it began.", required=True)


class RetentionCustomerSegment(graphene.ObjectType):
    """An active segment that a customer is in."""

    id = graphene.ID(description="The segment's id.", required=True)
    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What staff read.", required=True)
    since = graphene.Field(DateTime, description="Since when.", required=True)


class RetentionCustomer(graphene.ObjectType):
    """What is known of a member at a glance; orders count as for tiers."""

    orders = graphene.Int(description="How many orders count.", required=True)
    revenue = graphene.Field(
        Money,
        description="What is kept of them in the program's reference currency; null where it has "
        "no one currency for all orders.",
    )
    average_order_value = graphene.Field(
        Money, description="What is kept of an order on average; null without orders."
    )
    first_order_on = graphene.Field(Date, description="The day of the first order.")
    last_order_on = graphene.Field(Date, description="The day of the last order.")
    is_returning = graphene.Boolean(description="Whether he ordered again.", required=True)
    band = RetentionRecencyBand(
        description="The recency band, the best apart from the active; null without orders."
    )
    rfm = graphene.Field(RetentionRfm, description="Scores; null before the first night.")
    stage = RetentionCustomerStage(description="The furthest 5A stage.", required=True)
    stage_dates = graphene.List(
        graphene.NonNull(RetentionStageDate),
        description="When each stage that was reached began.",
        required=True,
    )
    tags = graphene.List(
        graphene.NonNull(graphene.String), description="Tags by segments.", required=True
    )
    segments = graphene.List(
        graphene.NonNull(RetentionCustomerSegment),
        description="The active segments that he is in.",
        required=True,
    )

    @staticmethod
    def resolve_orders(root: Customer, _info: Any) -> int:
        """Return how many orders count."""
        return 0 if root.row is None else root.row.orders

    @staticmethod
    @discreet
    def resolve_revenue(root: Customer, _info: Any) -> Any:
        """Return what is kept of the orders."""
        return _money(root, Fraction(0 if root.row is None else root.row.spend_minor))

    @staticmethod
    @discreet
    def resolve_average_order_value(root: Customer, _info: Any) -> Any:
        """Return what is kept of an order on average."""
        if root.row is None:
            return None
        return _money(root, Fraction(root.row.spend_minor, root.row.orders))

    @staticmethod
    def resolve_first_order_on(root: Customer, _info: Any) -> dt.date | None:
        """Return the day of the first order."""
        return None if root.row is None else root.row.first_on

    @staticmethod
    def resolve_last_order_on(root: Customer, _info: Any) -> dt.date | None:
        """Return the day of the last order."""
        return None if root.row is None else root.row.last_on

    @staticmethod
    def resolve_is_returning(root: Customer, _info: Any) -> bool:
        """Tell whether there is more than one order."""
        return root.row is not None and root.row.orders > 1

    @staticmethod
    def resolve_band(root: Customer, _info: Any) -> str | None:
        """Return the band of the last order."""
        if root.row is None:
            return None
        return band_of(root.row.last_on, root.today, root.limits).value

    @staticmethod
    def resolve_rfm(root: Customer, _info: Any) -> RetentionRfm | None:
        """Return the scores of the last night."""
        row = root.row
        if row is None or not row.recency_score:
            return None
        return RetentionRfm(
            recency=row.recency_score,
            frequency=row.frequency_score,
            monetary=row.monetary_score,
        )

    @staticmethod
    def resolve_stage(root: Customer, _info: Any) -> str:
        """Return the furthest stage."""
        return stage_of(_rollup(root), root.deeds).value

    @staticmethod
    def resolve_stage_dates(root: Customer, _info: Any) -> list[RetentionStageDate]:
        """Return when each stage began, in the order of the stages."""
        dates = stage_dates(root.account.joined_at, _rollup(root), root.deeds)
        return [RetentionStageDate(stage=stage.value, at=at) for stage, at in dates.items()]

    @staticmethod
    @discreet
    def resolve_tags(root: Customer, info: Any) -> Any:
        """Promise the tags."""
        return TagsOf.of(info).load(root.account.pk).then(lambda tags: tags or [])

    @staticmethod
    @discreet
    def resolve_segments(root: Customer, info: Any) -> Any:
        """Promise the segments."""
        found = SegmentsOf.of(info).load(root.account.pk)
        return found.then(lambda rows: [_segment(row) for row in rows or ()])


def resolve_customer(info: Any, account: Account) -> Any:
    """Promise what is known of a member; nothing of one who was erased."""
    if account.state == AccountState.ERASED:
        return None
    loaders = [
        RollupOf.of(info).load(account.pk),
        DeedsOf.of(info).load(account.pk),
        ProgramById.of(info).load(account.program_id),
        LimitsByProgram.of(info).load(account.program_id),
    ]

    def known(found: list[Any]) -> Customer:
        row, deeds, program, limits = found
        rules = Terms.of(program).rules
        today = local_date(moment(info), rules.time_zone)
        currency = money_of(rules).currency
        return Customer(account, row, deeds or NO_DEEDS, currency, limits, today)

    return Promise.all(loaders).then(known)


def _rollup(root: Customer) -> Any:
    return None if root.row is None else rollup_in(root.row)


def _money(root: Customer, minor: Fraction) -> Any:
    return money(round_half_up(minor), root.currency) if root.currency else None


def _segment(row: SegmentMember) -> RetentionCustomerSegment:
    return RetentionCustomerSegment(
        id=host.current().to_global_id("RetentionSegment", str(row.segment_id)),
        slug=row.segment.slug,
        name=row.segment.name,
        since=row.since,
    )
