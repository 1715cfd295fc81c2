"""Row locks in one order, with a time limit, and the retry of what a deadlock ended.

The order is: checkout, account(s) by id, hold, lots, order record, the shop's code and the coupon
that it is, then what a checkout uses of offers, and counters of offers by offer, a member's before
the total. An account's row guards
everything of that member (lots, holds, order records, postings), so that most work takes one lock.
The whole rule, with the cases, is docs/explanation/locking.md.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from django.db import connection, transaction
from django.db.utils import OperationalError

from saleor_retention import conf
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Program

T = TypeVar("T")

ATTEMPTS_MAX = 5
BUSY_ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 0.02  # doubled on each attempt, times a random factor: two do not meet again

DEADLOCK_DETECTED = "40P01"
SERIALIZATION_FAILURE = "40001"
LOCK_NOT_AVAILABLE = "55P03"
RETRIED = frozenset({DEADLOCK_DETECTED, SERIALIZATION_FAILURE})


LOCK_MEMBERS = """
SELECT (account).id, (account).program_id, (account).available, (account).pending, (account).held,
       (account).deficit, (account).last_activity_at
FROM saleor_retention_lock(%s::bigint[], %s, false)
"""


@dataclass(slots=True)
class Member:
    """What postings ask of an account and change in it; each field is that of ``Account``."""

    pk: int
    program_id: int
    available: int
    pending: int
    held: int
    deficit: int
    last_activity_at: dt.datetime


def lock_account(account_id: int) -> Account:
    """Lock one member's account for the rest of the database transaction and return it afresh.

    Raises ``Refusal(NOT_FOUND)`` when there is none and ``Refusal(BUSY)`` when another transaction
    holds it for longer than ``RETENTION_LOCK_TIMEOUT_MS``.
    """
    accounts = lock_accounts([account_id])
    if not accounts:
        raise Refusal(Code.NOT_FOUND, f"There is no member {account_id}.", "memberId")
    return accounts[account_id]


def lock_accounts(account_ids: Iterable[int], *, skips_locked: bool = False) -> dict[int, Account]:
    """Lock accounts in the order of their ids and return those that exist, by id.

    With ``skips_locked`` those that others hold are left out instead of waited for (sweeps).
    The lock is ``FOR NO KEY UPDATE``: it does not hold up rows that only refer to the account. The
    program comes along, not locked.
    """
    ids = sorted(set(account_ids))
    if not ids:
        return {}
    with bounded_wait():
        return _locked(ids, skips_locked=skips_locked)


def lock_members(account_ids: Iterable[int]) -> dict[int, Member]:
    """Lock accounts as ``lock_accounts`` does and return only what postings ask of them, by id.

    A thousand models take longer to make than the database needs to post to them.
    """
    ids = sorted(set(account_ids))
    with bounded_wait(), connection.cursor() as cursor:
        cursor.execute(LOCK_MEMBERS, [ids, wait_max()])
        return {row[0]: Member(*row) for row in cursor.fetchall()}


def claim(name: str) -> bool:
    """Claim a piece of work for this database transaction; False while another one has it.

    Never waits, so it has no place in the order of locks: workers that go through the same list
    take turns by passing over what is claimed. Needs a database transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"saleor_retention.{name}"],
        )
        return bool(cursor.fetchone()[0])


def lock_name(name: str) -> None:
    """Lock something that has no row, by its name, for the rest of the database transaction.

    Taken after accounts and never before one. Raises ``Refusal(BUSY)`` as ``lock_account`` does.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT saleor_retention_lock_name(%s, %s)", [name, wait_max()])
    except OperationalError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        message = phrase(_("The same is being done twice at once; try again."))
        raise Refusal(Code.BUSY, message) from error


def run_serialized(
    work: Callable[[], T], *, attempts_max: int = ATTEMPTS_MAX, is_one_statement: bool = False
) -> T:
    """Run ``work`` in a database transaction, again when a deadlock ended it.

    A serialization failure counts as a deadlock. What ends every attempt is refused as BUSY, with
    nothing changed. Inside a caller's transaction there is one attempt, in a savepoint: a deadlock
    ends all of it, so it is raised as it is and only the caller can start again. ``work`` must read
    what it decides on itself. One statement is a database transaction by itself; beginning and
    ending one around it would be two more round trips.
    """
    is_nested = connection.in_atomic_block
    is_whole = is_one_statement and connection.get_autocommit()
    for attempt in range(1, attempts_max + 1):
        try:
            with nullcontext() if is_whole else transaction.atomic():
                return work()
        except OperationalError as error:
            if is_nested or sqlstate(error) not in RETRIED:
                raise
            if attempt == attempts_max:
                message = phrase(_("Too many others are changing the same points; try again."))
                raise Refusal(Code.BUSY, message) from error
            time.sleep(BACKOFF_SECONDS * 2**attempt * random.random())  # noqa: S311
    raise AssertionError("unreachable")


def run_patiently(work: Callable[[], T]) -> T:
    """Do as ``run_serialized``, waiting a few times as long as a request would for a member.

    For jobs that have many members to see to. Raises ``Refusal(BUSY)`` in the end.
    """
    for attempt in range(1, BUSY_ATTEMPTS_MAX + 1):
        try:
            return run_serialized(work)
        except Refusal as refusal:
            if refusal.code is not Code.BUSY or attempt == BUSY_ATTEMPTS_MAX:
                raise
    raise AssertionError("unreachable")


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE behind a Django database error; psycopg 2 and 3 name it differently."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""


@contextmanager
def bounded_wait() -> Iterator[None]:
    """Turn the end of the wait for an account into the refusal that a caller can act on."""
    try:
        yield
    except OperationalError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        message = phrase(_("This member's points are being changed by someone else; try again."))
        raise Refusal(Code.BUSY, message) from error


def _locked(ids: list[int], *, skips_locked: bool) -> dict[int, Account]:
    """Lock and read accounts with their programs by ``sql/functions/lock.sql``.

    Every posting begins here, and Django needs longer to compose this query than the database to
    answer it. Only columns that need no conversion come back right (a test holds all of them
    against a plain read).
    """
    statement, account_names, program_names = _lock_statement()
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids, wait_max(), skips_locked])
        rows = cursor.fetchall()
    accounts: dict[int, Account] = {}
    programs: dict[int, Program] = {}
    for row in rows:
        account = Account.from_db(connection.alias, account_names, row[: len(account_names)])
        program = programs.get(account.program_id)
        if program is None:
            values = row[len(account_names) :]
            program = Program.from_db(connection.alias, program_names, values)
            programs[program.pk] = program
        account.program = program
        accounts[account.pk] = account
    return accounts


@lru_cache(maxsize=1)
def _lock_statement() -> tuple[str, list[str], list[str]]:
    account_fields, program_fields = (
        model._meta.concrete_fields  # noqa: SLF001 (Django's documented interface)
        for model in (Account, Program)
    )
    columns = [f'(account)."{field.column}"' for field in account_fields]
    columns += [f'(program)."{field.column}"' for field in program_fields]
    statement = f"SELECT {', '.join(columns)} FROM saleor_retention_lock(%s::bigint[], %s, %s)"  # noqa: S608 (names of columns)
    names = [[field.attname for field in fields] for fields in (account_fields, program_fields)]
    return statement, names[0], names[1]


def wait_max() -> str:
    """Return how long a lock is waited for, as PostgreSQL writes it."""
    return f"{int(conf.get('LOCK_TIMEOUT_MS'))}ms"
