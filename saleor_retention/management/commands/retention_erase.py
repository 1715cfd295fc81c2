"""``retention_erase``: forget a customer; the ledger keeps its sums under the pseudonym."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.errors import Refusal
from saleor_retention.management import whom
from saleor_retention.selectors import persons
from saleor_retention.services.membership import erasing


class Command(BaseCommand):
    """Say what would be erased, or erase it with ``--apply``."""

    help = (
        "Erases everything that the plugin holds about a person, in every program. Nothing is "
        "written without --apply. It cannot be undone."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take who, and why."""
        whom.add_arguments(parser)
        parser.add_argument("--reason", required=True, help="why, for the record that stays")
        parser.add_argument("--apply", action="store_true", help="erase")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erase, if told to."""
        with host.current().writer():
            try:
                person = whom.found(options)
                if not options["apply"]:
                    count = len(persons.account_ids(person))
                    self.stdout.write(f"{_accounts(count)} would be erased (--apply does it).")
                    return
                erased = erasing.erase(
                    person, reason=options["reason"], actor_ref="", cause="command"
                )
            except Refusal as refusal:
                raise CommandError(refusal.message) from None
        self.stdout.write(f"{_accounts(len(erased))} erased.")


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count} accounts"
