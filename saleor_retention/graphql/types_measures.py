"""Whether customers come back, as staff see it: measures by period, cohorts, second orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.measures.cohorts import Cell
from saleor_retention.engine.measures.figures import Figures
from saleor_retention.engine.measures.seconds import WITHIN_DAYS, Seconds
from saleor_retention.engine.measures.sheet import (
    MeasuresSheet,
    cohorts_csv,
    comparison_csv,
    periods_csv,
    rounded,
    seconds_csv,
)
from saleor_retention.engine.measures.spans import Interval, Span
from saleor_retention.engine.money import round_half_up
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.context import moment, require
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import Date, Decimal, Money, money
from saleor_retention.graphql.lookups import program_of, segment_of
from saleor_retention.selectors import measures
from saleor_retention.selectors.measures import Row
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.segments import money_of

COMPARISON = (
    "As many days before the program began as after: a description. Other things changed then too, "
    "so that it does not show what the program has caused."
)

RetentionMeasuresInterval = described(
    "RetentionMeasuresInterval",
    Interval,
    "How long a period is. Those at the ends may be parts.",
    {
        Interval.DAY: "A day.",
        Interval.WEEK: "A week from Monday on.",
        Interval.MONTH: "A calendar month.",
        Interval.QUARTER: "A quarter of the calendar year.",
        Interval.YEAR: "A calendar year.",
    },
)


RetentionMeasuresSheet = described(
    "RetentionMeasuresSheet",
    MeasuresSheet,
    "Which of the measures' tables.",
    {
        MeasuresSheet.PERIODS: "The periods, and last all of them together.",
        MeasuresSheet.COHORTS: "Cohorts by month of first orders.",
        MeasuresSheet.SECOND_ORDERS: "Time to the second order.",
        MeasuresSheet.COMPARISON: "Before the program against after; no row on its first day.",
    },
)


class RetentionMeasuresRow(graphene.ObjectType):
    """What was counted over some days, and the measures that follow from it.

    An order is new where it is its customer's first in the program, else returning. Rates have six
    decimals; they are null where there is nothing to divide by. Money is null where the program has
    no one currency for all orders.
    """

    first_day = graphene.Field(Date, description="The first day.", required=True)
    last_day = graphene.Field(Date, description="The last day.", required=True)
    customers = graphene.Int(description="Customers who ordered.", required=True)
    new_customers = graphene.Int(
        description="Of them: those with their first order alone.", required=True
    )
    returning_customers = graphene.Int(
        description="Of them: those with a returning order.", required=True
    )
    orders = graphene.Int(description="Orders.", required=True)
    new_orders = graphene.Int(description="Of them: customers' first.", required=True)
    returning_orders = graphene.Int(description="Of them: all others.", required=True)
    revenue = graphene.Field(Money, description="What is kept of the orders.")
    new_revenue = graphene.Field(Money, description="Of it: of new orders.")
    returning_revenue = graphene.Field(Money, description="Of it: of returning orders.")
    repurchase_rate = graphene.Field(Decimal, description="Returning customers / all customers.")
    average_order_value = graphene.Field(
        Money, description="Revenue / orders, to the nearest minor unit."
    )
    orders_per_customer = graphene.Field(Decimal, description="Orders / customers.")
    returning_order_share = graphene.Field(Decimal, description="Returning orders / orders.")
    returning_revenue_share = graphene.Field(Decimal, description="Returning revenue / revenue.")


class RetentionMeasuresComparison(graphene.ObjectType):
    """As many days before the program began as after; a description, which shows no cause."""

    before = graphene.Field(
        RetentionMeasuresRow, description="Before the program's first day.", required=True
    )
    after = graphene.Field(RetentionMeasuresRow, description="From it on.", required=True)
    text = graphene.String(description="How this is to be read.", required=True)


class RetentionCohortCell(graphene.ObjectType):
    """What the customers of one month of first orders did in one month."""

    month = graphene.Field(
        Date, description="The first day of the month of first orders.", required=True
    )
    offset = graphene.Int(description="Months since then.", required=True)
    customers = graphene.Int(description="Who ordered.", required=True)
    orders = graphene.Int(description="Their orders.", required=True)
    revenue = graphene.Field(Money, description="What is kept of those.")


class RetentionSecondOrdersWithin(graphene.ObjectType):
    """How many ordered again within some days."""

    days = graphene.Int(description="Within so many days.", required=True)
    customers = graphene.Int(description="How many.", required=True)


class RetentionSecondOrders(graphene.ObjectType):
    """How long customers whose first order fell into the days took to order again."""

    customers = graphene.Int(description="Customers with a first order.", required=True)
    again = graphene.Int(description="Of them: with a second one by the last day.", required=True)
    share = graphene.Field(Decimal, description="Those / all of them.")
    median_days = graphene.Int(description="The median of the days until it.")
    mean_days = graphene.Field(Decimal, description="The mean of the days until it.")
    within = graphene.List(
        graphene.NonNull(RetentionSecondOrdersWithin),
        description="How many ordered again soon.",
        required=True,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a program, and in which currency it counts."""

    program: Any
    arguments: dict[str, Any]
    channel_ref: str | None
    segment: Any
    table: measures.Table
    currency: str

    @property
    def days(self) -> dict[str, Any]:
        """Return the days asked about, as selectors take them."""
        return {"first_day": self.arguments["since"], "last_day": self.arguments["until"]}


class RetentionMeasures(graphene.ObjectType):
    """Whether a program's customers come back."""

    rows = graphene.List(
        graphene.NonNull(RetentionMeasuresRow), description="By period.", required=True
    )
    total = graphene.Field(
        RetentionMeasuresRow,
        description="All periods together, in which nobody counts twice.",
        required=True,
    )
    comparison = graphene.Field(
        RetentionMeasuresComparison,
        description="Before the program against after, in the channel asked about; null on its "
        "first day. Neither the days asked about nor the segment matter.",
    )
    cohorts = graphene.List(
        graphene.NonNull(RetentionCohortCell),
        description="By month of first orders, over all channels and segments.",
        required=True,
    )
    second_orders = graphene.Field(
        RetentionSecondOrders,
        description="Of first orders within the days, over all channels and segments.",
        required=True,
    )
    csv = graphene.String(
        description="One of the tables as CSV.",
        sheet=graphene.Argument(
            RetentionMeasuresSheet, description="Which one; PERIODS when left out."
        ),
        required=True,
    )

    @staticmethod
    def resolve_rows(root: Asked, _info: Any) -> list[RetentionMeasuresRow]:
        """Return the periods."""
        return [_row(row, root.currency) for row in root.table.rows]

    @staticmethod
    def resolve_total(root: Asked, _info: Any) -> RetentionMeasuresRow:
        """Return all of them together."""
        span = Span(root.arguments["since"], root.arguments["until"])
        return _row(Row(span, root.table.total), root.currency)

    @staticmethod
    @discreet
    def resolve_comparison(root: Asked, info: Any) -> RetentionMeasuresComparison | None:
        """Return before against after."""
        found = measures.comparison(root.program, now=moment(info), channel_ref=root.channel_ref)
        if found is None:
            return None
        return RetentionMeasuresComparison(
            before=_row(found.before, root.currency),
            after=_row(found.after, root.currency),
            text=COMPARISON,
        )

    @staticmethod
    @discreet
    def resolve_cohorts(root: Asked, _info: Any) -> list[RetentionCohortCell]:
        """Return the cohorts of the days."""
        cells = measures.cohorts(root.program, **root.days)
        return [_cell(cell, root.currency) for cell in cells]

    @staticmethod
    @discreet
    def resolve_second_orders(root: Asked, _info: Any) -> RetentionSecondOrders:
        """Return how long second orders took."""
        return _seconds(measures.second_orders(root.program, **root.days))

    @staticmethod
    @discreet
    def resolve_csv(root: Asked, info: Any, sheet: str | None = None) -> str:
        """Return one table as CSV."""
        which = MeasuresSheet.PERIODS if sheet is None else MeasuresSheet(sheet)
        exponent = host.current().currency_exponent(root.currency) if root.currency else 0
        if which is MeasuresSheet.COHORTS:
            cells = measures.cohorts(root.program, **root.days)
            return cohorts_csv(cells, root.currency, exponent)
        if which is MeasuresSheet.SECOND_ORDERS:
            return seconds_csv(measures.second_orders(root.program, **root.days))
        if which is MeasuresSheet.COMPARISON:
            found = measures.comparison(
                root.program, now=moment(info), channel_ref=root.channel_ref
            )
            return comparison_csv(measures.sides_of(found), root.currency, exponent)
        rows = [(row.span, row.figures) for row in root.table.rows]
        return periods_csv(rows, root.table.total, root.currency, exponent)


@discreet
def resolve_measures(_root: Any, info: Any, **arguments: Any) -> Asked:
    """Return what a program's orders say, for those who manage customers."""
    require(info, "users")
    program = program_of(arguments["program_id"], "programId")
    if program.current_version_id is None:
        raise Refusal(Code.NOT_FOUND, "The program has no rules yet.", "programId")
    segment = None
    if arguments.get("segment_id") is not None:
        segment = segment_of(arguments["segment_id"], "segmentId")
        if segment.program_id != program.pk:
            raise Refusal(Code.NOT_FOUND, "There is no such segment.", "segmentId")
    channel_ref = _channel_ref(arguments.get("channel"))
    table = measures.table(
        program,
        first_day=arguments["since"],
        last_day=arguments["until"],
        interval=Interval(arguments.get("interval") or Interval.MONTH),
        channel_ref=channel_ref,
        segment=segment,
    )
    currency = money_of(rules_of(program.current_version_id)).currency
    return Asked(program, arguments, channel_ref, segment, table, currency)


def _channel_ref(slug: str | None) -> str | None:
    if slug is None:
        return None
    for place in host.current().channels():
        if place.slug == slug:
            return place.ref
    raise Refusal(Code.NOT_FOUND, f'There is no channel "{slug}".', "channel")


def _row(row: Row, currency: str) -> RetentionMeasuresRow:
    figures: Figures = row.figures
    value = figures.order_value_minor
    return RetentionMeasuresRow(
        first_day=row.span.first_day,
        last_day=row.span.last_day,
        customers=figures.customers,
        new_customers=figures.new_customers,
        returning_customers=figures.returning_customers,
        orders=figures.orders,
        new_orders=figures.new_orders,
        returning_orders=figures.returning_orders,
        revenue=_money(figures.revenue_minor, currency),
        new_revenue=_money(figures.new_minor, currency),
        returning_revenue=_money(figures.returning_minor, currency),
        repurchase_rate=rounded(figures.repurchase_rate),
        average_order_value=_money(None if value is None else round_half_up(value), currency),
        orders_per_customer=rounded(figures.orders_per_customer),
        returning_order_share=rounded(figures.returning_order_share),
        returning_revenue_share=rounded(figures.returning_revenue_share),
    )


def _cell(cell: Cell, currency: str) -> RetentionCohortCell:
    return RetentionCohortCell(
        month=cell.month,
        offset=cell.offset,
        customers=cell.customers,
        orders=cell.orders,
        revenue=_money(cell.revenue_minor, currency),
    )


def _seconds(found: Seconds) -> RetentionSecondOrders:
    return RetentionSecondOrders(
        customers=found.customers,
        again=found.again,
        share=rounded(found.share),
        median_days=found.median_days,
        mean_days=rounded(found.mean_days),
        within=[
            RetentionSecondOrdersWithin(days=days, customers=count)
            for days, count in zip(WITHIN_DAYS, found.within, strict=True)
        ],
    )


def _money(minor: int | None, currency: str) -> Any:
    return money(minor, currency) if currency and minor is not None else None
