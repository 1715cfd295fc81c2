"""One posting: what it moves, what it refuses, and what a repeated key does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Book, Entry, Lot, Note, Transaction, TransactionKind
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.posting import Leg, NewLot, Posted
from tests import ledger
from tests.fakes import at
from tests.ledger import LAUNCH

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> Account:
    """A member without points."""
    return ledger.open_shop(monkeypatch).member("ann")


def post(account: Account, *legs: Leg, **details: Any) -> Posted:
    """Post legs under the key "k" unless another is given."""
    given = {"kind": TransactionKind.GRANT, "key": "k", "effective_at": NOON, "now": NOON}
    return posting.post(account, legs=legs, **(given | details))


def new_lot(**lot: Any) -> NewLot:
    """Return a lot from noon on."""
    return NewLot(**({"opened_at": NOON, "valid_from": NOON} | lot))


def test_a_posting_moves_entries_lots_and_balances_together(ann: Account) -> None:
    """Granted points open a lot, and the account in hand knows its new balance."""
    lot = new_lot(expires_at=at("2026-06-01"), order_ref="o1")
    posted = post(ann, Leg(Book.ISSUANCE, -70), Leg(Book.AVAILABLE, 70, lot), order_ref="o1")

    row = Lot.objects.get()
    assert posted.is_new
    assert posted.opened == (row.pk,)
    assert (row.granted, row.remaining, row.is_pending) == (70, 70, False)
    assert (row.expires_at, row.order_ref) == (at("2026-06-01"), "o1")
    assert ann.available == 70
    assert ledger.balances(ann) == ledger.replayed(ann) == (70, 0, 0, 0)
    entries = Entry.objects.order_by("points").values_list("book", "account", "lot", "points")
    assert list(entries) == [("issuance", None, None, -70), ("available", ann.pk, row.pk, 70)]


def test_the_legs_of_one_new_lot_meet_in_it(ann: Account) -> None:
    """Two new lots in one posting, one of them filled from two legs, come back in leg order."""
    first, second = new_lot(), new_lot(valid_from=at("2026-04-01"))
    posted = post(
        ann,
        Leg(Book.ISSUANCE, -60),
        Leg(Book.AVAILABLE, 10, first),
        Leg(Book.PENDING, 20, second),
        Leg(Book.AVAILABLE, 30, first),
    )

    lots = [Lot.objects.get(pk=pk) for pk in posted.opened]
    assert [(lot.granted, lot.is_pending) for lot in lots] == [(40, False), (20, True)]
    assert ledger.balances(ann) == (40, 20, 0, 0)


@pytest.mark.parametrize(
    ("legs", "column", "value"),
    [
        ([(Book.AVAILABLE, -30, True), (Book.HELD, 30, True)], "held", 30),
        ([(Book.AVAILABLE, -30, True), (Book.REDEEMED, 30, True)], "used", 30),
        ([(Book.AVAILABLE, -30, True), (Book.BREAKAGE, 30, True)], "expired", 30),
        ([(Book.AVAILABLE, -30, True), (Book.CLAWBACK, 30, True)], "clawed", 30),
        ([(Book.AVAILABLE, -30, True), (Book.ADJUSTMENT, 30, True)], "adjusted", 30),
        ([(Book.AVAILABLE, -30, True), (Book.ISSUANCE, 30, False)], "granted", 70),
    ],
)
def test_a_lots_columns_follow_from_its_legs(
    ann: Account, legs: list[tuple[Book, int, bool]], column: str, value: int
) -> None:
    """Where points went is told by the program's book that names the lot."""
    lot = ledger.give(ann, 100)
    post(ann, *(Leg(book, points, lot if names else None) for book, points, names in legs))

    lot.refresh_from_db()
    assert (getattr(lot, column), lot.remaining) == (value, 70)
    assert breaches() == []


def test_a_credit_repays_a_deficit_before_anything_is_available(ann: Account) -> None:
    """Of 50 and 20 points that come in, 60 are owed: the first lot is gone, 10 are left."""
    post(ann, Leg(Book.CLAWBACK, 60), Leg(Book.DEFICIT, -60), key="owe")
    first, second = new_lot(), new_lot()
    legs = posting.credit(ann, [(first, 50), (second, 20)])
    posted = post(ann, Leg(Book.ISSUANCE, -70), *legs)

    lots = [Lot.objects.get(pk=pk) for pk in posted.opened]
    assert [(lot.granted, lot.repaid, lot.remaining) for lot in lots] == [(50, 50, 0), (20, 10, 10)]
    assert ledger.balances(ann) == (10, 0, 0, 0)


def test_the_same_key_and_content_have_no_second_effect(ann: Account) -> None:
    """The first posting is returned; no lot, entry or point is added."""
    first = post(ann, Leg(Book.ISSUANCE, -70), Leg(Book.AVAILABLE, 70, new_lot()))
    again = post(ann, Leg(Book.ISSUANCE, -70), Leg(Book.AVAILABLE, 70, new_lot()))

    assert (again.is_new, again.transaction) == (False, first.transaction)
    assert ledger.balances(ann) == (70, 0, 0, 0)
    assert (Lot.objects.count(), Entry.objects.count()) == (1, 2)


def test_the_same_key_with_other_content_is_refused(ann: Account) -> None:
    """And leaves nothing behind, not even the words."""
    post(ann, Leg(Book.ISSUANCE, -70), Leg(Book.AVAILABLE, 70, new_lot()))

    with pytest.raises(Refusal) as caught:
        post(ann, Leg(Book.ISSUANCE, -71), Leg(Book.AVAILABLE, 71, new_lot()), note="goodwill")

    assert caught.value.code is Code.KEY_REUSED
    assert caught.value.message == 'The key "k" was used for another posting.'
    assert ledger.balances(ann) == (70, 0, 0, 0)
    assert Note.objects.count() == 0


def test_a_key_belongs_to_the_program_not_the_member(
    ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same key for another member is other content."""
    user = ledger.Shop(ledger.fakes.use(monkeypatch), ann.program)
    bob = user.member("bob")
    post(ann, Leg(Book.ISSUANCE, -70), Leg(Book.AVAILABLE, 70, new_lot()))

    with pytest.raises(Refusal, match="was used for another posting"):
        post(bob, Leg(Book.ISSUANCE, -70), Leg(Book.AVAILABLE, 70, new_lot()))


@pytest.mark.parametrize(
    "points", [[], [0, 0], [-10, 11], [10]], ids=["none", "zero", "unbalanced", "one-sided"]
)
def test_legs_must_sum_to_zero_and_move_something(ann: Account, points: list[int]) -> None:
    """A caller's mistake is a fault, not a posting."""
    with pytest.raises(ValueError, match="must sum to zero and move something"):
        post(ann, *(Leg(Book.ISSUANCE, value) for value in points))

    assert Transaction.objects.count() == 0


def test_nothing_goes_below_zero(ann: Account) -> None:
    """The database refuses what a caller should have seen."""
    lot = ledger.give(ann, 100)

    with pytest.raises(IntegrityError), transaction.atomic():
        post(ann, Leg(Book.AVAILABLE, -101, lot), Leg(Book.HELD, 101, lot))

    assert ledger.balances(ann) == (100, 0, 0, 0)


def test_words_stand_apart_from_the_ledger(ann: Account) -> None:
    """So that they can be redacted without touching it."""
    posted = post(
        ann,
        Leg(Book.ISSUANCE, -5),
        Leg(Book.AVAILABLE, 5, new_lot()),
        note="broken cup",
        actor_ref="user:7",
    )

    assert posted.transaction.note is not None
    assert Note.objects.get().text == "broken cup"
    assert Transaction.objects.get(key="k").actor_ref == "user:7"


def test_earning_and_spending_are_activity(ann: Account) -> None:
    """A grant is not: it is nothing that the member did."""
    lot = ledger.give(ann, 100)
    granted = ann.__class__.objects.get(pk=ann.pk).last_activity_at
    ledger.spend(lot, 10, now=NOON)

    assert granted == LAUNCH
    assert Account.objects.get(pk=ann.pk).last_activity_at == NOON


@pytest.mark.django_db(transaction=True)
def test_a_posting_needs_a_transaction_and_so_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Posting without one could not be safe."""
    ann = ledger.open_shop(monkeypatch).member("ann")

    with pytest.raises(RuntimeError, match="needs the account's lock"):
        post(ann, Leg(Book.ISSUANCE, -5), Leg(Book.AVAILABLE, 5, new_lot()))


def test_catching_up_posts_each_lot_at_its_instant(ann: Account) -> None:
    """Matured and died since: two postings dated in the past, nothing at a second call."""
    ledger.give(ann, 40, valid_from=at("2026-03-01"), expires_at=at("2026-03-05"))
    ledger.give(ann, 30, expires_at=at("2026-03-04"))
    account = lock_account(ann.pk)

    posted = [posting.catch_up(account, NOON), posting.catch_up(account, NOON)]

    assert posted == [3, 0]
    rows = Transaction.objects.exclude(kind="grant").order_by("pk")
    assert [(row.kind, row.effective_at) for row in rows] == [
        ("mature", at("2026-03-01")),
        ("expire", at("2026-03-04")),
        ("expire", at("2026-03-05")),
    ]
    assert {row.recorded_at for row in rows} == {NOON}
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    assert ledger.book("breakage") == 70
