"""Many postings at once, for imports and backfills: one statement for a batch of any members.

What comes out is what ``services.posting.post`` would have made of them one by one: the same keys,
digests, entries, lots and kept balances (a test holds the two equal). All or nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from saleor_retention import sql
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import MEMBER_BOOKS, Account, Book, Note, Transaction
from saleor_retention.services.locking import lock_accounts, run_serialized
from saleor_retention.services.posting import (
    ACTIVITY_KINDS,
    Leg,
    LotRef,
    NewLot,
    Posted,
    catch_up,
    content_hash,
    credit,
    leg_row,
    lot_row,
    new_lots_of,
    require_same,
)

MEMBER_BOOK_NAMES = tuple(book.value for book in MEMBER_BOOKS)  # enums are slow in a tight loop
DEFICIT = Book.DEFICIT.value


@dataclass(frozen=True, slots=True)
class Draft:
    """One posting of a batch; the fields are the arguments of ``services.posting.post``.

    ``incoming`` are points that come to AVAILABLE: they repay what the member owes at that place
    of the batch first, and are legs besides ``legs``. Such a draft says what its ``content`` is,
    because its legs follow from the member's state.
    """

    account_id: int
    kind: str
    key: str
    legs: Sequence[Leg]
    effective_at: dt.datetime
    incoming: Sequence[tuple[LotRef, int]] = ()
    order_ref: str = ""
    rule_key: str = ""
    cause: str = ""
    actor_ref: str = ""
    version_id: int | None = None
    note: str = ""
    content: str | None = None


def post_batch(drafts: Sequence[Draft], *, now: dt.datetime) -> list[Posted]:
    """Post all drafts in one database transaction; return their postings in the same order.

    Locks the accounts by id. A key that is there with the same content (in the ledger or earlier in
    the batch) has no second effect and returns that posting. Refusals undo the whole batch and name
    the culprit: KEY_REUSED (a key with other content), NOT_FOUND (no such account), BUSY. Legs that
    do not sum to zero, or credits without ``content``, are a ``ValueError``. The database holds its
    constraints on what the batch comes to, not after each posting. Six statements at most, whatever
    the size, and those of ``catch_up`` for members who owe points and get some. A thousand drafts
    at a time keep locks short and memory small.
    """
    if not drafts:
        return []
    _require_content(drafts)
    return run_serialized(lambda: _post(drafts, now))


@dataclass(slots=True)
class _Batch:
    """The rows of the statement, gathered draft by draft."""

    made: list[Transaction] = field(default_factory=list)
    slots: list[range] = field(default_factory=list)  # the new lots of each
    postings: list[dict[str, Any]] = field(default_factory=list)
    lots: list[dict[str, Any]] = field(default_factory=list)
    legs: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add(self, made: Transaction, legs: Sequence[Leg]) -> None:
        """Add a posting and move its account's balances, which later drafts look at."""
        new_lots = new_lots_of(legs)
        self._add_lots(made.account_id, new_lots)
        numbers = dict(zip(map(id, new_lots), self.slots[-1], strict=True))
        place = len(self.made)
        self.legs += [{"place": place, **leg_row(leg, numbers)} for leg in legs]
        self.made.append(made)
        self.postings.append(_posting_row(place, made))
        self._move(made, legs)

    def _add_lots(self, account_id: int, new_lots: Sequence[NewLot]) -> None:
        first = len(self.lots)
        for slot, lot in enumerate(new_lots, first):
            self.lots.append({"account_id": account_id, **lot_row(slot, lot)})
        self.slots.append(range(first, len(self.lots)))

    def _move(self, made: Transaction, legs: Sequence[Leg]) -> None:
        account = made.account
        change = self.changes.get(account.pk)
        if change is None:
            change = {"account_id": account.pk, "activity_at": None}
            change |= dict.fromkeys(MEMBER_BOOK_NAMES, 0)
            self.changes[account.pk] = change
        for leg in legs:
            name = str(leg.book)
            if name in MEMBER_BOOK_NAMES:
                points = -leg.points if name == DEFICIT else leg.points
                change[name] += points
                setattr(account, name, getattr(account, name) + points)
        if made.kind in ACTIVITY_KINDS:
            account.last_activity_at = max(account.last_activity_at, made.effective_at)
            change["activity_at"] = account.last_activity_at.isoformat()


def _post(drafts: Sequence[Draft], now: dt.datetime) -> list[Posted]:
    accounts = _locked(drafts)
    program_ids = {account.program_id for account in accounts.values()}
    kept = Transaction.objects.filter(
        program_id__in=program_ids, key__in=[draft.key for draft in drafts]
    )
    known = {(row.program_id, row.key): row for row in kept}
    _catch_up(drafts, accounts, now)
    batch = _Batch()
    news = []
    for draft in drafts:
        account = accounts[draft.account_id]
        legs = [leg for leg in [*draft.legs, *credit(account, draft.incoming)] if leg.points]
        made = _drafted(draft, account, legs, now)
        existing = known.setdefault((made.program_id, made.key), made)
        if existing is made:
            _require_balanced(made.key, legs)
            batch.add(made, legs)
        else:
            require_same(existing, made.content_hash)
        news.append((existing, existing is made))
    if batch.made:
        _add_notes(drafts, news, batch)
        opened = _execute(batch, now)
    else:
        opened = {}
    return [Posted(row, is_new, opened.get(row.pk, ()) if is_new else ()) for row, is_new in news]


def _locked(drafts: Sequence[Draft]) -> dict[int, Account]:
    wanted = {draft.account_id for draft in drafts}
    accounts = lock_accounts(wanted)
    if len(accounts) < len(wanted):
        missing = min(wanted - accounts.keys())
        raise Refusal(Code.NOT_FOUND, f"There is no member {missing}.", "memberId")
    return accounts


def _catch_up(drafts: Sequence[Draft], accounts: dict[int, Account], now: dt.datetime) -> None:
    """Let what time has brought repay a deficit before the incoming points do."""
    credited = {draft.account_id for draft in drafts if draft.incoming}
    for account_id in sorted(credited):
        if accounts[account_id].deficit:
            catch_up(accounts[account_id], now)


def _drafted(draft: Draft, account: Account, legs: Sequence[Leg], now: dt.datetime) -> Transaction:
    return Transaction(
        program_id=account.program_id,
        account=account,
        kind=draft.kind,
        key=draft.key,
        content_hash=content_hash(
            account.pk, draft.kind, draft.content, draft.order_ref, draft.rule_key, legs
        ),
        recorded_at=now,
        effective_at=draft.effective_at,
        order_ref=draft.order_ref,
        rule_key=draft.rule_key,
        cause=draft.cause,
        actor_ref=draft.actor_ref,
        version_id=draft.version_id,
    )


def _add_notes(
    drafts: Sequence[Draft], news: Sequence[tuple[Transaction, bool]], batch: _Batch
) -> None:
    """Write the words of new postings down, apart from the ledger."""
    words = [draft.note for draft, (_, is_new) in zip(drafts, news, strict=True) if is_new]
    places = [place for place, text in enumerate(words) if text]
    notes = Note.objects.bulk_create([Note(text=words[place]) for place in places])
    for place, note in zip(places, notes, strict=True):
        batch.made[place].note = note
        batch.postings[place]["note_id"] = note.pk


def _execute(batch: _Batch, now: dt.datetime) -> dict[int, tuple[int, ...]]:
    """Run the statement, give the transactions their ids; return the new lots of each."""
    parameters = {
        "recorded_at": now,
        "postings": json.dumps(batch.postings),
        "lots": json.dumps(batch.lots),
        "legs": json.dumps(batch.legs),
        "accounts": json.dumps(list(batch.changes.values())),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.load("post_batch"), parameters)
        count, transaction_ids, lot_ids = cursor.fetchone()
    if count < len(batch.made):
        raise _taken(batch.made, transaction_ids)
    opened = {}
    for made, pk, slots in zip(batch.made, transaction_ids, batch.slots, strict=True):
        made.pk = pk
        opened[pk] = tuple(lot_ids[slot] for slot in slots)
    return opened


def _taken(made: Sequence[Transaction], transaction_ids: Sequence[int]) -> Refusal:
    """Name a key that another member's posting took while this batch was made."""
    posted = set(Transaction.objects.filter(pk__in=transaction_ids).values_list("pk", flat=True))
    pairs = zip(made, transaction_ids, strict=True)
    key = next(each.key for each, pk in pairs if pk not in posted)
    return Refusal(Code.KEY_REUSED, f'The key "{key}" was used for another posting.', "key")


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
        "note_id": None,
    }


def _require_content(drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        if draft.incoming and draft.content is None:
            raise ValueError(f"The draft {draft.key} credits points and must say its content.")


def _require_balanced(key: str, legs: Sequence[Leg]) -> None:
    if not legs or sum(leg.points for leg in legs) != 0:
        raise ValueError(f"The legs of {key} must sum to zero and move something.")
