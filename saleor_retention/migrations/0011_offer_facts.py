"""Functions of offers: what decides for one shopper, what is set aside, what is counted.

A change of one of the files needs another migration that loads it again. The function that looks at
a changed checkout now says too whether a gift was added to it.
"""

from __future__ import annotations

from django.db import migrations, models

from saleor_retention import sql

FUNCTIONS = (
    ("functions/offer_facts", "saleor_retention_offer_facts"),
    ("functions/lock_counter", "saleor_retention_lock_counter"),
    ("functions/count_uses", "saleor_retention_count_uses"),
    ("functions/reserve", "saleor_retention_reserve"),
)


class Migration(migrations.Migration):
    """Functions of offers, and the index of what was used in a period."""

    dependencies = (("saleor_retention", "0010_offers"),)
    operations = (
        migrations.AddIndex(
            model_name="offeruse",
            index=models.Index(fields=["offer", "period_start"], name="retention_offer_use_period"),
        ),
        # Its answer has one column more; PostgreSQL replaces no function by one of other columns.
        migrations.RunSQL(
            "DROP FUNCTION saleor_retention_catch_up;\n" + sql.load("functions/catch_up_3"),
            migrations.RunSQL.noop,
        ),
        *(migrations.RunSQL(sql.load(file), f"DROP FUNCTION {name};") for file, name in FUNCTIONS),
    )
