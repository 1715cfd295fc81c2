"""Experiments with a holdout, and which customers they were begun on.

``engine.experiments.assignment`` decides an arm; what is written down here is when, because the
orders that count are those from then on. A subject never changes: whoever was assigned counts in
that arm, whatever reached them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .choices import TextChoices
from .constraints import check


class ExperimentArm(TextChoices):
    """What an experiment does with a customer."""

    TREATED = "treated"
    HELD_OUT = "held_out"


class Experiment(models.Model):
    """Something that is done for most customers and not for some, to see whether it works.

    Its share and window are stated before anybody is assigned, and stay.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="experiments")
    slug = models.SlugField(max_length=64)
    name = models.CharField(max_length=128)
    secret = models.CharField(max_length=64)  # hex; deals the arms, and is never changed or shown
    held_out_per_mille = models.PositiveSmallIntegerField()
    window_days = models.PositiveSmallIntegerField()  # orders so long after the assignment count
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)  # nobody is assigned from then on

    class Meta:
        """Named once within a program."""

        ordering = ("program", "slug")
        constraints = (
            models.UniqueConstraint(fields=("program", "slug"), name="retention_experiment_slug"),
            check(
                "retention_experiment_share",
                Q(held_out_per_mille__gt=0, held_out_per_mille__lt=1000, window_days__gt=0),
            ),
        )

    def __str__(self) -> str:
        """Return the slug."""
        return self.slug


class ExperimentSubject(models.Model):
    """An account that was assigned, its arm, and when."""

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(
        Experiment, on_delete=models.PROTECT, related_name="subjects", db_index=False
    )
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="+")
    arm = models.CharField(max_length=8, choices=ExperimentArm.choices)
    assigned_at = models.DateTimeField()

    class Meta:
        """Once in an experiment."""

        constraints = (
            models.UniqueConstraint(
                fields=("experiment", "account"), name="retention_experiment_subject"
            ),
        )
