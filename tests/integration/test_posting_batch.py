"""Many postings at once: the same ledger as one by one, and all or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    Book,
    Entry,
    Lot,
    Note,
    Program,
    Transaction,
    TransactionKind,
)
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.posting import Leg, NewLot, Posted
from saleor_retention.services.ledger.posting_batch import (
    Balances,
    Draft,
    PostedDraft,
    post_batch,
    post_one,
)
from tests import ledger
from tests.fakes import at
from tests.ledger import LAUNCH, Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
LATER = at("2026-03-11 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A program of one point per dollar."""
    return ledger.open_shop(monkeypatch)


def new_lot(**lot: Any) -> NewLot:
    """Return a lot from noon on."""
    return NewLot(**({"opened_at": NOON, "valid_from": NOON} | lot))


def earned(account: Account, key: str, points: int, **details: Any) -> Draft:
    """Draft the accrual of an order, in a lot of its own."""
    legs = [Leg(Book.ISSUANCE, -points), Leg(Book.AVAILABLE, points, new_lot())]
    given = {"kind": TransactionKind.EARN, "legs": legs, "effective_at": NOON}
    return Draft(account_id=account.pk, key=key, **(given | details))


def credited(account: Account, key: str, points: int, **details: Any) -> Draft:
    """Draft points that repay a deficit first."""
    return earned(
        account,
        key,
        points,
        legs=[Leg(Book.ISSUANCE, -points)],
        incoming=[(new_lot(), points)],
        **({"content": str(points)} | details),
    )


def post_singly(drafts: Sequence[Draft], now: dt.datetime) -> list[Posted]:
    """Post drafts one by one, as a service would."""
    done = []
    for draft in drafts:
        with transaction.atomic():
            account = lock_account(draft.account_id)
            if draft.incoming:
                posting.catch_up(account, now)
            details = {
                name: getattr(draft, name)
                for name in ("kind", "key", "effective_at", "order_ref", "rule_key", "cause")
            }
            details |= {"actor_ref": draft.actor_ref, "note": draft.note, "content": draft.content}
            done.append(
                posting.post(
                    account,
                    legs=[*draft.legs, *posting.credit(account, draft.incoming)],
                    version=draft.version_id,
                    now=now,
                    **details,
                )
            )
    return done


def story(account: Account, lot: Lot, pending: Lot, note: str = "broken cup") -> list[Draft]:
    """Draft postings of every shape on one member, who owes nothing and has two lots."""
    expiring, second = new_lot(expires_at=at("2026-06-01"), order_ref="o1"), new_lot()
    child = new_lot(parent_id=lot.pk, order_ref="o2")
    waiting = new_lot(valid_from=None)
    name = account.member_number

    def draft(key: str, kind: TransactionKind, *legs: Leg, **details: Any) -> Draft:
        return Draft(account.pk, kind, f"{key}:{name}", legs, NOON, **details)

    kinds = TransactionKind
    return [
        draft(
            "earn",
            kinds.EARN,
            Leg(Book.ISSUANCE, -60),
            Leg(Book.AVAILABLE, 10, expiring),
            Leg(Book.PENDING, 20, waiting),
            Leg(Book.AVAILABLE, 30, expiring),
            order_ref="o1",
            rule_key="base",
            cause="paid",
        ),
        draft("hold", kinds.HOLD, Leg(Book.AVAILABLE, -30, lot), Leg(Book.HELD, 30, lot)),
        draft("capture", kinds.CAPTURE, Leg(Book.HELD, -30, lot), Leg(Book.REDEEMED, 30, lot)),
        draft(
            "restore",
            kinds.RESTORE,
            Leg(Book.REDEEMED, -5, lot),
            Leg(Book.AVAILABLE, 5, child),
        ),
        draft(
            "mature",
            kinds.MATURE,
            Leg(Book.PENDING, -40, pending),
            Leg(Book.AVAILABLE, 40, pending),
        ),
        draft(
            "adjust",
            kinds.ADJUST,
            Leg(Book.AVAILABLE, -7, lot),
            Leg(Book.ADJUSTMENT, 7, lot),
            note=note,
            actor_ref="user:7",
        ),
        draft("expire", kinds.EXPIRE, Leg(Book.AVAILABLE, -9, lot), Leg(Book.BREAKAGE, 9, lot)),
        draft("claw", kinds.CLAWBACK, Leg(Book.AVAILABLE, -3, lot), Leg(Book.CLAWBACK, 3, lot)),
        Draft(
            account.pk,
            kinds.GRANT,
            f"grant:{name}",
            [Leg(Book.ISSUANCE, -8)],
            NOON,
            incoming=[(second, 8)],
            content="8",
        ),
    ]


def transaction_of(posted: PostedDraft) -> Transaction:
    """Return the posting of a draft."""
    return Transaction.objects.get(pk=posted.transaction_id)


def essence(account: Account) -> dict[str, list[tuple[Any, ...]]]:
    """Return all there is of one member but for ids, in order."""
    lots = {lot.pk: place for place, lot in enumerate(ledger.lots(account))}
    name = account.member_number
    rows = Transaction.objects.filter(account=account).exclude(key__startswith="test:")
    return {
        "postings": [
            (
                row.kind,
                row.key.replace(name, ""),
                row.recorded_at,
                row.effective_at,
                (row.order_ref, row.rule_key, row.cause, row.actor_ref),
                row.note.text if row.note else "",
                sorted(
                    (entry.book, entry.points, entry.account_id is None, lots.get(entry.lot_id))
                    for entry in row.entries.all()
                ),
            )
            for row in rows.order_by("pk")
        ],
        "lots": [
            (
                lot.order_ref,
                (lot.opened_at, lot.valid_from, lot.expires_at, lot.is_pending),
                lots.get(lot.parent_id),
                (lot.granted, lot.remaining, lot.held, lot.used, lot.restored),
                (lot.expired, lot.clawed, lot.adjusted, lot.repaid),
            )
            for lot in ledger.lots(account)
        ],
        "balances": [ledger.balances(account)],
        "activity": [(Account.objects.get(pk=account.pk).last_activity_at,)],
    }


@pytest.mark.parametrize(("note", "statements"), [("broken cup", 6), ("", 3)])
def test_a_batch_makes_what_single_postings_make(shop: Shop, note: str, statements: int) -> None:
    """Every shape of posting: entries, lots, notes, balances and activity are the same.

    Words are rows of their own. Without any the batch is one statement, in a savepoint here.
    """
    ann, bob = shop.member("ann"), shop.member("bob")
    stories = [
        story(member, ledger.give(member, 100), ledger.give(member, 40, valid_from=LATER), note)
        for member in (ann, bob)
    ]
    post_singly(stories[0], NOON)
    with CaptureQueriesContext(connection) as captured:
        posted = post_batch(stories[1], now=NOON)

    assert len(captured) == statements
    assert [row.key for row in map(transaction_of, posted)] == [draft.key for draft in stories[1]]

    assert essence(bob) == essence(ann)
    assert ledger.balances(bob) == ledger.replayed(bob) == (144, 20, 0, 0)


def test_the_digests_of_both_ways_are_the_same(shop: Shop) -> None:
    """So that what was posted one way is found the other way."""
    ann = shop.member("ann")
    lot = ledger.give(ann, 100)
    drafts = story(ann, lot, ledger.give(ann, 40, valid_from=LATER))
    singly = post_singly(drafts, NOON)
    batch = post_batch(drafts, now=LATER)

    assert [(posted.is_new, posted.transaction_id) for posted in batch] == [
        (False, posted.transaction.pk) for posted in singly
    ]
    assert not any(posted.is_new for posted in post_singly(drafts, LATER))


def test_many_members_take_as_many_statements_as_one(shop: Shop) -> None:
    """Lock, keys, postings, the bounds of the transaction; ids come back in the drafts' order."""
    members = [shop.member(f"m{number}") for number in range(20)]
    drafts = [earned(member, f"e:{member.pk}", 10) for member in reversed(members)]
    with CaptureQueriesContext(connection) as one:
        post_batch([earned(members[0], "one", 10)], now=NOON)
    with CaptureQueriesContext(connection) as many:
        posted = post_batch(drafts, now=NOON)

    assert len(many) == len(one) <= 7
    for draft, each in zip(drafts, posted, strict=True):
        row = Transaction.objects.get(key=draft.key)
        lot = Lot.objects.get(pk=each.opened[0])
        assert (row.pk, row.account_id) == (each.transaction_id, draft.account_id)
        assert (lot.account_id, len(each.opened)) == (draft.account_id, 1)
    assert breaches() == []


def test_a_repeated_batch_has_no_second_effect(shop: Shop) -> None:
    """Also where only some of it is new, and where a key comes twice in one batch."""
    ann = shop.member("ann")
    drafts = [earned(ann, "a", 10), earned(ann, "b", 20)]
    first = post_batch(drafts, now=NOON)
    again = post_batch([*drafts, earned(ann, "c", 5), earned(ann, "c", 5)], now=LATER)

    assert [posted.is_new for posted in again] == [False, False, True, False]
    assert [posted.transaction_id for posted in again[:2]] == [
        posted.transaction_id for posted in first
    ]
    assert again[2].transaction_id == again[3].transaction_id
    assert ledger.balances(ann) == ledger.replayed(ann) == (35, 0, 0, 0)


@pytest.mark.parametrize("is_in_ledger", [True, False], ids=["in the ledger", "in the batch"])
def test_a_key_with_other_content_undoes_the_batch(shop: Shop, is_in_ledger: bool) -> None:  # noqa: FBT001
    """Nothing is left behind, not even the words."""
    ann, bob = shop.member("ann"), shop.member("bob")
    taken = earned(bob, "k", 10)
    if is_in_ledger:
        post_batch([taken], now=NOON)
    before = (Transaction.objects.count(), Entry.objects.count(), Lot.objects.count())
    drafts = [earned(ann, "a", 10, note="hello"), taken, earned(ann, "k", 10)]

    with pytest.raises(Refusal) as caught:
        post_batch(drafts, now=LATER)

    assert caught.value.code is Code.KEY_REUSED
    assert caught.value.message == 'The key "k" was used for another posting.'
    assert ledger.balances(ann) == (0, 0, 0, 0)
    after = (Transaction.objects.count(), Entry.objects.count(), Lot.objects.count())
    assert (after, Note.objects.count()) == (before, 0)


def test_a_key_that_somebody_takes_meanwhile_undoes_the_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another member's posting took it after we looked, which no lock of ours keeps away."""
    ann, bob = shop.member("ann"), shop.member("bob")

    def take_key(*_anything: object) -> None:
        post_singly([earned(bob, "k", 10)], NOON)

    monkeypatch.setattr("saleor_retention.services.ledger.posting_batch._catch_up", take_key)
    with pytest.raises(Refusal, match='The key "k" was used for another posting'):
        post_batch([earned(ann, "a", 10, note="words"), earned(ann, "k", 10)], now=NOON)

    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    assert not Transaction.objects.exists()


def test_incoming_points_repay_a_deficit_along_the_batch(shop: Shop) -> None:
    """Of 25 owed, the lot that matured meanwhile repays 5, the first credit 12, the second 8."""
    ann, bob = shop.member("ann"), shop.member("bob")
    for member in (ann, bob):
        ledger.give(member, 5, valid_from=at("2026-03-01"))
        ledger.owe(member, 25)
    stories = [
        [credited(member, f"a:{member.pk}", 12), credited(member, f"b:{member.pk}", 20)]
        for member in (ann, bob)
    ]
    post_singly(stories[0], NOON)
    post_batch(stories[1], now=NOON)

    assert [lot.repaid for lot in ledger.lots(bob)] == [5, 12, 8]
    assert ledger.balances(bob) == ledger.replayed(bob) == ledger.balances(ann) == (12, 0, 0, 0)
    assert breaches() == []


def test_one_posting_tells_the_balances(shop: Shop) -> None:
    """New, found again, and after a deficit was repaid: what the member has now."""
    ann, bob = shop.member("ann"), shop.member("bob")
    ledger.owe(bob, 25)
    first, balances = post_one(credited(ann, "k", 30), now=NOON)
    again, same = post_one(credited(ann, "k", 30), now=LATER)
    repaid, rest = post_one(credited(bob, "b", 40), now=NOON)

    assert (first.is_new, again.is_new, repaid.is_new) == (True, False, True)
    assert first.transaction_id == again.transaction_id
    assert len(first.opened) == 1
    assert balances == same == Balances(30, 0, 0, 0)
    assert rest == Balances(15, 0, 0, 0)
    assert ledger.balances(bob) == ledger.replayed(bob) == (15, 0, 0, 0)
    assert breaches() == []


def test_members_of_several_programs_in_one_batch(shop: Shop) -> None:
    """A key belongs to its program: the same one twice is two postings."""
    ann = shop.member("ann")
    other = Program.objects.create(slug="other", name="Other", created_at=LAUNCH)
    ledger.add_version(other, ledger.ONE_PER_DOLLAR, LAUNCH)
    bob = Shop(shop.host, other).member("bob")
    posted = post_batch([earned(ann, "k", 10), earned(bob, "k", 20)], now=NOON)
    post_batch([earned(ann, "l", 1), earned(bob, "m", 2)], now=NOON)

    assert [transaction_of(each).program_id for each in posted] == [shop.program.pk, other.pk]
    assert (ledger.balances(ann)[0], ledger.balances(bob)[0]) == (11, 22)


@pytest.mark.django_db(transaction=True)
def test_what_is_ready_is_one_statement(shop: Shop) -> None:
    """No beginning, lock or end around it; a second time it has to be looked up under the lock."""
    ann, bob = shop.member("ann"), shop.member("bob")
    drafts = [earned(ann, "a", 10), earned(bob, "b", 20)]
    with CaptureQueriesContext(connection) as first:
        post_batch(drafts, now=NOON)
    again = post_batch([*drafts, earned(bob, "c", 5)], now=LATER)

    assert len(first) == 1
    assert [posted.is_new for posted in again] == [False, False, True]
    assert (ledger.balances(ann)[0], ledger.balances(bob)[0]) == (10, 25)
    assert breaches() == []


@pytest.mark.django_db(transaction=True)
def test_one_statement_leaves_nothing_behind_where_it_fails(shop: Shop) -> None:
    """What the database refuses, and a key with other content in the middle of new ones."""
    ann = shop.member("ann")
    lot = ledger.give(ann, 100)
    post_one(earned(ann, "taken", 1), now=NOON)
    before = (Transaction.objects.count(), Entry.objects.count(), Lot.objects.count())
    too_much = [Leg(Book.AVAILABLE, -101, lot), Leg(Book.ADJUSTMENT, 101, lot)]

    with pytest.raises(IntegrityError):
        post_batch([earned(ann, "a", 5), earned(ann, "b", 0, legs=too_much)], now=NOON)
    with pytest.raises(Refusal, match='The key "taken" was used for another posting'):
        post_batch([earned(ann, "c", 5), earned(ann, "taken", 2)], now=NOON)

    after = (Transaction.objects.count(), Entry.objects.count(), Lot.objects.count())
    assert after == before
    assert ledger.balances(ann) == ledger.replayed(ann) == (101, 0, 0, 0)


def test_a_credit_must_say_its_content(shop: Shop) -> None:
    """Its legs follow from what the member owes, which a retry would find changed."""
    with pytest.raises(ValueError, match="credits points and must say its content"):
        post_batch([credited(shop.member("ann"), "k", 10, content=None)], now=NOON)


@pytest.mark.parametrize("points", [[], [0, 0], [-10, 11]], ids=["none", "zero", "unbalanced"])
def test_legs_must_sum_to_zero_and_move_something(shop: Shop, points: list[int]) -> None:
    """One bad draft undoes the batch."""
    ann = shop.member("ann")
    bad = earned(ann, "bad", 1, legs=[Leg(Book.ISSUANCE, value) for value in points])

    with pytest.raises(ValueError, match="The legs of bad must sum to zero and move something"):
        post_batch([earned(ann, "good", 10), bad], now=NOON)

    assert Transaction.objects.count() == 0


def test_nobody_gets_points_in_a_batch_that_names_nobody(shop: Shop) -> None:
    """An account that is not there is named."""
    ann = shop.member("ann")
    drafts = [earned(ann, "a", 10), Draft(ann.pk + 1000, "grant", "b", (), NOON)]

    with pytest.raises(Refusal) as caught:
        post_batch(drafts, now=NOON)

    assert caught.value.code is Code.NOT_FOUND
    assert caught.value.message == f"There is no member {ann.pk + 1000}."
    assert ledger.balances(ann) == (0, 0, 0, 0)


def test_nothing_goes_below_zero(shop: Shop) -> None:
    """The database refuses the whole batch."""
    ann = shop.member("ann")
    lot = ledger.give(ann, 100)
    legs = [Leg(Book.AVAILABLE, -101, lot), Leg(Book.ADJUSTMENT, 101, lot)]

    with pytest.raises(IntegrityError), transaction.atomic():
        post_batch([earned(ann, "a", 0, legs=legs)], now=NOON)

    assert ledger.balances(ann) == (100, 0, 0, 0)


def test_earning_is_activity_and_a_grant_is_not(shop: Shop) -> None:
    """The latest instant counts, and an older one takes nothing back."""
    ann, bob = shop.member("ann"), shop.member("bob")
    early = at("2025-12-01")
    post_batch(
        [
            earned(ann, "a", 1, effective_at=LATER),
            earned(ann, "b", 1),
            earned(bob, "c", 1, effective_at=early),
            earned(bob, "d", 1, kind=TransactionKind.GRANT),
        ],
        now=LATER,
    )

    activity = dict(Account.objects.values_list("pk", "last_activity_at"))
    assert activity == {ann.pk: LATER, bob.pk: LAUNCH}


def test_an_empty_batch_does_nothing(shop: Shop) -> None:
    """No statement at all."""
    with CaptureQueriesContext(connection) as captured:
        assert post_batch([], now=NOON) == []

    assert len(captured) == 0
    assert shop.program.accounts.count() == 0
