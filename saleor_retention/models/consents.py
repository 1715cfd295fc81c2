"""What customers agreed to, and the addresses that nothing is sent to.

The log of consents is append-only and holds nothing personal: it stays under the pseudonym when a
customer is erased, as the proof of what was agreed to when. Addresses stand in the suppression
list as keyed hashes only, which no erasure touches: who wanted to hear nothing more never does.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from .choices import TextChoices


class ConsentState(TextChoices):
    """What an entry of the log says."""

    REQUESTED = "requested"  # waits for the link in a mail to be followed
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class ConsentSource(TextChoices):
    """Where an answer came from. A purchase is no source of a consent."""

    STOREFRONT = "storefront"
    REGISTRATION = "registration"
    ORDER = "order"  # the question on an order's confirmation, answered
    CONFIRMATION = "confirmation"  # the link of the double opt-in
    UNSUBSCRIBE = "unsubscribe"  # the link in a message
    STAFF = "staff"


class SuppressionReason(TextChoices):
    """Why nothing is sent to an address; a consent given later lifts the first one only."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINT = "complaint"
    BOUNCED = "bounced"
    STAFF = "staff"


class ConsentEntry(models.Model):
    """One answer to one question; the latest of a channel and purpose is the one that holds.

    ``version`` has the words that were agreed to, ``text_version`` the merchant's name for them.
    ``actor_ref`` is "user:<pk>" or "app:<pk>" of staff, "" where the customer did it. The answer
    to a request is the entry that ``request`` points from: each is confirmed once at most.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        "Account", on_delete=models.PROTECT, related_name="consents", db_index=False
    )
    channel = models.CharField(max_length=16)  # of engine.questions.ConsentChannel
    purpose = models.CharField(max_length=48)
    state = models.CharField(max_length=16, choices=ConsentState.choices)
    source = models.CharField(max_length=16, choices=ConsentSource.choices)
    at = models.DateTimeField()
    text_version = models.CharField(max_length=64, blank=True, default="")
    version = models.ForeignKey(
        "ProgramVersion", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order_ref = models.CharField(max_length=80, blank=True, default="")
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    request = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="confirmation"
    )

    class Meta:
        """Read by what was asked, the latest first."""

        indexes = (
            models.Index(
                fields=("account", "channel", "purpose", "-id"), name="retention_consent_latest"
            ),
        )


class Suppression(models.Model):
    """An address that nothing of a channel and purpose is sent to, by its keyed hash.

    Without a purpose it is suppressed for every one. ``at`` is when that was last asked for.
    """

    id = models.BigAutoField(primary_key=True)
    address_hash = models.CharField(max_length=80)  # "<key id>:<hex>"
    channel = models.CharField(max_length=16)
    purpose = models.CharField(max_length=48, blank=True, default="")
    reason = models.CharField(max_length=16, choices=SuppressionReason.choices)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Once for each address, channel and purpose."""

        constraints = (
            models.UniqueConstraint(
                fields=("address_hash", "channel", "purpose"), name="retention_suppression"
            ),
        )
