"""What is known of each customer at a glance, and the segments that customers are in.

Everything here follows from order records and rules and can be made anew from them
(``services.membership.customers``); only explicit lists and the history of who came and went are
told nowhere else. Where a statement writes hundreds of thousands of rows made from accounts and
segments, which are never deleted, the database does not look each one up again: those references
are unconstrained.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .choices import TextChoices
from .constraints import check


class CustomerRollup(models.Model):
    """The counted orders of one account, summed up; an account without any has no row.

    ``engine.segments.customers.rollup_of`` is its specification. Days are the program's; money is
    what is kept of the orders, in minor units of the program's reference currency. Scores are
    those of the last night, 0 for a customer who was not scored yet.
    """

    account = models.OneToOneField(
        "Account", primary_key=True, on_delete=models.PROTECT, related_name="rollup"
    )
    program = models.ForeignKey(
        "Program", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    orders = models.PositiveIntegerField()
    order_days = models.PositiveIntegerField()  # different days with an order
    first_order_at = models.DateTimeField()
    second_order_at = models.DateTimeField(null=True)
    last_order_at = models.DateTimeField()
    first_on = models.DateField()
    last_on = models.DateField()
    spend_minor = models.BigIntegerField()
    first_day_minor = models.BigIntegerField()  # of it: spent on the first day
    recency_score = models.PositiveSmallIntegerField(default=0)
    frequency_score = models.PositiveSmallIntegerField(default=0)
    monetary_score = models.PositiveSmallIntegerField(default=0)
    seal = models.BigIntegerField(null=True)  # sql/functions/rollup_seal.sql; none: not sealed yet
    revision = models.BigIntegerField(default=1)  # moves with each change of the sums

    class Meta:
        """Looked through program by program, by what segments ask for most."""

        constraints = (
            check(
                "retention_rollup_counts",
                Q(orders__gt=0, order_days__gt=0, order_days__lte=F("orders")),
            ),
            check(
                "retention_rollup_order",
                Q(first_order_at__lte=F("last_order_at"), first_on__lte=F("last_on")),
            ),
        )
        indexes = (models.Index(fields=("program", "last_on"), name="retention_rollup_last"),)


class BandLimits(models.Model):
    """How many months each recency band of a program reaches back; without a row: the defaults."""

    program = models.OneToOneField(
        "Program", primary_key=True, on_delete=models.CASCADE, related_name="band_limits"
    )
    best = models.PositiveSmallIntegerField(default=1)
    active = models.PositiveSmallIntegerField(default=3)
    sleeping = models.PositiveSmallIntegerField(default=6)
    at_risk = models.PositiveSmallIntegerField(default=12)

    class Meta:
        """Each reaches further back than the one before."""

        constraints = (
            check(
                "retention_bands_rise",
                Q(
                    best__gt=0,
                    best__lte=F("active"),
                    active__lt=F("sleeping"),
                    sleeping__lt=F("at_risk"),
                ),
            ),
        )


class Segment(models.Model):
    """A named set of a program's members: by a rule, or by an explicit list.

    ``document`` is the rule as ``engine.segments.parsing`` reads it; None: a list, whose members
    staff put in. Members of a segment with a ``tag`` bear that tag. Who comes into one with a
    ``follow_up`` is a task of staff of that text, due so many days later.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="segments")
    slug = models.SlugField(max_length=64)
    name = models.CharField(max_length=128)
    document = models.JSONField(null=True)
    tag = models.CharField(max_length=64, blank=True, default="")
    follow_up = models.CharField(max_length=500, blank=True, default="")
    follow_up_days = models.PositiveSmallIntegerField(default=3)
    is_active = models.BooleanField(default=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True)  # when all members were last looked at
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Named once within a program."""

        ordering = ("program", "slug")
        constraints = (
            models.UniqueConstraint(fields=("program", "slug"), name="retention_segment_slug"),
            check("retention_segment_retired", Q(retired_at__isnull=True) | Q(is_active=False)),
        )

    def __str__(self) -> str:
        """Return the slug."""
        return self.slug


class SegmentMember(models.Model):
    """An account that is in a segment, and since when."""

    id = models.BigAutoField(primary_key=True)
    segment = models.ForeignKey(
        Segment,
        on_delete=models.PROTECT,
        related_name="members",
        db_index=False,
        db_constraint=False,
    )
    account = models.ForeignKey(
        "Account", on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    since = models.DateTimeField()

    class Meta:
        """Once in a segment."""

        constraints = (
            models.UniqueConstraint(fields=("segment", "account"), name="retention_segment_member"),
        )


class SegmentEventKind(TextChoices):
    """Which way somebody went."""

    ENTERED = "entered"
    LEFT = "left"


class SegmentEvent(models.Model):
    """Somebody came into a segment or went out of it; written with the membership."""

    id = models.BigAutoField(primary_key=True)
    segment = models.ForeignKey(
        Segment,
        on_delete=models.PROTECT,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )
    account = models.ForeignKey(
        "Account", on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    kind = models.CharField(max_length=7, choices=SegmentEventKind.choices)
    at = models.DateTimeField()

    class Meta:
        """Read onwards from an id, segment by segment."""

        indexes = (models.Index(fields=("segment", "id"), name="retention_segment_event"),)


class CustomerTag(models.Model):
    """A tag that an account bears by its segments, and since when."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        "Account", on_delete=models.PROTECT, related_name="tags", db_index=False
    )
    tag = models.CharField(max_length=64)
    since = models.DateTimeField()

    class Meta:
        """Once on an account; found by tag too."""

        constraints = (
            models.UniqueConstraint(fields=("account", "tag"), name="retention_customer_tag"),
        )
        indexes = (models.Index(fields=("tag",), name="retention_tag_bearers"),)
