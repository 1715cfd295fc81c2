"""Campaigns, what was meant for whom, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .choices import TextChoices
from .constraints import check


class CampaignState(TextChoices):
    """Where a campaign is; it ends once."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"  # starts by itself at ``starts_at``
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class DispatchState(TextChoices):
    """What became of one customer's message in one cycle.

    ``sending`` is written down before the message is handed over. Where a worker dies in between,
    nobody can tell whether it went out: it becomes ``unknown`` and is never sent again.
    """

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"  # surely not sent, and not tried again
    UNKNOWN = "unknown"
    SKIPPED = "skipped"  # ``SkippedSend`` says why


class Campaign(models.Model):
    """A campaign of a program; what it says is in its versions.

    ``planned_until`` is up to which instant its trigger was looked at. The secret decides who is
    held out and is never changed.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="campaigns")
    slug = models.SlugField(max_length=64)
    name = models.CharField(max_length=128)
    state = models.CharField(
        max_length=9, choices=CampaignState.choices, default=CampaignState.DRAFT
    )
    current_version = models.ForeignKey(
        "CampaignVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    secret = models.CharField(max_length=64)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    planned_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        """Named once within a program."""

        ordering = ("program", "slug")
        constraints = (
            models.UniqueConstraint(fields=("program", "slug"), name="retention_campaign_slug"),
        )

    def __str__(self) -> str:
        """Return the slug."""
        return self.slug


class CampaignVersion(models.Model):
    """What a campaign says from some moment on; never changed."""

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()  # as engine.campaigns.parsing reads it
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        """Numbered within the campaign."""

        constraints = (
            models.UniqueConstraint(
                fields=("campaign", "number"), name="retention_campaign_version"
            ),
        )


AWAITS_CONSENT = "consent"
"""The note of a message that waits for its customer to follow the link of a double opt-in."""


class Dispatch(models.Model):
    """What one customer gets of a campaign in one cycle: once, whoever plans and sends it.

    ``claimed_until`` is how long a worker has it to itself before another may take it. ``facts``
    are what the template may name, by text.
    """

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="dispatches", db_index=False
    )
    version = models.ForeignKey(CampaignVersion, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="+")
    cycle = models.CharField(max_length=80)
    channel = models.CharField(max_length=8, blank=True, default="")  # "": a benefit alone
    state = models.CharField(max_length=7, choices=DispatchState.choices)
    not_before = models.DateTimeField()
    useful_until = models.DateTimeField()
    facts = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    planned_at = models.DateTimeField()
    sending_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    benefit_ref = models.CharField(max_length=100, blank=True, default="")
    """A coupon's code, or the slug of an offer."""

    benefit_given_at = models.DateTimeField(null=True)
    """Written down right before it is given: a worker that dies in between has spent it too."""

    points_given = models.BigIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True, default="")
    """A kind of fault, or ``AWAITS_CONSENT``; no addresses."""

    class Meta:
        """One message per campaign, customer and cycle; found by what is due."""

        constraints = (
            models.UniqueConstraint(
                fields=("campaign", "account", "cycle"), name="retention_dispatch_once"
            ),
            check(
                "retention_dispatch_sending",
                ~Q(state__in=("sending", "sent", "unknown")) | Q(sending_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                fields=("not_before", "id"),
                condition=Q(state="planned"),
                name="retention_dispatch_due",
            ),
            models.Index(
                fields=("sending_at",),
                condition=Q(state="sending"),
                name="retention_dispatch_open",
            ),
            models.Index(fields=("campaign", "state"), name="retention_dispatch_state"),
        )


class SkippedSend(models.Model):
    """Why somebody did not get a campaign's message in a cycle."""

    id = models.BigAutoField(primary_key=True)
    dispatch = models.OneToOneField(Dispatch, on_delete=models.PROTECT, related_name="skipped")
    reason = models.CharField(max_length=20)  # engine.campaigns.verdicts.Reason
    at = models.DateTimeField()

    class Meta:
        """Counted by reason."""

        indexes = (models.Index(fields=("reason",), name="retention_skipped_reason"),)
