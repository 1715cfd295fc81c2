"""Many postings at once, or one that is ready: one statement for a batch of any members.

What comes out is what ``services.ledger.posting.post`` would have made of them one by one: the same
keys, digests, entries, lots and kept balances (a test holds the two equal). All or nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import DatabaseError, connection

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Note
from saleor_retention.services.ledger.locking import (
    Member,
    bounded_wait,
    lock_accounts,
    lock_members,
    run_serialized,
    sqlstate,
    wait_max,
)
from saleor_retention.services.ledger.posting import (
    catch_up,
    content_hash,
    credit,
    credit_owing,
    require_same,
)
from saleor_retention.services.ledger.posting_rows import (
    ACTIVITY_KINDS,
    Leg,
    LotRef,
    PostingRows,
    Written,
    member_changes,
    plain,
    texts,
)

KNOWN = """
SELECT program_id, key, content_hash, id FROM saleor_retention_transaction
WHERE program_id = ANY(%s::bigint[]) AND key = ANY(%s::text[])
"""


KEY_TAKEN = "RT002"  # raised by sql/functions/post_at_once.sql


@dataclass(frozen=True, slots=True)
class Draft:
    """One posting of a batch; the fields are the arguments of ``services.ledger.posting.post``.

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


@dataclass(frozen=True, slots=True)
class PostedDraft:
    """The posting of a draft: made now, or found with the same content."""

    transaction_id: int
    is_new: bool
    opened: tuple[int, ...] = ()  # ids of the new lots, in the order they first appear in the legs


class Balances(NamedTuple):
    """What a member has, and owes."""

    available: int
    pending: int
    held: int
    deficit: int


class _Kept(NamedTuple):
    """The posting of a key: in the ledger by its id, or in this batch by its place."""

    content_hash: str
    transaction_id: int = 0
    place: int = 0


def post_batch(drafts: Sequence[Draft], *, now: dt.datetime) -> list[PostedDraft]:
    """Post all drafts in one database transaction; return their postings in the same order.

    Locks the accounts by id. A key that is there with the same content (in the ledger or earlier in
    the batch) has no second effect and returns that posting. Refusals undo the whole batch and name
    the culprit: KEY_REUSED (a key with other content), NOT_FOUND (no such account), BUSY. Legs that
    do not sum to zero, or credits without ``content``, are a ``ValueError``. The database holds its
    constraints on what the batch comes to, not after each posting. A thousand drafts at a time keep
    locks short and memory small.

    One statement, whatever the size, where all of it is new, has no words and nobody who gets
    points owes any. Otherwise seven more at most, and those of ``catch_up`` for who owes.
    """
    if not drafts:
        return []
    _require_content(drafts)
    written = _at_once(drafts, now)
    if written is None:
        return run_serialized(lambda: _locked_and_posted(drafts, now)[0])
    pairs = zip(written.transaction_ids, written.opened, strict=True)
    return [
        PostedDraft(transaction_id, is_new=True, opened=opened) for transaction_id, opened in pairs
    ]


def post_one(draft: Draft, *, now: dt.datetime) -> tuple[PostedDraft, Balances]:
    """Post one draft, as a batch of it, and return the member's balances after it as well."""
    _require_content([draft])
    written = _at_once([draft], now)
    if written is not None:
        made = PostedDraft(written.transaction_ids[0], is_new=True, opened=written.opened[0])
        return made, Balances(*written.balances)

    def work() -> tuple[PostedDraft, Balances]:
        posted, accounts = _locked_and_posted([draft], now)
        account = accounts[draft.account_id]
        balances = (account.available, account.pending, account.held, account.deficit)
        return posted[0], Balances(*balances)

    return run_serialized(work)


def post_locked(
    accounts: Mapping[int, Account | Member], drafts: Sequence[Draft], *, now: dt.datetime
) -> list[PostedDraft]:
    """Do the same for accounts by id that the caller has locked and caught up.

    They are up to date in memory afterwards. Nothing of a refused batch must stay: the caller ends
    the database transaction, or the savepoint, that it was made in.
    """
    known = _known(accounts, drafts)
    rows = PostingRows()
    results: list[_Kept] = []
    for draft in drafts:
        account = accounts[draft.account_id]
        legs = [leg for leg in draft.legs if leg.points]
        if draft.incoming:
            legs += credit(account, draft.incoming)
        digest = content_hash(
            draft.account_id, draft.kind, draft.content, draft.order_ref, draft.rule_key, legs
        )
        name = (account.program_id, draft.key)
        existing = known.get(name)
        if existing is not None:
            require_same(draft.key, existing.content_hash, digest)
            results.append(existing._replace(place=-existing.place))
            continue
        _require_balanced(draft.key, legs)
        place = rows.add(draft, legs, program_id=account.program_id, content_hash=digest)
        known[name] = _Kept(digest, place=place)
        results.append(known[name])
        _move(account, draft, legs)
    return _written(accounts, drafts, results, rows, now)


def _written(
    accounts: Mapping[int, Account | Member],
    drafts: Sequence[Draft],
    results: Sequence[_Kept],
    rows: PostingRows,
    now: dt.datetime,
) -> list[PostedDraft]:
    """Write the rows and return what became of each draft; a negative place is an earlier one's."""
    news = [
        (draft, kept.place) for draft, kept in zip(drafts, results, strict=True) if kept.place > 0
    ]
    if not news:
        return [PostedDraft(kept.transaction_id, is_new=False) for kept in results]
    _add_notes(news, rows)
    written = rows.write(now)
    ids, opened = written.transaction_ids, written.opened
    if not written.has_all:
        raise _taken(_known(accounts, [draft for draft, _place in news]), ids)
    return [
        PostedDraft(ids[kept.place - 1], is_new=True, opened=opened[kept.place - 1])
        if kept.place > 0
        else PostedDraft(kept.transaction_id or ids[-kept.place - 1], is_new=False)
        for kept in results
    ]


def _at_once(drafts: Sequence[Draft], now: dt.datetime) -> Written | None:
    """Lock and post in one statement; None, and nothing done, where something has to be decided.

    That is a key that is there already, a member who is not there or owes what comes in, members of
    several programs. Words are rows of their own, and what is wrong with a draft is said with the
    members locked.
    """
    rows = _rows_at_once(drafts)
    if rows is None:
        return None
    credited = {draft.account_id for draft in drafts if draft.incoming}

    def work() -> Written:
        with bounded_wait():
            return rows.write_at_once(now, wait_max=wait_max(), credited=credited)

    try:
        written = run_serialized(work, is_one_statement=True)
    except DatabaseError as error:
        if sqlstate(error) != KEY_TAKEN:
            raise
        return None
    return written if written.has_all else None


def _rows_at_once(drafts: Sequence[Draft]) -> PostingRows | None:
    """Return the rows of drafts that may need no decision."""
    if len({draft.key for draft in drafts}) < len(drafts):
        return None
    rows = PostingRows()
    for draft in drafts:
        legs = [leg for leg in draft.legs if leg.points]
        if draft.incoming:
            legs += credit_owing(0, draft.incoming)
        if draft.note or not legs or sum([leg.points for leg in legs]):
            return None
        digest = content_hash(
            draft.account_id, draft.kind, draft.content, draft.order_ref, draft.rule_key, legs
        )
        rows.add(draft, legs, program_id=0, content_hash=digest)
    return rows


def _locked_and_posted(
    drafts: Sequence[Draft], now: dt.datetime
) -> tuple[list[PostedDraft], Mapping[int, Account | Member]]:
    accounts = _locked(drafts)
    _catch_up(drafts, accounts, now)
    return post_locked(accounts, drafts, now=now), accounts


def _known(
    accounts: Mapping[int, Account | Member], drafts: Sequence[Draft]
) -> dict[tuple[int, str], _Kept]:
    """Return the postings that are there under keys of the drafts, by program and key."""
    parameters = [
        list({account.program_id for account in accounts.values()}),
        texts([draft.key for draft in drafts]),
    ]
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, parameters)
        return {(row[0], row[1]): _Kept(row[2], row[3]) for row in cursor.fetchall()}


def _move(account: Account | Member, draft: Draft, legs: Sequence[Leg]) -> None:
    """Bring the account up to date in memory: later drafts look at what is owed."""
    for name, points in member_changes(legs):
        setattr(account, name, getattr(account, name) + points)
    if plain(draft.kind) in ACTIVITY_KINDS:
        account.last_activity_at = max(account.last_activity_at, draft.effective_at)


def _locked(drafts: Sequence[Draft]) -> dict[int, Account | Member]:
    wanted = {draft.account_id for draft in drafts}
    accounts: dict[int, Account | Member] = {**lock_members(wanted)}
    if len(accounts) < len(wanted):
        missing = min(wanted - accounts.keys())
        raise Refusal(Code.NOT_FOUND, f"There is no member {missing}.", "memberId")
    return accounts


def _catch_up(
    drafts: Sequence[Draft], accounts: dict[int, Account | Member], now: dt.datetime
) -> None:
    """Let what time has brought repay a deficit before the incoming points do."""
    credited = {draft.account_id for draft in drafts if draft.incoming}
    owing = [account_id for account_id in credited if accounts[account_id].deficit]
    for account_id, account in lock_accounts(owing).items():
        catch_up(account, now)
        accounts[account_id] = account


def _add_notes(news: Sequence[tuple[Draft, int]], rows: PostingRows) -> None:
    """Write the words of new postings down, apart from the ledger."""
    worded = [(draft.note, place) for draft, place in news if draft.note]
    notes = Note.objects.bulk_create([Note(text=text) for text, _place in worded])
    for (_text, place), note in zip(worded, notes, strict=True):
        rows.notes[place] = note.pk


def _taken(known: Mapping[tuple[int, str], _Kept], transaction_ids: Sequence[int]) -> Refusal:
    """Name a key that another member's posting took while this batch was made.

    ``known`` are the postings of the batch's keys by now, ``transaction_ids`` the batch's own.
    """
    ours = set(transaction_ids)
    key = next(key for (_program_id, key), kept in known.items() if kept.transaction_id not in ours)
    return Refusal(Code.KEY_REUSED, f'The key "{key}" was used for another posting.', "key")


def _require_content(drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        if draft.incoming and draft.content is None:
            raise ValueError(f"The draft {draft.key} credits points and must say its content.")


def _require_balanced(key: str, legs: Sequence[Leg]) -> None:
    if not legs or sum(leg.points for leg in legs) != 0:
        raise ValueError(f"The legs of {key} must sum to zero and move something.")
