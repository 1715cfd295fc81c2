"""The points ledger: append-only double entry, and the lots that earned points live in.

A transaction's entries sum to zero. Member books carry the account, program books
(issuance, redeemed, ...) do not, so that no posting waits for one row; their balances are sums.
Member points count positive; the DEFICIT book counts what is owed as negative, so that
``Account.deficit`` is minus its sum. UPDATE, DELETE and TRUNCATE on transactions and entries are
refused by triggers, as is an insert whose entries do not sum to zero.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from .choices import TextChoices
from .constraints import check


class TransactionKind(TextChoices):
    """Why points moved."""

    EARN = "earn"  # an order's accrual
    BONUS = "bonus"  # welcome, first order
    GRANT = "grant"  # by staff or an app
    MATURE = "mature"
    HOLD = "hold"
    RELEASE = "release"
    LAPSE = "lapse"
    CAPTURE = "capture"
    CLAWBACK = "clawback"
    REINSTATE = "reinstate"  # gives a claw-back back after a reversed refund
    RESTORE = "restore"  # gives redeemed points back
    REVOKE = "revoke"  # takes restored points again after a reversed refund
    EXPIRE = "expire"
    ADJUST = "adjust"  # a correction down by staff
    MERGE = "merge"  # a shadow account's points move to their owner
    ERASE = "erase"


class Book(TextChoices):
    """The ledger's accounts: four of a member, six of a program."""

    AVAILABLE = "available"
    PENDING = "pending"
    HELD = "held"
    DEFICIT = "deficit"
    ISSUANCE = "issuance"
    REDEEMED = "redeemed"
    BREAKAGE = "breakage"
    CLAWBACK = "clawback"
    WRITE_OFF = "write_off"
    ADJUSTMENT = "adjustment"


MEMBER_BOOKS = (Book.AVAILABLE, Book.PENDING, Book.HELD, Book.DEFICIT)


class Note(models.Model):
    """Words typed by people, apart from the ledger so that they can be redacted."""

    id = models.BigAutoField(primary_key=True)
    text = models.TextField()
    redacted_at = models.DateTimeField(null=True, blank=True)


class Transaction(models.Model):
    """One posting: what happened, why, when, and under which rules.

    Its account is there, and its program is the account's, by a trigger that looks at all postings
    of a statement at once; an account with postings is kept by a trigger of its own.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey(  # the key's index begins with it
        "Program", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    account = models.ForeignKey(  # so does the member's
        "Account",
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(max_length=12, choices=TransactionKind.choices)
    key = models.CharField(max_length=160)  # idempotency key, made by the caller
    content_hash = models.CharField(max_length=64)
    recorded_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    order_ref = models.CharField(max_length=80, blank=True, default="")
    rule_key = models.CharField(max_length=64, blank=True, default="")  # "base", "welcome", ...
    cause = models.CharField(max_length=80, blank=True, default="")  # "job:expire", "refund", ...
    actor_ref = models.CharField(max_length=64, blank=True, default="")
    version = models.ForeignKey(  # never deleted, and nobody asks for its postings
        "ProgramVersion", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    note = models.ForeignKey(
        Note, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        """One key, one effect."""

        constraints = (
            models.UniqueConstraint(fields=("program", "key"), name="retention_transaction_key"),
        )
        indexes = (
            models.Index(fields=("account", "-id"), name="retention_transaction_member"),
            models.Index(
                fields=("order_ref",),
                condition=~Q(order_ref=""),
                name="retention_transaction_order",
            ),
            models.Index(
                fields=("note",),
                condition=Q(note__isnull=False),
                name="retention_transaction_note",
            ),
            BrinIndex(  # finds a day's rows for its digest; costs a posting next to nothing
                fields=("recorded_at",), autosummarize=True, name="retention_transaction_day"
            ),
            models.Index(
                fields=("program", "actor_ref", "recorded_at"),
                condition=Q(kind=TransactionKind.GRANT) & ~Q(actor_ref=""),
                name="retention_grants_of_actor",
            ),
        )


class Lot(models.Model):
    """Points earned together, with one expiry: valid on [valid_from, expires_at).

    The columns are the lot's history in numbers; the equation between them is a constraint.
    ``is_pending`` says which book holds the rest: PENDING until maturing is posted.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="lots")
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="children", db_index=False
    )  # a child lot takes points that came back after the parent died: once per lot
    order_ref = models.CharField(max_length=80, blank=True, default="")
    opened_at = models.DateTimeField()
    valid_from = models.DateTimeField(null=True)  # null: waits for the order's fulfilment
    expires_at = models.DateTimeField(null=True)
    is_pending = models.BooleanField(default=False)
    granted = models.BigIntegerField()
    held = models.BigIntegerField(default=0)
    used = models.BigIntegerField(default=0)
    restored = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    clawed = models.BigIntegerField(default=0)
    adjusted = models.BigIntegerField(default=0)
    repaid = models.BigIntegerField(default=0)
    remaining = models.BigIntegerField()

    class Meta:
        """Invariant 3 of the semantics, held by the database; and that every lot lives."""

        constraints = (
            check("retention_lot_remaining", Q(remaining__gte=0, remaining__lte=F("granted"))),
            check("retention_lot_held", Q(held__gte=0)),
            check(
                "retention_lot_equation",
                Q(
                    remaining=F("granted")
                    - F("held")
                    - F("used")
                    + F("restored")
                    - F("expired")
                    - F("clawed")
                    - F("adjusted")
                    - F("repaid")
                ),
            ),
            check("retention_lot_restored", Q(restored__lte=F("used"))),
            check("retention_lot_life", Q(expires_at__gt=F("valid_from"))),
            models.UniqueConstraint(
                fields=("parent",), condition=Q(parent__isnull=False), name="retention_lot_child"
            ),
        )
        indexes = (
            models.Index(
                fields=("account", "expires_at", "opened_at", "id"),
                condition=Q(remaining__gt=0),
                name="retention_lot_live",
            ),
            models.Index(  # with the id: a year's end lets a million lots die at one instant
                fields=("expires_at", "id"),
                condition=Q(remaining__gt=0),
                name="retention_lot_expiry",
            ),
            models.Index(
                fields=("valid_from", "id"),
                condition=Q(is_pending=True, remaining__gt=0),
                name="retention_lot_maturing",
            ),
            models.Index(
                fields=("order_ref",), condition=~Q(order_ref=""), name="retention_lot_order"
            ),
        )


class LotExtension(models.Model):
    """One recorded lengthening of a lot by its member's activity; append-only like entries."""

    id = models.BigAutoField(primary_key=True)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="extensions")
    recorded_at = models.DateTimeField()
    activity_at = models.DateTimeField()
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    cause = models.CharField(max_length=100)  # "order:<order ref>"

    class Meta:
        """Later, never earlier."""

        constraints = (check("retention_extension_later", Q(to_at__gt=F("from_at"))),)


class Entry(models.Model):
    """One immutable signed movement in one book.

    Its transaction is there, and account and lot are the transaction's, by a trigger that looks at
    all entries of a statement at once: foreign keys ask for each row, and took a fifth of a batch.
    None can go away later: a transaction is never deleted, its account is kept, and so is a lot
    that entries name.
    """

    id = models.BigAutoField(primary_key=True)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="entries", db_constraint=False
    )
    book = models.CharField(max_length=10, choices=Book.choices)
    account = models.ForeignKey(
        "Account",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,  # the member's index begins with it
    )
    lot = models.ForeignKey(
        Lot,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    points = models.BigIntegerField()

    class Meta:
        """Member books name their account, program books do not."""

        constraints = (
            check("retention_entry_points", ~Q(points=0)),
            check(
                "retention_entry_book",
                Q(book__in=[book.value for book in MEMBER_BOOKS], account__isnull=False)
                | (~Q(book__in=[book.value for book in MEMBER_BOOKS]) & Q(account__isnull=True)),
            ),
        )
        indexes = (  # half of the entries are a program's, many of them of no lot
            models.Index(
                fields=("account", "id"),
                condition=Q(account__isnull=False),
                name="retention_entry_member",
            ),
            models.Index(
                fields=("lot",), condition=Q(lot__isnull=False), name="retention_entry_lot"
            ),
        )
