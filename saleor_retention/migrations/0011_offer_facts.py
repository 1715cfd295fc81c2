"""What decides about offers for one shopper, in a function whose plan PostgreSQL keeps.

A change of one of the files needs another migration that loads it again.
"""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql

FUNCTIONS = (("functions/offer_facts", "saleor_retention_offer_facts"),)


class Migration(migrations.Migration):
    """Functions of offers."""

    dependencies = (("saleor_retention", "0010_offers"),)
    operations = tuple(
        migrations.RunSQL(sql.load(file), f"DROP FUNCTION {name};") for file, name in FUNCTIONS
    )
