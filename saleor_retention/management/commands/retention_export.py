"""``retention_export``: everything that is held about a customer, in words, as JSON."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from saleor_retention import host
from saleor_retention.errors import Refusal
from saleor_retention.export import records
from saleor_retention.management import whom
from saleor_retention.selectors import persons
from saleor_retention.services.membership.exporting import note_export


class Command(BaseCommand):
    """Write the export to a file or to standard output."""

    help = "Writes everything that the plugin holds about a person, in words, as JSON."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take who, and where to."""
        whom.add_arguments(parser)
        parser.add_argument("--out", help="the file to write; standard output unless said")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Stream the records, so that a long history costs no memory."""
        with host.current().writer():
            try:
                account_ids = persons.account_ids(whom.found(options))
            except Refusal as refusal:
                raise CommandError(refusal.message) from None
            if not account_ids:
                raise CommandError("Nothing is held about this person.")
            pieces = records.write(account_ids, timezone.now())
            try:
                self._write(pieces, options["out"])
            finally:
                note_export(account_ids)

    def _write(self, pieces: Iterator[str], out: str | None) -> None:
        if out is None:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            return
        try:
            with Path(out).open("w", encoding="utf-8") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
