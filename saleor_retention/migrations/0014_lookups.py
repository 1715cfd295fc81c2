"""The pace at which staff and apps look members up at a point of sale."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One small table; a row for each actor."""

    dependencies = (("saleor_retention", "0010_offers"),)
    operations = (
        migrations.CreateModel(
            name="LookupPace",
            fields=[
                (
                    "actor_ref",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("free_at", models.DateTimeField()),
            ],
        ),
    )
