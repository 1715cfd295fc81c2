"""What customers did besides ordering: events that are rewarded, and friends they referred."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .choices import TextChoices
from .constraints import check


class MemberEvent(models.Model):
    """One thing that a member did, such as a review, known by what its source calls it.

    ``points`` are those that were booked, in ``lot``, and stay here when they are taken back at
    ``reversed_at``. ``object_ref`` names what it is about at the source, "" for the shop itself.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        "Account", on_delete=models.PROTECT, related_name="events", db_index=False
    )
    source = models.CharField(max_length=24)
    reference = models.CharField(max_length=64)
    kind = models.CharField(max_length=48)
    object_ref = models.CharField(max_length=80, blank=True, default="")
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    content_hash = models.CharField(max_length=64, blank=True, default="")
    outcome = models.CharField(max_length=16)  # of engine.engagement.Outcome
    points = models.BigIntegerField(default=0)
    lot = models.ForeignKey(
        "Lot", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    version = models.ForeignKey(
        "ProgramVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    reversed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Idempotent by source and reference; counted by member, kind and time."""

        constraints = (
            models.UniqueConstraint(fields=("source", "reference"), name="retention_event_once"),
            check("retention_event_points", Q(points__gte=0)),
        )
        indexes = (
            models.Index(fields=("account", "kind", "at"), name="retention_event_member"),
            models.Index(fields=("kind", "recorded_at"), name="retention_event_recorded"),
            models.Index(  # few: apps tell of nearly all
                fields=("actor_ref", "recorded_at"),
                condition=Q(actor_ref__startswith="user:"),
                name="retention_event_of_staff",
            ),
        )


class ReferralState(TextChoices):
    """How far a referral is."""

    CLAIMED = "claimed"  # waits for the friend's first order
    PENDING = "pending"  # booked; waits for the end of the return window
    REWARDED = "rewarded"
    VOID = "void"  # nobody gets anything, or what was booked was taken back


class ReferralReason(TextChoices):
    """Why a referral is void."""

    RETURNED = "returned"  # the friend's first order was, whole, or it was canceled
    SAME_PERSON = "same_person"
    LEFT = "left"  # the friend is no member any more


class ReferralCode(models.Model):
    """What a member gives to friends; made when first asked for."""

    account = models.OneToOneField(
        "Account", primary_key=True, on_delete=models.PROTECT, related_name="referral_code"
    )
    code = models.CharField(max_length=16, unique=True)
    made_at = models.DateTimeField()


class Referral(models.Model):
    """A new customer whom a member referred, and what both of them got.

    The terms are those of ``version``, in force when the code was claimed. Points stand pending in
    lots that become valid only when ``due_at`` has passed and the order is found to be kept.
    """

    id = models.BigAutoField(primary_key=True)
    advocate = models.ForeignKey(
        "Account", on_delete=models.PROTECT, related_name="referrals", db_index=False
    )
    friend = models.OneToOneField("Account", on_delete=models.PROTECT, related_name="referred")
    version = models.ForeignKey(
        "ProgramVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    claimed_at = models.DateTimeField()
    state = models.CharField(
        max_length=8, choices=ReferralState.choices, default=ReferralState.CLAIMED
    )
    reason = models.CharField(max_length=16, choices=ReferralReason.choices, blank=True, default="")
    order_ref = models.CharField(max_length=80, blank=True, default="")
    booked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    advocate_points = models.BigIntegerField(default=0)
    friend_points = models.BigIntegerField(default=0)
    advocate_lot = models.ForeignKey(
        "Lot", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    friend_lot = models.ForeignKey(
        "Lot", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        """Two persons; found by advocate, and while something is still to come."""

        constraints = (
            check("retention_referral_two", ~Q(advocate=models.F("friend"))),
            check("retention_referral_points", Q(advocate_points__gte=0, friend_points__gte=0)),
            check(
                "retention_referral_booked",
                ~Q(state__in=["pending", "rewarded"])
                | Q(booked_at__isnull=False, due_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=("advocate", "booked_at"), name="retention_referral_advocate"),
            models.Index(
                fields=("state", "id"),
                condition=Q(state__in=["claimed", "pending"]),
                name="retention_referral_open",
            ),
        )
