"""Lots that are due are found in the order they are taken in, without sorting those of an instant."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two indexes with the id behind the instant."""

    dependencies = (("saleor_retention", "0016_customers"),)
    operations = (
        migrations.RemoveIndex(model_name="lot", name="retention_lot_expiry"),
        migrations.RemoveIndex(model_name="lot", name="retention_lot_maturing"),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                fields=("expires_at", "id"),
                condition=models.Q(("remaining__gt", 0)),
                name="retention_lot_expiry",
            ),
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                fields=("valid_from", "id"),
                condition=models.Q(("is_pending", True), ("remaining__gt", 0)),
                name="retention_lot_maturing",
            ),
        ),
    )
