"""The record that an account was erased: when, by whom and why, under the pseudonym."""

from __future__ import annotations

from django.db import models


class Erasure(models.Model):
    """One account's erasure. Append-only by triggers; the words stand apart, as in the ledger."""

    id = models.BigAutoField(primary_key=True)
    account = models.OneToOneField("Account", on_delete=models.PROTECT, related_name="erasure")
    at = models.DateTimeField()
    cause = models.CharField(max_length=16)  # "staff", "command", "deleted"
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    note = models.ForeignKey("Note", null=True, on_delete=models.PROTECT, related_name="+")
