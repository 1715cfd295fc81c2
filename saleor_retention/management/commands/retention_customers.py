"""``retention_customers``: the night's work on customers and segments, now."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.engine.segments.bands import Limits
from saleor_retention.errors import Refusal
from saleor_retention.management.given import program_with_rules
from saleor_retention.models import Program, Segment, SegmentMember
from saleor_retention.services.membership.segments import Night, nightly, set_bands

BANDS = 4


class Command(BaseCommand):
    """Mend, score, refresh, and say what came of it."""

    help = (
        "Holds what is summed up of a program's customers against their orders and mends it, "
        "scores them, and brings segments and tags up to date."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the program and its bands."""
        parser.add_argument("--program", required=True, help="slug of the program")
        parser.add_argument(
            "--bands",
            metavar="BEST,ACTIVE,SLEEPING,AT_RISK",
            help="first set how many months the recency bands reach back",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it."""
        program = program_with_rules(options["program"])
        limits = None if options["bands"] is None else _limits(options["bands"])
        try:
            with host.current().writer():
                if limits is not None:
                    set_bands(program, limits)
                night = nightly(program)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        self._say(program, night)

    def _say(self, program: Program, night: Night) -> None:
        done = night.refreshed
        self.stdout.write(
            f"{done.written} rollups written, {done.deleted} deleted, {done.scored} scored anew."
        )
        for difference in done.differences:
            self.stdout.write(f"  {difference}")
        for segment in Segment.objects.filter(program=program, is_active=True):
            size = SegmentMember.objects.filter(segment=segment).count()
            came = night.moved.entered.get(segment.pk, 0)
            went = night.moved.left.get(segment.pk, 0)
            self.stdout.write(f"{segment.slug}: {size} members, {came} came, {went} went")


def _limits(text: str) -> Limits:
    parts = text.split(",")
    if len(parts) != BANDS or not all(part.isascii() and part.isdecimal() for part in parts):
        raise CommandError(f"--bands: {text} is not four whole numbers.")
    return Limits(*(int(part) for part in parts))
