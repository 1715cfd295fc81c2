"""A price writes only the discount rows of lines on which one differs."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql


class Migration(migrations.Migration):
    """The function that stores a price; no table changes."""

    dependencies = (("saleor_retention", "0039_gift_picks"),)
    operations = (migrations.RunSQL(sql.load("functions/write_quote_3"), migrations.RunSQL.noop),)
