"""Sums of the ledger by day, so that years of it can be reported on without being read again."""

from __future__ import annotations

from django.db import models

from .ledger import Book, TransactionKind
from .programs import Program


class LedgerSum(models.Model):
    """The points of one heading (``engine.liability.Heading``) booked on one of a program's days.

    Made of the entries by ``services.ledger.summing`` and by nothing else.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey(
        Program, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # the key's index begins with it
    booked_on = models.DateField()  # in the program's time zone
    kind = models.CharField(max_length=12, choices=TransactionKind.choices)
    book = models.CharField(max_length=10, choices=Book.choices)
    is_import = models.BooleanField()
    is_gain = models.BooleanField()
    is_late = models.BooleanField()
    points = models.BigIntegerField()

    class Meta:
        """One sum for each day and heading."""

        constraints = (
            models.UniqueConstraint(
                fields=("program", "booked_on", "kind", "book", "is_import", "is_gain", "is_late"),
                name="retention_ledger_sum_key",
            ),
        )


class LedgerSummed(models.Model):
    """How far a program's ledger is summed up: every posting recorded before ``until``, no other.

    ``time_zone`` is the one that the days are of; in another one nothing is summed up yet.
    """

    program = models.OneToOneField(
        Program, primary_key=True, on_delete=models.PROTECT, related_name="+"
    )
    time_zone = models.CharField(max_length=64)
    until = models.DateTimeField()
