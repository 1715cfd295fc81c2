"""A quote that is stored again leaves those of its discount rows alone that say the same."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql


class Migration(migrations.Migration):
    """The function is loaded again."""

    dependencies = (("saleor_retention", "0028_rollup_seal"),)
    operations = (migrations.RunSQL(sql.load("functions/write_quote_3"), migrations.RunSQL.noop),)
