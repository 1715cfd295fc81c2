"""``retention_fairness``: who paid more just before an offer starts, and points to make it good."""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.engine.money import from_minor, money_text
from saleor_retention.engine.spreadsheets import Cell, safe
from saleor_retention.errors import Refusal
from saleor_retention.models import Offer
from saleor_retention.services.offering.fairness import (
    Customer,
    Outcome,
    Study,
    make_good,
    study,
    who_paid_more,
)

COLUMNS = (
    "customer",
    "email",
    "order",
    "line",
    "variant",
    "quantity",
    "currency",
    "paid",
    "with_offer",
    "overpaid",
)


class Command(BaseCommand):
    """Print the report, write its lines, and grant the points where that is asked."""

    help = (
        "Reports which customers paid more for an offer's goods in the days before it starts than "
        "they would with it, by how much, and the points that make it good; --grant grants them."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the offer, the days, and what to do with the result."""
        parser.add_argument("program", help="slug of the program")
        parser.add_argument("offer", help="slug of the offer")
        parser.add_argument("--days", type=int, default=14, help="days before the offer starts")
        parser.add_argument("--csv", help="where one row for each order line is written")
        parser.add_argument(
            "--grant", action="store_true", help="grant the points; nobody gets them twice"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Go through the customers once: what is printed is what is granted."""
        with host.current().writer():
            try:
                found = study(_offer(options["program"], options["offer"]), days=options["days"])
            except Refusal as refusal:
                raise CommandError(refusal.message) from None
            self.stdout.write(
                f"Orders from {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC:"
            )
            with _open(options["csv"]) as file:
                self._report(found, _Rows(file), grants=options["grant"])

    def _report(self, found: Study, rows: _Rows, *, grants: bool) -> None:
        sums = _Sums()
        paid_more = rows.through(sums.through(who_paid_more(found)))
        if grants:
            outcomes: Counter[Outcome] = Counter()
            for granted in make_good(found, paid_more):
                outcomes[granted.outcome] += 1
                said = granted.outcome.value.replace("_", " ")
                self.stdout.write(
                    f"  {_line(granted.customer)}: {said}"
                    + (f" ({granted.message})" if granted.message else "")
                )
            for outcome in Outcome:
                self.stdout.write(f"{outcome.value.replace('_', ' ')}: {outcomes[outcome]}")
        else:
            for customer in paid_more:
                self.stdout.write(f"  {_line(customer)}")
        for line in sums.lines():
            self.stdout.write(line)


class _Sums:
    """What all customers come to."""

    def __init__(self) -> None:
        self.customers = self.points = 0
        self.over: Counter[str] = Counter()
        self.exponents: dict[str, int] = {}

    def through(self, customers: Iterator[Customer]) -> Iterator[Customer]:
        """Hand the customers on and count them."""
        for customer in customers:
            self.customers += 1
            self.points += customer.points or 0
            self.over.update(customer.over_minor)
            self.exponents.update((line.currency, line.exponent) for line in customer.lines)
            yield customer

    def lines(self) -> Iterator[str]:
        """Yield the sums as lines of the report."""
        yield f"{self.customers} customers paid more; {self.points} points make it good."
        for currency in sorted(self.over):
            yield f"  {money_text(self.over[currency], currency, self.exponents[currency])}"


class _Rows:
    """The order lines as CSV, where a file is wanted."""

    def __init__(self, file: Any) -> None:
        self.writer = None if file is None else csv.writer(file, lineterminator="\r\n")
        if self.writer is not None:
            self.writer.writerow(COLUMNS)

    def through(self, customers: Iterator[Customer]) -> Iterator[Customer]:
        """Hand the customers on and write their lines."""
        for customer in customers:
            if self.writer is not None:
                self.writer.writerows(_cells(customer))
            yield customer


def _cells(customer: Customer) -> Iterator[list[str]]:
    for line in customer.lines:
        amounts = (line.paid_minor, line.offer_minor, line.over_minor)
        cells: tuple[Cell, ...] = (
            customer.user_ref,
            customer.email,
            line.order_number,
            line.line_ref,
            line.variant_ref,
            line.quantity,
            line.currency,
            *(from_minor(amount, line.exponent) for amount in amounts),
        )
        yield [safe(cell) for cell in cells]


def _line(customer: Customer) -> str:
    exponents = {line.currency: line.exponent for line in customer.lines}
    over = ", ".join(
        money_text(minor, currency, exponents[currency])
        for currency, minor in sorted(customer.over_minor.items())
    )
    points = "no point value" if customer.points is None else f"{customer.points} points"
    who = customer.email or f"customer {customer.user_ref}"
    return f"{who}  {len(customer.lines)} lines  {over}  {points}"


def _offer(program: str, slug: str) -> Offer:
    offers = Offer.objects.select_related("program", "current_version")
    offer = offers.filter(program__slug=program, slug=slug).first()
    if offer is None:
        raise CommandError(f'The program "{program}" has no offer "{slug}".')
    return offer


def _open(path: str | None) -> Any:
    if path is None:
        return nullcontext()
    try:
        return Path(path).open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
