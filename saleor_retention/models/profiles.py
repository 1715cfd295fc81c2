"""What customers told of themselves: the present view, and the log that it follows from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .choices import TextChoices
from .constraints import check


class ProfileSource(TextChoices):
    """Where a fact came from."""

    STOREFRONT = "storefront"
    REGISTRATION = "registration"
    ORDER = "order"  # asked on an order's confirmation
    STAFF = "staff"


class Profile(models.Model):
    """What is known of a member now; a member of whom nothing is known has no row.

    ``birthday_since`` is the program's local day since when month and day are as they are: what
    was entered shortly before the day counts from the next year (``engine.birthdays``).
    """

    account = models.OneToOneField(
        "Account", primary_key=True, on_delete=models.PROTECT, related_name="profile"
    )
    birth_month = models.PositiveSmallIntegerField(null=True)
    birth_day = models.PositiveSmallIntegerField(null=True)
    birth_year = models.PositiveSmallIntegerField(null=True)
    birthday_since = models.DateField(null=True)
    gender = models.CharField(max_length=16, blank=True, default="")
    interests = models.JSONField(default=list)
    custom = models.JSONField(default=dict)  # answers by the key of the merchant's own fields
    time_zone = models.CharField(max_length=64, blank=True, default="")
    language = models.CharField(max_length=64, blank=True, default="")
    updated_at = models.DateTimeField()

    class Meta:
        """Birthdays are looked for by month and day."""

        constraints = (
            check(
                "retention_profile_birthday",
                Q(birth_month=None, birth_day=None, birth_year=None, birthday_since=None)
                | Q(
                    birth_month__range=(1, 12),
                    birth_day__range=(1, 31),
                    birthday_since__isnull=False,
                ),
            ),
        )
        indexes = (
            models.Index(
                fields=("birth_month", "birth_day"),
                condition=Q(birth_month__isnull=False),
                name="retention_profile_birthdays",
            ),
        )


class ProfileEntry(models.Model):
    """One fact as it was told; never changed, and deleted only when the customer is erased.

    ``fact`` is a name as ``engine.profiles`` has it; ``value`` None means that it was cleared.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="profile_entries")
    fact = models.CharField(max_length=64)
    value = models.JSONField(null=True)
    source = models.CharField(max_length=16, choices=ProfileSource.choices)
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    at = models.DateTimeField()
