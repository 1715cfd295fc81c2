"""An offer of several gifts keeps a choice for each, and a use what came back of its discount."""

from __future__ import annotations

from django.db import migrations, models

from saleor_retention import sql

# so that a process of the version before goes on writing
DEFAULT = "ALTER TABLE saleor_retention_offeruse ALTER COLUMN returned_minor SET DEFAULT 0;"


class Migration(migrations.Migration):
    """A wider constraint, the function that tells all choices of a cart, and a column."""

    dependencies = (("saleor_retention", "0038_lot_lives"),)
    operations = (
        migrations.RemoveConstraint("giftpick", "retention_gift_pick_offer"),
        migrations.AddConstraint(
            "giftpick",
            models.UniqueConstraint(
                fields=("checkout_ref", "offer", "variant_ref"), name="retention_gift_pick_variant"
            ),
        ),
        migrations.RunSQL(sql.load("functions/offer_facts"), migrations.RunSQL.noop),
        migrations.AddField("offeruse", "returned_minor", models.BigIntegerField(default=0)),
        migrations.RunSQL(DEFAULT, migrations.RunSQL.noop),
    )
