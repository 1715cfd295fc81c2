"""``retention_digest``: the heads of the ledger's daily digests, and whether they still hold."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date

from saleor_retention import host
from saleor_retention.models import LedgerDigest
from saleor_retention.selectors import digests
from saleor_retention.services.ledger import digesting

HEAD = re.compile(r"[0-9a-f]{64}")
SHOWN = 7


class Command(BaseCommand):
    """Seal what is due, print heads, and compute them again on request."""

    help = (
        "Prints the heads of the ledger's daily digests, to be kept elsewhere. --verify computes "
        "them again and names each day that differs; --expect compares with a head that was kept."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take what to do."""
        parser.add_argument("--seal", action="store_true", help="seal the days that are over first")
        parser.add_argument("--verify", action="store_true", help="compute the digests again")
        parser.add_argument("--since", help="verify from this day on (YYYY-MM-DD), not all days")
        parser.add_argument(
            "--expect", metavar="HEAD", help="a head that was kept: some day must still have it"
        )
        parser.add_argument("--all", action="store_true", help=f"print all heads, not {SHOWN}")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Seal, verify, print."""
        since = _day(options["since"])
        expected = _head(options["expect"])
        with host.current().writer():
            while options["seal"] and digesting.seal_due():
                continue
            found = None
            if options["verify"] or expected is not None or since is not None:
                found = digests.verify(since)
            self._print_heads(since, shows_all=options["all"])
        if found is not None:
            self._judge(found, expected)

    def _print_heads(self, since: dt.date | None, *, shows_all: bool) -> None:
        rows = LedgerDigest.objects.order_by("-day")
        if since is not None:
            rows = rows.filter(day__gte=since)
        shown = list(rows if shows_all else rows[:SHOWN])
        for row in reversed(shown):
            self.stdout.write(f"{row.day} {row.head}")
        if not shown:
            self.stdout.write("No day is sealed.")

    def _judge(self, found: digests.Verified, expected: str | None) -> None:
        for difference in found.differences:
            self.stdout.write(f"{difference.day}: {difference.message}")
        if found.differences:
            first = found.differences[0].day
            count = len(found.differences)
            days = "1 day is" if count == 1 else f"{count} days are"
            raise CommandError(f"{days} not as sealed; the first is {first}.")
        days = "1 day holds" if len(found.heads) == 1 else f"{len(found.heads)} days hold"
        self.stdout.write(f"{days}.")
        if expected is None:
            return
        kept = [day for day, head in found.heads.items() if head == expected]
        if not kept:
            raise CommandError(
                "No day has the head that was kept: the past before it was changed, and the "
                "digests with it."
            )
        self.stdout.write(f"The head that was kept is that of {kept[0]}.")


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f'"{text}" is no day; write it as 2026-12-31.')
    return day


def _head(text: str | None) -> str | None:
    if text is not None and not HEAD.fullmatch(text):
        raise CommandError("A head has 64 hexadecimal digits, in lower case.")
    return text
