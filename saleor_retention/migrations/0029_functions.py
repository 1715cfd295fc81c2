"""Sweeps that keep their plans; a quote that is stored again leaves rows alone that say the same."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql

SWEEPS = ("mature_lots", "expire_lots")


class Migration(migrations.Migration):
    """Two new functions, and one that is loaded again."""

    dependencies = (("saleor_retention", "0028_rollup_seal"),)
    operations = (
        migrations.RunSQL(sql.load("functions/write_quote_3"), migrations.RunSQL.noop),
        *(
            migrations.RunSQL(
                sql.load(f"functions/{name}"), f"DROP FUNCTION saleor_retention_{name};"
            )
            for name in SWEEPS
        ),
    )
