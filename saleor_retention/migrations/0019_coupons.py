"""Coupons: plans, batches, codes and their uses."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    """Four tables, a mark on programs, and what the audit trail tells of coupons."""

    dependencies = [
        ("saleor_retention", "0018_consents"),
    ]

    operations = [
        migrations.CreateModel(
            name="Coupon",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=32, unique=True)),
                ("campaign", models.CharField(blank=True, default="", max_length=64)),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("batch", "Batch"),
                            ("campaign", "Campaign"),
                            ("goodwill", "Goodwill"),
                            ("next_order", "Next Order"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("used", "Used"),
                            ("expired", "Expired"),
                            ("revoked", "Revoked"),
                            ("taken_back", "Taken Back"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("uses", models.PositiveIntegerField(default=0)),
                ("uses_max", models.PositiveIntegerField(default=1)),
                ("issued_at", models.DateTimeField()),
                ("valid_until", models.DateTimeField()),
                ("remind_at", models.DateTimeField(blank=True, null=True)),
                ("reminded_at", models.DateTimeField(blank=True, null=True)),
                ("key", models.CharField(blank=True, default="", max_length=140)),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="program",
            name="has_coupons",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("program_create", "Program Create"),
                    ("program_update", "Program Update"),
                    ("program_activate", "Program Activate"),
                    ("program_deactivate", "Program Deactivate"),
                    ("program_retire", "Program Retire"),
                    ("offer_create", "Offer Create"),
                    ("offer_update", "Offer Update"),
                    ("offer_activate", "Offer Activate"),
                    ("offer_deactivate", "Offer Deactivate"),
                    ("offer_retire", "Offer Retire"),
                    ("points_grant", "Points Grant"),
                    ("points_take", "Points Take"),
                    ("tier_override", "Tier Override"),
                    ("tier_override_end", "Tier Override End"),
                    ("order_settle", "Order Settle"),
                    ("sale_record", "Sale Record"),
                    ("sale_reverse", "Sale Reverse"),
                    ("member_erase", "Member Erase"),
                    ("coupon_plan", "Coupon Plan"),
                    ("coupon_batch", "Coupon Batch"),
                    ("coupon_issue", "Coupon Issue"),
                    ("coupon_revoke", "Coupon Revoke"),
                ],
                max_length=24,
            ),
        ),
        migrations.CreateModel(
            name="CouponUse",
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
                        default="reserved",
                        max_length=8,
                    ),
                ),
                ("lapses_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "coupon",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="used_by",
                        to="saleor_retention.coupon",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CouponPlan",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=64)),
                (
                    "trigger",
                    models.CharField(
                        choices=[("goodwill", "Goodwill"), ("next_order", "Next Order")],
                        max_length=10,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("bearer", "Bearer"), ("personal", "Personal")],
                        default="personal",
                        max_length=8,
                    ),
                ),
                ("terms", models.JSONField()),
                ("valid_for_days", models.PositiveIntegerField()),
                ("remind_days", models.PositiveIntegerField(blank=True, null=True)),
                ("cap", models.PositiveIntegerField(blank=True, null=True)),
                ("per_day", models.PositiveIntegerField(blank=True, null=True)),
                ("per_day_groups", models.JSONField(default=dict)),
                ("per_day_apps", models.JSONField(default=dict)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupon_plans",
                        to="saleor_retention.program",
                    ),
                ),
            ],
            options={
                "ordering": ("program", "slug"),
            },
        ),
        migrations.CreateModel(
            name="CouponBatch",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=100)),
                ("campaign", models.CharField(blank=True, default="", max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("bearer", "Bearer"), ("personal", "Personal")], max_length=8
                    ),
                ),
                ("terms", models.JSONField()),
                ("prefix", models.CharField(blank=True, default="", max_length=12)),
                ("valid_from", models.DateTimeField()),
                ("valid_until", models.DateTimeField()),
                ("remind_at", models.DateTimeField(blank=True, null=True)),
                ("size", models.PositiveIntegerField(blank=True, null=True)),
                ("issued", models.PositiveIntegerField(default=0)),
                ("voucher_ref", models.CharField(blank=True, default="", max_length=64)),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupon_batches",
                        to="saleor_retention.program",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="coupon",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="coupons",
                to="saleor_retention.couponbatch",
            ),
        ),
        migrations.AddField(
            model_name="coupon",
            name="note",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.note",
            ),
        ),
        migrations.AddField(
            model_name="coupon",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.program",
            ),
        ),
        migrations.AddIndex(
            model_name="couponuse",
            index=models.Index(fields=["checkout_ref"], name="retention_coupon_use_cart"),
        ),
        migrations.AddConstraint(
            model_name="couponuse",
            constraint=models.UniqueConstraint(
                fields=("coupon", "checkout_ref"), name="retention_coupon_use"
            ),
        ),
        migrations.AddConstraint(
            model_name="couponplan",
            constraint=models.UniqueConstraint(
                fields=("program", "slug"), name="retention_coupon_plan_slug"
            ),
        ),
        migrations.AddConstraint(
            model_name="couponplan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True), ("trigger", "next_order")),
                fields=("program",),
                name="retention_coupon_plan_next",
            ),
        ),
        migrations.AddConstraint(
            model_name="couponbatch",
            constraint=models.UniqueConstraint(
                fields=("program", "key"), name="retention_coupon_batch_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="couponbatch",
            constraint=check(
                "retention_coupon_batch_span", models.Q(("valid_until__gt", models.F("valid_from")))
            ),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["valid_until"],
                name="retention_coupon_ending",
            ),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(
                    ("remind_at__isnull", False), ("reminded_at__isnull", True), ("state", "active")
                ),
                fields=["remind_at"],
                name="retention_coupon_remind",
            ),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(("campaign", ""), _negated=True),
                fields=["program", "campaign"],
                name="retention_coupon_campaign",
            ),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(("actor_ref", ""), _negated=True),
                fields=["program", "actor_ref", "issued_at"],
                name="retention_coupon_actor",
            ),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True),
                fields=("program", "key"),
                name="retention_coupon_key",
            ),
        ),
    ]
