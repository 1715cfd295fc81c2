"""Addresses that customers had, so that what a customer gets once is asked of the person.

And a limit of all time counts what was used under a limit by period.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from saleor_retention import sql
from saleor_retention.services.membership.identity import email_hashes

FUNCTIONS = ("same_person", "lock_counter", "count_uses", "reserve", "offer_facts")
ROWS = 2000

# Counters of all time were opened without the uses of periods.
COUNT_ALL = """
UPDATE saleor_retention_offercounter counter SET used = (
    SELECT COALESCE(sum(uses.uses), 0) FROM saleor_retention_offeruse uses
    WHERE uses.offer_id = counter.offer_id AND uses.state <> 'returned'
      AND (counter.account_id IS NULL OR uses.account_id = counter.account_id))
WHERE counter.period_start IS NULL AND EXISTS (
    SELECT FROM saleor_retention_offeruse uses
    WHERE uses.offer_id = counter.offer_id AND uses.period_start IS NOT NULL)
"""
ANALYZE = "ANALYZE saleor_retention_accountaddress"


def write_present(apps: Any, _schema_editor: Any) -> None:
    """Write down the addresses that customers have today; former ones nobody knows any more."""
    addresses = apps.get_model("saleor_retention", "AccountAddress")
    accounts = apps.get_model("saleor_retention", "Account").objects.filter(user__isnull=False)
    rows = accounts.order_by("pk").values_list("pk", "user__email", "joined_at")
    made = _made(addresses, rows.iterator(chunk_size=ROWS))
    while batch := list(itertools.islice(made, ROWS)):
        addresses.objects.bulk_create(batch)


def _made(model: Any, rows: Iterator[tuple[int, str, dt.datetime]]) -> Iterator[Any]:
    for account_id, email, joined_at in rows:
        for hashed in email_hashes(email):
            yield model(account_id=account_id, address_hash=hashed, first_seen_at=joined_at)


class Migration(migrations.Migration):
    """One table; the functions that look at a customer look at the person."""

    dependencies = (
        ("saleor_retention", "0036_staff_actions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )
    operations = (
        migrations.CreateModel(
            name="AccountAddress",
            fields=(
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("address_hash", models.CharField(max_length=80)),
                ("first_seen_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="addresses",
                        to="saleor_retention.account",
                    ),
                ),
            ),
            options={
                "constraints": (
                    models.UniqueConstraint(
                        fields=("account", "address_hash"), name="retention_account_address"
                    ),
                ),
                "indexes": (models.Index(fields=("address_hash",), name="retention_address_hash"),),
            },
        ),
        migrations.RunPython(write_present, migrations.RunPython.noop),
        *(
            migrations.RunSQL(sql.load(f"functions/{name}"), migrations.RunSQL.noop)
            for name in FUNCTIONS
        ),
        migrations.RunSQL(COUNT_ALL, migrations.RunSQL.noop),
        migrations.RunSQL(ANALYZE, migrations.RunSQL.noop),
    )
