"""The audit trail tells of points and gifts that are set in a customer's cart on his behalf."""

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


class Migration(migrations.Migration):
    """Three more things that are told."""

    dependencies = (("saleor_retention", "0039_gift_picks"),)
    operations = (
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[(action, action.replace("_", " ").title()) for action in ACTIONS],
                max_length=24,
            ),
        ),
    )
