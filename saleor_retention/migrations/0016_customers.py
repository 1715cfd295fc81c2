"""What is summed up of customers, their segments and tags, and what offers ask about those."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from saleor_retention import sql
from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    """Tables of customers and a function over them."""

    dependencies = [
        ("saleor_retention", "0015_posting"),
    ]

    operations = [
        migrations.CreateModel(
            name="BandLimits",
            fields=[
                (
                    "program",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="band_limits",
                        serialize=False,
                        to="saleor_retention.program",
                    ),
                ),
                ("best", models.PositiveSmallIntegerField(default=1)),
                ("active", models.PositiveSmallIntegerField(default=3)),
                ("sleeping", models.PositiveSmallIntegerField(default=6)),
                ("at_risk", models.PositiveSmallIntegerField(default=12)),
            ],
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=64)),
                ("name", models.CharField(max_length=128)),
                ("document", models.JSONField(null=True)),
                ("tag", models.CharField(blank=True, default="", max_length=64)),
                ("is_active", models.BooleanField(default=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("refreshed_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="segments",
                        to="saleor_retention.program",
                    ),
                ),
            ],
            options={
                "ordering": ("program", "slug"),
            },
        ),
        migrations.CreateModel(
            name="SegmentMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("since", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="saleor_retention.segment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SegmentEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("entered", "Entered"), ("left", "Left")], max_length=7
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="saleor_retention.segment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CustomerTag",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("tag", models.CharField(max_length=64)),
                ("since", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tags",
                        to="saleor_retention.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CustomerRollup",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="rollup",
                        serialize=False,
                        to="saleor_retention.account",
                    ),
                ),
                ("orders", models.PositiveIntegerField()),
                ("order_days", models.PositiveIntegerField()),
                ("first_order_at", models.DateTimeField()),
                ("second_order_at", models.DateTimeField(null=True)),
                ("last_order_at", models.DateTimeField()),
                ("first_on", models.DateField()),
                ("last_on", models.DateField()),
                ("spend_minor", models.BigIntegerField()),
                ("first_day_minor", models.BigIntegerField()),
                ("recency_score", models.PositiveSmallIntegerField(default=0)),
                ("frequency_score", models.PositiveSmallIntegerField(default=0)),
                ("monetary_score", models.PositiveSmallIntegerField(default=0)),
                ("revision", models.BigIntegerField(default=1)),
                (
                    "program",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.program",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="bandlimits",
            constraint=check(
                "retention_bands_rise",
                models.Q(
                    ("active__lt", models.F("sleeping")),
                    ("best__gt", 0),
                    ("best__lte", models.F("active")),
                    ("sleeping__lt", models.F("at_risk")),
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="segmentmember",
            constraint=models.UniqueConstraint(
                fields=("segment", "account"), name="retention_segment_member"
            ),
        ),
        migrations.AddIndex(
            model_name="segmentevent",
            index=models.Index(fields=["segment", "id"], name="retention_segment_event"),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.UniqueConstraint(
                fields=("program", "slug"), name="retention_segment_slug"
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=check(
                "retention_segment_retired",
                models.Q(("retired_at__isnull", True), ("is_active", False), _connector="OR"),
            ),
        ),
        migrations.AddIndex(
            model_name="customertag",
            index=models.Index(fields=["tag"], name="retention_tag_bearers"),
        ),
        migrations.AddConstraint(
            model_name="customertag",
            constraint=models.UniqueConstraint(
                fields=("account", "tag"), name="retention_customer_tag"
            ),
        ),
        migrations.AddIndex(
            model_name="customerrollup",
            index=models.Index(fields=["program", "last_on"], name="retention_rollup_last"),
        ),
        migrations.AddConstraint(
            model_name="customerrollup",
            constraint=check(
                "retention_rollup_counts",
                models.Q(
                    ("order_days__gt", 0),
                    ("order_days__lte", models.F("orders")),
                    ("orders__gt", 0),
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="customerrollup",
            constraint=check(
                "retention_rollup_order",
                models.Q(
                    ("first_on__lte", models.F("last_on")),
                    ("first_order_at__lte", models.F("last_order_at")),
                ),
            ),
        ),
        migrations.RunSQL(
            sql.load("functions/segments_of"),
            "DROP FUNCTION saleor_retention_segments_of(bigint);",
        ),
    ]
