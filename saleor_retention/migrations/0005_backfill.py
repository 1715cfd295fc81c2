"""Batches of past orders that were booked together, and what an order's record says of its own."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from saleor_retention.models.constraints import check

STATES = (
    ("applying", "Applying"),
    ("applied", "Applied"),
    ("undoing", "Undoing"),
    ("undone", "Undone"),
)


class Migration(migrations.Migration):
    """One table, two columns; orders of before were in no batch and grant their points."""

    dependencies = (("saleor_retention", "0004_price_functions"),)
    operations = (
        migrations.CreateModel(
            name="Backfill",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=64)),
                ("start_at", models.DateTimeField(null=True)),
                ("end_at", models.DateTimeField()),
                ("state", models.CharField(choices=STATES, default="applying", max_length=8)),
                ("began_at", models.DateTimeField()),
                ("applied_at", models.DateTimeField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="backfills",
                        to="saleor_retention.program",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="backfill",
            constraint=models.UniqueConstraint(
                fields=("program", "name"), name="retention_backfill_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="backfill",
            constraint=check("retention_backfill_named", ~Q(name="")),
        ),
        migrations.AddConstraint(
            model_name="backfill",
            constraint=check(
                "retention_backfill_span", Q(start_at__isnull=True) | Q(start_at__lt=F("end_at"))
            ),
        ),
        migrations.AddConstraint(
            model_name="backfill",
            constraint=check(
                "retention_backfill_state",
                Q(state="applying", applied_at__isnull=True, undone_at__isnull=True)
                | Q(state="applied", applied_at__isnull=False, undone_at__isnull=True)
                | Q(state="undoing", undone_at__isnull=True)
                | Q(state="undone", undone_at__isnull=False),
            ),
        ),
        migrations.AddField(
            model_name="orderrecord",
            name="grants_points",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="orderrecord",
            name="backfill",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="records",
                to="saleor_retention.backfill",
            ),
        ),
        migrations.AddIndex(
            model_name="orderrecord",
            index=models.Index(
                condition=Q(backfill__isnull=False),
                fields=["backfill", "account"],
                name="retention_order_backfill",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderrecord",
            constraint=check(
                "retention_order_grants",
                Q(grants_points=True) | Q(backfill__isnull=False, earned=0, bonus=0),
            ),
        ),
    )
