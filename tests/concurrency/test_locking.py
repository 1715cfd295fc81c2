"""The lock order, its time limit, and what becomes of a deadlock: real connections, real locks."""

from __future__ import annotations

from threading import Barrier, Event, Lock
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import override_settings

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Book, Transaction, TransactionKind
from saleor_retention.services.ledger import locking
from saleor_retention.services.ledger.locking import lock_account, lock_accounts, run_serialized
from saleor_retention.services.ledger.posting import Leg, NewLot
from saleor_retention.services.ledger.posting_batch import Draft, post_batch, post_one
from tests import ledger
from tests.fakes import at
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 30
NOON = at("2026-03-10 12:00")


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> list[Account]:
    """Two members."""
    shop = ledger.open_shop(monkeypatch)
    return [shop.member("ann"), shop.member("bob")]


def test_opposite_orders_do_not_deadlock(members: list[Account]) -> None:
    """Whatever order they are named in, accounts are locked by id: no thread is ever ended."""
    ids = [member.pk for member in members]

    def lock(number: int) -> int:
        for _ in range(ROUNDS):
            with transaction.atomic():
                lock_accounts(ids if number % 2 else reversed(ids))
        return ROUNDS

    assert at_once(lock, 4) == [ROUNDS] * 4


def test_a_locked_account_is_what_a_plain_read_gives(members: list[Account]) -> None:
    """Every column of the account and of its program, of the same type."""
    with transaction.atomic():
        locked = lock_accounts([member.pk for member in members])

    for plain in Account.objects.select_related("program"):
        for found, read in ((locked[plain.pk], plain), (locked[plain.pk].program, plain.program)):
            fields = [field.attname for field in read._meta.concrete_fields]
            assert [repr(getattr(found, name)) for name in fields] == [
                repr(getattr(read, name)) for name in fields
            ]
            assert (found._state.adding, found._state.db) == (False, "default")
            assert found.get_deferred_fields() == set()


def test_a_deadlock_is_retried(members: list[Account]) -> None:
    """Two works that lock against each other: the database ends one, which is run again."""
    met = Barrier(2)
    attempts = [0, 0]

    def work(number: int) -> str:
        def cross() -> str:
            attempts[number] += 1
            lock_account(members[number].pk)
            if attempts[number] == 1:
                met.wait(timeout=20)  # now both hold what the other one wants
            lock_account(members[1 - number].pk)
            return "done"

        return run_serialized(cross)

    assert at_once(work, 2) == ["done", "done"]
    assert sorted(attempts) == [1, 2]


def test_a_deadlock_within_a_callers_transaction_is_the_callers(members: list[Account]) -> None:
    """The whole transaction is gone, so only its owner can begin again."""
    met = Barrier(2)
    retried: list[int] = []

    def work(number: int) -> str:
        def cross() -> None:
            retried.append(number)
            lock_account(members[number].pk)
            met.wait(timeout=20)
            lock_account(members[1 - number].pk)

        try:
            with transaction.atomic():
                run_serialized(cross)
        except OperationalError as error:
            return locking.sqlstate(error)
        return "done"

    assert sorted(at_once(work, 2)) == ["40P01", "done"]
    assert sorted(retried) == [0, 1]


@pytest.mark.parametrize("rivals", [2, locking.ATTEMPTS_MAX])
def test_a_serialization_failure_is_retried_with_a_bound(
    members: list[Account], rivals: int
) -> None:
    """Each attempt reads a row that somebody else changes before it does; in the end it is BUSY."""
    attempts: list[int] = []

    def overtake(_number: int) -> None:
        Account.objects.filter(pk=members[0].pk).update(tier=f"t{len(attempts)}")

    def work() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        account = Account.objects.get(pk=members[0].pk)
        attempts.append(1)
        if len(attempts) <= rivals:
            at_once(overtake, 1)
        Account.objects.filter(pk=account.pk).update(member_number=f"seen {account.tier}")
        return "done"

    outcome = at_once(lambda _: run_serialized(work), 1)[0]

    account = Account.objects.get(pk=members[0].pk)
    if rivals < locking.ATTEMPTS_MAX:
        assert (outcome, len(attempts)) == ("done", rivals + 1)
        assert account.member_number == f"seen t{rivals}"
    else:
        assert isinstance(outcome, Refusal)
        assert (outcome.code, outcome.message) == (
            Code.BUSY,
            "Too many others are changing the same points; try again.",
        )
        assert len(attempts) == locking.ATTEMPTS_MAX
        assert account.member_number == members[0].member_number


def test_other_faults_are_not_retried() -> None:
    """Only a deadlock or a serialization failure can go away by itself."""
    attempts = []

    def work() -> None:
        attempts.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '10ms'")
            cursor.execute("SELECT pg_sleep(1)")

    with pytest.raises(OperationalError):
        run_serialized(work)
    assert attempts == [1]


@override_settings(RETENTION_LOCK_TIMEOUT_MS=100)
def test_who_waits_too_long_is_told_so(members: list[Account]) -> None:
    """A refusal that names no table; the account is free again afterwards."""
    holds, tried = Event(), Event()

    def work(number: int) -> Any:
        if number == 0:
            with transaction.atomic():
                lock_account(members[0].pk)
                holds.set()
                assert tried.wait(20)
            return None
        assert holds.wait(20)
        try:
            return run_serialized(lambda: lock_account(members[0].pk))
        finally:
            tried.set()

    _, refused = at_once(work, 2)

    assert isinstance(refused, Refusal)
    assert (refused.code, refused.message) == (
        Code.BUSY,
        "This member's points are being changed by someone else; try again.",
    )
    assert run_serialized(lambda: lock_account(members[0].pk)) == members[0]


@override_settings(RETENTION_LOCK_TIMEOUT_MS=100)
def test_a_posting_in_one_statement_waits_no_longer_either(members: list[Account]) -> None:
    """The same refusal, and nothing posted."""
    holds, tried = Event(), Event()

    def work(number: int) -> Any:
        if number == 0:
            with transaction.atomic():
                lock_account(members[0].pk)
                holds.set()
                assert tried.wait(20)
            return None
        assert holds.wait(20)
        try:
            return post_batch([granted(members[1], "b"), granted(members[0], "a")], now=NOON)
        finally:
            tried.set()

    _, refused = at_once(work, 2)

    assert isinstance(refused, Refusal)
    assert refused.code is Code.BUSY
    assert not Transaction.objects.exists()
    assert post_one(granted(members[0], "a"), now=NOON)[1].available == 1


def test_postings_in_one_statement_in_opposite_orders(
    members: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order they are drafted in, members are locked by id; a deadlock would come out."""
    monkeypatch.setattr(locking, "RETRIED", frozenset())

    def post(number: int) -> int:
        both = members if number % 2 else members[::-1]
        for turn in range(ROUNDS):
            post_batch([granted(each, f"{number}:{turn}:{each.pk}") for each in both], now=NOON)
            post_one(granted(both[0], f"{number}:{turn}"), now=NOON)
        return number

    assert at_once(post, 4) == list(range(4))
    assert [ledger.balances(each)[0] for each in members] == [6 * ROUNDS] * 2
    assert [ledger.replayed(each)[0] for each in members] == [6 * ROUNDS] * 2


def test_one_key_posted_in_one_statement_from_all_sides_counts_once(
    members: list[Account],
) -> None:
    """One of eight makes it, seven find it; half of them post it in a batch with another."""

    def post(number: int) -> bool:
        drafts = [granted(members[0], "same"), granted(members[1], f"own:{number}")]
        posted = post_batch(drafts[: 1 + number % 2], now=NOON)
        return posted[0].is_new

    assert sum(at_once(post, 8)) == 1
    assert ledger.balances(members[0]) == ledger.replayed(members[0]) == (1, 0, 0, 0)
    assert ledger.balances(members[1]) == ledger.replayed(members[1]) == (4, 0, 0, 0)


def granted(account: Account, key: str) -> Draft:
    """Draft one point for a member."""
    lot = NewLot(opened_at=NOON, valid_from=NOON)
    legs = [Leg(Book.ISSUANCE, -1), Leg(Book.AVAILABLE, 1, lot)]
    return Draft(account.pk, TransactionKind.GRANT, key, legs, NOON)


def test_a_callers_own_lock_timeout_is_left_as_it_was(members: list[Account]) -> None:
    """A host's transaction goes on with the bound it had."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '77ms'")
        run_serialized(lambda: lock_account(members[0].pk))
        post_one(granted(members[1], "a"), now=NOON)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("77ms",)


def test_sweeps_pass_over_what_others_hold(members: list[Account]) -> None:
    """They do not wait; the next run comes to it."""
    holds, tried = Event(), Event()
    found: list[int] = []
    guard = Lock()

    def work(number: int) -> None:
        if number == 0:
            with transaction.atomic():
                lock_account(members[0].pk)
                holds.set()
                assert tried.wait(20)
            return
        assert holds.wait(20)
        with transaction.atomic(), guard:
            found.extend(lock_accounts([member.pk for member in members], skips_locked=True))
        tried.set()

    at_once(work, 2)

    assert found == [members[1].pk]


def test_there_is_no_such_member() -> None:
    """A refusal, not a fault."""
    with pytest.raises(Refusal, match="There is no member -1"), transaction.atomic():
        lock_account(-1)
