"""What a program owes its members, for the shop's books."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import graphene

from saleor_retention.engine.liability import Expiring, Movement, Period, Revenue, Step, worth
from saleor_retention.engine.liability_report import Report
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.host_types import Date, DateTime, Decimal, Money, money
from saleor_retention.graphql.scalars import RetentionPoints

RetentionLiabilityStep = described(
    "RetentionLiabilityStep",
    Step,
    "How long a period of a liability report is.",
    {Step.DAY: "A day.", Step.MONTH: "A calendar month, or the part of it that was asked for."},
)

RetentionLiabilityMovementKind = described(
    "RetentionLiabilityMovementKind",
    Movement,
    "Why the points of a program's members became more or fewer.",
    {
        Movement.EARNED: "Earned by orders.",
        Movement.BONUS: "Bonuses of the program, such as welcome points.",
        Movement.GRANTED: "Given by staff.",
        Movement.IMPORTED: "Brought over from another system.",
        Movement.REVERSED: "Taken back after returns, refunds and cancellations.",
        Movement.REINSTATED: "Given again because a refund was undone.",
        Movement.REDEEMED: "Spent on orders.",
        Movement.RESTORED: "Spent, and given back because of a return, refund or cancellation.",
        Movement.EXPIRED: "Breakage: died unspent.",
        Movement.ERASED: "Breakage: gone with a customer whose data was erased.",
        Movement.ADJUSTED: "Taken by staff.",
        Movement.WRITTEN_OFF: "Owed by members and borne by the shop instead.",
        Movement.TRANSFERRED: "Moved from one account to another; zero in all.",
        Movement.OTHER: "Anything else.",
    },
)


class RetentionLiabilityMovement(graphene.ObjectType):
    """How many points moved for one reason."""

    kind = graphene.Field(RetentionLiabilityMovementKind, description="Why.", required=True)
    points = graphene.Field(
        RetentionPoints, description="How many; negative where members lost them.", required=True
    )


class RetentionLiabilityRevenue(graphene.ObjectType):
    """The part of orders' prices that is put aside for points, and becomes revenue with them.

    By relative stand-alone selling price. Follows the orders as they stand now.
    """

    orders = graphene.Int(description="Orders paid in the period that earn points.", required=True)
    price = graphene.Field(Money, description="What they cost, net of refunds.", required=True)
    points = graphene.Field(
        RetentionPoints, description="The points they earn, net of those taken back.", required=True
    )
    deferred = graphene.Field(
        Money, description="The part of the price that is put aside.", required=True
    )
    recognized = graphene.Field(
        Money, description="What became revenue in the period.", required=True
    )
    liability = graphene.Field(
        Money, description="What is still put aside at its end.", required=True
    )


class RetentionLiabilityPeriod(graphene.ObjectType):
    """A day or a month: opening plus all movements is closing."""

    first_day = graphene.Field(Date, description="Its first day.", required=True)
    last_day = graphene.Field(Date, description="Its last day.", required=True)
    is_final = graphene.Boolean(
        description="Whether no posting can come into it any more: 48 hours after its end.",
        required=True,
    )
    opening = graphene.Field(
        RetentionPoints, description="What members had before, less what they owed.", required=True
    )
    movements = graphene.List(
        graphene.NonNull(RetentionLiabilityMovement),
        description="What moved, without the reasons that moved nothing.",
        required=True,
    )
    closing = graphene.Field(
        RetentionPoints,
        description="What members have at its end, less what they owe.",
        required=True,
    )
    late = graphene.Field(
        RetentionPoints,
        description="Of the movements: what took effect earlier, in a time that was final when it "
        "was written down.",
        required=True,
    )
    values = graphene.List(
        graphene.NonNull(Money),
        description="The closing points in money, one amount for each currency that the program "
        "states: the same liability in each.",
        required=True,
    )
    expected_points = graphene.Field(
        RetentionPoints,
        description="How many of them are expected to be redeemed, to the nearest point.",
        required=True,
    )
    expected_values = graphene.List(
        graphene.NonNull(Money),
        description="Those in money, one amount for each currency.",
        required=True,
    )
    revenue = graphene.Field(
        RetentionLiabilityRevenue,
        description="The same by relative stand-alone selling price; null where no currency is "
        "stated for all orders.",
    )


class RetentionLiabilityExpiry(graphene.ObjectType):
    """The points that die in one month if nobody spends them before."""

    month = graphene.Field(
        Date, description="The month's first day; null for points that die later or never."
    )
    is_later = graphene.Boolean(
        description="Whether they die after the last month looked at, ten years from now.",
        required=True,
    )
    available = graphene.Field(
        RetentionPoints, description="Of them: those that can be spent.", required=True
    )
    pending = graphene.Field(
        RetentionPoints, description="Of them: those that cannot be spent yet.", required=True
    )
    held = graphene.Field(
        RetentionPoints, description="Of them: those set aside for open checkouts.", required=True
    )
    points = graphene.Field(RetentionPoints, description="All of them.", required=True)
    values = graphene.List(
        graphene.NonNull(Money),
        description="All of them in money, one amount for each currency.",
        required=True,
    )


class RetentionLiability(graphene.ObjectType):
    """What a program owes its members, by day or month, in points and in money."""

    made_at = graphene.Field(DateTime, description="When the report was made.", required=True)
    time_zone = graphene.String(description="Whose days these are.", required=True)
    expected_redemption_rate = graphene.Field(
        Decimal,
        description="The share of all points issued that is expected to be redeemed.",
        required=True,
    )
    periods = graphene.List(
        graphene.NonNull(RetentionLiabilityPeriod),
        description="The periods asked for, in order.",
        required=True,
    )
    expiry = graphene.List(
        graphene.NonNull(RetentionLiabilityExpiry),
        description="When what members have now dies, soonest first.",
        required=True,
    )
    owed_by_members = graphene.Field(
        RetentionPoints,
        description="What members owe now; it is not in `expiry`, and taken off the balances.",
        required=True,
    )
    is_sound = graphene.Boolean(
        description="Whether the report agrees with the ledger, the kept balances and the lots.",
        required=True,
    )
    breaches = graphene.List(
        graphene.NonNull(graphene.String),
        description="A sentence for each sum that does not agree.",
        required=True,
    )
    csv = graphene.String(
        description="The periods as CSV, for a spreadsheet; at most 366 rows.", required=True
    )
    expiry_csv = graphene.String(
        description="The schedule of expiry as CSV; at most 122 rows.", required=True
    )


def liability_type(report: Report) -> RetentionLiability:
    """Return a report as clients see it."""
    breaches = report.breaches()
    revenue = report.revenue or (None,) * len(report.ledger.periods)
    return RetentionLiability(
        made_at=report.made_at,
        time_zone=report.time_zone,
        expected_redemption_rate=report.rate,
        periods=[
            _period(report, period, kept)
            for period, kept in zip(report.ledger.periods, revenue, strict=True)
        ],
        expiry=[_expiry(report, row) for row in report.schedule],
        owed_by_members=report.standing.deficit,
        is_sound=not breaches,
        breaches=breaches,
        csv=report.periods_csv(),
        expiry_csv=report.schedule_csv(),
    )


def _period(report: Report, period: Period, revenue: Revenue | None) -> RetentionLiabilityPeriod:
    expected = report.expected(period)
    return RetentionLiabilityPeriod(
        first_day=period.span.first_day,
        last_day=period.span.last_day,
        is_final=period.span.is_final(report.made_at),
        opening=period.opening,
        movements=[
            RetentionLiabilityMovement(kind=kind.value, points=points)
            for kind, points in period.movements.items()
        ],
        closing=period.closing,
        late=period.late,
        values=_values(report, period.closing),
        expected_points=worth(expected, Fraction(1)),
        expected_values=_values(report, expected),
        revenue=None if revenue is None else _revenue(revenue, report.revenue_currency),
    )


def _revenue(revenue: Revenue, currency: str) -> RetentionLiabilityRevenue:
    orders = revenue.orders
    return RetentionLiabilityRevenue(
        orders=orders.count,
        price=money(orders.price_minor, currency),
        points=orders.points,
        deferred=money(orders.deferred_minor, currency),
        recognized=money(revenue.recognized_minor, currency),
        liability=money(revenue.liability_minor, currency),
    )


def _expiry(report: Report, row: Expiring) -> RetentionLiabilityExpiry:
    return RetentionLiabilityExpiry(
        month=row.month,
        is_later=row.is_later,
        available=row.available,
        pending=row.pending,
        held=row.held,
        points=row.points,
        values=_values(report, row.points),
    )


def _values(report: Report, points: Any) -> list[Any]:
    values = report.point_values
    return [money(worth(points, values[currency]), currency) for currency in report.currencies]
