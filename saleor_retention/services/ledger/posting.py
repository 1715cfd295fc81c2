"""Postings to the ledger: the one place where points move.

A posting is a transaction with entries that sum to zero, the change of the lots they name and of
the member's kept balances: one statement, all or nothing (``services.ledger.posting_rows``). The
caller holds the account's lock (``services.ledger.locking``). A correction is a new posting.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    Book,
    Lot,
    Note,
    ProgramVersion,
    Transaction,
    TransactionKind,
)
from saleor_retention.selectors.due import Due, DueKind, due_of, is_due
from saleor_retention.services.ledger.locking import Member
from saleor_retention.services.ledger.posting_rows import (
    ACTIVITY_KINDS,
    Leg,
    LotRef,
    NewLot,
    PostingRows,
    lot_id_of,
    plain,
)

__all__ = ["Leg", "LotRef", "NewLot", "Posted", "catch_up", "credit", "find", "post"]


@dataclass(frozen=True, slots=True)
class Posted:
    """The posting of a key: made now, or found with the same content."""

    transaction: Transaction
    is_new: bool
    opened: tuple[int, ...] = ()  # ids of the new lots, in the order they first appear in the legs


def post(
    account: Account,
    *,
    kind: str,
    key: str,
    legs: Sequence[Leg],
    effective_at: dt.datetime,
    now: dt.datetime,
    order_ref: str = "",
    rule_key: str = "",
    cause: str = "",
    actor_ref: str = "",
    version: ProgramVersion | int | None = None,
    note: str = "",
    content: str | None = None,
) -> Posted:
    """Post ``legs`` to the member's ledger under ``key`` (unique in the program).

    The caller holds the lock of ``account``, whose four balances are brought up to date here. Legs
    of zero points are left out; the rest must sum to zero (``ValueError``). The same key with the
    same content has no second effect; with other content it is refused (KEY_REUSED). Content is the
    account, the kind and the legs, or whatever ``content`` says instead, for callers whose legs
    follow from the member's state. Two statements when there is a note, otherwise one.
    """
    moving = [leg for leg in legs if leg.points]
    total = sum(leg.points for leg in moving)
    if not moving or total:
        raise ValueError(f"The legs of {key} must sum to zero and move something.")
    if not connection.in_atomic_block:
        raise RuntimeError("A posting needs the account's lock, and so a database transaction.")
    made = Transaction(
        program_id=account.program_id,
        account=account,
        kind=kind,
        key=key,
        content_hash=content_hash(account.pk, kind, content, order_ref, rule_key, moving),
        recorded_at=now,
        effective_at=effective_at,
        order_ref=order_ref,
        rule_key=rule_key,
        cause=cause,
        actor_ref=actor_ref,
        version_id=version.pk if isinstance(version, ProgramVersion) else version,
        note=Note.objects.create(text=note) if note else None,
    )
    rows = PostingRows()
    rows.add(made, moving, program_id=made.program_id, content_hash=made.content_hash)
    if made.note_id is not None:
        rows.notes[1] = made.note_id
    written = rows.write(now)
    if not written.has_all:
        return _found(made)
    made.pk = written.transaction_ids[0]
    account.available, account.pending, account.held, account.deficit = written.balances
    if made.kind in ACTIVITY_KINDS:
        account.last_activity_at = max(account.last_activity_at, effective_at)
    return Posted(made, is_new=True, opened=written.opened[0])


def find(account: Account, *, kind: str, key: str, content: str) -> Transaction | None:
    """Return the posting of ``key`` and this content; one of another content is KEY_REUSED."""
    existing = Transaction.objects.filter(program_id=account.program_id, key=key).first()
    if existing is None:
        return None
    require_same(key, existing.content_hash, content_hash(account.pk, kind, content, "", "", ()))
    return existing


def digest_of(account_id: int, kind: str, content: str) -> str:
    """Return the ``content_hash`` of a posting of this content, to look many up at once."""
    text = f"{plain(kind)}|{account_id}|{content}"
    return hashlib.sha256(text.encode()).hexdigest()


def credit(account: Account | Member, incoming: Iterable[tuple[LotRef, int]]) -> list[Leg]:
    """Return the legs that bring points to AVAILABLE, a deficit of the member being repaid first.

    The caller adds the legs of where they come from, and posts before crediting anything else.
    """
    return credit_owing(account.deficit, incoming)


def credit_owing(owed: int, incoming: Iterable[tuple[LotRef, int]]) -> list[Leg]:
    """Do the same for a member who owes so many points."""
    legs = []
    for lot, points in incoming:
        repaid = min(points, owed)
        owed -= repaid
        legs += [Leg(Book.DEFICIT, repaid, lot), Leg(Book.AVAILABLE, points - repaid, lot)]
    return [leg for leg in legs if leg.points]


def catch_up(account: Account, now: dt.datetime) -> int:
    """Post what time has brought on this account up to ``now``; return how many postings it took.

    The caller holds the account's lock and decides afterwards. Each posting is dated at its
    instant, so that a late one changes nothing.
    """
    lots = list(Lot.objects.filter(is_due(now), account_id=account.pk))
    dues = due_of(lots, account.deficit, now)
    for due in dues:
        _post_due(account, due, now)
    return len(dues)


def book_of(lot: Lot) -> str:
    """Return the book that holds what remains of a lot."""
    return Book.PENDING if lot.is_pending else Book.AVAILABLE


def _post_due(account: Account, due: Due, now: dt.datetime) -> None:
    lot = due.lot
    if due.kind is DueKind.MATURE:
        post(
            account,
            kind=TransactionKind.MATURE,
            key=f"mature:{lot.pk}",
            legs=[
                Leg(Book.PENDING, -due.points, lot),
                Leg(Book.DEFICIT, due.repaid, lot),
                Leg(Book.AVAILABLE, due.points - due.repaid, lot),
            ],
            effective_at=due.at,
            order_ref=lot.order_ref,
            cause="time:mature",
            now=now,
        )
        return
    book: str = Book.PENDING if due.is_from_pending else Book.AVAILABLE
    post(
        account,
        kind=TransactionKind.EXPIRE,
        key=f"expire:{lot.pk}:{lot.expired}",
        legs=[Leg(book, -due.points, lot), Leg(Book.BREAKAGE, due.points, lot)],
        effective_at=due.at,
        order_ref=lot.order_ref,
        cause="time:expire",
        now=now,
    )


def content_hash(
    account_id: int,
    kind: str,
    content: str | None,
    order_ref: str,
    rule_key: str,
    legs: Iterable[Leg],
) -> str:
    """Return the digest that tells a retry from another request (so does ``expire_due.sql``)."""
    if content is None:
        moves = sorted(f"{plain(leg.book)}:{leg.points}:{lot_id_of(leg.lot) or ''}" for leg in legs)
        content = "|".join([order_ref, rule_key, ",".join(moves)])
    return digest_of(account_id, kind, content)


def _found(made: Transaction) -> Posted:
    existing = Transaction.objects.get(program_id=made.program_id, key=made.key)
    if made.note_id is not None:
        Note.objects.filter(pk=made.note_id).delete()
    require_same(made.key, existing.content_hash, made.content_hash)
    return Posted(existing, is_new=False)


def require_same(key: str, known_hash: str, content_hash: str) -> None:
    """Refuse (KEY_REUSED) a key that is taken by a posting of other content."""
    if known_hash != content_hash:
        message = f'The key "{key}" was used for another posting.'
        raise Refusal(Code.KEY_REUSED, message, "key")
