"""The audit trail tells of all that staff do, and a backfill of one channel says which."""

from __future__ import annotations

from django.db import migrations, models

ACTIONS = (
    "program_create",
    "program_update",
    "program_activate",
    "program_deactivate",
    "program_retire",
    "offer_create",
    "offer_update",
    "offer_activate",
    "offer_deactivate",
    "offer_retire",
    "points_grant",
    "points_take",
    "tier_override",
    "tier_override_end",
    "order_settle",
    "sale_record",
    "sale_reverse",
    "member_erase",
    "coupon_plan",
    "coupon_batch",
    "coupon_issue",
    "coupon_revoke",
    "event_record",
    "event_reverse",
    "campaign_create",
    "campaign_update",
    "campaign_schedule",
    "campaign_start",
    "campaign_pause",
    "campaign_end",
    "follow_up_open",
    "follow_up_change",
    "follow_up_close",
    "address_suppress",
    "address_release",
    "segment_create",
    "segment_update",
    "segment_retire",
    "consent_give",
    "consent_withdraw",
    "profile_update",
    "referral_code",
    "campaign_test",
    "member_export",
    "points_import",
    "backfill_apply",
    "backfill_undo",
    "ledger_repair",
    "experiment_create",
    "experiment_deal",
    "experiment_end",
    "redemption_set",
    "redemption_clear",
    "gift_pick",
)

# so that a process of the version before goes on writing
DEFAULT = "ALTER TABLE saleor_retention_backfill ALTER COLUMN channel_ref SET DEFAULT '';"


class Migration(migrations.Migration):
    """Twenty-one more things that are told; backfills until now are those of all channels."""

    dependencies = (("saleor_retention", "0035_card_versions"),)
    operations = (
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[(action, action.replace("_", " ").title()) for action in ACTIONS],
                max_length=24,
            ),
        ),
        migrations.AddField(
            model_name="backfill",
            name="channel_ref",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.RunSQL(DEFAULT, migrations.RunSQL.noop),
    )
