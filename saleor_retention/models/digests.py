"""The chain of daily digests: what the ledger's past was when each day was sealed."""

from __future__ import annotations

from django.db import models


class LedgerDigest(models.Model):
    """The digest of one UTC day's transactions and entries, chained to the day before.

    ``head`` is the SHA-256 of the day's canonical text (``sql/digest_day.sql``), whose first line
    holds the head of the day before. Every day has a row, also one on which nothing was recorded.
    Append-only by triggers, like the ledger.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField(unique=True)
    previous = models.CharField(max_length=64)  # head of the day before; zeros on the first day
    head = models.CharField(max_length=64)
    transactions = models.BigIntegerField()
    entries = models.BigIntegerField()
    sealed_at = models.DateTimeField()
