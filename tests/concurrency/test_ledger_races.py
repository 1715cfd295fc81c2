"""Many at once on one member: each order, key and point counts once."""

from __future__ import annotations

import time
from collections import Counter
from threading import Event, Lock
from typing import Any

import pytest
from django.db import transaction

from saleor_retention.errors import Refusal
from saleor_retention.models import Account, AccountState, Lot, OrderRecord, Transaction
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import expiring, granting, maturing
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.posting import Posted
from saleor_retention.services.membership import members
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

PAID = at("2026-03-01 10:00")
NOON = at("2026-03-10 12:00")
WAIT_SECONDS = 0.3  # long enough for a thread to reach the lock that it will wait for


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One point per dollar, 100 points welcome, 25 for the first order."""
    return ledger.open_shop(monkeypatch, welcome_points=100, first_order_points=25)


def place(shop: Shop, user_ref: str | None, ref: str = "o1", **facts: Any) -> None:
    """Place an order of 30.00 and 20.00 without settling it."""
    shop.host.put_order(order(ref, line("a", 3000), line("b", 2000), user_ref=user_ref, **facts))


def test_one_of_twenty_spends_of_one_balance_succeeds(shop: Shop) -> None:
    """100 points, twenty that want them all: the others hear what is left."""
    ann = shop.member("ann")
    results = at_once(
        lambda number: granting.adjust(
            account_id=ann.pk, points=-100, reason="r", actor_ref="", key=f"k{number}", now=NOON
        ),
        20,
    )

    assert sum(isinstance(result, Posted) for result in results) == 1
    refusals = Counter(result.message for result in results if isinstance(result, Refusal))
    assert refusals == {"100 points cannot be taken: 0 are available.": 19}
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    assert breaches() == []


def test_an_order_settled_from_eight_threads_earns_once(shop: Shop) -> None:
    """Its buyer is seen for the first time too: one account, one welcome, one record."""
    user = shop.customer("ann")
    place(shop, user)
    at_once(lambda _: settling.settle(order_ref="o1", now=PAID), 8)

    ann = Account.objects.get()
    assert ledger.balances(ann) == ledger.replayed(ann) == (100 + 50 + 25, 0, 0, 0)
    assert Counter(ledger.kinds(ann)) == {"bonus": 2, "earn": 1}
    assert OrderRecord.objects.count() == 1
    assert breaches() == []


def test_different_events_of_one_order_at_once_end_in_its_state(shop: Shop) -> None:
    """Eight threads return 24 units one by one and settle after each; none is ever refused."""
    ann = shop.member("ann")
    units = 24
    goods = line("a", units * 1000, quantity=units)
    shop.host.put_order(order("o1", goods, user_ref=str(ann.user_id)))
    settling.settle(order_ref="o1", now=PAID)
    guard = Lock()

    def event(_number: int) -> list[int]:
        clawed = []
        for _ in range(3):
            with guard:
                returned = shop.host.orders["o1"].lines[0].quantity_returned
                shop.host.return_units("o1", "a", returned + 1)
            record = settling.settle(order_ref="o1", now=PAID)
            assert record is not None
            clawed.append(record.clawed)
        return clawed

    seen = at_once(event, 8)

    record = OrderRecord.objects.get()
    assert (record.earned, record.clawed, record.bonus) == (240, 240, 0)
    assert [sorted(clawed) for clawed in seen] == seen
    assert ledger.balances(ann) == (100, 0, 0, 0)
    assert breaches() == []


def test_many_orders_of_one_member_at_once(shop: Shop) -> None:
    """Eight orders, two threads each; one of them is the first order, only one."""
    ann = shop.member("ann")
    for number in range(8):
        place(shop, str(ann.user_id), f"o{number}")
    at_once(lambda number: settling.settle(order_ref=f"o{number % 8}", now=PAID), 16)

    assert ledger.balances(ann) == (100 + 8 * 50 + 25, 0, 0, 0)
    assert OrderRecord.objects.filter(bonus=25).count() == 1
    assert breaches() == []


def test_an_event_that_waited_sees_the_state_after_its_wait(shop: Shop) -> None:
    """It read nothing before the lock: the return that was settled meanwhile stays taken."""
    ann = shop.member("ann")
    place(shop, str(ann.user_id))
    settling.settle(order_ref="o1", now=PAID)
    _settle_against_a_lock(shop, ann)

    assert ledger.balances(ann) == (100 + 30 + 25, 0, 0, 0)
    assert breaches() == []


def test_a_first_event_that_waited_reads_again(shop: Shop) -> None:
    """It had to read the order to know whose it is; another one settled a later state meanwhile."""
    ann = shop.member("ann")
    place(shop, str(ann.user_id))
    _settle_against_a_lock(shop, ann)

    assert ledger.balances(ann) == (100 + 30 + 25, 0, 0, 0)
    assert Counter(ledger.kinds(ann))["reinstate"] == 0
    assert breaches() == []


def test_a_guests_order_is_claimed_once(shop: Shop) -> None:
    """By eight threads, beside a first order of the member himself."""
    place(shop, None, email="guest@example.com")
    settling.settle(order_ref="o1", now=PAID)
    user = shop.customer("guest")
    shop.host.change_order("o1", user_ref=user, is_user_confirmed=True)
    place(shop, user, "o2")
    at_once(lambda number: settling.settle(order_ref=f"o{1 + number % 2}", now=NOON), 8)

    member = Account.objects.get(state=AccountState.MEMBER)
    assert ledger.balances(member) == (100 + 2 * 50 + 25, 0, 0, 0)
    assert Account.objects.get(state=AccountState.MERGED).pending == 0
    assert breaches() == []


def test_a_guest_is_one_account_from_eight_threads(shop: Shop) -> None:
    """Eight orders of one address at once."""
    for number in range(8):
        place(shop, None, f"o{number}", email="guest@example.com")
    at_once(lambda number: settling.settle(order_ref=f"o{number}", now=PAID), 8)

    shadow = Account.objects.get()
    assert ledger.balances(shadow) == (0, 8 * 50, 0, 0)


def test_one_grant_key_grants_once(shop: Shop) -> None:
    """Eight retries at once: one effect, eight times the same posting."""
    ann = shop.member("ann")
    results = at_once(
        lambda _: granting.grant(
            account_id=ann.pk, points=5, reason="r", actor_ref="", key="k", now=NOON
        ),
        8,
    )

    assert sum(result.is_new for result in results) == 1
    assert len({result.transaction.pk for result in results}) == 1
    assert ledger.balances(ann) == (105, 0, 0, 0)


def test_sweeps_beside_settlements_change_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Maturing and expiry run in four threads while orders are settled on the same members."""
    shop = ledger.open_shop(
        monkeypatch,
        maturing={"rule": "days_after_payment", "days": 1},
        expiry={"policy": "days", "count": 3},
    )
    people = [shop.member(name) for name in ("ann", "bob", "eve")]
    for index, member in enumerate(people):
        for number in range(4):
            place(shop, str(member.user_id), f"old{index}-{number}")
            settling.settle(order_ref=f"old{index}-{number}", now=PAID)
            place(shop, str(member.user_id), f"new{index}-{number}", created_at=NOON)

    def work(number: int) -> None:
        if number % 2:
            maturing.mature_due(NOON)
            expiring.expire_due(NOON)
        else:
            for index in range(3):
                settling.settle(order_ref=f"new{index}-{number // 2}", now=NOON)

    at_once(work, 8)
    maturing.mature_due(NOON)
    expiring.expire_due(NOON)

    assert [ledger.balances(member) for member in people] == [(0, 200, 0, 0)] * 3
    assert Counter(Transaction.objects.values_list("kind", flat=True)) == {
        "earn": 24,
        "mature": 12,
        "expire": 12,
    }
    assert Lot.objects.filter(expired=50).count() == 12
    assert breaches() == []


def test_joining_from_eight_threads_makes_one_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """One joins, the others are members already."""
    shop = ledger.open_shop(monkeypatch, enrolment="opt_in", welcome_points=100)
    user = shop.customer("ann")
    results = at_once(lambda _: members.enrol(shop.program, user, now=NOON), 8)

    assert sum(isinstance(result, Account) for result in results) >= 1
    assert ledger.balances(Account.objects.get()) == (100, 0, 0, 0)


def _settle_against_a_lock(shop: Shop, member: Account) -> None:
    """Let an event wait for the member's lock while another one settles a return."""
    holds = Event()

    def work(number: int) -> None:
        if number:
            assert holds.wait(20)
            settling.settle(order_ref="o1", now=PAID)
            return
        with transaction.atomic():
            lock_account(member.pk)
            holds.set()
            time.sleep(WAIT_SECONDS)
            shop.host.return_units("o1", "b", 1)
            settling.settle(order_ref="o1", now=PAID)

    at_once(work, 2)
