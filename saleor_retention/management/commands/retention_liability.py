"""``retention_liability``: what a program owes its members, for the books; CSV beside it."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.engine.liability import Expiring, Movement, Period, Revenue, Step, worth
from saleor_retention.engine.liability_report import Report
from saleor_retention.engine.money import money_text
from saleor_retention.errors import Refusal
from saleor_retention.management import given
from saleor_retention.selectors.liability import liability, rate_of


class Command(BaseCommand):
    """Print the report and write its tables; end with 1 where it does not agree with itself."""

    help = (
        "Reports the points that a program owes its members: by day or month from the ledger, in "
        "money at point value and by relative stand-alone selling price, and what expires when."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the program, the days, the expectation, and where the tables go."""
        parser.add_argument("--program", required=True, help="slug of the program")
        parser.add_argument("--from", required=True, dest="first", help="first day, YYYY-MM-DD")
        parser.add_argument("--to", required=True, dest="last", help="last day, YYYY-MM-DD")
        parser.add_argument(
            "--by",
            choices=[step.value for step in Step],
            default=Step.DAY.value,
            help="one row a day (the default) or a month",
        )
        parser.add_argument(
            "--redemption-rate",
            default="1",
            help="share of all issued points that is expected to be redeemed (1 unless said)",
        )
        parser.add_argument("--csv", help="where the table of periods is written")
        parser.add_argument("--schedule-csv", help="where the table of expiry is written")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the report, write it, check it."""
        try:
            with host.current().writer():
                report = liability(
                    given.program_named(options["program"]),
                    first_day=_day(options["first"], "--from"),
                    last_day=_day(options["last"], "--to"),
                    step=Step(options["by"]),
                    rate=_rate(options["redemption_rate"]),
                )
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        if options["csv"] is not None:
            given.write(options["csv"], report.periods_csv())
        if options["schedule_csv"] is not None:
            given.write(options["schedule_csv"], report.schedule_csv())
        for line in _lines(report):
            self.stdout.write(line)
        breaches = report.breaches()
        if breaches:
            raise CommandError("\n".join(["The report does not agree with itself.", *breaches]))
        self.stdout.write("The report agrees with the ledger, the balances and the lots.")


def _day(text: str, option: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise CommandError(f"{option}: {text} is no day of the form YYYY-MM-DD.") from None


def _rate(text: str) -> Fraction:
    try:
        share = Decimal(text)
    except InvalidOperation:
        message = f"--redemption-rate: {text} is not a number such as 0.85."
        raise CommandError(message) from None
    return rate_of(share)


def _lines(report: Report) -> Iterator[str]:
    rate = f"{report.rate.numerator}/{report.rate.denominator}"
    share = "all" if report.rate == 1 else rate
    yield f"{report.program}: days in {report.time_zone}, {share} of the points are expected back."
    for place, period in enumerate(report.ledger.periods):
        yield from _period(report, period)
        if report.revenue:
            yield from _revenue(report, report.revenue[place])
    yield f"Expiring, of what members have at {report.made_at:%Y-%m-%d %H:%M} UTC:"
    for row in report.schedule:
        yield f"  {_month(row)}: {row.points}{_worth(report, row.points)}{_parts(row)}"
    yield f"  owed by members: {report.standing.deficit}"


def _period(report: Report, period: Period) -> Iterator[str]:
    span, expected = period.span, report.expected(period)
    state = "final" if span.is_final(report.made_at) else "not final"
    until = "" if span.first_day == span.last_day else f" to {span.last_day}"
    yield f"{span.first_day}{until} ({state})"
    yield f"  opening  {period.opening}"
    for movement in Movement:
        if movement in period.movements:
            yield f"  {movement.value.replace('_', ' ')}  {period.movements[movement]}"
    yield f"  closing  {period.closing}{_worth(report, period.closing)}"
    if period.late:
        yield f"  of which written down late: {period.late}"
    points = worth(expected, Fraction(1))
    yield f"  expected to be redeemed: {points}{_worth(report, expected)}"


def _revenue(report: Report, revenue: Revenue) -> Iterator[str]:
    currency, orders = report.revenue_currency, revenue.orders
    exponent = report.exponents[currency]

    def money(minor: int) -> str:
        return money_text(minor, currency, exponent)

    yield (
        f"  {orders.count} orders of {money(orders.price_minor)} put aside "
        f"{money(orders.deferred_minor)} for {orders.points} points"
    )
    yield (
        f"  recognized {money(revenue.recognized_minor)}, "
        f"contract liability {money(revenue.liability_minor)}"
    )


def _month(row: Expiring) -> str:
    if row.month is not None:
        return f"{row.month:%Y-%m}"
    return "later" if row.is_later else "never"


def _parts(row: Expiring) -> str:
    parts = [(row.pending, "pending"), (row.held, "set aside for checkouts")]
    said = [f"{points} {name}" for points, name in parts if points]
    return f" (of which {', '.join(said)})" if said else ""


def _worth(report: Report, points: int | Fraction) -> str:
    amounts = [
        money_text(worth(points, report.point_values[currency]), currency, exponent)
        for currency, exponent in sorted(report.exponents.items())
        if currency in report.point_values
    ]
    return f", worth {' or '.join(amounts)}" if amounts else ""
