"""The statements that every posting is made of as functions, whose plans PostgreSQL keeps.

A change of one of the files needs another migration that loads it again.
"""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql

FUNCTIONS = (
    ("functions/lock", "saleor_retention_lock"),
    ("functions/lock_name", "saleor_retention_lock_name"),
    ("functions/moved", "saleor_retention_moved"),
    ("functions/post", "saleor_retention_post"),
)


class Migration(migrations.Migration):
    """Functions of the ledger."""

    dependencies = (("saleor_retention", "0006_digests"),)
    operations = tuple(
        migrations.RunSQL(sql.load(file), f"DROP FUNCTION {name};") for file, name in FUNCTIONS
    )
