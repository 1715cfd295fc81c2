"""What a campaign has given to whom, so that its budget counts it whatever became of the message."""

from __future__ import annotations

from django.db import migrations, models

# so that a process of the version before goes on writing
DEFAULT = "ALTER TABLE saleor_retention_dispatch ALTER COLUMN points_given SET DEFAULT 0;"
POINTS = """
UPDATE saleor_retention_dispatch AS dispatch
SET benefit_given_at = given.at, points_given = given.points
FROM (
    SELECT sent.id, posting.recorded_at AS at, -entry.points AS points
    FROM saleor_retention_dispatch AS sent
    JOIN saleor_retention_campaign AS campaign ON campaign.id = sent.campaign_id
    JOIN saleor_retention_transaction AS posting
        ON posting.program_id = campaign.program_id
        AND posting.key = 'grant:campaign:' || sent.id
    JOIN saleor_retention_entry AS entry
        ON entry.transaction_id = posting.id AND entry.book = 'issuance'
) AS given
WHERE dispatch.id = given.id
"""
REFERENCES = """
UPDATE saleor_retention_dispatch
SET benefit_given_at = COALESCE(sending_at, finished_at, planned_at)
WHERE benefit_ref <> '' AND benefit_given_at IS NULL
"""


class Migration(migrations.Migration):
    """Points are known from the ledger, coupons and offers by what the message names."""

    dependencies = (("saleor_retention", "0030_lot_children"),)
    operations = (
        migrations.AddField(
            model_name="dispatch", name="benefit_given_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="dispatch", name="points_given", field=models.BigIntegerField(default=0)
        ),
        migrations.RunSQL(DEFAULT, migrations.RunSQL.noop),
        migrations.RunSQL(POINTS, migrations.RunSQL.noop),
        migrations.RunSQL(REFERENCES, migrations.RunSQL.noop),
    )
