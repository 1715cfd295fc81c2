"""``retention_backfill plan | apply | undo``: points for orders from before the program."""

from __future__ import annotations

import argparse
import csv
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.engine.history import Reason
from saleor_retention.engine.periods import end_of_local_day, start_of_local_day
from saleor_retention.engine.tally import Tally
from saleor_retention.errors import Refusal
from saleor_retention.management import given, past_reports
from saleor_retention.management.progress import Progress
from saleor_retention.models import Program
from saleor_retention.selectors import past
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.moving import backfilling, unfilling
from saleor_retention.services.moving.backfilling import Work


class Command(BaseCommand):
    """Show who would get what, book it as a batch, or take a batch back."""

    help = (
        "Books points for orders that were placed before the program began. plan writes a report "
        "and nothing else, apply books, undo takes a batch back."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take an action, a program and a batch."""
        actions = parser.add_subparsers(dest="action", required=True)
        planning = actions.add_parser("plan", help="write who would get what")
        applying = actions.add_parser("apply", help="book it")
        undoing = actions.add_parser("undo", help="take a batch back")
        for action in (planning, applying, undoing):
            action.add_argument("--program", required=True, help="slug of the program")
        for action in (applying, undoing):
            action.add_argument("--batch", required=True, help="name of the batch")
        for action in (planning, applying):
            action.add_argument(
                "--version-number", type=int, help="version of the rules; the current one"
            )
            action.add_argument(
                "--from", dest="start", type=date.fromisoformat, help="first day of orders"
            )
            action.add_argument("--to", type=date.fromisoformat, help="last day of orders")
            action.add_argument(
                "--channel", help="slug of a channel: its orders from before it joined the program"
            )
        planning.add_argument("--report", help="the CSV file (backfill-SLUG.csv unless said)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it within what the host wants around writes."""
        program = _program(options["program"])
        with host.current().writer():
            try:
                getattr(self, f"_{options['action']}")(program, options)
            except Refusal as refusal:
                raise CommandError(refusal.message) from None

    def _plan(self, program: Program, options: dict[str, Any]) -> None:
        work = _work(program, options)
        tally = Tally(time_zone=work.rules.time_zone)
        owned, guests = past.count(work.scope)
        report = Path(options["report"] or f"backfill-{program.slug}.csv")
        try:
            with (
                report.open("w", encoding="utf-8", newline="") as file,
                Progress(self.stderr, owned, "orders") as progress,
            ):
                writer = csv.DictWriter(file, past_reports.columns(work.rules, has_rival=False))
                writer.writeheader()
                for parts in backfilling.plan(work):
                    for part in parts:
                        tally.add(part.share)
                        writer.writerow(past_reports.row_of_part(part, work.rules))
                    progress.add(sum(len(part.share.outcomes) for part in parts))
                writer.writerow(past_reports.total_row(tally, work.rules))
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        tally.reasons[Reason.GUEST] += guests
        self.stdout.write(f"Nothing was booked. Version {work.version.number} of the rules.")
        for line in past_reports.tally_lines(tally, work.rules):
            self.stdout.write(line)
        self.stdout.write("Tier moves:")
        for line in past_reports.move_lines(tally):
            self.stdout.write(line)
        self.stdout.write(f"Every customer is in {report}.")

    def _apply(self, program: Program, options: dict[str, Any]) -> None:
        work = _work(program, options)
        orders = points = customers = 0
        try:
            with Progress(self.stderr, past.count(work.scope)[0], "orders") as progress:
                for booked in backfilling.apply(work, options["batch"]):
                    orders += booked.orders
                    points += booked.points
                    customers += booked.members
                    progress.add(booked.looked_at)
        except Refusal as refusal:
            if not orders:
                raise
            message = f"{refusal.message} {orders} orders are booked; run it again to go on."
            raise CommandError(message) from None
        self.stdout.write(
            f'Batch "{options["batch"]}": {orders} orders of {customers} members booked, '
            f"{points} points."
        )

    def _undo(self, program: Program, options: dict[str, Any]) -> None:
        orders = points = customers = 0
        for undone in unfilling.undo(program, options["batch"]):
            orders += undone.orders
            points += undone.points
            customers += undone.members
        self.stdout.write(
            f'Batch "{options["batch"]}": {orders} orders of {customers} members undone, '
            f"{points} points taken back."
        )


def _program(slug: str) -> Program:
    program = Program.objects.filter(slug=slug, current_version__isnull=False).first()
    if program is None:
        raise CommandError(f'There is no program "{slug}".')
    return program


def _work(program: Program, options: dict[str, Any]) -> Work:
    time_zone = rules_of(program.current_version_id).time_zone
    start, to = options["start"], options["to"]
    channel_ref = None
    if options["channel"] is not None:
        channel_ref = given.channel_ref(options["channel"])
    return backfilling.prepare(
        program,
        channel_ref=channel_ref,
        version_number=options["version_number"],
        start_at=start_of_local_day(start, time_zone) if start is not None else None,
        end_at=end_of_local_day(to, time_zone) if to is not None else None,
    )
