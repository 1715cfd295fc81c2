"""What an offer's uses count in may be another period in total than by customer.

Uses without one count in the same period, as those that are stored, and those that a process of the
version before goes on writing.
"""

from __future__ import annotations

from django.db import migrations, models

from saleor_retention import sql

FUNCTIONS = ("lock_counter", "reserve", "offer_facts")


class Migration(migrations.Migration):
    """A column with its index, and the functions that look at periods."""

    dependencies = (("saleor_retention", "0041_upper_categories"),)
    operations = (
        migrations.AddField("offeruse", "total_period_start", models.DateField(null=True)),
        migrations.AddIndex(
            "offeruse",
            models.Index(
                fields=("offer", "total_period_start"),
                condition=models.Q(total_period_start__isnull=False),
                name="retention_offer_use_total",
            ),
        ),
        *(
            migrations.RunSQL(sql.load(f"functions/{name}"), migrations.RunSQL.noop)
            for name in FUNCTIONS
        ),
    )
