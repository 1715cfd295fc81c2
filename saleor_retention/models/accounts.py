"""Members' accounts with their kept balances and tier."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from .choices import TextChoices
from .constraints import check


class AccountState(TextChoices):
    """What an account is."""

    MEMBER = "member"
    SHADOW = "shadow"  # a guest's, keyed by a keyed hash of the e-mail; pending only
    LEFT = "left"  # left the program: keeps the balance to spend, earns no more
    ERASED = "erased"  # pseudonym only
    MERGED = "merged"  # a shadow whose orders were claimed


class Account(models.Model):
    """One member's points in one program.

    The four balances are kept: every posting changes them in the transaction that inserts its
    entries, under this row's lock, and ``retention_verify`` holds them equal to the entries' sums.
    ``deficit`` is what the member owes, as a positive number.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("Program", on_delete=models.PROTECT, related_name="accounts")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    state = models.CharField(
        max_length=8, choices=AccountState.choices, default=AccountState.MEMBER
    )
    pseudonym = models.UUIDField(default=uuid.uuid4, unique=True)
    member_number = models.CharField(max_length=32, unique=True)
    email_hash = models.CharField(max_length=80, blank=True, default="")  # "<key id>:<hex>"
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)  # orders made from then on earn nothing
    last_activity_at = models.DateTimeField()

    available = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    deficit = models.BigIntegerField(default=0)

    tier = models.CharField(max_length=64, blank=True, default="")
    tier_since = models.DateTimeField(null=True, blank=True)
    tier_valid_until = models.DateTimeField(null=True, blank=True)
    is_tier_manual = models.BooleanField(default=False)
    tier_warned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Balances never below zero; a deficit leaves nothing available."""

        constraints = (
            models.UniqueConstraint(
                fields=("program", "user"),
                condition=models.Q(user__isnull=False),
                name="retention_account_user",
            ),
            models.UniqueConstraint(
                fields=("program", "email_hash"),
                condition=models.Q(state="shadow"),
                name="retention_account_shadow",
            ),
            check("retention_account_available", models.Q(available__gte=0)),
            check("retention_account_pending", models.Q(pending__gte=0)),
            check("retention_account_held", models.Q(held__gte=0)),
            check("retention_account_deficit", models.Q(deficit__gte=0)),
            check(
                "retention_account_deficit_first",
                models.Q(available=0) | models.Q(deficit=0),
            ),
        )
        indexes = (
            models.Index(fields=("email_hash",), name="retention_account_hash"),
            models.Index(fields=("program", "tier", "id"), name="retention_account_tier"),
            models.Index(fields=("tier_valid_until",), name="retention_account_tier_due"),
        )

    def __str__(self) -> str:
        """Return the member number."""
        return self.member_number


class AccountAddress(models.Model):
    """An address that the account's user has, or had, as a keyed hash; erasing deletes it.

    Who comes back under one is the same customer to all that a customer gets once. The hash says
    which key made it; a former one is under the keys of its time for ever, since nobody knows the
    address any more.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="addresses", db_index=False
    )
    address_hash = models.CharField(max_length=80)  # "<key id>:<hex>"
    first_seen_at = models.DateTimeField()

    class Meta:
        """Once for an account; two accounts may share one."""

        constraints = (
            models.UniqueConstraint(
                fields=("account", "address_hash"), name="retention_account_address"
            ),
        )
        indexes = (models.Index(fields=("address_hash",), name="retention_address_hash"),)
