"""Daily digests of the ledger and the record of erasures: both append-only.

The index on ``recorded_at`` is of the kind that costs a posting next to nothing (BRIN): rows come in
about the order of their dates.
"""

from __future__ import annotations

import django.db.models.deletion
from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

TABLES = ("ledgerdigest", "erasure")


def _append_only(table: str) -> migrations.RunSQL:
    name = f"saleor_retention_{table}"
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {name}
            FOR EACH ROW EXECUTE FUNCTION saleor_retention_refuse_change();
        CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {name}
            FOR EACH STATEMENT EXECUTE FUNCTION saleor_retention_refuse_change();
        """,
        f"""
        DROP TRIGGER append_only_truncate ON {name};
        DROP TRIGGER append_only ON {name};
        """,
    )


class Migration(migrations.Migration):
    """Two tables and the index that finds a day's transactions."""

    dependencies = (("saleor_retention", "0005_backfill"),)
    operations = (
        migrations.CreateModel(
            name="LedgerDigest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField(unique=True)),
                ("previous", models.CharField(max_length=64)),
                ("head", models.CharField(max_length=64)),
                ("transactions", models.BigIntegerField()),
                ("entries", models.BigIntegerField()),
                ("sealed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("cause", models.CharField(max_length=16)),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="erasure",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.note",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=BrinIndex(
                autosummarize=True, fields=["recorded_at"], name="retention_transaction_day"
            ),
        ),
        *(_append_only(table) for table in TABLES),
    )
