"""The rows of one or many postings, as the statement ``sql/functions/post.sql`` takes them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from saleor_retention.models import MEMBER_BOOKS, Book, Lot, Transaction, TransactionKind

ACTIVITY_KINDS = frozenset({TransactionKind.EARN.value, TransactionKind.CAPTURE.value})
MEMBER_BOOK_NAMES = tuple(book.value for book in MEMBER_BOOKS)  # enums are slow in a tight loop
DEFICIT = Book.DEFICIT.value

POST = """
SELECT * FROM saleor_retention_post(
    %s::timestamptz, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb)
"""


@dataclass(frozen=True, slots=True, eq=False)
class NewLot:
    """A lot that the posting opens; legs that name the same object go to the same lot."""

    opened_at: dt.datetime
    valid_from: dt.datetime | None  # None: waits for the order's fulfilment
    expires_at: dt.datetime | None = None
    order_ref: str = ""
    parent_id: int | None = None


LotRef = Lot | NewLot | int | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One signed movement in one book.

    The lot on a member's book says whose points move. The lot on a program's book (or on DEFICIT)
    says why: the lot's columns follow from its legs. AVAILABLE and PENDING change ``remaining``,
    HELD ``held``, REDEEMED ``used`` (positive) or ``restored`` (negative), BREAKAGE ``expired``,
    CLAWBACK ``clawed``, ADJUSTMENT ``adjusted``, DEFICIT ``repaid``; what none of them explains
    is ``granted``. So a capture is Leg(HELD, -n, lot), Leg(REDEEMED, n, lot); a child lot is
    opened by Leg(REDEEMED, -n), Leg(AVAILABLE, n, NewLot(..., parent_id=lot.pk)).
    """

    book: str  # a Book
    points: int
    lot: LotRef = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the rows: without ``has_all`` a key was taken, and the rest is to be undone.

    ``opened`` are the ids of each posting's new lots; ``balances`` those of the accounts after all
    postings, in the order of MEMBER_BOOK_NAMES.
    """

    has_all: bool
    transaction_ids: Sequence[int]
    opened: list[tuple[int, ...]]
    balances: dict[int, Sequence[int]]


@dataclass(slots=True)
class PostingRows:
    """The rows of the statement, gathered posting by posting; places and slots count from 1."""

    postings: list[dict[str, Any]] = field(default_factory=list)
    lots: list[dict[str, Any]] = field(default_factory=list)
    legs: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)
    _lot_counts: list[int] = field(default_factory=list)

    def add(self, made: Transaction, legs: Sequence[Leg]) -> None:
        """Add a posting; its legs sum to zero and none of them is empty."""
        place = len(self.postings) + 1
        slots = self._add_lots(made.account_id, legs)
        self.legs += [
            {
                "place": place,
                "lot_id": lot_id_of(leg.lot),
                "slot": slots.get(id(leg.lot)),
                "book": str(leg.book),
                "points": leg.points,
            }
            for leg in legs
        ]
        self.postings.append(_posting_row(place, made))
        self._add_change(made, legs)

    def write(self, recorded_at: dt.datetime) -> Written:
        """Write all rows in one statement, or none where the only posting's key is taken."""
        parameters = [
            recorded_at,
            json.dumps(self.postings),
            json.dumps(self.lots),
            json.dumps(self.legs),
            json.dumps(list(self.changes.values())),
        ]
        with connection.cursor() as cursor:
            cursor.execute(POST, parameters)
            has_all, transaction_ids, lot_ids, balances = cursor.fetchone()
        opened, first = [], 0
        for count in self._lot_counts:
            opened.append(tuple(lot_ids[first : first + count]))
            first += count
        loaded = json.loads(balances) if isinstance(balances, str) else balances or {}
        return Written(has_all, transaction_ids, opened, {int(pk): loaded[pk] for pk in loaded})

    def _add_lots(self, account_id: int, legs: Sequence[Leg]) -> dict[int, int]:
        """Add the lots that the legs open, each once; return their slots by identity."""
        slots: dict[int, int] = {}
        for leg in legs:
            if isinstance(leg.lot, NewLot) and id(leg.lot) not in slots:
                slots[id(leg.lot)] = slot = len(self.lots) + 1
                self.lots.append(_lot_row(slot, account_id, leg.lot))
        self._lot_counts.append(len(slots))
        return slots

    def _add_change(self, made: Transaction, legs: Iterable[Leg]) -> None:
        change = self.changes.get(made.account_id)
        if change is None:
            change = {"account_id": made.account_id, "activity_at": None}
            change |= dict.fromkeys(MEMBER_BOOK_NAMES, 0)
            self.changes[made.account_id] = change
        for name, points in member_changes(legs):
            change[name] += points
        if made.kind in ACTIVITY_KINDS:
            effective_at = made.effective_at.isoformat()
            known = change["activity_at"]
            if known is None or dt.datetime.fromisoformat(known) < made.effective_at:
                change["activity_at"] = effective_at


def member_changes(legs: Iterable[Leg]) -> list[tuple[str, int]]:
    """Return what legs add to a member's kept balances, by column of the account."""
    return [
        (name, -leg.points if name == DEFICIT else leg.points)
        for leg in legs
        if (name := str(leg.book)) in MEMBER_BOOK_NAMES
    ]


def lot_id_of(lot: LotRef) -> int | None:
    """Return the id of a lot that is there; None for a new one."""
    if isinstance(lot, Lot):
        return int(lot.pk)
    return lot if isinstance(lot, int) else None


def _lot_row(slot: int, account_id: int, lot: NewLot) -> dict[str, Any]:
    return {
        "slot": slot,
        "account_id": account_id,
        "parent_id": lot.parent_id,
        "order_ref": lot.order_ref,
        "opened_at": lot.opened_at.isoformat(),
        "valid_from": lot.valid_from.isoformat() if lot.valid_from else None,
        "expires_at": lot.expires_at.isoformat() if lot.expires_at else None,
    }


def _posting_row(place: int, made: Transaction) -> dict[str, Any]:
    return {
        "place": place,
        "program_id": made.program_id,
        "account_id": made.account_id,
        "kind": str(made.kind),
        "key": made.key,
        "content_hash": made.content_hash,
        "effective_at": made.effective_at.isoformat(),
        "order_ref": made.order_ref,
        "rule_key": made.rule_key,
        "cause": made.cause,
        "actor_ref": made.actor_ref,
        "version_id": made.version_id,
        "note_id": made.note_id,
    }
