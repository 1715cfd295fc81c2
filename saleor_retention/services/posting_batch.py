"""Many postings at once, for imports and backfills: one statement for a batch of any members.

What comes out is what ``services.posting.post`` would have made of them one by one: the same keys,
digests, entries, lots and kept balances (a test holds the two equal). All or nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Note, Transaction
from saleor_retention.services.locking import lock_accounts, run_serialized
from saleor_retention.services.posting import (
    Posted,
    catch_up,
    content_hash,
    credit,
    require_same,
)
from saleor_retention.services.posting_rows import (
    ACTIVITY_KINDS,
    Leg,
    LotRef,
    PostingRows,
    member_changes,
)


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
    return run_serialized(lambda: _locked_and_posted(drafts, now))


def post_locked(
    accounts: Mapping[int, Account], drafts: Sequence[Draft], *, now: dt.datetime
) -> list[Posted]:
    """Do the same for accounts by id that the caller has locked and caught up.

    They are up to date in memory afterwards. Nothing of a refused batch must stay: the caller ends
    the database transaction, or the savepoint, that it was made in.
    """
    program_ids = {account.program_id for account in accounts.values()}
    kept = Transaction.objects.filter(
        program_id__in=program_ids, key__in=[draft.key for draft in drafts]
    )
    known = {(row.program_id, row.key): row for row in kept}
    rows = PostingRows()
    results: list[tuple[Transaction, bool]] = []
    for draft in drafts:
        account = accounts[draft.account_id]
        legs = [leg for leg in [*draft.legs, *credit(account, draft.incoming)] if leg.points]
        made = _drafted(draft, account, legs, now)
        existing = known.setdefault((made.program_id, made.key), made)
        if existing is made:
            _require_balanced(made.key, legs)
            rows.add(made, legs)
            _move(account, made, legs)
        else:
            require_same(existing, made.content_hash)
        results.append((existing, existing is made))
    news = [made for made, is_new in results if is_new]
    if not news:
        return [Posted(row, is_new=False) for row, _is_new in results]
    _add_notes(drafts, results, rows)
    opened = _write(news, rows, now)
    return [Posted(row, is_new, opened[row.pk] if is_new else ()) for row, is_new in results]


def _locked_and_posted(drafts: Sequence[Draft], now: dt.datetime) -> list[Posted]:
    accounts = _locked(drafts)
    _catch_up(drafts, accounts, now)
    return post_locked(accounts, drafts, now=now)


def _move(account: Account, made: Transaction, legs: Sequence[Leg]) -> None:
    """Bring the account up to date in memory: later drafts look at what is owed."""
    for name, points in member_changes(legs):
        setattr(account, name, getattr(account, name) + points)
    if made.kind in ACTIVITY_KINDS:
        account.last_activity_at = max(account.last_activity_at, made.effective_at)


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
    drafts: Sequence[Draft], results: Sequence[tuple[Transaction, bool]], rows: PostingRows
) -> None:
    """Write the words of new postings down, apart from the ledger."""
    pairs = zip(drafts, results, strict=True)
    worded = [(made, draft.note) for draft, (made, is_new) in pairs if is_new]
    places = [place for place, (_made, text) in enumerate(worded) if text]
    notes = Note.objects.bulk_create([Note(text=worded[place][1]) for place in places])
    for place, note in zip(places, notes, strict=True):
        worded[place][0].note = note
        rows.postings[place]["note_id"] = note.pk


def _write(
    news: Sequence[Transaction], rows: PostingRows, now: dt.datetime
) -> dict[int, tuple[int, ...]]:
    """Run the statement, give the transactions their ids; return the new lots of each."""
    written = rows.write(now)
    if not written.has_all:
        raise _taken(news, written.transaction_ids)
    for made, pk in zip(news, written.transaction_ids, strict=True):
        made.pk = pk
    return dict(zip(written.transaction_ids, written.opened, strict=True))


def _taken(made: Sequence[Transaction], transaction_ids: Sequence[int]) -> Refusal:
    """Name a key that another member's posting took while this batch was made."""
    posted = set(Transaction.objects.filter(pk__in=transaction_ids).values_list("pk", flat=True))
    pairs = zip(made, transaction_ids, strict=True)
    key = next(each.key for each, pk in pairs if pk not in posted)
    return Refusal(Code.KEY_REUSED, f'The key "{key}" was used for another posting.', "key")


def _require_content(drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        if draft.incoming and draft.content is None:
            raise ValueError(f"The draft {draft.key} credits points and must say its content.")


def _require_balanced(key: str, legs: Sequence[Leg]) -> None:
    if not legs or sum(leg.points for leg in legs) != 0:
        raise ValueError(f"The legs of {key} must sum to zero and move something.")
