"""A backfill: past orders that were booked together under one name, to be taken back together."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from .choices import TextChoices
from .constraints import check


class BackfillState(TextChoices):
    """A batch is applied once and undone at most once; both may take several runs."""

    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"


class Backfill(models.Model):
    """Orders created on [start_at, end_at) that were booked under one version of the rules.

    Those of one channel, or of all that the program ran in.

    Its orders refer to it (``OrderRecord.backfill``).
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="backfills")
    name = models.CharField(max_length=64)
    version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, related_name="+")
    channel_ref = models.CharField(max_length=64, blank=True, default="")  # "": of all channels
    start_at = models.DateTimeField(null=True)  # null: from the shop's first order on
    end_at = models.DateTimeField()
    state = models.CharField(
        max_length=8, choices=BackfillState.choices, default=BackfillState.APPLYING
    )
    began_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)  # when a run came to the end
    undone_at = models.DateTimeField(null=True)

    class Meta:
        """Named once in a program; the instants say what the state says."""

        constraints = (
            models.UniqueConstraint(fields=("program", "name"), name="retention_backfill_name"),
            check("retention_backfill_named", ~Q(name="")),
            check(
                "retention_backfill_span", Q(start_at__isnull=True) | Q(start_at__lt=F("end_at"))
            ),
            check(
                "retention_backfill_state",
                Q(state="applying", applied_at__isnull=True, undone_at__isnull=True)
                | Q(state="applied", applied_at__isnull=False, undone_at__isnull=True)
                | Q(state="undoing", undone_at__isnull=True)
                | Q(state="undone", undone_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        """Return the name."""
        return self.name
