"""Sums of the ledger by day, an index of customers' orders in turn, a function that keeps its plan."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from saleor_retention import sql

KINDS = (
    "earn", "bonus", "grant", "mature", "hold", "release", "lapse", "capture", "clawback",
    "reinstate", "restore", "revoke", "expire", "adjust", "merge", "erase",
)  # fmt: skip
BOOKS = (
    "available", "pending", "held", "deficit", "issuance", "redeemed", "breakage", "clawback",
    "write_off", "adjustment",
)  # fmt: skip


def choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return names with their labels."""
    return [(name, name.replace("_", " ").title()) for name in names]


class Migration(migrations.Migration):
    """The sums are made by the daily task; until then reports read the entries."""

    dependencies = (("saleor_retention", "0026_offer_grants"),)
    operations = (
        migrations.CreateModel(
            name="LedgerSum",
            fields=(
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "program",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.program",
                    ),
                ),
                ("booked_on", models.DateField()),
                ("kind", models.CharField(choices=choices(KINDS), max_length=12)),
                ("book", models.CharField(choices=choices(BOOKS), max_length=10)),
                ("is_import", models.BooleanField()),
                ("is_gain", models.BooleanField()),
                ("is_late", models.BooleanField()),
                ("points", models.BigIntegerField()),
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgersum",
            constraint=models.UniqueConstraint(
                fields=("program", "booked_on", "kind", "book", "is_import", "is_gain", "is_late"),
                name="retention_ledger_sum_key",
            ),
        ),
        migrations.CreateModel(
            name="LedgerSummed",
            fields=(
                (
                    "program",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="saleor_retention.program",
                    ),
                ),
                ("time_zone", models.CharField(max_length=64)),
                ("until", models.DateTimeField()),
            ),
        ),
        migrations.AddIndex(
            model_name="orderrecord",
            index=models.Index(
                fields=("program", "account", "created_at", "id"),
                include=("spend_minor",),
                condition=Q(is_counted=True),
                name="retention_order_counted",
            ),
        ),
        migrations.RunSQL(sql.load("functions/segments_of"), migrations.RunSQL.noop),
    )
