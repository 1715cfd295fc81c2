"""``retention_progress``: how much work is due, and how fast the workers get through it."""

from __future__ import annotations

import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from saleor_retention import host
from saleor_retention.selectors.backlog import Backlog, backlogs

WIDTHS = (22, 12, 12, 12, 12)


class Command(BaseCommand):
    """Print what is due once, or again and again until nothing of it is left."""

    help = (
        "Says how much the periodic tasks have before them, read from the database; --watch shows "
        "how fast it is done, whichever worker does it."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take how often to look."""
        parser.add_argument(
            "--watch",
            type=_seconds,
            metavar="SECONDS",
            help="look again this often, until what was due at the start is done",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look, and go on looking if asked to."""
        now = timezone.now()
        first = self._look(now)
        if options["watch"] is None:
            self._print(("due", "remaining", "since"), WIDTHS)
            for item in first:
                since = f"{item.since:%Y-%m-%d %H:%M}" if item.since else "-"
                self._print((item.kind, f"{item.remaining:,}", since), WIDTHS[:2])
            return
        self._watch(now, first, options["watch"])

    def _watch(self, now: Any, first: list[Backlog], seconds: float) -> None:
        totals = {item.kind: item.remaining for item in first}
        before, started = first, time.monotonic()
        while any(item.remaining for item in before):
            time.sleep(seconds)
            looked_at = time.monotonic()
            after = self._look(now)
            self.stdout.write(f"{timezone.now():%H:%M:%S}")
            self._print(("due at the start", "done", "total", "a second", "remaining"), WIDTHS)
            for item, last in zip(after, before, strict=True):
                total = totals[item.kind] = max(totals[item.kind], item.remaining)
                done = max(0, last.remaining - item.remaining)
                rate = f"{done / (looked_at - started):.0f}"
                cells = (f"{total - item.remaining:,}", f"{total:,}", rate, f"{item.remaining:,}")
                self._print((item.kind, *cells), WIDTHS)
            before, started = after, looked_at
        self.stdout.write("Nothing of what was due is left.")

    def _look(self, now: Any) -> list[Backlog]:
        with host.current().writer():
            return backlogs(now)

    def _print(self, cells: tuple[str, ...], widths: tuple[int, ...]) -> None:
        kind, *rest = cells
        text = kind.ljust(widths[0])
        for place, cell in enumerate(rest, start=1):
            text += "  " + (cell.rjust(widths[place]) if place < len(widths) else cell)
        self.stdout.write(text)


def _seconds(text: str) -> float:
    """Return a number of seconds above zero."""
    seconds = float(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError("must be above zero")
    return seconds
