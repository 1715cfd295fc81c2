"""What the plugin keeps of checkouts and orders: quotes, and what each order earned."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from .constraints import check


class StoredQuote(models.Model):
    """The last price given to a checkout, and under which identity and rules.

    Stored under the checkout's token before an order exists and joined by the order later, so
    that refunds use the rules that were in force. ``own_row_ids`` are the discount rows that the
    plugin wrote into Saleor's table: own rows are known by these ids, never by their type.
    """

    checkout_ref = models.CharField(max_length=64, primary_key=True)
    account = models.ForeignKey("Account", null=True, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(
        "ProgramVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    user_ref = models.CharField(max_length=64, blank=True, default="")
    tier = models.CharField(max_length=64, blank=True, default="")
    basket_fingerprint = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    payload = models.JSONField()  # engine.quote.Quote as data
    own_row_ids = ArrayField(models.UUIDField(), default=list)
    points_applied = models.BigIntegerField(default=0)
    has_free_shipping = models.BooleanField(default=False)
    priced_at = models.DateTimeField()
    order_ref = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        """Found by checkout, or by order once joined."""

        indexes = (
            models.Index(
                fields=("order_ref",), condition=~Q(order_ref=""), name="retention_quote_order"
            ),
            models.Index(fields=("priced_at",), name="retention_quote_age"),
        )


class OrderRecord(models.Model):
    """One order (or point-of-sale receipt) under the terms frozen when it was created.

    ``earned`` and ``clawed`` are what the ledger holds for it; ``settle`` moves them to the target
    that the engine computes from the order's state. ``sequence`` numbers its postings.
    """

    id = models.BigAutoField(primary_key=True)
    order_ref = models.CharField(max_length=80, unique=True)  # host pk, or "pos:<source>:<receipt>"
    number = models.CharField(max_length=64, blank=True, default="")
    checkout_ref = models.CharField(max_length=64, blank=True, default="")
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(
        "Account", null=True, on_delete=models.PROTECT, related_name="order_records"
    )
    version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, related_name="+")
    tier = models.CharField(max_length=64, blank=True, default="")
    channel_ref = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    goods = models.JSONField(default=dict)  # by line, as they were: engine.goods
    may_earn = models.BooleanField(default=True)  # the buyer was a member when it was created
    grants_points = models.BooleanField(default=True)  # False: a past order whose points are dead
    backfill = models.ForeignKey(
        "Backfill", null=True, db_index=False, on_delete=models.PROTECT, related_name="records"
    )  # that booked the order, from before the program
    quoted = models.BigIntegerField(default=0)  # points shown while the order is not settled
    earned = models.BigIntegerField(default=0)
    earn_room = models.BigIntegerField(null=True)  # most it may earn under caps; null: any
    clawed = models.BigIntegerField(default=0)  # net: 0 <= clawed <= earned
    redeemed = models.BigIntegerField(default=0)
    restored = models.BigIntegerField(default=0)
    bonus = models.BigIntegerField(default=0)  # first-order points that it holds now
    spend_minor = models.BigIntegerField(default=0)  # kept basis in the reference currency
    tier_minor = models.BigIntegerField(null=True)  # off by tier prices; null: not kept then
    is_counted = models.BooleanField(default=False)  # paid, and something is kept
    sequence = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        """Invariant 6: never more clawed than earned."""

        constraints = (
            check(
                "retention_order_clawed",
                Q(earned__gte=0, clawed__gte=0, clawed__lte=F("earned")),
            ),
            check(
                "retention_order_restored",
                Q(redeemed__gte=0, restored__gte=0, restored__lte=F("redeemed")),
            ),
            check(
                "retention_order_grants",
                Q(grants_points=True) | Q(backfill__isnull=False, earned=0, bonus=0),
            ),
        )
        indexes = (
            models.Index(fields=("account", "paid_at"), name="retention_order_member"),
            models.Index(  # customers' orders in turn, read without their rows and without a sort
                fields=("program", "account", "created_at", "id"),
                include=("spend_minor",),
                condition=Q(is_counted=True),
                name="retention_order_counted",
            ),
            models.Index(  # few orders of a time, beside all of them
                fields=("program", "created_at"),
                include=("currency", "tier_minor"),
                condition=Q(is_counted=True, tier_minor__gt=0),
                name="retention_order_tier_price",
            ),
            models.Index(
                fields=("backfill", "account"),
                condition=Q(backfill__isnull=False),
                name="retention_order_backfill",
            ),
            models.Index(
                fields=("checkout_ref",),
                condition=~Q(checkout_ref=""),
                name="retention_order_checkout",
            ),
        )

    @property
    def earns(self) -> bool:
        """Tell whether the order earns points at all, whatever its state."""
        return self.may_earn and self.grants_points


class PosSale(models.Model):
    """A sale or its reversal reported by a point of sale, whatever came first.

    ``document`` holds the sale's lines once the sale arrived; ``reversals`` what was taken back,
    by reversal id. A reversal may arrive before its sale.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=64)
    receipt = models.CharField(max_length=64)
    program = models.ForeignKey("Program", null=True, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("Account", null=True, on_delete=models.PROTECT, related_name="+")
    document = models.JSONField(null=True)
    content_hash = models.CharField(max_length=64, blank=True, default="")
    reversals = models.JSONField(default=dict)
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    recorded_at = models.DateTimeField()

    class Meta:
        """Idempotent by source and receipt."""

        constraints = (
            models.UniqueConstraint(fields=("source", "receipt"), name="retention_pos_receipt"),
        )
