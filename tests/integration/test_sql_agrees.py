"""Each statement of ``sql/`` against its specification in Python, on random rows.

``post`` against the rules of ``posting.Leg``, ``mature_due`` and ``expire_due`` against
``selectors.due`` and catching up one by one, ``qualifying`` and ``history`` against loops over the
same rows. (``sql/verify`` has tests of its own.)
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from saleor_retention.engine import lots as engine
from saleor_retention.engine.rules import Metric
from saleor_retention.engine.tiers import to_reference
from saleor_retention.models import (
    MEMBER_BOOKS,
    Account,
    Book,
    Entry,
    Lot,
    Note,
    OrderRecord,
    Transaction,
)
from saleor_retention.selectors import history
from saleor_retention.selectors.due import DueKind, due_of, lots_to_expire, lots_to_mature
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.qualifying import Span, metric_values
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import posting, sweeping
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.lots import facts_of
from saleor_retention.services.ledger.posting import Leg, NewLot, Posted
from saleor_retention.services.ledger.posting_batch import Draft, PostedDraft, post_one
from tests import ledger
from tests.fakes import CHANNEL, at
from tests.ledger import LAUNCH, Shop

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("seed", range(4))]

NOON = at("2026-03-10 12:00")
HOUR = dt.timedelta(hours=1)
COLUMNS = (
    "granted", "held", "used", "restored", "expired", "clawed", "adjusted", "repaid", "remaining",
)  # fmt: skip
# Which column of a lot a leg of a book counts in; REDEEMED counts in two, by its sign.
COLUMN_OF = {
    Book.AVAILABLE: "remaining",
    Book.PENDING: "remaining",
    Book.HELD: "held",
    Book.BREAKAGE: "expired",
    Book.CLAWBACK: "clawed",
    Book.ADJUSTMENT: "adjusted",
    Book.DEFICIT: "repaid",
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with a program."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def dice(seed: int) -> random.Random:
    """The same numbers in every run."""
    return random.Random(seed)  # noqa: S311


# --- post -----------------------------------------------------------------------------------------


class Shadow:
    """What a member's lots and balances should be, by the rules of ``posting.Leg``."""

    def __init__(self) -> None:
        self.lots: dict[int, dict[str, int]] = {}
        self.is_pending: dict[int, bool] = {}
        self.balances = dict.fromkeys(MEMBER_BOOKS, 0)

    def book(self, legs: list[tuple[Book, int, int | None]]) -> None:
        """Book legs of (book, points, lot id)."""
        touched = {lot_id for _, _, lot_id in legs if lot_id is not None}
        for lot_id in touched:
            row = self.lots.setdefault(lot_id, dict.fromkeys(COLUMNS, 0))
            mine = [(book, points) for book, points, other in legs if other == lot_id]
            for book, points in mine:
                if book is Book.REDEEMED:
                    row["used" if points > 0 else "restored"] += abs(points)
                elif book in COLUMN_OF:
                    row[COLUMN_OF[book]] += points
            row["granted"] = sum(row.values()) - row["granted"] - 2 * row["restored"]
            if any(book is Book.PENDING and points > 0 for book, points in mine):
                self.is_pending[lot_id] = True
            elif any(book is Book.AVAILABLE and points > 0 for book, points in mine):
                self.is_pending[lot_id] = False
            self.is_pending.setdefault(lot_id, False)
        for book, points, _ in legs:
            if book in self.balances:
                self.balances[book] += points


def transfers(dice: random.Random, shadow: Shadow) -> list[tuple[Book, Book, int, Any]]:
    """Return some movements that are possible: (from, to, points, lot id or a new lot)."""
    moves: list[tuple[Book, Book, int, Any]] = []
    for lot_id in dice.sample(sorted(shadow.lots), min(2, len(shadow.lots))):
        row = shadow.lots[lot_id]
        home = Book.PENDING if shadow.is_pending[lot_id] else Book.AVAILABLE
        possible = [
            (home, Book.CLAWBACK, row["remaining"]),
            (home, Book.BREAKAGE, row["remaining"]),
            (Book.CLAWBACK, home, row["clawed"]),
        ]
        if home is Book.AVAILABLE:
            possible += [
                (home, Book.HELD, row["remaining"]),
                (home, Book.ADJUSTMENT, row["remaining"]),
                (Book.HELD, home, row["held"]),
                (Book.HELD, Book.REDEEMED, row["held"]),
                (Book.HELD, Book.BREAKAGE, row["held"]),
                (Book.REDEEMED, home, row["used"] - row["restored"]),
            ]
        source, target, most = dice.choice(possible)
        if most > 0:
            moves.append((source, target, dice.randint(1, most), lot_id))
    if dice.random() < 0.4:
        ripe = dice.random() < 0.6
        new = NewLot(
            opened_at=NOON,
            valid_from=NOON if ripe else dice.choice([None, NOON + 24 * HOUR]),
            expires_at=dice.choice([None, NOON + 99 * HOUR]),
            order_ref=dice.choice(["", "o1"]),
        )
        into = Book.AVAILABLE if ripe else Book.PENDING
        moves.append((Book.ISSUANCE, into, dice.randint(1, 50), new))
        if -shadow.balances[Book.DEFICIT] > 0:
            moves.append((Book.ISSUANCE, Book.DEFICIT, 1, new))
    if dice.random() < 0.2:
        moves.append((Book.DEFICIT, Book.CLAWBACK, dice.randint(1, 9), None))
    return moves


def legs_of(moves: list[tuple[Book, Book, int, Any]]) -> list[Leg]:
    """Return movements as a service writes them: issued points name no lot where they come from."""
    legs = []
    for source, target, points, lot in moves:
        legs.append(Leg(source, -points, None if source is Book.ISSUANCE else lot))
        legs.append(Leg(target, points, lot))
    return legs


@pytest.mark.parametrize("is_at_once", [False, True], ids=["locked before", "at once"])
def test_post_moves_what_the_rules_of_legs_say(
    shop: Shop,
    dice: random.Random,
    seed: int,
    is_at_once: bool,  # noqa: FBT001
) -> None:
    """Sixty postings: lots, balances and entries; the second time the same key moves nothing."""
    ann = shop.member("ann")
    shadow = Shadow()
    posted_count = 0
    for number in range(60):
        legs = legs_of(transfers(dice, shadow))
        sums: dict[Book, int] = defaultdict(int, shadow.balances)
        for leg in legs:
            sums[Book(leg.book)] += leg.points
        if not legs or (sums[Book.AVAILABLE] and sums[Book.DEFICIT]):
            continue  # a deficit leaves nothing available: the database refuses that
        key = f"{seed}:{number}"
        details: dict[str, Any] = {"kind": "adjust", "key": key, "content": key, "legs": legs}
        posted: Posted | PostedDraft
        again: Posted | PostedDraft
        if is_at_once:
            draft = Draft(ann.pk, effective_at=NOON, **details)
            (posted, kept), (again, same) = (post_one(draft, now=NOON) for _ in range(2))
            ann.available, ann.pending, ann.held, ann.deficit = kept
            assert kept == same
            posting_id = posted.transaction_id
        else:
            single = posting.post(ann, **details, effective_at=NOON, now=NOON)
            posted, again = single, posting.post(ann, **details, effective_at=NOON, now=NOON)
            posting_id = single.transaction.pk
        opened = list(posted.opened)
        ids = {
            id(leg.lot): opened[0] for leg in legs if isinstance(leg.lot, NewLot)
        }  # one new lot in a posting at most
        booked = [(Book(leg.book), leg.points, ids.get(id(leg.lot), leg.lot)) for leg in legs]
        shadow.book(booked)
        posted_count += 1

        assert (posted.is_new, again.is_new) == (True, False)
        entries = Entry.objects.filter(transaction=posting_id)
        assert sorted(
            entries.values_list("book", "points", "lot_id", "account_id"), key=str
        ) == sorted(
            (
                (book.value, points, lot_id, ann.pk if book in MEMBER_BOOKS else None)
                for book, points, lot_id in booked
            ),
            key=str,
        )
    rows = {row.pk: row for row in ledger.lots(ann)}
    assert {pk: {name: getattr(row, name) for name in COLUMNS} for pk, row in rows.items()} == (
        shadow.lots
    )
    assert {pk: row.is_pending for pk, row in rows.items()} == shadow.is_pending
    kept = [shadow.balances[book] for book in MEMBER_BOOKS]
    assert ledger.balances(ann) == (*kept[:3], -kept[3])
    assert (ann.available, ann.pending, ann.held, ann.deficit) == ledger.balances(ann)
    assert posted_count > 20


# --- mature_lots and expire_lots ------------------------------------------------------------------


def stock(dice: random.Random, members: list[Account]) -> None:
    """Give all members the same random lots: ripe or not, dead or not, partly spent or held."""
    for _ in range(dice.randint(10, 20)):
        opened = LAUNCH + dice.randint(0, 48) * HOUR
        valid = dice.choice([opened, opened, NOON - HOUR, NOON, NOON + HOUR, None])
        dies = None
        if valid is not None:
            dies = dice.choice([None, valid + HOUR, NOON, NOON + 40 * HOUR])
            dies = dies if dies is None or dies > valid else valid + HOUR
        points, spent = dice.randint(2, 60), dice.random()
        part = dice.randint(1, points)
        for member in members:
            lot = ledger.give(member, points, opened_at=opened, valid_from=valid, expires_at=dies)
            if lot.is_pending:
                continue
            if spent < 0.3:
                ledger.spend(lot, part, now=opened)
            elif spent < 0.6:
                ledger.move(lot, part, Book.AVAILABLE, Book.HELD, now=opened)


def postings(account: Account, kind: str) -> list[tuple[Any, ...]]:
    """Return what postings of time say, by the place of their lot among the member's."""
    places = {lot.pk: place for place, lot in enumerate(ledger.lots(account))}
    found = []
    for row in Transaction.objects.filter(account=account, kind=kind):
        legs = row.entries.values_list("book", "points", "lot_id", "account_id")
        named = [(book, points, places[lot], owner is None) for book, points, lot, owner in legs]
        dated = (row.effective_at, row.recorded_at, row.order_ref, row.cause)
        found.append((*dated, tuple(sorted(named))))
    return sorted(found)


def columns(account: Account) -> list[tuple[Any, ...]]:
    """Return the member's lots, but for their ids."""
    rows = Lot.objects.filter(account=account).order_by("pk")
    return list(rows.values_list(*COLUMNS, "is_pending", "valid_from", "expires_at"))


def test_the_sweep_posts_what_is_due_and_what_catching_up_posts(
    shop: Shop, dice: random.Random
) -> None:
    """Lot for lot the same as ``due_of``, as the engine's balance and as one by one."""
    ann, bob = shop.member("ann"), shop.member("bob")
    stock(dice, [ann, bob])
    before = ledger.lots(bob)
    dues = due_of(before, 0, NOON)
    matures = [due for due in dues if due.kind is DueKind.MATURE]
    deaths = [due for due in dues if due.kind is DueKind.EXPIRE]
    available = engine.available([facts_of(lot) for lot in before], NOON)

    caught_up = posting.catch_up(lock_account(ann.pk), NOON)  # the sweep leaves ann alone then
    matured = sweeping.sweep(sweeping.MATURE, NOON, 1000)
    expired = sweeping.sweep(sweeping.EXPIRE, NOON, 1000)

    assert (matured, expired, caught_up) == (len(matures), len(deaths), len(dues))
    assert ledger.balances(bob)[0] == available
    for kind in ("mature", "expire"):
        assert postings(bob, kind) == postings(ann, kind)
    assert columns(bob) == columns(ann)
    assert ledger.balances(bob) == ledger.balances(ann) == ledger.replayed(bob)
    assert breaches() == []


def test_the_sweeps_keys_and_digests_are_those_of_catching_up(
    shop: Shop, dice: random.Random
) -> None:
    """Posting the same once more finds the sweep's postings: same keys, same content."""
    bob = shop.member("bob")
    stock(dice, [bob])
    dues = due_of(ledger.lots(bob), 0, NOON)
    sweeping.sweep(sweeping.MATURE, NOON, 1000)
    sweeping.sweep(sweeping.EXPIRE, NOON, 1000)
    count = Transaction.objects.count()
    for due in dues:
        posting._post_due(lock_account(bob.pk), due, NOON)

    assert dues
    assert Transaction.objects.count() == count


def test_expiring_posts_maturing_first(shop: Shop, dice: random.Random) -> None:
    """A lot that ripened and died since is posted as both, in one batch."""
    ann, bob = shop.member("ann"), shop.member("bob")
    stock(dice, [ann, bob])
    dead = Lot.objects.filter(account=bob, remaining__gt=0, expires_at__lte=NOON)
    ripe = dead.filter(is_pending=True, valid_from__lte=NOON).count()
    due = dead.count() + ripe
    posting.catch_up(lock_account(ann.pk), NOON)

    assert sweeping.sweep(sweeping.EXPIRE, NOON, 1000) == due
    assert len(postings(bob, "mature")) == ripe
    assert postings(bob, "expire") == postings(ann, "expire")
    assert breaches() == []


def test_a_batch_takes_so_many_lots_and_the_oldest(shop: Shop, dice: random.Random) -> None:
    """The limit counts lots; what a batch leaves is taken by the next ones."""
    ann, bob = shop.member("ann"), shop.member("bob")
    stock(dice, [ann, bob])
    for statement, due, instant in (
        (sweeping.MATURE, lots_to_mature, "valid_from"),
        (sweeping.EXPIRE, lots_to_expire, "expires_at"),
    ):
        while rows := list(due(NOON).order_by(instant, "pk").values_list("pk", flat=True)):
            sweeping.sweep(statement, NOON, 3)
            left = set(due(NOON).values_list("pk", flat=True))

            assert rows[0] not in left
            assert len(rows) - len(left) == min(3, len(rows))
            assert breaches() == []


# --- qualifying -----------------------------------------------------------------------------------


def test_the_metric_of_a_span_is_the_sum_over_its_orders(shop: Shop, dice: random.Random) -> None:
    """All three metrics over open and closed spans, one account in several of them.

    Spend of a time without a reference counts at the rates stated now, the rest as it was kept.
    """
    members = [shop.member(name) for name in ("ann", "bob", "eve")]
    instants = [LAUNCH + hours * HOUR for hours in range(12)]  # few, so that bounds are hit
    unstated = shop.program.current_version
    reference = {"currency": "USD", "rates": {"EUR": "1.1", "JPY": "0.0067"}}
    shop.change_rules({"reference": reference}, NOON)
    stated = shop.program.current_version
    for number in range(60):
        earned = dice.randint(0, 90)
        OrderRecord.objects.create(
            order_ref=f"o{number}",
            program=shop.program,
            account=dice.choice(members),
            version=dice.choice([unstated, stated]),
            channel_ref=CHANNEL,
            currency=dice.choice(["USD", "USD", "EUR", "JPY", "KWD"]),
            created_at=LAUNCH,
            paid_at=dice.choice([None, *instants]),
            earned=earned,
            clawed=dice.randint(0, earned),
            spend_minor=dice.randint(0, 9000),
            is_counted=dice.random() < 0.8,
        )
    records = list(OrderRecord.objects.all())
    spans = [
        Span(
            dice.choice(members).pk,
            dice.choice([None, *instants]),
            dice.choice([None, *instants]),
        )
        for _ in range(40)
    ]

    def counts(record: OrderRecord, span: Span) -> bool:
        return (
            record.account_id == span.account_id
            and record.is_counted
            and record.paid_at is not None
            and (span.start_at is None or record.paid_at >= span.start_at)
            and (span.end_at is None or record.paid_at < span.end_at)
        )

    rules = rules_of(stated.pk)
    digits = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}

    def spend(record: OrderRecord) -> int:
        if record.version_id == stated.pk:
            return record.spend_minor
        return to_reference(record.spend_minor, record.currency, rules, digits)

    measures = {
        Metric.SPEND: spend,
        Metric.ORDERS: lambda _: 1,
        Metric.POINTS: lambda record: record.earned - record.clawed,
    }
    for metric, measure in measures.items():
        counted = replace(rules, ladder=replace(rules.ladder, metric=metric))
        assert metric_values(counted, shop.program.pk, spans) == [
            sum(measure(record) for record in records if counts(record, span)) for span in spans
        ]


# --- history --------------------------------------------------------------------------------------


def test_the_history_sums_the_entries_of_each_posting(shop: Shop, dice: random.Random) -> None:
    """Page for page what a loop over the entries gives; redacted words are gone."""
    ann, bob = shop.member("ann"), shop.member("bob")
    stock(dice, [ann, bob])
    for number in range(6):
        note = dice.choice(["", "a late parcel"])
        new = NewLot(opened_at=NOON, valid_from=NOON)
        posting.post(
            lock_account(ann.pk),
            kind="grant",
            key=f"note:{number}",
            legs=[Leg(Book.ISSUANCE, -7), Leg(Book.AVAILABLE, 7, new)],
            effective_at=NOON,
            cause="staff",
            note=note,
            now=NOON,
        )
    for note in Note.objects.all():
        if dice.random() < 0.5:
            Note.objects.filter(pk=note.pk).update(redacted_at=NOON)
    posting.catch_up(lock_account(ann.pk), NOON)
    expected = []
    for row in Transaction.objects.filter(account=ann).select_related("note").order_by("-pk"):
        sums = dict.fromkeys(MEMBER_BOOKS, 0)
        for entry in row.entries.filter(account=ann):
            sums[Book(entry.book)] += entry.points
        words = row.note.text if row.note is not None and row.note.redacted_at is None else ""
        available, pending, held, owed = sums.values()
        expected.append(
            (row.pk, row.kind, row.effective_at, words, available, pending, held, -owed)
        )

    seen, after = [], None
    while True:
        page = history.page(ann.pk, first=dice.randint(1, 5), after_id=after)
        seen += [
            (it.id, it.kind, it.at, it.note, it.available, it.pending, it.held, it.deficit)
            for it in page.movements
        ]
        if not page.has_next:
            break
        after = page.movements[-1].id
    assert seen == expected
