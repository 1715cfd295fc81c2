"""What staff have to do about customers, and what came of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .choices import TextChoices
from .constraints import check


class FollowUpState(TextChoices):
    """How far a task is."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class FollowUpOutcome(TextChoices):
    """What came of a task that was done."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    BOUGHT = "bought"
    DECLINED = "declined"
    OTHER = "other"


class FollowUp(models.Model):
    """One thing to do about one customer.

    ``assignee_ref`` is a member of staff in the shop, "" for nobody yet. ``reason`` and ``note``
    are what staff typed; both are emptied when the customer is erased. ``segment_event`` is the
    coming into a segment that asked for the task, None of one that was opened by hand.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey(
        "Program", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="follow_ups")
    reason = models.TextField(blank=True)
    due_on = models.DateField()
    assignee_ref = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(
        max_length=8, choices=FollowUpState.choices, default=FollowUpState.OPEN
    )
    outcome = models.CharField(
        max_length=16, choices=FollowUpOutcome.choices, blank=True, default=""
    )
    note = models.TextField(blank=True, default="")
    segment = models.ForeignKey(
        "Segment", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    segment_event = models.BigIntegerField(null=True, unique=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=64, blank=True, default="")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        """Read by when it is due, program by program; the open ones most."""

        constraints = (
            check(
                "retention_followup_outcome",
                Q(state="done") & ~Q(outcome="") | ~Q(state="done") & Q(outcome=""),
            ),
            check(
                "retention_followup_closed",
                Q(state="open", closed_at__isnull=True)
                | ~Q(state="open") & Q(closed_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=("due_on", "id"), name="retention_followup_due"),
            models.Index(
                fields=("segment", "account"),
                condition=Q(state="open", segment__isnull=False),
                name="retention_followup_asked",
            ),
        )
