"""The rows of one or many postings, as the statement ``sql/functions/post.sql`` takes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection

from saleor_retention.models import MEMBER_BOOKS, Book, Lot, Transaction, TransactionKind

if TYPE_CHECKING:
    from saleor_retention.services.ledger.posting_batch import Draft

ACTIVITY_KINDS = frozenset({TransactionKind.EARN.value, TransactionKind.CAPTURE.value})
MEMBER_BOOK_NAMES = tuple(book.value for book in MEMBER_BOOKS)  # enums are slow in a tight loop
DEFICIT = Book.DEFICIT.value

POSTING_TYPES = (
    *("bigint", "bigint", "text", "text", "text", "timestamptz"),
    *("text", "text", "text", "text", "bigint", "bigint"),
)
LOT_TYPES = ("bigint", "bigint", "text", "timestamptz", "timestamptz", "timestamptz")
LEG_TYPES = ("integer", "text", "bigint", "bigint")
COLUMN_TYPES = (*POSTING_TYPES, *LOT_TYPES, *LEG_TYPES)
COLUMNS = ", ".join(f"%s::{name}[]" for name in COLUMN_TYPES)
POST = f"SELECT * FROM saleor_retention_post(%s::timestamptz, {COLUMNS})"  # noqa: S608 (types)
NOTE = len(POSTING_TYPES) - 1
AT_ONCE_TYPES = (*POSTING_TYPES[1:NOTE], *LOT_TYPES, *LEG_TYPES)  # no program and no note
AT_ONCE_COLUMNS = ", ".join(f"%s::{name}[]" for name in AT_ONCE_TYPES)
POST_AT_ONCE = f"""
SELECT * FROM saleor_retention_post_at_once(
    %s, %s, %s::bigint[], %s::timestamptz, {AT_ONCE_COLUMNS}
)"""  # noqa: S608 (types)


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

    ``opened`` are the ids of each posting's new lots; ``balances`` those of the first account after
    all postings, in the order of MEMBER_BOOK_NAMES.
    """

    has_all: bool
    transaction_ids: Sequence[int]
    opened: list[tuple[int, ...]]
    balances: Sequence[int]


@dataclass(slots=True)
class PostingRows:
    """The rows of the statement, gathered posting by posting; places count from 1.

    Tuples in the order of the function's arguments: a batch has thousands of them, and anything
    with names takes longer to make than the database needs to write it.
    """

    notes: dict[int, int] = field(default_factory=dict)  # by the posting's place
    _postings: list[tuple[object, ...]] = field(default_factory=list)
    _lots: list[tuple[object, ...]] = field(default_factory=list)
    _legs: list[tuple[object, ...]] = field(default_factory=list)
    _lot_counts: list[int] = field(default_factory=list)

    def add(
        self,
        heading: Transaction | Draft,
        legs: Sequence[Leg],
        *,
        program_id: int,
        content_hash: str,
    ) -> int:
        """Add a posting and return its place; its legs sum to zero and none of them is empty."""
        account_id = heading.account_id
        self._postings.append(
            (
                program_id,
                account_id,
                plain(heading.kind),
                heading.key,
                content_hash,
                heading.effective_at,
                heading.order_ref,
                heading.rule_key,
                heading.cause,
                heading.actor_ref,
                heading.version_id,
            )
        )
        place = len(self._postings)
        slots: dict[int, int] = {}
        for leg in legs:
            lot = leg.lot
            if lot is None or isinstance(lot, int):
                ref = lot
            elif isinstance(lot, NewLot):
                slot = slots.get(id(lot))
                if slot is None:
                    slots[id(lot)] = slot = self._opened(account_id, lot)
                ref = -slot
            else:
                ref = lot.pk
            self._legs.append((place, plain(leg.book), ref, leg.points))
        self._lot_counts.append(len(slots))
        return place

    def write(self, recorded_at: dt.datetime) -> Written:
        """Write all rows in one statement, or none where the only posting's key is taken."""
        notes = [self.notes.get(place) for place in range(1, len(self._postings) + 1)]
        columns = [*zip(*self._postings, strict=True), notes, *self._lots_and_legs()]
        return self._written(POST, [recorded_at, *_arrays(COLUMN_TYPES, columns)])

    def write_at_once(
        self, recorded_at: dt.datetime, *, wait_max: str, credited: Collection[int]
    ) -> Written:
        """Lock the accounts and write all rows in one statement, or nothing without ``has_all``.

        ``credited`` are the accounts that must not owe anything. The programs are the accounts',
        and there are no notes.
        """
        _programs, account_ids, *postings = zip(*self._postings, strict=True)
        arrays = _arrays(AT_ONCE_TYPES, [account_ids, *postings, *self._lots_and_legs()])
        count = len(set(account_ids))
        parameters = [wait_max, count, _numbers(credited), recorded_at, *arrays]
        return self._written(POST_AT_ONCE, parameters)

    def _lots_and_legs(self) -> Iterator[Sequence[object]]:
        """Return the columns of the lots and of the legs."""
        yield from zip(*self._lots, strict=True) if self._lots else ((),) * len(LOT_TYPES)
        yield from zip(*self._legs, strict=True)

    def _written(self, statement: str, parameters: Sequence[object]) -> Written:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            has_all, transaction_ids, lot_ids, balances = cursor.fetchone()
        opened, first = [], 0
        for count in self._lot_counts:
            opened.append(tuple((lot_ids or ())[first : first + count]))
            first += count
        return Written(has_all, transaction_ids or (), opened, balances or ())

    def _opened(self, account_id: int, lot: NewLot) -> int:
        """Add a lot that the posting opens and return its place."""
        self._lots.append(
            (
                account_id,
                lot.parent_id,
                lot.order_ref,
                lot.opened_at,
                lot.valid_from,
                lot.expires_at,
            )
        )
        return len(self._lots)


def member_changes(legs: Iterable[Leg]) -> list[tuple[str, int]]:
    """Return what legs add to a member's kept balances, by column of the account."""
    return [
        (name, -leg.points if name == DEFICIT else leg.points)
        for leg in legs
        if (name := plain(leg.book)) in MEMBER_BOOK_NAMES
    ]


def plain(name: str) -> str:
    """Return a member of an enumeration as its value, and plain text as it is.

    What ``str`` does for both, and many times as fast for an enumeration.
    """
    return str.__str__(name)


def lot_id_of(lot: LotRef) -> int | None:
    """Return the id of a lot that is there; None for a new one."""
    if isinstance(lot, Lot):
        return int(lot.pk)
    return lot if isinstance(lot, int) else None


# --- columns as PostgreSQL's array literals -------------------------------------------------------
# Drivers write an array item by item, and one of them as an expression that the server then parses.


def _arrays(types: Sequence[str], columns: Iterable[Sequence[Any]]) -> list[str]:
    return [ARRAY_OF[name](values) for name, values in zip(types, columns, strict=True)]


def _numbers(values: Iterable[object]) -> str:
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


def texts(values: Sequence[str]) -> str:
    """Return texts as an array literal."""
    quoted = {value: _quoted(value) for value in set(values)}  # most columns say the same always
    return f"{{{','.join([quoted[value] for value in values])}}}"


def _instants(values: Sequence[dt.datetime | None]) -> str:
    written = {value: "NULL" if value is None else value.isoformat() for value in set(values)}
    return f"{{{','.join([written[value] for value in values])}}}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


ARRAY_OF: dict[str, Callable[[Any], str]] = {
    "bigint": _numbers,
    "integer": _numbers,
    "text": texts,
    "timestamptz": _instants,
}
