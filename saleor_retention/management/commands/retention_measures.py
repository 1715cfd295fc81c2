"""``retention_measures``: whether customers come back, by period; CSV beside it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from saleor_retention import host
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
from saleor_retention.engine.measures.spans import Interval
from saleor_retention.engine.money import money_text, round_half_up
from saleor_retention.errors import Refusal
from saleor_retention.management import given
from saleor_retention.models import Program, Segment
from saleor_retention.selectors import measures
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.segments import Money, money_of


class Command(BaseCommand):
    """Print the measures and write them as a table."""

    help = (
        "Reports repurchase rate, average order value, orders per customer, and new against "
        "returning customers of a program, by period."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the program, the days, what to choose, and where the table goes."""
        parser.add_argument("--program", required=True, help="slug of the program")
        parser.add_argument("--since", required=True, type=given.day, help="first day, YYYY-MM-DD")
        parser.add_argument("--until", required=True, type=given.day, help="last day, YYYY-MM-DD")
        parser.add_argument(
            "--by",
            choices=[interval.value for interval in Interval],
            default=Interval.MONTH.value,
            help="how long a period is (a month unless said)",
        )
        parser.add_argument("--channel", help="slug of a channel: its orders only")
        parser.add_argument("--segment", help="slug of a segment: orders of its present members")
        parser.add_argument("--csv", help="where the table is written")
        parser.add_argument(
            "--sheet",
            choices=[which.value for which in MeasuresSheet],
            default=MeasuresSheet.PERIODS.value,
            help="which table --csv writes (the periods unless said)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask, print, write."""
        program = given.program_with_rules(options["program"])
        money = money_of(rules_of(program.current_version_id))
        slug = options["channel"]
        channel_ref = None if slug is None else given.channel_ref(slug)
        days = {"first_day": options["since"], "last_day": options["until"]}
        try:
            with host.current().writer():
                table = measures.table(
                    program,
                    **days,
                    interval=Interval(options["by"]),
                    channel_ref=channel_ref,
                    segment=_segment(program, options["segment"]),
                )
                second = measures.second_orders(program, **days)
                comparison = measures.comparison(
                    program, now=timezone.now(), channel_ref=channel_ref
                )
                cells = measures.cohorts(program, **days) if options["csv"] else []
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        rows = [(row.span, row.figures) for row in table.rows]
        if options["csv"]:
            unit = (money.currency, money.exponent)
            made = {
                MeasuresSheet.PERIODS: lambda: periods_csv(rows, table.total, *unit),
                MeasuresSheet.COHORTS: lambda: cohorts_csv(cells, *unit),
                MeasuresSheet.SECOND_ORDERS: lambda: seconds_csv(second),
                MeasuresSheet.COMPARISON: lambda: comparison_csv(
                    measures.sides_of(comparison), *unit
                ),
            }
            given.write(options["csv"], made[MeasuresSheet(options["sheet"])]())
        for span, figures in rows:
            self.stdout.write(f"{span.first_day} to {span.last_day}: {_said(figures, money)}")
        self.stdout.write(f"all together: {_said(table.total, money)}")
        for line in [*_second(second), *_compared(comparison, money)]:
            self.stdout.write(line)


def _said(figures: Figures, money: Money) -> str:
    value = figures.order_value_minor
    if value is None:
        return "no orders"
    each = ""
    if money.currency:
        each = f", {money_text(round_half_up(value), money.currency, money.exponent)} each"
    return (
        f"{figures.orders} orders of {figures.customers} customers{each}; "
        f"repurchase rate {rounded(figures.repurchase_rate)}, "
        f"{rounded(figures.orders_per_customer)} orders per customer, "
        f"{rounded(figures.returning_order_share)} of orders from returning customers"
    )


def _second(found: Seconds) -> Iterator[str]:
    yield (
        f"second orders: {found.again} of {found.customers} customers who first ordered in these "
        f"days, after {found.median_days if found.again else 'no'} days in the median"
    )
    for days, count in zip(WITHIN_DAYS, found.within, strict=True):
        yield f"  within {days} days: {count}"


def _compared(found: measures.Comparison | None, money: Money) -> Iterator[str]:
    if found is None:
        return
    yield "before the program and after it began (a description; it does not show a cause):"
    for row in (found.before, found.after):
        yield f"  {row.span.first_day} to {row.span.last_day}: {_said(row.figures, money)}"


def _segment(program: Program, slug: str | None) -> Segment | None:
    if slug is None:
        return None
    segment = Segment.objects.filter(program=program, slug=slug).first()
    if segment is None:
        raise CommandError(f'The program "{program.slug}" has no segment "{slug}".')
    return segment
