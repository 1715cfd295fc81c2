"""Programs and their versions: what a merchant set up, and what it was at any time.

A version is written once and never changes (a trigger refuses it); an edit makes the next one.
"""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils import timezone


class Program(models.Model):
    """The container of rules, tiers and rewards for some channels."""

    id = models.BigAutoField(primary_key=True)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=128)
    is_active = models.BooleanField(default=True)
    current_version = models.ForeignKey(
        "ProgramVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    offers_stamp = models.BigIntegerField(default=0)  # 0: never had an offer; see offering.offers
    has_coupons = models.BooleanField(default=False)  # ever had; without, orders need not ask
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Ordered as an admin lists them."""

        ordering = ("slug",)

    def __str__(self) -> str:
        """Return the slug."""
        return self.slug


class ProgramVersion(models.Model):
    """One immutable state of a program's rules, as the document that ``engine.parsing`` reads."""

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    actor_ref = models.CharField(max_length=64, blank=True, default="")  # "user:7", "app:3", ""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Numbered from 1 within a program."""

        ordering = ("program", "number")
        constraints = (
            models.UniqueConstraint(fields=("program", "number"), name="retention_version_number"),
        )


class ProgramChannel(models.Model):
    """A channel that a program runs in; at most one active program per channel."""

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="channels")
    channel_ref = models.CharField(max_length=64)
    is_active = models.BooleanField(default=True)  # follows the program's: setting_up.programs
    joined_at = models.DateTimeField(null=True)  # null: with the program

    class Meta:
        """The partial unique constraint is the rule of one active program per channel."""

        constraints = (
            models.UniqueConstraint(
                fields=("program", "channel_ref"), name="retention_program_channel"
            ),
            models.UniqueConstraint(
                fields=("channel_ref",),
                condition=models.Q(is_active=True),
                name="retention_one_active_program",
            ),
        )

    @property
    def began_at(self) -> dt.datetime:
        """Return from when on orders of the channel are the program's."""
        return self.program.created_at if self.joined_at is None else self.joined_at
