"""``retention_role``: let the shop run with a database role that cannot change the past."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection, transaction

from saleor_retention import host
from saleor_retention.selectors import roles


class Command(BaseCommand):
    """Print the statements for a role, execute them with ``--apply``, or judge it."""

    help = (
        "Prints the SQL that lets a database role run the shop and no more on the ledger than add "
        "to it. Run by the owner of the tables; --apply executes it, --check judges the role."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the role, and what to do."""
        parser.add_argument("--role", required=True, help="the role that the shop runs with")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--apply", action="store_true", help="execute the statements")
        what.add_argument(
            "--check", action="store_true", help="say what lets the role change the past; 1 if any"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print, apply or check."""
        role: str = options["role"]
        with host.current().writer():
            if not roles.exists(role):
                raise CommandError(f'There is no role "{role}": CREATE ROLE makes one.')
            if not options["check"]:
                self._grant(role, applies=options["apply"])
            if options["apply"] or options["check"]:
                self._check(role)

    def _grant(self, role: str, *, applies: bool) -> None:
        statements = roles.grants(role)
        for statement in statements:
            self.stdout.write(f"{statement};")
        if not applies:
            return
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        except ProgrammingError as error:
            raise CommandError(f"Only the owner of the tables can do this: {error}") from None

    def _check(self, role: str) -> None:
        found = roles.powers(role)
        for power in found:
            self.stdout.write(power)
        if found:
            raise CommandError(f'"{role}" can change the past.')
        self.stdout.write(f'"{role}" can add to the ledger and change nothing in it.')
