"""Many locks in opposite orders: no thread is ever ended by the database, and nothing is lost.

The retry that would hide a deadlock is switched off here. Checkouts are rows that are really
locked (``tests.soak.shop``).
"""

from __future__ import annotations

import time
from threading import Barrier
from typing import Any

import pytest
from django.db import transaction

from saleor_retention.models import Account, AccountState, Hold, HoldState, OrderRecord
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import locking
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.membership import members
from saleor_retention.services.ordering import opening, settling
from tests import fakes, ledger
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.soak.shop import TABLES, SqlShop, execute
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

PAID = at("2026-03-01 10:00")
NOON = at("2026-03-10 12:00")
PAUSE_SECONDS = 0.005
ROUNDS = 20


@pytest.fixture(autouse=True)
def _no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a deadlock come out, and leave time for one: who locks twice does so slowly."""
    genuine = locking._locked

    def locked(ids: list[int], *, skips_locked: bool) -> Any:
        found = genuine(ids, skips_locked=skips_locked)
        time.sleep(PAUSE_SECONDS)
        return found

    monkeypatch.setattr(locking, "RETRIED", frozenset())
    monkeypatch.setattr(locking, "_locked", locked)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One point per dollar; orders in memory, checkouts in the database."""
    shop = ledger.open_shop(monkeypatch)
    execute(TABLES)
    rows = SqlShop()
    for name in ("lock_checkout", "checkout_facts", "existing_checkouts", "reprice"):
        monkeypatch.setattr(shop.host, name, getattr(rows, name), raising=False)
    return shop


def open_cart(ref: str, user: str) -> None:
    """Put a cart of 50.00 into the shop."""
    execute(
        "INSERT INTO soak_checkout (ref, channel, user_ref, total) VALUES (%s, %s, %s, 5000)",
        [ref, fakes.CHANNEL, user],
    )


def test_claims_and_settlements_from_all_sides(shop: Shop) -> None:
    """Two guests turn out to be two members, each to be both, while these buy and redeem.

    One member's account is older than the guests', the other's is younger.
    """
    ann = shop.member("ann")
    for guest in ("g1", "g2"):
        for number in range(8):
            facts = order(f"{guest}-{number}", line("a", 1000), email=f"{guest}@example.com")
            shop.host.put_order(facts)
            settling.settle(order_ref=facts.ref, now=PAID)
    bob = shop.member("bob")
    users = [str(ann.user_id), str(bob.user_id)]
    for user in users:
        shop.host.put_order(order(f"own-{user}", line("a", 3000), user_ref=user))
        settling.settle(order_ref=f"own-{user}", now=PAID)
        open_cart(f"cart-{user}", user)
    for guest in ("g1", "g2"):
        for number in range(8):
            ref = f"{guest}-{number}"
            shop.host.change_order(ref, user_ref=users[number % 2], is_user_confirmed=True)

    def work(number: int) -> None:
        refs = sorted(shop.host.orders, reverse=number % 2 == 1)
        for ref in refs:
            settling.settle(order_ref=ref, now=NOON)
        for user in users if number % 2 else reversed(users):
            redeeming.set_redemption(
                checkout_ref=f"cart-{user}", user_ref=user, points=10 + number, now=NOON
            )

    results = at_once(work, 8)

    assert results == [None] * 8
    held = dict(Hold.objects.values_list("account_id", "points"))
    for member in (ann, bob):
        points = held[member.pk]
        assert ledger.balances(member) == (30 + 8 * 10 - points, 0, points, 0)
    assert Account.objects.filter(state=AccountState.MERGED).count() == 2
    assert breaches() == []


def test_checkouts_that_change_hands_in_opposite_orders(shop: Shop) -> None:
    """Two carts are swapped between two members; each ends the other's hold, at the same time."""
    people = [shop.member("ann"), shop.member("bob")]
    users = [str(member.user_id) for member in people]
    for member in people:
        ledger.give(member, 100)
    carts = ["cart-1", "cart-2"]
    for cart, user in zip(carts, users, strict=True):
        open_cart(cart, user)
    met = Barrier(2)

    def work(number: int) -> int:
        for turn in range(ROUNDS):
            user = users[(number + turn) % 2]
            execute("UPDATE soak_checkout SET user_ref = %s WHERE ref = %s", [user, carts[number]])
            met.wait(timeout=20)
            redeeming.set_redemption(
                checkout_ref=carts[number], user_ref=user, points=30 + number, now=NOON
            )
        return ROUNDS

    assert at_once(work, 2) == [ROUNDS] * 2

    assert Hold.objects.count() == 2 * ROUNDS
    placed = Hold.objects.filter(state=HoldState.PLACED)
    assert sorted(placed.values_list("checkout_ref", "points")) == [("cart-1", 30), ("cart-2", 31)]
    for member in people:
        points = placed.get(account=member).points
        assert ledger.balances(member) == (100 - points, 0, points, 0)
    assert breaches() == []


def test_accounts_of_many_in_opposite_orders_beside_single_ones(shop: Shop) -> None:
    """Twelve accounts are locked at once from both ends while others take single ones."""
    ids = [shop.member(f"m{number}").pk for number in range(12)]

    def work(number: int) -> int:
        for turn in range(15):
            with transaction.atomic():
                if number < 4:
                    chosen = ids if number % 2 else ids[::-1]
                    assert len(locking.lock_accounts(chosen)) == len(ids)
                else:
                    lock_account(ids[(number * 5 + turn) % len(ids)])
        return number

    assert at_once(work, 8) == list(range(8))


def test_a_guest_who_orders_while_he_is_claimed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His account is merged between the look for it and its lock: the order goes to a new one."""
    first = order("o1", line("a", 1000), email="guest@example.com")
    shop.host.put_order(first)
    settling.settle(order_ref="o1", now=PAID)
    user = shop.customer("guest")
    shop.host.change_order("o1", user_ref=user, is_user_confirmed=True)
    shop.host.put_order(order("o2", line("a", 2000), email="guest@example.com"))
    genuine = members.shadow_of
    looked: list[Any] = []

    def look(*arguments: Any, **more: Any) -> Account | None:
        found = genuine(*arguments, **more)
        looked.append(found)
        if len(looked) == 1:
            at_once(lambda _: settling.settle(order_ref="o1", now=NOON), 1)
        return found

    monkeypatch.setattr(opening.members, "shadow_of", look)
    record = settling.settle(order_ref="o2", now=NOON)

    assert record is not None
    assert record.account.state == AccountState.SHADOW
    assert ledger.balances(record.account) == (0, 20, 0, 0)
    shop.host.change_order("o2", user_ref=user, is_user_confirmed=True)
    settling.settle(order_ref="o2", now=NOON)
    member = Account.objects.get(state=AccountState.MEMBER)
    assert ledger.balances(member) == (10 + 20, 0, 0, 0)
    assert OrderRecord.objects.filter(account=member).count() == 2
    assert breaches() == []
