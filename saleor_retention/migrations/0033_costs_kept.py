"""What coupons and tier prices took off each order, kept from now on; null is not known."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q

# so that a process of the version before goes on writing
DEFAULT = "ALTER TABLE saleor_retention_couponuse ALTER COLUMN currency SET DEFAULT '';"


class Migration(migrations.Migration):
    """Columns of orders that are there stay empty: what they had off was not kept."""

    dependencies = (("saleor_retention", "0032_stages"),)
    operations = (
        migrations.AddField(
            model_name="couponuse",
            name="amount_minor",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="couponuse",
            name="currency",
            field=models.CharField(blank=True, default="", max_length=3),
        ),
        migrations.RunSQL(DEFAULT, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="couponuse",
            index=models.Index(
                fields=("order_ref",),
                condition=~Q(order_ref=""),
                name="retention_coupon_use_order",
            ),
        ),
        migrations.AddField(
            model_name="orderrecord",
            name="tier_minor",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="orderrecord",
            index=models.Index(
                fields=("program", "created_at"),
                include=("currency", "tier_minor"),
                condition=Q(is_counted=True, tier_minor__gt=0),
                name="retention_order_tier_price",
            ),
        ),
    )
