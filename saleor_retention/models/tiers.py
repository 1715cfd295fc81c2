"""The history of members' tiers, each change with the sum that justified it."""

from __future__ import annotations

from django.db import models

from .choices import TextChoices


class TierChangeKind(TextChoices):
    """Why a tier changed."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    WITHDRAW = "withdraw"  # reached only by orders that were reversed since
    RENEW = "renew"
    OVERRIDE = "override"  # by staff
    OVERRIDE_END = "override_end"
    LADDER = "ladder"  # the merchant edited the ladder


class TierChange(models.Model):
    """One change of one member's tier."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="tier_changes")
    kind = models.CharField(max_length=12, choices=TierChangeKind.choices)
    from_tier = models.CharField(max_length=64, blank=True, default="")
    to_tier = models.CharField(max_length=64, blank=True, default="")
    metric_value = models.BigIntegerField(null=True)
    valid_until = models.DateTimeField(null=True)
    at = models.DateTimeField()
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    order_ref = models.CharField(max_length=80, blank=True, default="")
    version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, related_name="+")
    note = models.ForeignKey("Note", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Newest first for a member."""

        indexes = (models.Index(fields=("account", "-id"), name="retention_tier_change"),)
