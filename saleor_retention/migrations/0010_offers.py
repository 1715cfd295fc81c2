"""Offers, their versions, what is used of them, and what customers gathered on them."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from saleor_retention.models.constraints import check

APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON saleor_retention_offerversion
    FOR EACH ROW EXECUTE FUNCTION saleor_retention_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON saleor_retention_offerversion
    FOR EACH STATEMENT EXECUTE FUNCTION saleor_retention_refuse_change();
"""
ANY_CHANGE = """
DROP TRIGGER append_only_truncate ON saleor_retention_offerversion;
DROP TRIGGER append_only ON saleor_retention_offerversion;
"""


class Migration(migrations.Migration):
    """Tables of offers; versions refuse to change."""

    dependencies = [
        ("saleor_retention", "0009_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=64)),
                ("name", models.CharField(max_length=128)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bundle", "Bundle"),
                            ("quantity", "Quantity"),
                            ("add_on", "Add On"),
                            ("gift", "Gift"),
                            ("punch_card", "Punch Card"),
                            ("member_price", "Member Price"),
                            ("threshold", "Threshold"),
                            ("free_shipping", "Free Shipping"),
                        ],
                        max_length=16,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ("program", "slug"),
            },
        ),
        migrations.AddField(
            model_name="program",
            name="offers_stamp",
            field=models.BigIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="OfferVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("document", models.JSONField()),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="saleor_retention.offer",
                    ),
                ),
            ],
            options={
                "ordering": ("offer", "number"),
            },
        ),
        migrations.CreateModel(
            name="OfferUse",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("checkout_ref", models.CharField(max_length=64)),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reserved", "Reserved"),
                            ("used", "Used"),
                            ("returned", "Returned"),
                        ],
                        max_length=8,
                    ),
                ),
                ("uses", models.PositiveIntegerField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("period_start", models.DateField(null=True)),
                ("created_at", models.DateTimeField()),
                ("lapses_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses",
                        to="saleor_retention.offer",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.offerversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OfferStamp",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("order_ref", models.CharField(max_length=80)),
                ("units", models.PositiveIntegerField()),
                ("stamped_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stamps",
                        to="saleor_retention.offer",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OfferCounter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("period_start", models.DateField(null=True)),
                ("used", models.BigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="counters",
                        to="saleor_retention.offer",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="offer",
            name="current_version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.offerversion",
            ),
        ),
        migrations.AddField(
            model_name="offer",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offers",
                to="saleor_retention.program",
            ),
        ),
        migrations.CreateModel(
            name="GiftPick",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("checkout_ref", models.CharField(max_length=64)),
                ("variant_ref", models.CharField(max_length=64)),
                ("line_ref", models.CharField(blank=True, default="", max_length=64)),
                ("picked_at", models.DateTimeField()),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.offer",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GiftGiven",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("variant_ref", models.CharField(max_length=64)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "use",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="gifts",
                        to="saleor_retention.offeruse",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="offerversion",
            constraint=models.UniqueConstraint(
                fields=("offer", "number"), name="retention_offer_version_number"
            ),
        ),
        migrations.AddIndex(
            model_name="offeruse",
            index=models.Index(fields=["checkout_ref"], name="retention_offer_use_by_cart"),
        ),
        migrations.AddIndex(
            model_name="offeruse",
            index=models.Index(
                condition=models.Q(("order_ref", ""), _negated=True),
                fields=["order_ref"],
                name="retention_offer_use_order",
            ),
        ),
        migrations.AddIndex(
            model_name="offeruse",
            index=models.Index(fields=["account", "offer"], name="retention_offer_use_member"),
        ),
        migrations.AddIndex(
            model_name="offeruse",
            index=models.Index(
                condition=models.Q(("state", "reserved")),
                fields=["lapses_at"],
                name="retention_offer_use_lapse",
            ),
        ),
        migrations.AddConstraint(
            model_name="offeruse",
            constraint=models.UniqueConstraint(
                fields=("offer", "checkout_ref"), name="retention_offer_use_checkout"
            ),
        ),
        migrations.AddConstraint(
            model_name="offeruse",
            constraint=check(
                "retention_offer_use_counts", models.Q(("amount_minor__gte", 0), ("uses__gt", 0))
            ),
        ),
        migrations.AddConstraint(
            model_name="offeruse",
            constraint=check(
                "retention_offer_use_state",
                models.Q(
                    models.Q(("lapses_at__isnull", False), ("state", "reserved")),
                    ("state", "used"),
                    models.Q(("ended_at__isnull", False), ("state", "returned")),
                    _connector="OR",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="offerstamp",
            index=models.Index(fields=["account", "offer"], name="retention_stamp_card"),
        ),
        migrations.AddConstraint(
            model_name="offerstamp",
            constraint=models.UniqueConstraint(
                fields=("offer", "order_ref"), name="retention_stamp_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="offercounter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("account__isnull", False), ("period_start__isnull", False)),
                fields=("offer", "account", "period_start"),
                name="retention_counter_member_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="offercounter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("account__isnull", False), ("period_start__isnull", True)),
                fields=("offer", "account"),
                name="retention_counter_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="offercounter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("account__isnull", True), ("period_start__isnull", False)),
                fields=("offer", "period_start"),
                name="retention_counter_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="offercounter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("account__isnull", True), ("period_start__isnull", True)),
                fields=("offer",),
                name="retention_counter_total",
            ),
        ),
        migrations.AddConstraint(
            model_name="offercounter",
            constraint=check("retention_counter_used", models.Q(("used__gte", 0))),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                fields=("program", "slug"), name="retention_offer_slug"
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=check(
                "retention_offer_retired",
                models.Q(("retired_at__isnull", True), ("is_active", False), _connector="OR"),
            ),
        ),
        migrations.AddConstraint(
            model_name="giftpick",
            constraint=models.UniqueConstraint(
                fields=("checkout_ref", "offer"), name="retention_gift_pick_offer"
            ),
        ),
        migrations.AddConstraint(
            model_name="giftgiven",
            constraint=models.UniqueConstraint(
                fields=("account", "variant_ref"), name="retention_gift_never_twice"
            ),
        ),
        migrations.RunSQL(APPEND_ONLY, ANY_CHANGE),
    ]
