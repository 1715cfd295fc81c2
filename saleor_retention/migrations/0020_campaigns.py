"""Campaigns, their versions, and what became of each customer's message."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    """Four tables."""

    dependencies = [
        ("saleor_retention", "0019_coupons"),
    ]

    operations = [
        migrations.CreateModel(
            name="Campaign",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=64)),
                ("name", models.CharField(max_length=128)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("scheduled", "Scheduled"),
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("ended", "Ended"),
                        ],
                        default="draft",
                        max_length=9,
                    ),
                ),
                ("secret", models.CharField(max_length=64)),
                ("starts_at", models.DateTimeField(null=True)),
                ("ends_at", models.DateTimeField(null=True)),
                ("planned_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("program", "slug"),
            },
        ),
        migrations.CreateModel(
            name="CampaignVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("document", models.JSONField()),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="saleor_retention.campaign",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Dispatch",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("cycle", models.CharField(max_length=80)),
                ("channel", models.CharField(blank=True, default="", max_length=8)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("unknown", "Unknown"),
                            ("skipped", "Skipped"),
                        ],
                        max_length=7,
                    ),
                ),
                ("not_before", models.DateTimeField()),
                ("useful_until", models.DateTimeField()),
                ("facts", models.JSONField(default=dict)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("claim", models.UUIDField(null=True)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("planned_at", models.DateTimeField()),
                ("sending_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("benefit_ref", models.CharField(blank=True, default="", max_length=100)),
                ("note", models.CharField(blank=True, default="", max_length=200)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dispatches",
                        to="saleor_retention.campaign",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.campaignversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SkippedSend",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                (
                    "dispatch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="skipped",
                        to="saleor_retention.dispatch",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="campaign",
            name="current_version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.campaignversion",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="campaigns",
                to="saleor_retention.program",
            ),
        ),
        migrations.AddIndex(
            model_name="skippedsend",
            index=models.Index(fields=["reason"], name="retention_skipped_reason"),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                condition=models.Q(("state", "planned")),
                fields=["not_before", "id"],
                name="retention_dispatch_due",
            ),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                condition=models.Q(("state", "sending")),
                fields=["sending_at"],
                name="retention_dispatch_open",
            ),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(fields=["campaign", "state"], name="retention_dispatch_state"),
        ),
        migrations.AddConstraint(
            model_name="dispatch",
            constraint=models.UniqueConstraint(
                fields=("campaign", "account", "cycle"), name="retention_dispatch_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="dispatch",
            constraint=check(
                "retention_dispatch_sending",
                ~models.Q(state__in=("sending", "sent", "unknown"))
                | models.Q(sending_at__isnull=False),
            ),
        ),
        migrations.AddConstraint(
            model_name="campaignversion",
            constraint=models.UniqueConstraint(
                fields=("campaign", "number"), name="retention_campaign_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.UniqueConstraint(
                fields=("program", "slug"), name="retention_campaign_slug"
            ),
        ),
    ]
