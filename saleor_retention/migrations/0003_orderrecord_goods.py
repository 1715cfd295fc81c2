"""Keep an order's goods as they were when it was created."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column; orders of before keep what they are next seen with."""

    dependencies = (("saleor_retention", "0002_append_only"),)
    operations = (
        migrations.AddField(
            model_name="orderrecord",
            name="goods",
            field=models.JSONField(default=dict),
        ),
    )
