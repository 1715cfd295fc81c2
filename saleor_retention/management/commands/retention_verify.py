"""``retention_verify``: hold the ledger against its invariants; the exit code tells a monitor."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Collection
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import conf, host
from saleor_retention.management.given import program_named
from saleor_retention.selectors import digests
from saleor_retention.selectors.verification import breaches


class Command(BaseCommand):
    """Print each breach on a line and end with 1 if there is any."""

    help = "Checks the eleven invariants of the points ledger and names each breach."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take a program's slug, and whether to read the shop's orders."""
        parser.add_argument("--program", help="slug of the one program to check")
        parser.add_argument(
            "--skip-orders",
            action="store_true",
            help="do not hold the ledger against the shop's orders (faster on large shops)",
        )
        parser.add_argument(
            "--all-days",
            action="store_true",
            help="compute the digests of all days again, not only of the last "
            f"{conf.get('DIGEST_VERIFY_DAYS')} (RETENTION_DIGEST_VERIFY_DAYS)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the checks."""
        with host.current().writer():
            slug = options["program"]
            program = None if slug is None else program_named(slug)
            found = breaches(program, reads_orders=not options["skip_orders"])
            since = digests.since(all_days=options["all_days"])
            past = digests.verify(since)
            older = digests.sealed_before(since)
        for breach in found:
            self.stdout.write(f"invariant {breach.invariant}: {breach.subject}: {breach.message}")
        for difference in past.differences:
            self.stdout.write(f"digest of {difference.day}: {difference.message}")
        if found:
            raise CommandError(f"{len(found)} breaches of the ledger's invariants.")
        if past.differences:
            raise CommandError(f"The past was changed, from {past.differences[0].day} on.")
        self.stdout.write("The ledger holds: eleven invariants, no breach.")
        if past.heads:
            self.stdout.write(f"Its past holds: {_days(past.heads)}.{_left_out(older)}")


def _left_out(older: int) -> str:
    """Return what to say of the sealed days that were not computed again."""
    if not older:
        return ""
    days = "1 older day was" if older == 1 else f"{older} older days were"
    return f" {days} not computed again; --all-days does."


def _days(days: Collection[dt.date]) -> str:
    if len(days) == 1:
        return f"the digest of {min(days)}"
    return f"the digests of {len(days)} days, {min(days)} to {max(days)}"
