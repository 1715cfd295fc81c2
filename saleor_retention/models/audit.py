"""What staff, apps and commands did, for those who have to answer for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .choices import TextChoices


class AuditAction(TextChoices):
    """What was done."""

    PROGRAM_CREATE = "program_create"
    PROGRAM_UPDATE = "program_update"
    PROGRAM_ACTIVATE = "program_activate"
    PROGRAM_DEACTIVATE = "program_deactivate"
    PROGRAM_RETIRE = "program_retire"
    OFFER_CREATE = "offer_create"
    OFFER_UPDATE = "offer_update"
    OFFER_ACTIVATE = "offer_activate"
    OFFER_DEACTIVATE = "offer_deactivate"
    OFFER_RETIRE = "offer_retire"
    POINTS_GRANT = "points_grant"
    POINTS_TAKE = "points_take"
    TIER_OVERRIDE = "tier_override"
    TIER_OVERRIDE_END = "tier_override_end"
    ORDER_SETTLE = "order_settle"
    SALE_RECORD = "sale_record"
    SALE_REVERSE = "sale_reverse"
    MEMBER_ERASE = "member_erase"
    COUPON_PLAN = "coupon_plan"
    COUPON_BATCH = "coupon_batch"
    COUPON_ISSUE = "coupon_issue"
    COUPON_REVOKE = "coupon_revoke"
    EVENT_RECORD = "event_record"
    EVENT_REVERSE = "event_reverse"
    CAMPAIGN_CREATE = "campaign_create"
    CAMPAIGN_UPDATE = "campaign_update"
    CAMPAIGN_SCHEDULE = "campaign_schedule"
    CAMPAIGN_START = "campaign_start"
    CAMPAIGN_PAUSE = "campaign_pause"
    CAMPAIGN_END = "campaign_end"
    FOLLOW_UP_OPEN = "follow_up_open"
    FOLLOW_UP_CHANGE = "follow_up_change"
    FOLLOW_UP_CLOSE = "follow_up_close"
    ADDRESS_SUPPRESS = "address_suppress"
    ADDRESS_RELEASE = "address_release"
    SEGMENT_CREATE = "segment_create"
    SEGMENT_UPDATE = "segment_update"
    SEGMENT_RETIRE = "segment_retire"
    CONSENT_GIVE = "consent_give"
    CONSENT_WITHDRAW = "consent_withdraw"
    PROFILE_UPDATE = "profile_update"
    REFERRAL_CODE = "referral_code"
    CAMPAIGN_TEST = "campaign_test"
    MEMBER_EXPORT = "member_export"
    POINTS_IMPORT = "points_import"
    BACKFILL_APPLY = "backfill_apply"
    BACKFILL_UNDO = "backfill_undo"
    LEDGER_REPAIR = "ledger_repair"
    EXPERIMENT_CREATE = "experiment_create"
    EXPERIMENT_DEAL = "experiment_deal"
    EXPERIMENT_END = "experiment_end"
    REDEMPTION_SET = "redemption_set"
    REDEMPTION_CLEAR = "redemption_clear"
    GIFT_PICK = "gift_pick"


class AuditEntry(models.Model):
    """One thing that was done, written in the transaction that did it; append-only.

    ``changes`` says in words what is other than before, without anything personal: what people
    typed stands in ``note``, which can be redacted. ``actor_ref`` is "user:<pk>", "app:<pk>" or
    "" for a command on the server.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=24, choices=AuditAction.choices)
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    program = models.ForeignKey("Program", null=True, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("Account", null=True, on_delete=models.PROTECT, related_name="+")
    order_ref = models.CharField(max_length=80, blank=True, default="")
    changes = models.JSONField(default=list)  # lines of text
    note = models.ForeignKey("Note", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Read newest first: everything, one actor's, one member's, one program's, one order's."""

        indexes = (
            models.Index(fields=("-at", "-id"), name="retention_audit_newest"),
            models.Index(fields=("actor_ref", "-at"), name="retention_audit_actor"),
            models.Index(fields=("account", "-at"), name="retention_audit_member"),
            models.Index(fields=("program", "-at"), name="retention_audit_program"),
            models.Index(
                fields=("order_ref",), condition=~Q(order_ref=""), name="retention_audit_order"
            ),
        )
