"""Holds on points for a checkout, and which lots they took."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from .choices import TextChoices
from .constraints import check


class HoldState(TextChoices):
    """A hold is placed once and ends once."""

    PLACED = "placed"
    CAPTURED = "captured"
    RELEASED = "released"
    LAPSED = "lapsed"


class Hold(models.Model):
    """Points set aside for one checkout until an order captures or something releases them.

    No foreign key to the checkout: Saleor deletes checkouts at completion, and expiry must not
    take the hold's history with it.
    """

    clamped_by: str = ""
    """Why ``points`` is less than ``requested``; told to the shopper who sets them, not stored."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="holds")
    checkout_ref = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=HoldState.choices, default=HoldState.PLACED)
    requested = models.BigIntegerField()  # by the shopper; points may shrink
    points = models.BigIntegerField()  # pinned now, or at the end
    currency = models.CharField(max_length=3)
    value_minor = models.BigIntegerField()  # worth of `points` at the version's point value
    version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, related_name="+")
    captured = models.BigIntegerField(default=0)
    restored = models.BigIntegerField(default=0)
    order_ref = models.CharField(max_length=80, blank=True, default="")
    placed_at = models.DateTimeField()
    lapses_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """One live hold per checkout."""

        constraints = (
            models.UniqueConstraint(
                fields=("checkout_ref",),
                condition=Q(state="placed"),
                name="retention_hold_checkout",
            ),
            check("retention_hold_points", Q(points__gt=0)),
            check("retention_hold_captured", Q(captured__lte=F("points"))),
            check("retention_hold_restored", Q(restored__gte=0, restored__lte=F("captured"))),
        )
        indexes = (
            models.Index(
                fields=("lapses_at",), condition=Q(state="placed"), name="retention_hold_lapse"
            ),
            models.Index(
                fields=("order_ref",), condition=~Q(order_ref=""), name="retention_hold_order"
            ),
            models.Index(fields=("account",), name="retention_hold_account"),
        )


class Consumption(models.Model):
    """Which lot gave how many points to which hold, and how many came back."""

    id = models.BigAutoField(primary_key=True)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="consumptions")
    lot = models.ForeignKey("Lot", on_delete=models.PROTECT, related_name="consumptions")
    points = models.BigIntegerField()  # pinned
    used = models.BigIntegerField(default=0)
    restored = models.BigIntegerField(default=0)

    class Meta:
        """Invariant 5: never more restored than used."""

        constraints = (
            models.UniqueConstraint(fields=("hold", "lot"), name="retention_consumption_lot"),
            check("retention_consumption_used", Q(used__gte=0, used__lte=F("points"))),
            check("retention_consumption_back", Q(restored__gte=0, restored__lte=F("used"))),
        )
