"""The audit trail tells of offers too."""

from __future__ import annotations

from django.db import migrations, models

ACTIONS = (
    "program_create",
    "program_update",
    "program_activate",
    "program_deactivate",
    "program_retire",
    "offer_create",
    "offer_update",
    "offer_activate",
    "offer_deactivate",
    "offer_retire",
    "points_grant",
    "points_take",
    "tier_override",
    "tier_override_end",
    "order_settle",
    "sale_record",
    "sale_reverse",
    "member_erase",
)


class Migration(migrations.Migration):
    """Other choices; nothing in the database."""

    dependencies = (("saleor_retention", "0012_standing_offers"),)
    operations = (
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[(name, name.replace("_", " ").title()) for name in ACTIONS],
                max_length=24,
            ),
        ),
    )
