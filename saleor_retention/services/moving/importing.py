"""Points of members brought over from another system, in batches that can be repeated.

Every row is a posting of its own under ``import:<external id>``, into a lot of its own. A batch is
one database transaction, so that a run which was killed stands between two batches; a second run
finds what is booked and goes on after it. A dry run makes the same checks and writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from saleor_retention.engine import lots as engine
from saleor_retention.engine.rules import Enrolment, ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import UserFacts
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Book,
    Program,
    Transaction,
    TransactionKind,
)
from saleor_retention.selectors.people import Directory
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_accounts, run_patiently
from saleor_retention.services.ledger.posting import Leg, NewLot
from saleor_retention.services.ledger.posting_batch import Draft, post_locked
from saleor_retention.services.membership import members
from saleor_retention.services.moving.import_files import Rejected, Row, Seen
from saleor_retention.services.setting_up.auditing import note_down

BATCH = 500
RULE_KEY = "import"
CAUSE = "import"


@dataclass(slots=True)
class Batch:
    """What came of some rows; in a dry run, what would come of them."""

    rows: int = 0
    booked: int = 0
    points: int = 0
    known: int = 0  # booked by an earlier run, or said before in this file
    opened: int = 0  # accounts
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, other: Batch) -> None:
        """Count another batch in; its rejected rows are not kept."""
        self.rows += other.rows
        self.booked += other.booked
        self.points += other.points
        self.known += other.known
        self.opened += other.opened


@dataclass(frozen=True, slots=True)
class Import:
    """One run of an import into a program."""

    program: Program
    applies: bool
    enrols: bool = False  # makes customers members who have not enrolled, where that is asked
    batch_size: int = BATCH
    directory: Directory = field(default_factory=Directory)
    seen: Seen = field(default_factory=Seen)

    @property
    def rules(self) -> ProgramRules:
        """Return the rules in force."""
        return rules_of(self.program.current_version_id)


@dataclass(frozen=True, slots=True)
class _Due:
    """A row that is to be booked, and the customer it belongs to."""

    row: Row
    user_ref: str
    has_account: bool


class _Member(NamedTuple):
    """What is asked of an account before it is locked."""

    pk: int
    state: str


class _Posted(NamedTuple):
    """What tells a row's posting from another one."""

    account_id: int
    content_hash: str


_Owned = Sequence[tuple[Row, Account]]
_Poster = Callable[[Import, _Owned, dt.datetime, Batch], None]


def run(
    work: Import, items: Iterable[Row | Rejected], *, now: dt.datetime | None = None
) -> Iterator[Batch]:
    """Bring the rows over, batch by batch; each is told when it is done.

    Members are found by address or key, never guessed; who has no account gets one, with the
    program's welcome points. Points that are valid repay a deficit first. A row is rejected, and
    the others go on, where its user is not known, has left or has not enrolled, where its points
    have expired, or where its key stands for something else. Locks each batch's accounts. Refusals:
    PROGRAM_INACTIVE; BUSY when an account stays locked. What was done before stands.
    """
    if not work.program.is_active:
        message = f'The program "{work.program.name}" is not active; members cannot join it.'
        raise Refusal(Code.PROGRAM_INACTIVE, message, "program")
    rest = iter(items)
    total = Batch()
    while some := list(islice(rest, work.batch_size)):
        batch = _batch(work, some, now or timezone.now(), is_first=not total.booked)
        total.add(batch)
        yield batch
    if work.applies and total.booked:
        change = f"ends: {total.booked} rows are booked, {total.points} points"
        _note(work, change, now or timezone.now())


def _note(work: Import, change: str, at: dt.datetime) -> None:
    """Add to the audit trail that a run begins or ends; one that was killed has no end."""
    with transaction.atomic():
        action = AuditAction.POINTS_IMPORT
        note_down(action, actor_ref="", at=at, program=work.program, changes=[change])


def _batch(
    work: Import, some: Sequence[Row | Rejected], at: dt.datetime, *, is_first: bool
) -> Batch:
    batch = Batch(rows=len(some))
    batch.rejected += [item for item in some if isinstance(item, Rejected)]
    fresh = _unseen(work, [item for item in some if isinstance(item, Row)], batch)
    due = _bookable(work, fresh, batch, at)
    if work.applies and due:
        if is_first:
            _note(work, "begins", at)
        _open(work, due, batch, at)
        done = _booked(work, due, at)
        batch.rejected += done.rejected
        batch.add(done)
    elif due:
        batch.booked = len(due)
        batch.points = sum(item.row.points for item in due)
        batch.opened = _would_open(work, due)
    batch.rejected.sort(key=lambda item: item.line)
    return batch


# --- what is to be booked -------------------------------------------------------------------------


def _unseen(work: Import, rows: Iterable[Row], batch: Batch) -> list[Row]:
    """Leave out what stood in the file before."""
    fresh = []
    for row in rows:
        content = f"{row.email.lower()}|{row.user_ref}|{row.content}"
        first, is_same = work.seen.first_line(f"row:{row.external_id}", row.line, content)
        if first == row.line:
            fresh.append(row)
        elif is_same:
            batch.known += 1
        else:
            reason = f"external_id: It stands in line {first} already, with other content."
            batch.rejected.append(_rejected(row, reason))
    return fresh


def _bookable(work: Import, rows: Sequence[Row], batch: Batch, at: dt.datetime) -> list[_Due]:
    """Leave out what is booked, and reject what cannot be; a handful of statements."""
    by_email = work.directory.by_email(row.email for row in rows if row.email)
    by_ref = work.directory.by_ref(row.user_ref for row in rows if row.user_ref)
    people = {row.external_id: _person(row, by_email, by_ref) for row in rows}
    user_ids = {int(user.ref) for user in people.values() if isinstance(user, UserFacts)}
    owned = Account.objects.filter(program=work.program, user_id__in=user_ids)
    accounts = {
        str(user_id): _Member(*member)
        for user_id, *member in owned.values_list("user_id", "pk", "state")
    }
    made = Transaction.objects.filter(program=work.program, key__in=[row.key for row in rows])
    found = made.values_list("key", "account_id", "content_hash")
    booked = {key: _Posted(*posted) for key, *posted in found}
    due = []
    for row in rows:
        person = people[row.external_id]
        user_ref = person.ref if isinstance(person, UserFacts) else ""
        account = accounts.get(user_ref)
        if row.key in booked:
            if _is_booked(row, booked[row.key], account, is_known=bool(user_ref)):
                batch.known += 1
            else:
                reason = "external_id: It was imported before, with other content."
                batch.rejected.append(_rejected(row, reason))
            continue
        reason = person if isinstance(person, str) else _objection(work, row, account, at)
        if reason:
            batch.rejected.append(_rejected(row, reason))
        else:
            due.append(_Due(row, user_ref, account is not None))
    return due


def _person(
    row: Row, by_email: Mapping[str, UserFacts], by_ref: Mapping[str, UserFacts]
) -> UserFacts | str:
    """Return whose points these are, or why nobody can say."""
    user = by_ref.get(row.user_ref)
    addressed = by_email.get(row.email.lower())
    if row.user_ref and user is None:
        return f"user_id: No confirmed user has the number {row.user_ref}."
    if row.email and addressed is None:
        return f"email: No confirmed user, or more than one, has the address {row.email}."
    if user is not None and addressed is not None and user.ref != addressed.ref:
        return "user_id: The e-mail address is that of another user."
    found = user or addressed
    return found if found is not None else "email: It is empty."


def _is_booked(row: Row, posted: _Posted, account: _Member | None, *, is_known: bool) -> bool:
    """Tell whether a posting is this row's; also when the user is not found any more."""
    if is_known and (account is None or account.pk != posted.account_id):
        return False
    digest = posting.digest_of(posted.account_id, TransactionKind.GRANT, row.content)
    return posted.content_hash == digest


def _objection(work: Import, row: Row, account: _Member | None, at: dt.datetime) -> str:
    """Return why the row cannot be booked, "" if it can."""
    if account is not None and account.state != AccountState.MEMBER:
        return "email: This customer has left the program."
    must_enrol = work.rules.enrolment is Enrolment.OPT_IN and not work.enrols
    if account is None and must_enrol:
        return "email: This customer has not enrolled in the program."
    expires_at = _lot(work.rules, row, at).expires_at
    if expires_at is None or expires_at > at:
        return ""
    if row.expires_at is None:
        return f"valid_from: By the program's rules the points expired on {expires_at:%Y-%m-%d}."
    return f"expires_at: The points expired on {expires_at:%Y-%m-%d}."


def _would_open(work: Import, due: Sequence[_Due]) -> int:
    """Count the accounts that would be opened, each once in the file."""
    lines = {item.user_ref: item.row.line for item in due if not item.has_account}
    firsts = [(work.seen.first_line(f"user:{ref}", line)[0], line) for ref, line in lines.items()]
    return sum(first == line for first, line in firsts)


# --- booking --------------------------------------------------------------------------------------


def _open(work: Import, due: Sequence[_Due], batch: Batch, at: dt.datetime) -> None:
    """Open the accounts that are missing, each in a transaction of its own."""
    missing = {item.user_ref for item in due if not item.has_account}
    for user_ref in sorted(missing, key=int):
        if members.member_of(work.program, user_ref, now=at) is None:
            members.enrol(work.program, user_ref, now=at)
        batch.opened += 1


def _booked(work: Import, due: Sequence[_Due], at: dt.datetime) -> Batch:
    """Book a batch in one statement; row by row where another run has taken a key meanwhile."""
    try:
        return run_patiently(lambda: _book(work, due, at, _post_at_once))
    except Refusal as refusal:
        if refusal.code is not Code.KEY_REUSED:
            raise
        return run_patiently(lambda: _book(work, due, at, _post_one_by_one))


def _book(work: Import, due: Sequence[_Due], at: dt.datetime, post: _Poster) -> Batch:
    """Book a batch under its accounts' locks."""
    done = Batch()
    user_ids = {int(item.user_ref) for item in due}
    found = Account.objects.filter(program=work.program, user_id__in=user_ids)
    locked = lock_accounts(found.values_list("pk", flat=True))
    for indebted in locked.values():
        if indebted.deficit:
            posting.catch_up(indebted, at)  # what matured before repays before
    accounts = {str(account.user_id): account for account in locked.values()}
    owned = []
    for item in due:
        account = accounts.get(item.user_ref)
        if account is None or account.state != AccountState.MEMBER:
            reason = "email: This customer left the program in the meantime."
            done.rejected.append(_rejected(item.row, reason))
        else:
            owned.append((item.row, account))
    post(work, owned, at, done)
    return done


def _post_at_once(work: Import, owned: _Owned, at: dt.datetime, done: Batch) -> None:
    """Post all rows in one statement; KEY_REUSED where one's key stands for something else."""
    drafts = [_draft(work, row, account, at) for row, account in owned]
    accounts = {account.pk: account for _row, account in owned}
    posted = post_locked(accounts, drafts, now=at)
    for (row, _account), made in zip(owned, posted, strict=True):
        done.booked += made.is_new
        done.known += not made.is_new
        done.points += row.points if made.is_new else 0


def _draft(work: Import, row: Row, account: Account, at: dt.datetime) -> Draft:
    lot = _lot(work.rules, row, at)
    issued, waits = Leg(Book.ISSUANCE, -row.points), _waits(lot, at)
    return Draft(
        account_id=account.pk,
        kind=TransactionKind.GRANT,
        key=row.key,
        legs=[issued, Leg(Book.PENDING, row.points, lot)] if waits else [issued],
        incoming=() if waits else [(lot, row.points)],
        content=row.content,
        effective_at=at,
        rule_key=RULE_KEY,
        cause=CAUSE,
        version_id=work.program.current_version_id,
        note=row.note,
    )


def _post_one_by_one(work: Import, owned: _Owned, at: dt.datetime, done: Batch) -> None:
    for row, account in owned:
        try:
            is_new = _post(work, account, row, at)
        except Refusal as refusal:
            done.rejected.append(_rejected(row, f"external_id: {refusal.message}"))
            continue
        done.booked += is_new
        done.known += not is_new
        done.points += row.points if is_new else 0


def _post(work: Import, account: Account, row: Row, at: dt.datetime) -> bool:
    lot = _lot(work.rules, row, at)
    incoming = (
        [Leg(Book.PENDING, row.points, lot)]
        if _waits(lot, at)
        else posting.credit(account, [(lot, row.points)])
    )
    posted = posting.post(
        account,
        kind=TransactionKind.GRANT,
        key=row.key,
        legs=[Leg(Book.ISSUANCE, -row.points), *incoming],
        content=row.content,
        effective_at=at,
        rule_key=RULE_KEY,
        cause=CAUSE,
        version=work.program.current_version_id,
        note=row.note,
        now=at,
    )
    return posted.is_new


def _lot(rules: ProgramRules, row: Row, at: dt.datetime) -> NewLot:
    """Return the row's lot; its life is the row's own, or the program's from when it is valid."""
    starts_at = row.valid_from or at
    expires_at = row.expires_at
    if expires_at is None and not row.is_for_ever:
        expires_at = engine.expires_at(rules.expiry, starts_at, rules.time_zone)
    return NewLot(opened_at=min(starts_at, at), valid_from=starts_at, expires_at=expires_at)


def _waits(lot: NewLot, at: dt.datetime) -> bool:
    return lot.valid_from is not None and lot.valid_from > at


def _rejected(row: Row, reason: str) -> Rejected:
    return Rejected(row.line, row.cells, reason)
