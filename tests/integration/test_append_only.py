"""The database itself refuses what would change the past, and what does not balance."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from saleor_retention.models import (
    Account,
    AuditAction,
    AuditEntry,
    ConsentEntry,
    ConsentSource,
    ConsentState,
    Entry,
    Lot,
    LotExtension,
    Program,
    ProgramVersion,
    Transaction,
)
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

TABLES = (
    "transaction",
    "entry",
    "programversion",
    "lotextension",
    "auditentry",
    "consententry",
)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A program with one member, one granted lot and one lengthening of it."""
    shop = ledger.open_shop(monkeypatch)
    lot = ledger.give(shop.member("ann"), 100, expires_at=at("2026-06-01"))
    LotExtension.objects.create(
        lot=lot,
        recorded_at=at("2026-03-01"),
        activity_at=at("2026-03-01"),
        from_at=at("2026-06-01"),
        to_at=at("2026-07-01"),
        cause="order:o1",
    )
    AuditEntry.objects.create(action=AuditAction.PROGRAM_RETIRE, at=at("2026-03-01"))
    ConsentEntry.objects.create(
        account=lot.account,
        channel="email",
        purpose="news",
        state=ConsentState.GIVEN,
        source=ConsentSource.STAFF,
        at=at("2026-03-01"),
    )
    return shop


def refused(statement: str) -> str:
    """Return what the database says to a statement."""
    with (
        pytest.raises(IntegrityError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    return str(caught.value)


def rows() -> list[int]:
    """Count the rows of the append-only tables."""
    tables = (Transaction, Entry, ProgramVersion, LotExtension, AuditEntry, ConsentEntry)
    return [model.objects.count() for model in tables]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("verb", "statement"),
    [
        ("UPDATE", "UPDATE saleor_retention_{table} SET id = id"),
        ("DELETE", "DELETE FROM saleor_retention_{table}"),
        ("TRUNCATE", "TRUNCATE saleor_retention_{table} CASCADE"),
    ],
)
def test_the_past_cannot_be_changed(table: str, verb: str, statement: str) -> None:
    """Not even by a statement that leaves every value as it is."""
    before = rows()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for no open foreign key
    said = refused(statement.format(table=table))

    assert "is append-only" in said
    assert f"{verb} is refused" in said
    assert rows() == before


def test_entries_that_do_not_balance_are_refused(shop: Shop) -> None:
    """All entries of a transaction come in one statement; the trigger sums them."""
    account = Account.objects.get(program=shop.program)
    made = Transaction.objects.create(
        program=shop.program,
        account=account,
        kind="grant",
        key="k",
        content_hash="",
        recorded_at=at("2026-03-01"),
        effective_at=at("2026-03-01"),
    )

    with pytest.raises(IntegrityError, match="do not sum to zero"), transaction.atomic():
        Entry.objects.create(transaction=made, book="available", account=account, points=5)

    assert not Entry.objects.filter(transaction=made).exists()


def test_entries_belong_to_a_transaction_of_their_account(shop: Shop) -> None:
    """What foreign keys would hold row by row, and more: nobody's entry stands in another's."""
    account, other = Account.objects.get(program=shop.program), shop.member("bob")
    made = Transaction.objects.get()
    before = rows()

    for transaction_id, owner in ((-1, account), (made.pk, other)):
        moves = (("available", owner, 5), ("issuance", None, -5))
        with pytest.raises(IntegrityError, match="not there or of another"), transaction.atomic():
            Entry.objects.bulk_create(
                Entry(transaction_id=transaction_id, book=book, account=whose, points=points)
                for book, whose, points in moves
            )

    assert rows() == before


def test_entries_name_lots_of_their_account(shop: Shop) -> None:
    """A lot that is not there is refused, and so is another member's."""
    account, made = Account.objects.get(program=shop.program), Transaction.objects.get()
    theirs = ledger.give(shop.member("bob"), 10)
    before = rows()

    for lot_id in (-1, theirs.pk):
        moves = (("available", account, 5, lot_id), ("issuance", None, -5, None))
        with pytest.raises(IntegrityError, match="not there or of another"), transaction.atomic():
            Entry.objects.bulk_create(
                Entry(transaction=made, book=book, account=whose, lot_id=pk, points=points)
                for book, whose, points, pk in moves
            )

    assert rows() == before


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM saleor_retention_lot", "DELETE is refused"),
        ("UPDATE saleor_retention_lot SET id = id + 1000", "UPDATE is refused"),
        (
            """UPDATE saleor_retention_lot SET account_id =
               (SELECT id FROM saleor_retention_account WHERE member_number = 'bob')""",
            "UPDATE is refused",
        ),
        ("TRUNCATE saleor_retention_lot CASCADE", "TRUNCATE is refused"),
    ],
)
def test_a_lot_that_entries_name_stays_and_stays_whose_it_is(
    shop: Shop, statement: str, says: str
) -> None:
    """What entries say of it would otherwise be about nothing, or about somebody else."""
    account = Account.objects.get(program=shop.program)
    Account.objects.filter(pk=shop.member("bob").pk).update(member_number="bob")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for no open foreign key

    assert says in refused(statement)
    assert [lot.account_id for lot in ledger.lots(account)] == [account.pk]


@pytest.mark.parametrize(
    ("account_id", "is_of_another"), [(-1, False), (None, True)], ids=["nobody", "other program"]
)
def test_a_posting_is_of_a_member_of_its_program(
    shop: Shop,
    account_id: int | None,
    is_of_another: bool,  # noqa: FBT001
) -> None:
    """What foreign keys would hold row by row, and more: the program is the member's."""
    account = Account.objects.get(program=shop.program)
    other = Program.objects.create(slug="other", name="Other", created_at=at("2026-01-01"))
    before = rows()

    with pytest.raises(IntegrityError, match="not there or of another"), transaction.atomic():
        Transaction.objects.create(
            program=other if is_of_another else shop.program,
            account_id=account_id or account.pk,
            kind="grant",
            key="k",
            content_hash="",
            recorded_at=at("2026-03-01"),
            effective_at=at("2026-03-01"),
        )

    assert rows() == before


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM saleor_retention_account", "DELETE is refused"),
        ("UPDATE saleor_retention_account SET id = id + 1000", "UPDATE is refused"),
        ("UPDATE saleor_retention_account SET program_id = -1", "UPDATE is refused"),
        ("TRUNCATE saleor_retention_account CASCADE", "TRUNCATE is refused"),
    ],
)
def test_a_member_with_postings_stays(shop: Shop, statement: str, says: str) -> None:
    """And stays a member of his program."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for no open foreign key

    assert says in refused(statement)
    assert shop.program.accounts.count() == 1


def test_a_lot_that_no_entry_names_can_go(shop: Shop) -> None:
    """As with a foreign key."""
    account = Account.objects.get(program=shop.program)
    lot = Lot.objects.create(account=account, opened_at=at("2026-03-01"), granted=0, remaining=0)
    lot.delete()

    assert not Lot.objects.filter(opened_at=at("2026-03-01"), granted=0).exists()


@pytest.mark.parametrize(
    ("book", "owner"), [("available", None), ("issuance", "ann"), ("deficit", None)]
)
def test_a_members_book_names_him_and_a_programs_does_not(
    shop: Shop, book: str, owner: str | None
) -> None:
    """Held by a check constraint."""
    account = Account.objects.get(program=shop.program)
    made = Transaction.objects.get()
    wrong = {"book": book, "account": account if owner else None}

    with pytest.raises(IntegrityError, match="retention_entry_book"), transaction.atomic():
        Entry.objects.bulk_create(
            [
                Entry(transaction=made, points=5, **wrong),
                Entry(transaction=made, points=-5, **wrong),
            ]
        )


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("remaining = -1, granted = -1", "retention_lot_remaining"),
        ("remaining = 101, restored = 1, used = 0", "retention_lot"),
        ("remaining = 50", "retention_lot_equation"),
        ("held = -1, used = 1", "retention_lot_held"),
        ("restored = 1, used = 0, expired = 1", "retention_lot_restored"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_a_lot_cannot_contradict_itself(assignment: str, constraint: str) -> None:
    """Its columns are an equation."""
    statement = "UPDATE saleor_retention_lot SET {}"
    assert constraint in refused(statement.format(assignment))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "assignment",
    ["available = -1", "pending = -1", "held = -1", "deficit = -1", "deficit = 1"],
)
def test_balances_stay_sound(assignment: str) -> None:
    """Never below zero, and nothing available beside a deficit."""
    statement = "UPDATE saleor_retention_account SET {}"
    assert "retention_account_" in refused(statement.format(assignment))
