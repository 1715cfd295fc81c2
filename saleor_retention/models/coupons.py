"""Coupons: codes with the same terms and end in a batch, each code, and what orders used of them.

Checkouts know a code as the shop's own voucher, which a batch and its codes are written to as well.
Whose a code is and how often it was used stands here, because the shop cannot hold either.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .choices import TextChoices
from .constraints import check


class CouponKind(TextChoices):
    """Who may use a code."""

    BEARER = "bearer"  # whoever has it
    PERSONAL = "personal"  # the member it was issued to


class CouponState(TextChoices):
    """What has become of a code."""

    ACTIVE = "active"
    USED = "used"  # as often as it may be
    EXPIRED = "expired"
    REVOKED = "revoked"  # by staff, or with the customer's data
    TAKEN_BACK = "taken_back"  # nothing is kept of the order that it was given for


class CouponCause(TextChoices):
    """What a code was issued for."""

    BATCH = "batch"
    CAMPAIGN = "campaign"
    GOODWILL = "goodwill"
    NEXT_ORDER = "next_order"


class CouponUseState(TextChoices):
    """How far a use is."""

    RESERVED = "reserved"  # by a checkout about to become an order
    USED = "used"
    RETURNED = "returned"


class CouponTrigger(TextChoices):
    """What a plan is for."""

    GOODWILL = "goodwill"  # service staff give it on their own judgment
    NEXT_ORDER = "next_order"  # a first order brings it


class CouponPlan(models.Model):
    """What staff may give, or what a first order brings: terms and limits that stand ready.

    A change concerns coupons issued from then on. ``per_day_groups`` and ``per_day_apps`` map names
    of permission groups and apps to their own limit.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="coupon_plans")
    slug = models.SlugField(max_length=64)
    trigger = models.CharField(max_length=10, choices=CouponTrigger.choices)
    kind = models.CharField(max_length=8, choices=CouponKind.choices, default=CouponKind.PERSONAL)
    terms = models.JSONField()
    valid_for_days = models.PositiveIntegerField()
    remind_days = models.PositiveIntegerField(null=True, blank=True)  # before the end
    cap = models.PositiveIntegerField(null=True, blank=True)  # coupons in all
    per_day = models.PositiveIntegerField(null=True, blank=True)  # goodwill: by actor
    per_day_groups = models.JSONField(default=dict)
    per_day_apps = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Named once within a program; a first order brings one coupon."""

        ordering = ("program", "slug")
        constraints = (
            models.UniqueConstraint(fields=("program", "slug"), name="retention_coupon_plan_slug"),
            models.UniqueConstraint(
                fields=("program",),
                condition=Q(trigger="next_order", is_active=True),
                name="retention_coupon_plan_next",
            ),
        )

    def __str__(self) -> str:
        """Return the slug."""
        return self.slug


class CouponBatch(models.Model):
    """Codes with the same terms and the same end: one voucher of the shop, where it can hold many.

    ``size`` is how many codes were asked for at once; null for a batch that single coupons with
    the same terms and end are put into.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="coupon_batches")
    key = models.CharField(max_length=100)
    campaign = models.CharField(max_length=64, blank=True, default="")
    kind = models.CharField(max_length=8, choices=CouponKind.choices)
    terms = models.JSONField()
    prefix = models.CharField(max_length=12, blank=True, default="")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    remind_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveIntegerField(null=True, blank=True)
    issued = models.PositiveIntegerField(default=0)  # counted for batches with a size
    voucher_ref = models.CharField(max_length=64, blank=True, default="")
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Named once within a program."""

        constraints = (
            models.UniqueConstraint(fields=("program", "key"), name="retention_coupon_batch_key"),
            check("retention_coupon_batch_span", Q(valid_until__gt=F("valid_from"))),
        )

    def __str__(self) -> str:
        """Return the key."""
        return self.key


class Coupon(models.Model):
    """One code. ``key`` makes issuing it idempotent; "" for one of many made at once.

    ``order_ref`` is the order that it was given for, ``actor_ref`` who gave it.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="+")
    batch = models.ForeignKey(CouponBatch, on_delete=models.PROTECT, related_name="coupons")
    account = models.ForeignKey(
        "Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    code = models.CharField(max_length=32, unique=True)
    campaign = models.CharField(max_length=64, blank=True, default="")
    cause = models.CharField(max_length=10, choices=CouponCause.choices)
    state = models.CharField(max_length=10, choices=CouponState.choices, default=CouponState.ACTIVE)
    uses = models.PositiveIntegerField(default=0)
    uses_max = models.PositiveIntegerField(default=1)
    issued_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    remind_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    key = models.CharField(max_length=140, blank=True, default="")
    order_ref = models.CharField(max_length=80, blank=True, default="")
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    note = models.ForeignKey("Note", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Read by member, by batch, by campaign, by goodwill's giver, and by what is due."""

        constraints = (
            models.UniqueConstraint(
                fields=("program", "key"), condition=~Q(key=""), name="retention_coupon_key"
            ),
        )
        indexes = (
            models.Index(
                fields=("valid_until",),
                condition=Q(state="active"),
                name="retention_coupon_ending",
            ),
            models.Index(
                fields=("remind_at",),
                condition=Q(state="active", reminded_at__isnull=True, remind_at__isnull=False),
                name="retention_coupon_remind",
            ),
            models.Index(
                fields=("program", "campaign"),
                condition=~Q(campaign=""),
                name="retention_coupon_campaign",
            ),
            models.Index(
                fields=("program", "actor_ref", "issued_at"),
                condition=~Q(actor_ref=""),
                name="retention_coupon_actor",
            ),
        )

    def __str__(self) -> str:
        """Return the code."""
        return self.code


class CouponUse(models.Model):
    """What one checkout or order uses of a code; follows the order's state.

    ``amount_minor`` is what the shop says that it took off the order, in ``currency``; null where
    that is not known, as of uses from before it was kept.
    """

    id = models.BigAutoField(primary_key=True)
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="used_by")
    checkout_ref = models.CharField(max_length=64)
    order_ref = models.CharField(max_length=80, blank=True, default="")
    state = models.CharField(
        max_length=8, choices=CouponUseState.choices, default=CouponUseState.RESERVED
    )
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    lapses_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A checkout uses a code once."""

        constraints = (
            models.UniqueConstraint(fields=("coupon", "checkout_ref"), name="retention_coupon_use"),
        )
        indexes = (
            models.Index(fields=("checkout_ref",), name="retention_coupon_use_cart"),
            models.Index(
                fields=("order_ref",),
                condition=~Q(order_ref=""),
                name="retention_coupon_use_order",
            ),
        )
