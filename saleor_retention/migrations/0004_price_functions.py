"""The three statements of the 3.x price path as functions, whose plans PostgreSQL keeps.

A change of one of the files needs another migration that loads it again. On Saleor 2.10 they are
there and never called: PostgreSQL looks for a function's tables when it runs.
"""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql

FUNCTIONS = (
    ("functions/standing_3", "saleor_retention_standing"),
    ("functions/write_quote_3", "saleor_retention_write_quote"),
    ("functions/catch_up_3", "saleor_retention_catch_up"),
)


class Migration(migrations.Migration):
    """Functions of the price path."""

    dependencies = (("saleor_retention", "0003_orderrecord_goods"),)
    operations = tuple(
        migrations.RunSQL(sql.load(file), f"DROP FUNCTION {name};") for file, name in FUNCTIONS
    )
