"""Offers, what is used of their limits, and what customers have gathered on them.

An offer's version is written once and never changes (a trigger refuses it), as a program's. What an
order used of an offer is one row, which the order's state moves; counters and cards are its sums.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .choices import TextChoices
from .constraints import check


class OfferKind(TextChoices):
    """What an offer gives; the names are those of the document that sets it up."""

    BUNDLE = "bundle"
    QUANTITY = "quantity"
    ADD_ON = "add_on"
    GIFT = "gift"
    PUNCH_CARD = "punch_card"
    MEMBER_PRICE = "member_price"
    THRESHOLD = "threshold"
    FREE_SHIPPING = "free_shipping"


class Offer(models.Model):
    """One offer of a program. ``Program.offers_stamp`` moves with every change of one."""

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="offers")
    slug = models.SlugField(max_length=64)
    name = models.CharField(max_length=128)  # shown to the shopper
    kind = models.CharField(max_length=16, choices=OfferKind.choices)
    is_active = models.BooleanField(default=True)
    current_version = models.ForeignKey(
        "OfferVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Named once within a program."""

        ordering = ("program", "slug")
        constraints = (
            models.UniqueConstraint(fields=("program", "slug"), name="retention_offer_slug"),
            check("retention_offer_retired", Q(retired_at__isnull=True) | Q(is_active=False)),
        )

    def __str__(self) -> str:
        """Return the slug."""
        return self.slug


class OfferVersion(models.Model):
    """One immutable state of an offer, as the document that ``engine.offers.parsing`` reads."""

    id = models.BigAutoField(primary_key=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    actor_ref = models.CharField(max_length=64, blank=True, default="")  # "user:7", "app:3", ""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Numbered from 1 within an offer."""

        ordering = ("offer", "number")
        constraints = (
            models.UniqueConstraint(
                fields=("offer", "number"), name="retention_offer_version_number"
            ),
        )


class OfferUseState(TextChoices):
    """Reserved by a checkout about to become an order, used by the order, given back by it."""

    RESERVED = "reserved"
    USED = "used"
    RETURNED = "returned"


class OfferUse(models.Model):
    """What one checkout, later its order, uses of one offer.

    Written for every offer that an order has, limited or not: statistics read it too.
    """

    id = models.BigAutoField(primary_key=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="uses")
    version = models.ForeignKey(OfferVersion, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("Account", null=True, on_delete=models.PROTECT, related_name="+")
    checkout_ref = models.CharField(max_length=64)
    order_ref = models.CharField(max_length=80, blank=True, default="")
    state = models.CharField(max_length=8, choices=OfferUseState.choices)
    uses = models.PositiveIntegerField()  # sets, units or orders, as the kind counts them
    amount_minor = models.BigIntegerField()  # what it took off
    returned_minor = models.BigIntegerField(default=0)  # of that, off goods that came back since
    currency = models.CharField(max_length=3)
    period_start = models.DateField(null=True)  # first day of the period that the uses count in
    total_period_start = models.DateField(null=True)  # in total, where that is another one
    created_at = models.DateTimeField()
    lapses_at = models.DateTimeField(null=True)  # while it is reserved
    ended_at = models.DateTimeField(null=True)  # when it was given back

    class Meta:
        """One row for an offer and a checkout."""

        constraints = (
            models.UniqueConstraint(
                fields=("offer", "checkout_ref"), name="retention_offer_use_checkout"
            ),
            check("retention_offer_use_counts", Q(uses__gt=0, amount_minor__gte=0)),
            check(
                "retention_offer_use_state",
                Q(state="reserved", lapses_at__isnull=False)
                | Q(state="used")
                | Q(state="returned", ended_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=("checkout_ref",), name="retention_offer_use_by_cart"),
            models.Index(
                fields=("order_ref",), condition=~Q(order_ref=""), name="retention_offer_use_order"
            ),
            models.Index(fields=("account", "offer"), name="retention_offer_use_member"),
            models.Index(fields=("offer", "period_start"), name="retention_offer_use_period"),
            models.Index(
                fields=("offer", "total_period_start"),
                condition=Q(total_period_start__isnull=False),
                name="retention_offer_use_total",
            ),
            models.Index(
                fields=("lapses_at",),
                condition=Q(state="reserved"),
                name="retention_offer_use_lapse",
            ),
        )


class OfferCounter(models.Model):
    """How much of an offer is reserved or used: in total, or by one member, in one period.

    A row only for offers that have such a limit. Without an account it is the total's.
    """

    id = models.BigAutoField(primary_key=True)
    offer = models.ForeignKey(
        Offer, on_delete=models.PROTECT, related_name="counters", db_index=False
    )
    account = models.ForeignKey("Account", null=True, on_delete=models.PROTECT, related_name="+")
    period_start = models.DateField(null=True)  # None: of all time
    used = models.BigIntegerField(default=0)

    class Meta:
        """One row for each; NULL equals nothing, hence four constraints."""

        constraints = (
            models.UniqueConstraint(
                fields=("offer", "account", "period_start"),
                condition=Q(account__isnull=False, period_start__isnull=False),
                name="retention_counter_member_period",
            ),
            models.UniqueConstraint(
                fields=("offer", "account"),
                condition=Q(account__isnull=False, period_start__isnull=True),
                name="retention_counter_member",
            ),
            models.UniqueConstraint(
                fields=("offer", "period_start"),
                condition=Q(account__isnull=True, period_start__isnull=False),
                name="retention_counter_period",
            ),
            models.UniqueConstraint(
                fields=("offer",),
                condition=Q(account__isnull=True, period_start__isnull=True),
                name="retention_counter_total",
            ),
            check("retention_counter_used", Q(used__gte=0)),
        )


class OfferStamp(models.Model):
    """How many units of one order count on a member's punch card; follows what is kept of it."""

    id = models.BigAutoField(primary_key=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="stamps")
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="+")
    order_ref = models.CharField(max_length=80)
    units = models.PositiveIntegerField()
    stamped_at = models.DateTimeField()

    class Meta:
        """One row for an offer and an order; a card is their sum for a member."""

        constraints = (
            models.UniqueConstraint(fields=("offer", "order_ref"), name="retention_stamp_order"),
        )
        indexes = (models.Index(fields=("account", "offer"), name="retention_stamp_card"),)


class OfferGrant(models.Model):
    """An offer that was given to one member for a while, as the benefit of a campaign.

    It opens an offer that is for those alone who were given it; how often they may use it is said
    by the limits of the offer.
    """

    id = models.BigAutoField(primary_key=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="grants")
    account = models.ForeignKey(
        "Account", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    campaign = models.ForeignKey("Campaign", null=True, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=80, unique=True)  # whoever gives it twice gives it once
    granted_at = models.DateTimeField()
    valid_until = models.DateTimeField()  # the first instant at which it is over

    class Meta:
        """Read by member, with every price."""

        constraints = (check("retention_offer_grant_window", Q(valid_until__gt=F("granted_at"))),)
        indexes = (
            models.Index(fields=("account", "offer"), name="retention_offer_grant"),
            models.Index(fields=("valid_until",), name="retention_offer_grant_end"),
        )


class GiftGiven(models.Model):
    """A gift that a member has had; the constraint is the rule that it is never given again."""

    id = models.BigAutoField(primary_key=True)
    use = models.ForeignKey(OfferUse, on_delete=models.CASCADE, related_name="gifts")
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="+")
    variant_ref = models.CharField(max_length=64)

    class Meta:
        """Once for a member."""

        constraints = (
            models.UniqueConstraint(
                fields=("account", "variant_ref"), name="retention_gift_never_twice"
            ),
        )


class GiftPick(models.Model):
    """A gift that a shopper chose in a checkout, and the line that was added for it."""

    id = models.BigAutoField(primary_key=True)
    checkout_ref = models.CharField(max_length=64)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+")
    variant_ref = models.CharField(max_length=64)
    line_ref = models.CharField(max_length=64, blank=True, default="")  # "": it was there already
    picked_at = models.DateTimeField()

    class Meta:
        """Each gift once for an offer in a checkout."""

        constraints = (
            models.UniqueConstraint(
                fields=("checkout_ref", "offer", "variant_ref"), name="retention_gift_pick_variant"
            ),
        )
