"""Questionnaires without an order, answered once by a member in a period; events in their order.

Going back deletes their answers: what was before has no place for them.
"""

from __future__ import annotations

from django.db import migrations, models

from saleor_retention.models.constraints import check

NEWEST = "retention_survey_newest"

# so that a process of the version before goes on writing
DEFAULTS = """
ALTER TABLE saleor_retention_surveyanswer
    ALTER COLUMN survey SET DEFAULT '', ALTER COLUMN period SET DEFAULT '';
"""


class Migration(migrations.Migration):
    """Answers that are there stay about their orders."""

    dependencies = (("saleor_retention", "0033_costs_kept"),)
    operations = (
        migrations.AlterField(
            model_name="surveyanswer",
            name="order_ref",
            field=models.CharField(blank=True, max_length=80, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="surveyanswer",
            name="survey",
            field=models.CharField(default="", max_length=48),
        ),
        migrations.AddField(
            model_name="surveyanswer",
            name="period",
            field=models.CharField(default="", max_length=8),
        ),
        migrations.RunSQL(DEFAULTS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="surveyanswer",
            constraint=check(
                "retention_survey_about",
                models.Q(order_ref__isnull=False, survey="", period="")
                | (models.Q(order_ref__isnull=True) & ~models.Q(survey="") & ~models.Q(period="")),
            ),
        ),
        migrations.AddConstraint(
            model_name="surveyanswer",
            constraint=models.UniqueConstraint(
                condition=models.Q(order_ref__isnull=True),
                fields=("account", "survey", "period"),
                name="retention_survey_once",
            ),
        ),
        migrations.RemoveIndex(model_name="surveyanswer", name=NEWEST),
        migrations.AddIndex(
            model_name="surveyanswer",
            index=models.Index(fields=["program", "survey", "-answered_at", "-id"], name=NEWEST),
        ),
        migrations.AddIndex(
            model_name="memberevent",
            index=models.Index(fields=["kind", "recorded_at"], name="retention_event_recorded"),
        ),
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "DELETE FROM saleor_retention_surveyanswer WHERE order_ref IS NULL;",
        ),
    )
