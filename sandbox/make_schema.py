"""Make Saleor's schema in the database that DATABASE_URL names; run by a host's own interpreter.

python -m sandbox.make_schema [--from-models]
"""

from __future__ import annotations

import sys

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from sandbox.databases import EXTENSIONS


def main(arguments: list[str]) -> None:
    """Create the extensions, then the tables."""
    from_models = "--from-models" in arguments
    if from_models:
        settings.MIGRATION_MODULES = _NoMigrations()
    django.setup()
    with connection.cursor() as cursor:
        for name in EXTENSIONS:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
    call_command("migrate", run_syncdb=from_models, verbosity=0, interactive=False)
    if from_models:
        add_what_models_do_not_say()


def add_what_models_do_not_say() -> None:
    """Make the sequences and the row that only migrations make, and Saleor reads by name."""
    sequences = {
        "order_order_number_seq": "order_order.number",
        "discount_promotion_old_sale_id_seq": "discount_promotion.old_sale_id",
        "discount_promotionrule_old_channel_listing_id_seq": (
            "discount_promotionrule.old_channel_listing_id"
        ),
    }
    with connection.cursor() as cursor:
        for name, column in sequences.items():
            cursor.execute(f"CREATE SEQUENCE {name} OWNED BY {column}")
    account = apps.get_app_config("account").models
    if "customertype" in account:  # 3.23 and later
        account["customertype"].objects.create(name="Default", slug="default", is_default=True)


class _NoMigrations:
    """Tells Django that no app has migrations, so that tables come from the models."""

    def __contains__(self, label: object) -> bool:
        return True

    def __getitem__(self, label: str) -> None:
        return None


if __name__ == "__main__":
    main(sys.argv[1:])
