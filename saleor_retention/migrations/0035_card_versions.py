"""Rewards of punch cards weigh what their own version of the card asked for."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql


class Migration(migrations.Migration):
    """The two functions that add up a card; no table changes."""

    dependencies = (("saleor_retention", "0034_feedback"),)
    operations = tuple(
        migrations.RunSQL(sql.load(f"functions/{name}"), migrations.RunSQL.noop)
        for name in ("offer_facts", "reserve")
    )
