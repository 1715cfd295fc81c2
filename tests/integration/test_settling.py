"""Settling an order through the services: the worked examples, and events as they come."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest

from saleor_retention.engine.facts import GoodsFacts, OrderState, Origin
from saleor_retention.models import Account, AccountState, OrderRecord, StoredQuote, Transaction
from saleor_retention.selectors.balances import Balance, balance_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.membership import members
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, minor, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

TEN = {"rates": {"USD": {"points": 1, "per": "10.00"}}}
FEB, MARCH, APRIL = at("2026-02-01 10:00"), at("2026-03-01 10:00"), at("2026-04-01 10:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One point per dollar, at once, for ever."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member of it."""
    return shop.member("ann")


# --- worked examples ------------------------------------------------------------------------------


def test_v3_each_return_takes_what_is_no_longer_earned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines of 15.00 at one point per 10.00 earn 3; the first return takes 2, the second 1."""
    shop = ledger.open_shop(monkeypatch, earn=TEN)
    ann = shop.member("ann")

    shop.buys(ann, "o1", "15.00", "15.00")
    earned = ledger.balances(ann)
    shop.host.return_units("o1", "a", 1)
    shop.settle("o1", at("2026-03-02"))
    after_first = ledger.balances(ann)
    shop.host.return_units("o1", "b", 1)
    record = shop.settle("o1", at("2026-03-03"))

    assert earned == (3, 0, 0, 0)
    assert after_first == (1, 0, 0, 0)
    assert ledger.balances(ann) == (0, 0, 0, 0)
    assert (record.earned, record.clawed) == (3, 3)
    keys = list(Transaction.objects.order_by("pk").values_list("key", flat=True))
    assert keys == ["earn:o1:base:1", "clawback:o1:base:2", "clawback:o1:base:3"]


@pytest.mark.parametrize(
    "earn",
    [
        {"rates": {"USD": {"points": 2, "per": "1.00"}}},
        {"rates": {"USD": {"points": 0, "per": "1.00"}}},
    ],
    ids=["doubled", "deleted"],
)
def test_v4_a_full_refund_takes_what_was_earned_whatever_the_rule_is_now(
    shop: Shop, ann: Account, earn: dict[str, object]
) -> None:
    """50.00 earn 50; the rule is changed, and the refund takes exactly 50."""
    shop.buys(ann, "o1", "50.00")
    shop.change_rules({"earn": earn}, now=at("2026-03-02"))
    shop.host.change_order("o1", refunded_minor=minor("50.00"))
    record = shop.settle("o1", at("2026-03-03"))

    assert (record.earned, record.clawed, record.version.number) == (50, 50, 1)
    assert ledger.balances(ann) == (0, 0, 0, 0)


@pytest.mark.parametrize("refunds", list(itertools.permutations(["10.00", "10.00", "20.00"], 2)))
def test_v10_two_refunds_equal_one_of_their_sum_each_event_three_times(
    shop: Shop, ann: Account, refunds: tuple[str, str]
) -> None:
    """Of 50.00 parts are refunded one after the other, each event coming three times."""
    shop.buys(ann, "o1", "33.33", "16.67")
    refunded = 0
    for number, amount in enumerate(refunds):
        refunded += minor(amount)
        shop.host.change_order("o1", refunded_minor=refunded)
        for _ in range(3):
            shop.settle("o1", at(f"2026-03-0{number + 2}"))

    at_once = shop.member("bob")
    shop.buys(at_once, "o2", "33.33", "16.67")
    shop.host.change_order("o2", refunded_minor=refunded)
    shop.settle("o2", at("2026-03-04"))

    assert ledger.balances(ann) == ledger.balances(at_once)
    assert ledger.balances(ann)[0] == 50 - refunded // 100
    assert breaches() == []


# --- events as they come --------------------------------------------------------------------------


def test_an_order_earns_once_however_often_its_events_come(shop: Shop, ann: Account) -> None:
    """Three events, one posting; the record says when it was settled."""
    records = [shop.buys(ann, "o1", "50.00") for _ in range(3)]

    assert ledger.balances(ann) == (50, 0, 0, 0)
    assert ledger.kinds(ann) == ["earn"]
    assert {record.settled_at for record in records} == {MARCH}


def test_lost_hooks_are_made_up_for_by_the_next_event(shop: Shop, ann: Account) -> None:
    """The paid event was lost; the one of a later return books both, as if none had been."""
    shop.host.put_order(
        order(
            "o1",
            line("a", minor("30.00")),
            line("b", minor("20.00"), returned=1),
            user_ref=str(ann.user_id),
        )
    )
    record = shop.settle("o1", APRIL)

    assert (record.earned, record.clawed) == (50, 20)
    assert ledger.balances(ann) == (30, 0, 0, 0)
    earned = Transaction.objects.get(kind="earn")
    assert (earned.effective_at, earned.recorded_at) == (MARCH, APRIL)
    assert ledger.lots(ann)[0].opened_at == MARCH


@pytest.mark.parametrize("lost", list(itertools.product([False, True], repeat=4)))
def test_whichever_events_are_lost_the_next_one_makes_up_for_them(
    shop: Shop, ann: Account, lost: tuple[bool, ...]
) -> None:
    """Paid, returned, refunded, refund taken back, refunded again: only the last one must come."""
    states = [
        {"refunded_minor": 0},
        {"lines": (line("a", 3000), line("b", 2000, returned=1))},
        {"refunded_minor": 3500},
        {"refunded_minor": 2000},
        {"refunded_minor": 2750},
    ]
    shop.host.put_order(order("o1", line("a", 3000), line("b", 2000), user_ref=str(ann.user_id)))
    for day, (state, is_lost) in enumerate(zip(states, (*lost, False), strict=True), start=1):
        shop.host.change_order("o1", **state)
        for _ in range(0 if is_lost else 3):
            record = shop.settle("o1", at(f"2026-03-0{day} 10:00"))

    assert record.earned - record.clawed == 22
    assert ledger.balances(ann) == (22, 0, 0, 0)
    assert breaches() == []


def test_a_late_event_does_not_bring_an_earlier_state_back(shop: Shop, ann: Account) -> None:
    """Facts are read when the event is handled: the event of the payment comes after the refund."""
    shop.buys(ann, "o1", "50.00")
    shop.host.change_order("o1", refunded_minor=minor("50.00"))
    shop.settle("o1", at("2026-03-03"))
    shop.settle("o1", at("2026-03-01 10:00:05"))  # the delayed "paid", handled last

    assert ledger.balances(ann) == (0, 0, 0, 0)
    assert ledger.kinds(ann) == ["earn", "clawback"]


def test_news_that_come_after_the_points_whole_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earned, dead and clawed back at once; the claw-back finds other points, as it would have."""
    shop = ledger.open_shop(monkeypatch, expiry={"policy": "days", "count": 10})
    ann = shop.member("ann")
    ledger.give(ann, 15)
    shop.host.put_order(
        order("o1", line("a", 3000), line("b", 2000, returned=1), user_ref=str(ann.user_id))
    )
    record = shop.settle("o1", APRIL)

    assert (record.earned, record.clawed) == (50, 20)
    assert ledger.balances(ann) == (0, 0, 0, 5)
    assert [(lot.expired, lot.clawed) for lot in ledger.lots(ann)] == [(0, 15), (50, 0)]
    assert Transaction.objects.get(kind="expire").effective_at == at("2026-03-12")
    assert breaches() == []


def test_an_unpaid_order_earns_nothing_and_shows_what_it_would(shop: Shop, ann: Account) -> None:
    """Quoted at creation, earned at payment under the terms of the creation."""
    shop.host.put_order(
        order("o1", line("a", minor("50.00")), user_ref=str(ann.user_id), is_paid=False)
    )
    unpaid = shop.settle("o1", MARCH)
    shop.change_rules({"earn": {"rates": {"USD": {"points": 9, "per": "1.00"}}}}, at("2026-03-02"))
    shop.host.change_order("o1", is_paid=True, paid_at=APRIL)
    paid = shop.settle("o1", APRIL)

    assert (unpaid.quoted, unpaid.earned, unpaid.is_counted) == (50, 0, False)
    assert (paid.earned, paid.is_counted, paid.paid_at) == (50, True, APRIL)


def test_terms_are_those_of_the_creation_however_late_the_first_event_is(
    shop: Shop, ann: Account
) -> None:
    """An order of before the change of rules, first seen after it, earns by the old ones."""
    shop.change_rules({"earn": {"rates": {"USD": {"points": 9, "per": "1.00"}}}}, at("2026-03-02"))
    old = shop.buys(ann, "o1", "10.00", now=MARCH)
    new = shop.buys(ann, "o2", "10.00", now=at("2026-03-02"))

    assert (old.earned, new.earned) == (10, 90)


def test_terms_come_from_the_quote_that_the_customer_saw(shop: Shop, ann: Account) -> None:
    """The checkout was priced under the first version and a tier; the order keeps both."""
    first = shop.program.current_version
    shop.change_rules({"earn": {"rates": {"USD": {"points": 9, "per": "1.00"}}}}, FEB)
    StoredQuote.objects.create(
        checkout_ref="c1",
        account=ann,
        version=first,
        tier="vip",
        basket_fingerprint="b",
        fingerprint="f",
        payload={"allocations": []},
        priced_at=FEB,
    )
    record = shop.buys(ann, "o1", "10.00", checkout_ref="c1")

    assert (record.version, record.tier, record.earned) == (first, "vip", 10)
    assert StoredQuote.objects.get().order_ref == "o1"


def test_orders_of_before_the_program_earn_nothing(shop: Shop, ann: Account) -> None:
    """A refund of last year's order is no reason to begin with it."""
    shop.host.put_order(
        order(
            "o1",
            line("a", minor("50.00")),
            user_ref=str(ann.user_id),
            created_at=at("2025-12-31 23:59"),
        )
    )

    assert settling.settle(order_ref="o1", now=MARCH) is None
    assert OrderRecord.objects.count() == Transaction.objects.count() == 0


@pytest.mark.parametrize(
    ("facts", "earned"),
    [
        ({"origin": Origin.DRAFT}, 50),
        ({"origin": Origin.REISSUE}, 0),
        ({"origin": Origin.BULK}, 0),
        ({"state": OrderState.UNCONFIRMED}, 50),
        ({"currency": "EUR"}, 0),
        ({"state": OrderState.CANCELED}, 0),
    ],
    ids=["draft", "reissue", "bulk", "unconfirmed", "no rate", "canceled"],
)
def test_what_earns_by_default(
    shop: Shop, ann: Account, facts: dict[str, object], earned: int
) -> None:
    """Completed drafts earn, replacements and imports do not, canceled orders keep nothing."""
    record = shop.buys(ann, "o1", "50.00", **facts)

    assert record.earned - record.clawed == earned
    assert ledger.balances(ann) == (earned, 0, 0, 0)


def test_nothing_concerns_the_program(shop: Shop) -> None:
    """A draft, an order of another channel, an unknown one, a guest without an address."""
    shop.host.put_order(order("o1", line("a", 100), state=OrderState.DRAFT))
    shop.host.put_order(order("o2", line("a", 100), channel_ref="9"))
    shop.host.put_order(order("o3", line("a", 100), email=""))

    settled = [settling.settle(order_ref=ref, now=MARCH) for ref in ("o1", "o2", "o3", "o4")]

    assert settled == [None, None, None, None]
    assert Account.objects.count() == OrderRecord.objects.count() == 0


# --- cancel, and refunds that are taken back ------------------------------------------------------


def test_a_canceled_order_keeps_nothing(shop: Shop, ann: Account) -> None:
    """Cancel without any refund: everything is clawed back, the order no longer counts."""
    shop.buys(ann, "o1", "50.00")
    shop.host.change_order("o1", state=OrderState.CANCELED)
    record = shop.settle("o1", APRIL)

    assert (record.clawed, record.is_counted, record.spend_minor) == (50, False, 0)
    assert Transaction.objects.get(kind="clawback").cause == "cancel"


def test_a_refund_of_shipping_takes_nothing(shop: Shop, ann: Account) -> None:
    """Shipping earned nothing, so its refund takes nothing."""
    shop.buys(ann, "o1", "50.00", shipping_minor=500)
    shop.host.change_order("o1", refunded_minor=500, refunded_shipping_minor=500)
    record = shop.settle("o1", APRIL)

    assert (record.earned, record.clawed) == (50, 0)


@pytest.mark.parametrize("first", ["return", "refund"])
def test_a_return_and_its_own_refund_claw_once(shop: Shop, ann: Account, first: str) -> None:
    """In either order the goods of 20.00 count once."""
    shop.buys(ann, "o1", "30.00", "20.00")
    changes = [
        lambda: shop.host.return_units("o1", "b", 1),
        lambda: shop.host.change_order("o1", refunded_minor=minor("20.00")),
    ]
    for change in changes if first == "return" else reversed(changes):
        change()
        record = shop.settle("o1", APRIL)

    assert (record.earned, record.clawed) == (50, 20)
    assert ledger.balances(ann) == (30, 0, 0, 0)


def test_a_refund_that_is_taken_back_gives_the_points_back(shop: Shop, ann: Account) -> None:
    """To the same lot, with its own expiry."""
    shop.buys(ann, "o1", "50.00")
    shop.host.change_order("o1", refunded_minor=minor("20.00"))
    shop.settle("o1", at("2026-03-02"))
    shop.host.change_order("o1", refunded_minor=0)
    record = shop.settle("o1", at("2026-03-03"))

    assert (record.earned, record.clawed) == (50, 0)
    assert ledger.kinds(ann) == ["earn", "clawback", "reinstate"]
    (lot,) = ledger.lots(ann)
    assert (lot.granted, lot.clawed, lot.remaining) == (50, 0, 50)
    assert breaches() == []


def test_what_a_claw_back_took_from_a_lot_that_died_since_comes_in_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lot died meanwhile; the points get a life under the order's terms from now."""
    shop = ledger.open_shop(monkeypatch, expiry={"policy": "days", "count": 30})
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00")
    shop.host.change_order("o1", refunded_minor=minor("20.00"))
    shop.settle("o1", at("2026-03-02"))
    shop.host.change_order("o1", refunded_minor=0)
    shop.settle("o1", at("2026-06-01"))

    assert ledger.balances(ann) == (20, 0, 0, 0)
    dead, new = ledger.lots(ann)
    assert (dead.remaining, dead.expired, dead.clawed) == (0, 30, 0)
    assert (new.remaining, new.expires_at) == (20, at("2026-07-02"))
    assert breaches() == []


def test_an_order_edited_down_after_payment_is_clawed_back(shop: Shop, ann: Account) -> None:
    """What it earned stays written; the difference is taken."""
    shop.buys(ann, "o1", "50.00", state=OrderState.UNCONFIRMED)
    shop.host.change_order("o1", lines=(line("a", minor("30.00")),))
    record = shop.settle("o1", APRIL)

    assert (record.earned, record.clawed) == (50, 20)


def test_an_order_edited_up_earns_the_difference(shop: Shop, ann: Account) -> None:
    """Two postings of one order and rule, told apart by their sequence."""
    shop.buys(ann, "o1", "50.00", state=OrderState.UNCONFIRMED)
    shop.host.change_order("o1", lines=(line("a", minor("80.00")),))
    shop.settle("o1", APRIL)

    rows = Transaction.objects.filter(kind="earn").order_by("pk").values_list("key", flat=True)
    assert list(rows) == ["earn:o1:base:1", "earn:o1:base:2"]
    assert ledger.balances(ann) == (80, 0, 0, 0)
    assert breaches() == []


def test_goods_that_move_change_nothing_of_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coffee counts twice; the bag leaves the category, and its return takes what it earned."""
    coffee = {"name": "Coffee", "factor": 2, "select": {"categories": ["coffee"]}}
    shop = ledger.open_shop(monkeypatch, multipliers=[coffee])
    ann = shop.member("ann")
    bag = GoodsFacts("v", "p", category_refs=frozenset({"coffee", "drinks"}))
    elsewhere = GoodsFacts("v", "p", category_refs=frozenset({"tea"}))
    bought = (line("a", 1000, goods=bag), line("b", 500))
    shop.host.put_order(order("o1", *bought, user_ref=str(ann.user_id)))
    record = shop.settle("o1", MARCH)
    earned = record.earned

    shop.host.change_order("o1", lines=(line("a", 1000, goods=elsewhere), line("b", 500)))
    moved = shop.settle("o1", APRIL)
    sent_back = line("a", 1000, goods=elsewhere, returned=1)
    shop.host.change_order("o1", lines=(sent_back, line("b", 500)))
    returned = shop.settle("o1", APRIL)

    assert earned == 25
    assert (moved.earned, moved.clawed) == (25, 0)
    assert (returned.earned, returned.clawed) == (25, 20)
    assert ledger.balances(ann) == (5, 0, 0, 0)


def test_a_line_added_later_earns_as_the_goods_were_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of an order that is edited up is kept with the goods it came with."""
    coffee = {"name": "Coffee", "factor": 2, "select": {"collections": ["new"]}}
    shop = ledger.open_shop(monkeypatch, multipliers=[coffee])
    ann = shop.member("ann")
    new = GoodsFacts("v2", "p2", collection_refs=frozenset({"new"}))
    first, added = line("a", 1000), line("b", 500, goods=new)
    shop.host.put_order(order("o1", first, user_ref=str(ann.user_id)))
    shop.settle("o1", MARCH)

    shop.host.change_order("o1", lines=(first, added))
    edited = shop.settle("o1", MARCH)
    shop.host.change_order("o1", lines=(first, line("b", 500)))
    later = shop.settle("o1", APRIL)

    assert (edited.earned, edited.clawed) == (20, 0)
    assert (later.earned, later.clawed) == (20, 0)


def test_an_order_edited_up_earns_the_difference_when_that_is_paid(
    shop: Shop, ann: Account
) -> None:
    """A unit added after payment earns nothing, and counts for no tier, before its money came."""
    shop.buys(ann, "o1", "50.00", state=OrderState.UNCONFIRMED)
    shop.host.change_order("o1", lines=(line("a", minor("80.00")),), is_paid=False, paid_at=None)
    owing = shop.settle("o1", APRIL)
    unpaid = (owing.earned, owing.spend_minor, owing.is_counted)
    shop.host.change_order("o1", is_paid=True, paid_at=APRIL)
    paid = shop.settle("o1", APRIL)

    assert unpaid == (50, minor("50.00"), True)
    assert (paid.earned, paid.clawed, paid.spend_minor) == (80, 0, minor("80.00"))


# --- where claw-backs are taken from --------------------------------------------------------------


def test_a_claw_back_takes_the_orders_own_points_then_the_newest_others(
    shop: Shop, ann: Account
) -> None:
    """The order's lot is spent, so a newer lot gives before an older one."""
    shop.buys(ann, "o1", "10.00", now=at("2026-03-01"))
    shop.buys(ann, "o2", "10.00", now=at("2026-03-02"))
    shop.buys(ann, "o3", "10.00", now=at("2026-03-03"))
    _, own, _ = ledger.lots(ann)
    ledger.spend(own, 10, now=at("2026-03-04"))
    shop.host.change_order("o2", state=OrderState.CANCELED)
    shop.settle("o2", at("2026-03-05"))

    assert [lot.clawed for lot in ledger.lots(ann)] == [0, 0, 10]
    assert ledger.balances(ann) == (10, 0, 0, 0)


def test_pending_points_of_the_order_are_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its goods can be returned no more, an order's own pending points cover a return."""
    shop = ledger.open_shop(monkeypatch, maturing={"rule": "days_after_payment", "days": 14})
    ann = shop.member("ann")
    ledger.give(ann, 100)
    shop.buys(ann, "o1", "30.00", "20.00")
    shop.host.return_units("o1", "b", 1)
    shop.settle("o1", at("2026-03-05"))

    assert ledger.balances(ann) == (100, 30, 0, 0)


def test_what_cannot_be_taken_is_owed_and_repaid_by_later_accruals(
    shop: Shop, ann: Account
) -> None:
    """50 earned and spent, then returned: 50 owed; the next 70 repay 50 and leave 20."""
    shop.buys(ann, "o1", "50.00")
    ledger.spend(ledger.lots(ann)[0], 50, now=at("2026-03-02"))
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-03"))
    owed = ledger.balances(ann)
    shop.buys(ann, "o2", "30.00", now=at("2026-03-04"))
    shop.buys(ann, "o3", "40.00", now=at("2026-03-05"))

    assert owed == (0, 0, 0, 50)
    assert ledger.balances(ann) == (20, 0, 0, 0)
    assert [lot.repaid for lot in ledger.lots(ann)] == [0, 30, 20]
    assert breaches() == []


def test_pending_points_repay_when_they_mature(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pending points of another order are not taken; at their instant they repay the debt."""
    shop = ledger.open_shop(monkeypatch, maturing={"rule": "days_after_payment", "days": 14})
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    shop.settle("o1", at("2026-03-16"))
    ledger.spend(ledger.lots(ann)[0], 50, now=at("2026-03-17"))
    shop.buys(ann, "o2", "70.00", now=at("2026-03-18 10:00"))
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-19"))

    assert ledger.balances(ann) == (0, 70, 0, 50)
    assert balance_of(ann, at("2026-04-01 09:59:59")) == Balance(0, 70, 0, 50)
    assert balance_of(ann, at("2026-04-01 10:00")) == Balance(20, 0, 0, 0)


def test_a_program_may_write_off_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is owed; a reversed refund gives the program its loss back, and no more."""
    shop = ledger.open_shop(monkeypatch, deficit={"policy": "write_off"})
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00")
    ledger.spend(ledger.lots(ann)[0], 40, now=at("2026-03-02"))
    shop.host.change_order("o1", refunded_minor=minor("50.00"))
    shop.settle("o1", at("2026-03-03"))
    taken = ledger.balances(ann)
    shop.host.change_order("o1", refunded_minor=0)
    shop.settle("o1", at("2026-03-04"))

    assert taken == (0, 0, 0, 0)
    assert ledger.balances(ann) == (10, 0, 0, 0)
    assert ledger.book("write_off") == 0
    assert breaches() == []


# --- maturing -------------------------------------------------------------------------------------


def test_points_wait_for_the_goods_to_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """14 days after fulfilment; unknown until then, and again when the fulfilment is taken back."""
    shop = ledger.open_shop(
        monkeypatch,
        maturing={"rule": "days_after_fulfilment", "days": 14},
        expiry={"policy": "days", "count": 10},
    )
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00")
    (waiting,) = ledger.lots(ann)
    shop.host.change_order("o1", fulfilled_at=at("2026-03-05 12:00"))
    shop.settle("o1", at("2026-03-05 12:00"))
    (known,) = ledger.lots(ann)
    shop.host.change_order("o1", fulfilled_at=None)
    shop.settle("o1", at("2026-03-06"))
    (unknown,) = ledger.lots(ann)
    shop.host.change_order("o1", fulfilled_at=at("2026-03-07 12:00"))
    shop.settle("o1", at("2026-03-07 12:00"))
    (again,) = ledger.lots(ann)

    assert (waiting.valid_from, waiting.expires_at) == (None, None)
    assert (known.valid_from, known.expires_at) == (at("2026-03-19 12:00"), at("2026-03-30"))
    assert (unknown.valid_from, unknown.expires_at) == (None, None)
    assert (again.valid_from, again.expires_at) == (at("2026-03-21 12:00"), at("2026-04-01"))
    assert ledger.balances(ann) == (0, 50, 0, 0)


def test_points_that_matured_stay_available(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fulfilment taken back after the instant changes nothing, though no job had posted it."""
    shop = ledger.open_shop(monkeypatch, maturing={"rule": "on_fulfilment"})
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00", fulfilled_at=at("2026-03-02"))
    shop.host.change_order("o1", fulfilled_at=None)
    shop.settle("o1", at("2026-03-05"))

    assert ledger.balances(ann) == (50, 0, 0, 0)


# --- first order ----------------------------------------------------------------------------------


def test_first_order_points_come_once_and_go_with_that_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reversed when nothing of it is kept, given back with it, and never booked for another."""
    shop = ledger.open_shop(monkeypatch, first_order_points=25)
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00")
    shop.buys(ann, "o2", "10.00", now=at("2026-03-02"))
    both = ledger.balances(ann)
    shop.host.change_order("o1", refunded_minor=minor("20.00"))
    shop.settle("o1", at("2026-03-03"))
    partly = ledger.balances(ann)
    shop.host.change_order("o1", refunded_minor=minor("50.00"))
    shop.settle("o1", at("2026-03-04"))
    none = ledger.balances(ann)
    shop.buys(ann, "o3", "10.00", now=at("2026-03-05"))
    later = ledger.balances(ann)
    shop.host.change_order("o1", refunded_minor=0)
    shop.settle("o1", at("2026-03-06"))

    assert both == (50 + 25 + 10, 0, 0, 0)
    assert partly == (30 + 25 + 10, 0, 0, 0)
    assert none == (10, 0, 0, 0)
    assert later == (20, 0, 0, 0)
    assert ledger.balances(ann) == (50 + 25 + 20, 0, 0, 0)
    assert breaches() == []


def test_members_who_bought_before_get_no_first_order_points(shop: Shop, ann: Account) -> None:
    """The rule came after the first order; the second is none."""
    shop.buys(ann, "o1", "50.00")
    shop.change_rules({"first_order_points": 25}, at("2026-03-02"))
    record = shop.buys(ann, "o2", "10.00", now=at("2026-03-03"))

    assert record.bonus == 0
    assert ledger.balances(ann) == (60, 0, 0, 0)


# --- who earns ------------------------------------------------------------------------------------


def test_orders_after_leaving_earn_nothing_earlier_ones_do(shop: Shop, ann: Account) -> None:
    """What counts is when the order was created, not when it was settled."""
    user = str(ann.user_id)
    members.leave(shop.program, user, now=at("2026-03-10"))
    before = shop.buys(ann, "o1", "50.00", now=at("2026-03-09"))
    after = shop.buys(ann, "o2", "50.00", now=at("2026-03-11"))

    assert (before.earned, before.may_earn) == (50, True)
    assert (after.earned, after.may_earn, after.is_counted) == (0, False, False)


def test_who_joins_again_keeps_what_earlier_orders_earned(shop: Shop, ann: Account) -> None:
    """Whether an order earns is frozen; settling it again after joining anew changes nothing."""
    user = str(ann.user_id)
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01"))
    members.leave(shop.program, user, now=at("2026-03-02"))
    shop.buys(ann, "o2", "50.00", now=at("2026-03-03"))
    members.enrol(shop.program, user, now=at("2026-03-04"))
    settled = [shop.settle(ref, at("2026-03-05")) for ref in ("o1", "o2")]

    assert [record.earned - record.clawed for record in settled] == [50, 0]


def test_only_who_enrolled_earns_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders of before the enrolment earn nothing, settled before or after it; guests have none."""
    shop = ledger.open_shop(monkeypatch, enrolment="opt_in")
    user = shop.customer("ann")
    shop.host.put_order(order("o1", line("a", 5000), user_ref=user))
    shop.host.put_order(order("o2", line("a", 5000), user_ref=None))
    none_yet = [settling.settle(order_ref=ref, now=MARCH) for ref in ("o1", "o2")]
    ann = members.enrol(shop.program, user, now=at("2026-03-02"))
    early = shop.settle("o1", at("2026-03-03"))
    late = shop.buys(ann, "o3", "50.00", now=at("2026-03-04"))

    assert none_yet == [None, None]
    assert (early.earned, late.earned) == (0, 50)
    assert ledger.balances(ann) == (50, 0, 0, 0)


# --- spend ----------------------------------------------------------------------------------------


def test_spend_is_kept_in_the_reference_currency(monkeypatch: pytest.MonkeyPatch) -> None:
    """Yen have no minor unit, dinars have three: 1000 JPY at 0.01 are 10.00 USD, 1 KWD 3.25 USD."""
    rates = {"USD": {"points": 1, "per": "1.00"}, "JPY": {"points": 1, "per": "100"}}
    shop = ledger.open_shop(
        monkeypatch,
        earn={"rates": rates | {"KWD": {"points": 1, "per": "1.000"}}},
        redemption={"enabled": False},
        reference={"currency": "USD", "rates": {"JPY": "0.01", "KWD": "3.25"}},
    )
    ann = shop.member("ann")
    dollars = shop.buys(ann, "o1", "12.34")
    shop.host.put_order(
        order("o2", line("a", 1000), user_ref=str(ann.user_id), currency="JPY", exponent=0)
    )
    shop.host.put_order(
        order("o3", line("a", 1000), user_ref=str(ann.user_id), currency="KWD", exponent=3)
    )
    yen, dinar = shop.settle("o2", MARCH), shop.settle("o3", MARCH)

    assert [record.spend_minor for record in (dollars, yen, dinar)] == [1234, 1000, 325]


# --- guests ---------------------------------------------------------------------------------------


def test_a_guests_points_wait_and_are_claimed_with_the_order(shop: Shop) -> None:
    """Pending on a shadow account known by a hash; moved when Saleor attaches the order."""
    facts = order("o1", line("a", 5000), email="Guest@Example.com ")
    shop.host.put_order(facts)
    shop.settle("o1", MARCH)
    (shadow,) = Account.objects.all()
    waiting = ledger.balances(shadow)
    user = shop.customer("guest")
    shop.host.put_order(replace(facts, user_ref=user, is_user_confirmed=False))
    shop.settle("o1", at("2026-03-02"))
    unconfirmed = ledger.balances(shadow)
    shop.host.put_order(replace(facts, user_ref=user, is_user_confirmed=True))
    record = shop.settle("o1", at("2026-03-03"))

    assert waiting == unconfirmed == (0, 50, 0, 0)
    assert (shadow.state, shadow.user_id) == (AccountState.SHADOW, None)
    assert "guest" not in shadow.email_hash
    member = record.account
    assert member is not None
    assert str(member.user_id) == user
    assert ledger.balances(member) == (50, 0, 0, 0)
    shadow.refresh_from_db()
    assert (shadow.state, ledger.balances(shadow)) == (AccountState.MERGED, (0, 0, 0, 0))
    assert breaches() == []


def test_each_order_of_a_guest_is_claimed_by_itself(shop: Shop) -> None:
    """The shadow stays while one of its orders waits; a second claim does nothing."""
    for ref in ("o1", "o2"):
        shop.host.put_order(order(ref, line("a", 5000), email="guest@example.com"))
        shop.settle(ref, MARCH)
    user = shop.customer("guest")
    shop.host.change_order("o1", user_ref=user, is_user_confirmed=True)
    for _ in range(3):
        record = shop.settle("o1", APRIL)
    shadow = Account.objects.get(state=AccountState.SHADOW)

    assert record.account is not None
    assert ledger.balances(record.account) == (50, 0, 0, 0)
    assert ledger.balances(shadow) == (0, 50, 0, 0)


def test_a_claimed_order_goes_on_under_its_own_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for fulfilment, returned in part before the claim, refund reversed after it."""
    shop = ledger.open_shop(monkeypatch, maturing={"rule": "on_fulfilment"}, first_order_points=5)
    shop.host.put_order(order("o1", line("a", 3000), line("b", 2000)))
    shop.settle("o1", MARCH)
    shop.host.return_units("o1", "b", 1)
    shop.settle("o1", at("2026-03-02"))
    user = shop.customer("guest")
    shop.host.change_order("o1", user_ref=user, is_user_confirmed=True)
    claimed = shop.settle("o1", at("2026-03-03"))
    member = claimed.account
    assert member is not None
    waiting = ledger.balances(member)
    shop.host.return_units("o1", "b", 0)
    shop.host.change_order("o1", fulfilled_at=at("2026-03-04"))
    shop.settle("o1", at("2026-03-04"))

    assert waiting == (0, 30 + 5, 0, 0)
    assert ledger.balances(member) == (50 + 5, 0, 0, 0)
    assert breaches() == []


def test_claimed_points_live_from_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could spend them before; they do not die unseen on a guest's account."""
    shop = ledger.open_shop(monkeypatch, expiry={"policy": "days", "count": 10})
    shop.host.put_order(order("o1", line("a", 5000)))
    shop.settle("o1", MARCH)
    user = shop.customer("guest")
    shop.host.change_order("o1", user_ref=user, is_user_confirmed=True)
    record = shop.settle("o1", APRIL)

    assert record.account is not None
    (lot,) = ledger.lots(record.account)
    assert (lot.valid_from, lot.expires_at) == (APRIL, at("2026-04-12"))
    assert ledger.balances(record.account) == (50, 0, 0, 0)


def test_claimed_points_repay_a_debt_first(shop: Shop, ann: Account) -> None:
    """The member owes 30; of the guest order's 50 he gets 20."""
    shop.buys(ann, "o1", "30.00")
    ledger.spend(ledger.lots(ann)[0], 30, now=at("2026-03-02"))
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-03"))
    shop.host.put_order(order("o2", line("a", 5000)))
    shop.settle("o2", at("2026-03-04"))
    shop.host.change_order("o2", user_ref=str(ann.user_id), is_user_confirmed=True)
    shop.settle("o2", at("2026-03-05"))

    assert ledger.balances(ann) == (20, 0, 0, 0)
    assert breaches() == []


# --- cost -----------------------------------------------------------------------------------------


def test_settling_costs_a_constant_number_of_statements(
    shop: Shop, ann: Account, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    """A member's first settlement, and one that changes nothing (savepoints included)."""
    for number in range(30):
        shop.buys(ann, f"old{number}", "10.00", now=FEB + dt.timedelta(hours=number))
    shop.host.put_order(order("o1", line("a", 5000), user_ref=str(ann.user_id)))

    with django_assert_num_queries(15):  # type: ignore[operator]
        settling.settle(order_ref="o1", now=MARCH)
    with django_assert_num_queries(7):  # type: ignore[operator]
        settling.settle(order_ref="o1", now=MARCH)
