"""``retention_import``: bring members' points over from another system, from a CSV file."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.engine.spreadsheets import safe
from saleor_retention.errors import Refusal
from saleor_retention.management.progress import Progress
from saleor_retention.models import Program
from saleor_retention.services.moving import import_files, importing
from saleor_retention.services.moving.import_files import Rejected
from saleor_retention.services.moving.importing import Batch, Import


class Command(BaseCommand):
    """Check the file, or book it with ``--apply``; end with 1 if a row was rejected."""

    help = (
        "Brings balances and lots of members from another system by a CSV file. Nothing is "
        "written without --apply; a row that is booked already is never booked again."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the file, the program, and how to go about it."""
        parser.add_argument("file", help="the CSV file, in UTF-8, with a header")
        parser.add_argument("--program", required=True, help="slug of the program")
        parser.add_argument("--apply", action="store_true", help="book the rows")
        parser.add_argument(
            "--enrol",
            action="store_true",
            help="make members of customers who have not enrolled, where a program asks for that",
        )
        parser.add_argument(
            "--report", help="where rejected rows are written (FILE.rejected.csv unless said)"
        )
        parser.add_argument(
            "--batch-size",
            type=int,
            default=importing.BATCH,
            help=f"rows in one database transaction ({importing.BATCH} unless said)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, check, and book if told to."""
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be one or more.")
        source = Path(options["file"])
        report = Path(options["report"] or f"{source}.rejected.csv")
        if report.resolve() == source.resolve():
            raise CommandError("The report would overwrite the file.")
        work = Import(
            _program(options["program"]),
            applies=options["apply"],
            enrols=options["enrol"],
            batch_size=options["batch_size"],
        )
        with host.current().writer():
            total, rejected = self._run(work, source, report)
        self.stdout.write(_summary(total, rejected, applies=work.applies))
        if rejected:
            raise CommandError(f"{_rows(rejected)} rejected; {report} says why.")

    def _run(self, work: Import, source: Path, report: Path) -> tuple[Batch, int]:
        total, rejected = Batch(), 0
        try:
            with source.open(encoding="utf-8-sig", newline="") as file:
                reader = import_files.open_reader(file)
                with (
                    report.open("w", encoding="utf-8", newline="") as target,
                    Progress(self.stderr, _length(source), "rows") as progress,
                ):
                    writer = _writer(target, reader.fieldnames or ())
                    for batch in importing.run(
                        work, import_files.read(reader, work.rules.time_zone)
                    ):
                        total.add(batch)
                        rejected += len(batch.rejected)
                        writer.writerows(_reported(item) for item in batch.rejected)
                        target.flush()
                        progress.add(batch.rows)
        except Refusal as refusal:
            raise CommandError(f"{refusal.message} {_so_far(total, work.applies)}") from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        return total, rejected


def _length(source: Path) -> int | None:
    """Return how many rows a file has, None for a pipe, which can be read only once."""
    if not source.is_file():
        return None
    with source.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return import_files.count(file)


def _program(slug: str) -> Program:
    program = Program.objects.filter(slug=slug).first()
    if program is None or program.current_version_id is None:
        raise CommandError(f'There is no program "{slug}".')
    return program


def _writer(target: Any, names: Sequence[str]) -> csv.DictWriter[str]:
    columns = import_files.report_columns(names)
    writer = csv.DictWriter(target, columns, extrasaction="ignore")
    writer.writeheader()
    return writer


def _reported(item: Rejected) -> dict[str, str]:
    """Return a row as it was, but that a spreadsheet takes what looks like a formula as text."""
    cells = {**item.cells, "reason": item.reason}
    return {**{name: safe(text) for name, text in cells.items()}, "line": str(item.line)}


def _summary(total: Batch, rejected: int, *, applies: bool) -> str:
    verb = "booked" if applies else "would be booked"
    lead = "" if applies else "Nothing was written (--apply does it). "
    accounts = "1 new member" if total.opened == 1 else f"{total.opened} new members"
    return (
        f"{lead}{_rows(total.rows)} read: {total.booked} {verb} ({total.points} points, "
        f"{accounts}), {total.known} booked already, {rejected} rejected."
    )


def _so_far(total: Batch, applies: bool) -> str:  # noqa: FBT001
    if not applies or not total.rows:
        return "Nothing was written."
    return f"{_rows(total.booked)} booked so far; run it again to go on from there."


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
