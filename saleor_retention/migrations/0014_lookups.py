"""The pace at which staff and apps look members up at tills, and when channels joined programs."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One small table, with a row for each actor; and a column, empty for channels of the start."""

    dependencies = (("saleor_retention", "0013_offer_audit"),)
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
        migrations.AddField(
            model_name="programchannel",
            name="joined_at",
            field=models.DateTimeField(null=True),
        ),
    )
