"""Keep how much an order may earn beside the member's other orders."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column; null where the program caps nothing, as for all orders of before."""

    dependencies = (("saleor_retention", "0007_ledger_functions"),)
    operations = (
        migrations.AddField(
            model_name="orderrecord",
            name="earn_room",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(
                fields=("program", "actor_ref", "recorded_at"),
                condition=models.Q(("kind", "grant"), models.Q(("actor_ref", ""), _negated=True)),
                name="retention_grants_of_actor",
            ),
        ),
    )
