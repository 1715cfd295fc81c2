"""``retention_check``: whether a checkout's price is the lowest, by the separate checker."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.services.offering.proving import Proved, prove


class Command(BaseCommand):
    """Prove the price of a checkout; changes nothing."""

    help = (
        "Computes a checkout's best price anew, lets the checker, which is other code, verify it "
        "from its certificate, and compares it with what the checkout carries. Ends with 1 where "
        "one of them differs."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the checkout."""
        parser.add_argument("token", help="of the checkout: its `token` in GraphQL")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prove and print."""
        with host.current().writer():
            proved = prove(options["token"])
        if proved is None:
            raise CommandError("There is no such checkout, or no offer has ever run where it is.")
        for line in _lines(proved):
            self.stdout.write(line)
        if proved.refused:
            raise CommandError(f"The checker refuses this price: {proved.refused}.")
        if not proved.is_carried:
            raise CommandError(
                "The checkout carries another price: it was priced before something changed, or "
                "money is authorized on it."
            )


def _lines(proved: Proved) -> list[str]:
    gap = f"{proved.gap} {proved.currency} from the lowest at most" if proved.gap else "the lowest"
    return [
        f"Offers the basket meets  {proved.offers_met}",
        f"Applied                  {', '.join(proved.applied) or 'none'}",
        f"Saving                   {proved.saving} {proved.currency}",
        f"Price                    {gap}, after {proved.nodes} nodes",
        f"Checker                  {'refuses' if proved.refused else 'agrees'}",
    ]
