"""Answers to surveys about orders, and tasks of staff about customers."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    """Two tables, and the segments that ask for tasks."""

    dependencies = (("saleor_retention", "0023_engagement"),)
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
                    ("follow_up_open", "Follow Up Open"),
                    ("follow_up_change", "Follow Up Change"),
                    ("follow_up_close", "Follow Up Close"),
                ],
                max_length=24,
            ),
        ),
        migrations.CreateModel(
            name="SurveyAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("order_ref", models.CharField(max_length=80, unique=True)),
                ("answers", models.JSONField(default=dict)),
                ("points", models.BigIntegerField(default=0)),
                ("answered_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="survey_answers",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.program",
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
            model_name="surveyanswer",
            index=models.Index(
                fields=["program", "-answered_at", "-id"], name="retention_survey_newest"
            ),
        ),
        migrations.AddConstraint(
            model_name="surveyanswer",
            constraint=check("retention_survey_points", models.Q(points__gte=0)),
        ),
        migrations.AddField(
            model_name="segment",
            name="follow_up",
            field=models.CharField(blank=True, default="", max_length=500),
        ),
        migrations.AddField(
            model_name="segment",
            name="follow_up_days",
            field=models.PositiveSmallIntegerField(default=3),
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.TextField(blank=True)),
                ("due_on", models.DateField()),
                ("assignee_ref", models.CharField(blank=True, default="", max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("done", "Done"), ("dropped", "Dropped")],
                        default="open",
                        max_length=8,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reached", "Reached"),
                            ("not_reached", "Not Reached"),
                            ("bought", "Bought"),
                            ("declined", "Declined"),
                            ("other", "Other"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("note", models.TextField(blank=True, default="")),
                ("segment_event", models.BigIntegerField(null=True, unique=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=64)),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.CharField(blank=True, default="", max_length=64)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="follow_ups",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.program",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.segment",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["due_on", "id"], name="retention_followup_due"),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                condition=models.Q(state="open", segment__isnull=False),
                fields=["segment", "account"],
                name="retention_followup_asked",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=check(
                "retention_followup_outcome",
                models.Q(state="done") & ~models.Q(outcome="")
                | ~models.Q(state="done") & models.Q(outcome=""),
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=check(
                "retention_followup_closed",
                models.Q(state="open", closed_at__isnull=True)
                | ~models.Q(state="open") & models.Q(closed_at__isnull=False),
            ),
        ),
    )
