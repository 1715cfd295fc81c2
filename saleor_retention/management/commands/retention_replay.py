"""``retention_replay``: hold kept values against the entries, and write them anew if asked to."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.management.given import program_named
from saleor_retention.services.ledger.replaying import Replayed, replay


class Command(BaseCommand):
    """Print each row that differs; end with 1 if there is any that is not repaired."""

    help = (
        "Rebuilds balances, lots, orders' sums, holds and the sums by day from the ledger's "
        "entries and names each row that differs; --repair writes what was rebuilt."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take a program's slug, and whether to repair."""
        parser.add_argument("--program", help="slug of the one program to look at")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="write the rebuilt values, each row under its member's lock",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay, and say each row as it is found."""
        different = repaired = 0
        slug = options["program"]
        with host.current().writer():
            program = None if slug is None else program_named(slug)
            for row in replay(program, repairs=options["repair"]):
                self.stdout.write(_line(row))
                different += 1
                repaired += row.is_repaired
        if different > repaired:
            raise CommandError(_summary(different, repaired, repairs=options["repair"]))
        if repaired:
            self.stdout.write(f"{_rows(repaired)} repaired.")
        else:
            self.stdout.write("Every kept value is what the entries make.")


def _line(row: Replayed) -> str:
    if row.is_repaired:
        return f"repaired: {row.difference}"
    return f"{row.difference} {row.problem}".rstrip()


def _summary(different: int, repaired: int, *, repairs: bool) -> str:
    if repairs:
        return f"{_rows(different - repaired)} of {different} could not be repaired."
    verb = "differs" if different == 1 else "differ"
    return f"{_rows(different)} {verb} from what the entries make; --repair writes it."


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
