"""Make Saleor's schema in the database that DATABASE_URL names; run by a host's own interpreter.

    python -m sandbox.make_schema [--from-models]

From the models it takes seconds, by the migrations minutes. On 2.10.1 the two were compared: the
same columns, constraints and indexes (and two more that a newer mptt adds), no trigger or function;
only the rows made below were missing. On 3.x defaults inside the database and some indexes differ,
on no table that we write to.
"""

from __future__ import annotations

import sys

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from sandbox.databases import EXTENSIONS


def main(arguments: list[str]) -> None:
    """Create the extensions, then the tables, then what else Saleor expects to find."""
    from_models = "--from-models" in arguments
    own_migrations = settings.MIGRATION_MODULES
    if from_models:
        settings.MIGRATION_MODULES = _NoMigrations()
    django.setup()
    with connection.cursor() as cursor:
        for name in EXTENSIONS:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
    call_command("migrate", run_syncdb=from_models, verbosity=0, interactive=False)
    if not from_models:
        return
    if apps.is_installed("saleor.channel"):
        add_what_models_do_not_say_on_3()
    else:
        add_what_models_do_not_say_on_2()
        settings.MIGRATION_MODULES = own_migrations
        record_migrations()


def add_what_models_do_not_say_on_2() -> None:
    """Make the shop's settings and the two menus that only migrations make."""
    menu = apps.get_model("menu", "Menu").objects
    apps.get_model("site", "SiteSettings").objects.create(
        site_id=settings.SITE_ID,
        header_text="Test Saleor - a sample shop!",
        top_menu=menu.create(name="navbar", json_content=[]),
        bottom_menu=menu.create(name="footer", json_content=[]),
    )


def record_migrations() -> None:
    """Record Saleor's migrations as applied, so that `migrate` goes on from here with ours."""
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    for key, migration in MigrationLoader(None).disk_migrations.items():
        for app, name in {key, *migration.replaces}:  # a squashed one counts with all it replaces
            recorder.record_applied(app, name)


def add_what_models_do_not_say_on_3() -> None:
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
