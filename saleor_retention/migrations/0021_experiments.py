"""Experiments with a holdout and their subjects."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = (("saleor_retention", "0020_campaigns"),)
    operations = (
        migrations.CreateModel(
            name="Experiment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=64)),
                ("name", models.CharField(max_length=128)),
                ("secret", models.CharField(max_length=64)),
                ("held_out_per_mille", models.PositiveSmallIntegerField()),
                ("window_days", models.PositiveSmallIntegerField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="experiments",
                        to="saleor_retention.program",
                    ),
                ),
            ],
            options={"ordering": ("program", "slug")},
        ),
        migrations.CreateModel(
            name="ExperimentSubject",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "arm",
                    models.CharField(
                        choices=[("treated", "Treated"), ("held_out", "Held Out")], max_length=8
                    ),
                ),
                ("assigned_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subjects",
                        to="saleor_retention.experiment",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.UniqueConstraint(
                fields=("program", "slug"), name="retention_experiment_slug"
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=check(
                "retention_experiment_share",
                models.Q(held_out_per_mille__gt=0, held_out_per_mille__lt=1000, window_days__gt=0),
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentsubject",
            constraint=models.UniqueConstraint(
                fields=("experiment", "account"), name="retention_experiment_subject"
            ),
        ),
    )
