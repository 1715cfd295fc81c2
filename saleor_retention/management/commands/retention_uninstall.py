"""``retention_uninstall``: take the plugin's rows out of the shop before removing the package."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.services.moving import uninstalling

NEXT = """\
Now remove the package (and saleor_retention from INSTALLED_APPS and PLUGINS where it is named) and
restart web, worker and beat. The plugin's own tables are untouched; to delete what members earned
for ever, run before removing the package: manage.py migrate saleor_retention zero"""


class Command(BaseCommand):
    """Switch programs off, give held points back, remove discount rows and beat entries."""

    help = "Removes the plugin's rows from open checkouts and from the beat schedule."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take whether to ask first."""
        parser.add_argument(
            "--no-input", action="store_false", dest="asks", help="do not ask for confirmation"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask, do it, say what comes next."""
        with host.current().writer():
            there = uninstalling.count()
            self.stdout.write(
                f"This switches {there.programs} active programs off, gives the points of "
                f"{there.holds} checkouts back, ends {there.coupons} personal coupons, and removes "
                "the plugin's discounts from open checkouts, "
                f"its notes from orders, and {there.entries} entries from the beat "
                "schedule."
            )
            if options["asks"] and input("Type yes to go on: ").strip() != "yes":
                raise CommandError("Nothing was changed.")
            done = uninstalling.uninstall()
        self.stdout.write(
            f"Done: {done.programs} programs, {done.holds} holds, {done.rows} discount rows, "
            f"{done.orders} orders' metadata, {done.entries} beat entries, "
            f"{done.coupons} personal coupons."
        )
        self.stdout.write(NEXT)
