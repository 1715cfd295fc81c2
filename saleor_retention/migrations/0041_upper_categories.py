"""Of the categories of a checkout's goods, only those below others are looked up."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql


class Migration(migrations.Migration):
    """The function that reads it; no table changes."""

    dependencies = (("saleor_retention", "0040_changed_rows"),)
    operations = (migrations.RunSQL(sql.load("functions/standing_3"), migrations.RunSQL.noop),)
