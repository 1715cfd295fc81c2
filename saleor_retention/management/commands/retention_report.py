"""``retention_report``: whether customers come back, as one page to read and print."""

from __future__ import annotations

import argparse
import datetime as dt
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from saleor_retention import host
from saleor_retention.engine.money import to_minor
from saleor_retention.engine.periods import add_months, local_date
from saleor_retention.errors import Refusal
from saleor_retention.management import given
from saleor_retention.models import Program
from saleor_retention.reporting.building import page_of
from saleor_retention.reporting.page import rendered
from saleor_retention.reporting.sheets import Sheet, sheet
from saleor_retention.selectors.campaign_results import WINDOW_DAYS
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.report import facts
from saleor_retention.selectors.segments import money_of

LANGUAGES = ("en", "zh-hant", "zh-hans")
MONTHS = 12


class Command(BaseCommand):
    """Write the page."""

    help = (
        "Writes one self-contained HTML page with charts and tables: repurchase, cohorts, "
        "segments, tiers, points owed, what the program costs and brings in."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the program, the days, the language, the merchant's figure, and the file."""
        parser.add_argument("--program", required=True, help="slug of the program")
        parser.add_argument("--since", type=given.day, help="first day (YYYY-MM-DD): a year back")
        parser.add_argument("--until", type=given.day, help="last day (YYYY-MM-DD): yesterday")
        parser.add_argument("--language", choices=LANGUAGES, default="en")
        parser.add_argument(
            "--acquisition-cost",
            type=_amount,
            help="what it costs you to win one new customer, in the program's currency",
        )
        parser.add_argument(
            "--window-days",
            type=int,
            default=WINDOW_DAYS,
            help=f"days after a campaign's message in which orders count for it: {WINDOW_DAYS}",
        )
        parser.add_argument("--output", required=True, help="the file that is written")
        parser.add_argument("--csv", help="a folder that the tables are written to as CSV")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Gather, draw, write; nothing is written where something is refused."""
        program = given.program_with_rules(options["program"])
        folder = Path(options["csv"]) if options["csv"] else None
        if folder is not None and not folder.is_dir():
            raise CommandError(f"--csv: there is no folder {folder}.")
        now = timezone.now()
        today = local_date(now, rules_of(program.current_version_id).time_zone)
        until = options["until"] or today - dt.timedelta(days=1)
        since = options["since"] or add_months(until.replace(day=1), 1 - MONTHS)
        try:
            with host.current().writer():
                found = facts(
                    program,
                    first_day=since,
                    last_day=until,
                    now=now,
                    acquisition_minor=_minor(program, options["acquisition_cost"]),
                    window_days=options["window_days"],
                )
            with translation.override(options["language"]):
                text = rendered(page_of(found))
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        files = {Path(options["output"]): text}
        if folder is not None:
            files |= {folder / f"{which.value}.csv": sheet(found, which) for which in Sheet}
        for path, content in files.items():
            given.write(path, content)
            self.stdout.write(f"{since} to {until}: {path}")


def _minor(program: Program, amount: Decimal | None) -> int | None:
    if amount is None:
        return None
    money = money_of(rules_of(program.current_version_id))
    if not money.currency:
        raise CommandError("--acquisition-cost: the program has no one currency for all orders.")
    try:
        return to_minor(amount, money.exponent)
    except ValueError as error:
        raise CommandError(f"--acquisition-cost: {error}") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text} is no amount such as 25.00")
    return amount
