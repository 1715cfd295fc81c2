"""Events that are rewarded, and referrals."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    """Three tables, and two more things that the audit trail tells of."""

    dependencies = (("saleor_retention", "0022_posting_speed"),)
    operations = (
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
                    ("event_record", "Event Record"),
                    ("event_reverse", "Event Reverse"),
                ],
                max_length=24,
            ),
        ),
        migrations.CreateModel(
            name="MemberEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("source", models.CharField(max_length=24)),
                ("reference", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=48)),
                ("object_ref", models.CharField(blank=True, default="", max_length=80)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("content_hash", models.CharField(blank=True, default="", max_length=64)),
                ("outcome", models.CharField(max_length=16)),
                ("points", models.BigIntegerField(default=0)),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("reversed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.lot",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReferralCode",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="referral_code",
                        serialize=False,
                        to="saleor_retention.account",
                    ),
                ),
                ("code", models.CharField(max_length=16, unique=True)),
                ("made_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Referral",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("claimed_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("claimed", "Claimed"),
                            ("pending", "Pending"),
                            ("rewarded", "Rewarded"),
                            ("void", "Void"),
                        ],
                        default="claimed",
                        max_length=8,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("returned", "Returned"),
                            ("same_person", "Same Person"),
                            ("left", "Left"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                ("booked_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("advocate_points", models.BigIntegerField(default=0)),
                ("friend_points", models.BigIntegerField(default=0)),
                (
                    "advocate",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "advocate_lot",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.lot",
                    ),
                ),
                (
                    "friend",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referred",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "friend_lot",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.lot",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="memberevent",
            index=models.Index(fields=["account", "kind", "at"], name="retention_event_member"),
        ),
        migrations.AddConstraint(
            model_name="memberevent",
            constraint=models.UniqueConstraint(
                fields=("source", "reference"), name="retention_event_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="memberevent",
            constraint=check("retention_event_points", models.Q(points__gte=0)),
        ),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                fields=["advocate", "booked_at"], name="retention_referral_advocate"
            ),
        ),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                condition=models.Q(state__in=["claimed", "pending"]),
                fields=["state", "id"],
                name="retention_referral_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=check("retention_referral_two", ~models.Q(advocate=models.F("friend"))),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=check(
                "retention_referral_points",
                models.Q(advocate_points__gte=0, friend_points__gte=0),
            ),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=check(
                "retention_referral_booked",
                ~models.Q(state__in=["pending", "rewarded"])
                | models.Q(booked_at__isnull=False, due_at__isnull=False),
            ),
        ),
    )
