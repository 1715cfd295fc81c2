"""An offer that gives several gifts keeps a choice for each."""

from __future__ import annotations

from django.db import migrations, models

from saleor_retention import sql


class Migration(migrations.Migration):
    """A wider constraint, and the function that tells all choices of a cart."""

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
    )
