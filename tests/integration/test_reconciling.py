"""Reconcile finds what no event told of, and never loses an order that it could not settle."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from saleor_retention import conf
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.models import (
    Account,
    AccountState,
    Hold,
    HoldState,
    OrderRecord,
    SettleFailure,
    Watermark,
)
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ordering import reconciling
from saleor_retention.services.ordering.reconciling import Reconciled, reconcile
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One point per dollar."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member with 500 points."""
    member = shop.member("ann")
    ledger.give(member, 500)
    return member


def bought(shop: Shop, member: Account, ref: str, changed_at: str, **facts: Any) -> OrderFacts:
    """Let the member buy for 50.00 without any event reaching us."""
    facts = {"user_ref": str(member.user_id), "created_at": at("2026-03-01")} | facts
    return shop.host.put_order(order(ref, line("a", 5000), **facts), changed_at=at(changed_at))


def settled() -> list[str]:
    """Return the orders that have a record."""
    return list(OrderRecord.objects.order_by("order_ref").values_list("order_ref", flat=True))


def test_orders_that_no_event_told_of_are_settled(shop: Shop, ann: Account) -> None:
    """From the launch of the first program on, once; the second run finds only what overlaps."""
    bought(shop, ann, "o1", "2026-03-01")
    bought(shop, ann, "o2", "2026-03-10 11:50")
    runs = [reconcile(NOON), reconcile(at("2026-03-10 13:00"))]

    assert [run.orders for run in runs] == [2, 1]
    assert ledger.balances(ann) == (600, 0, 0, 0)
    assert Watermark.objects.get(pk="orders").position_at == at("2026-03-10 13:00")


def test_changes_that_become_visible_late_are_found(shop: Shop, ann: Account) -> None:
    """Dated a little before the watermark, committed after the run that set it."""
    reconcile(NOON)
    bought(shop, ann, "o1", "2026-03-10 11:50")
    reconcile(at("2026-03-10 13:00"))

    assert settled() == ["o1"]


def test_batches_follow_each_other_also_where_many_changed_at_once(
    shop: Shop, ann: Account
) -> None:
    """More orders than a batch, more of one instant than a batch: each settled once."""
    for number in range(7):
        bought(shop, ann, f"o{number}", "2026-03-05" if number else "2026-03-04")
    shop.host.reads.clear()
    with override_settings(RETENTION_SETTLE_BATCH=2):
        run = reconcile(NOON)

    assert len(settled()) == run.orders == 7
    assert sorted(shop.host.reads) == sorted(settled())


def test_an_order_that_cannot_be_settled_is_tried_again_and_holds_nothing_up(
    shop: Shop, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are settled; the failed one waits in a table until it works."""
    bought(shop, ann, "o1", "2026-03-05")
    bought(shop, ann, "o2", "2026-03-06")
    genuine = type(shop.host).order_facts

    def broken(self: Any, order_ref: str) -> OrderFacts | None:
        if order_ref == "o1":
            raise ConnectionError("no database")
        return genuine(self, order_ref)

    monkeypatch.setattr(type(shop.host), "order_facts", broken)
    runs = [reconcile(NOON), reconcile(at("2026-03-20"))]
    failure = SettleFailure.objects.get()
    monkeypatch.setattr(type(shop.host), "order_facts", genuine)
    reconcile(at("2026-03-30"))

    assert [run.failures for run in runs] == [1, 1]
    assert (failure.order_ref, failure.attempts, failure.reason) == ("o1", 2, "ConnectionError")
    assert failure.failed_at == at("2026-03-20")
    assert settled() == ["o1", "o2"]
    assert SettleFailure.objects.count() == 0
    assert ledger.balances(ann) == (600, 0, 0, 0)


def test_holds_whose_checkout_is_gone_end(shop: Shop, ann: Account) -> None:
    """One became an order and is captured by settling; one was deleted and is released."""
    user = str(ann.user_id)
    for ref in ("c1", "c2", "c3"):
        shop.host.put_checkout(ref, 10_000, user_ref=user)
        redeeming.set_redemption(checkout_ref=ref, user_ref=user, points=100, now=NOON)
    del shop.host.checkouts["c1"], shop.host.checkouts["c2"]
    bought(shop, ann, "o1", "2026-01-01", checkout_ref="c1")  # long before the watermark
    Watermark.objects.create(pk="orders", position_at=NOON)
    run = reconcile(at("2026-03-10 12:30"))

    assert run.holds == 2
    states = Hold.objects.order_by("checkout_ref").values_list("checkout_ref", "state")
    assert dict(states) == {
        "c1": HoldState.RELEASED,  # the order was priced without the points
        "c2": HoldState.RELEASED,
        "c3": HoldState.PLACED,
    }
    assert settled() == ["o1"]
    assert ledger.balances(ann) == (450, 0, 100, 0)
    assert breaches() == []


def test_guests_who_turned_up_get_their_points(shop: Shop) -> None:
    """Saleor attached the orders silently, without changing when they were changed."""
    for number in range(5):
        facts = order(f"o{number}", line("a", 1000), email=f"guest{number}@example.com")
        shop.host.put_order(facts, changed_at=at("2026-03-01"))
    reconcile(NOON)
    user = shop.customer("guest3")
    shop.host.change_order("o3", user_ref=user, is_user_confirmed=True)
    with override_settings(RETENTION_SETTLE_BATCH=2):
        run = reconcile(at("2026-03-11"))

    assert run == Reconciled(guests=1)
    claimed = Account.objects.get(state=AccountState.MEMBER)
    assert (str(claimed.user_id), ledger.balances(claimed)) == (user, (10, 0, 0, 0))
    assert Account.objects.filter(state=AccountState.SHADOW).count() == 4
    assert breaches() == []


def test_guests_are_looked_at_in_turns(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on where the last one stopped, and begins anew after the last order."""
    for number in range(5):
        facts = order(
            f"o{number}",
            line("a", 1000),
            email=f"guest{number}@example.com",
            created_at=at(f"2026-03-0{number + 1}"),
        )
        shop.host.put_order(facts, changed_at=at("2026-02-01"))
    reconcile(NOON)
    asked: list[list[str]] = []
    genuine = shop.host.orders_facts
    monkeypatch.setattr(shop.host, "orders_facts", lambda refs: asked.append(refs) or genuine(refs))
    monkeypatch.setattr(reconciling, "GUEST_BATCHES_MAX", 1)
    with override_settings(RETENTION_SETTLE_BATCH=2):
        for _ in range(5):
            reconcile(NOON)

    assert asked == [["o0", "o1"], ["o2", "o3"], ["o4"], ["o0", "o1"]]


def test_a_confirmed_guest_need_not_wait_for_the_hour(shop: Shop) -> None:
    """The hook of his confirmation settles the orders of his address that Saleor attached."""
    for ref in ("o1", "o2"):
        shop.host.put_order(order(ref, line("a", 1000), email="guest@example.com"))
        shop.settle(ref, at("2026-03-01"))
    user = shop.customer("guest", is_confirmed=False)
    before = reconciling.claim_guest_orders(user, NOON)
    shop.host.put_user(user, "guest@example.com")
    shop.host.change_order("o1", user_ref=user, is_user_confirmed=True)
    after = reconciling.claim_guest_orders(user, NOON)

    assert (before, after) == (0, 2)
    member = Account.objects.get(state=AccountState.MEMBER)
    assert ledger.balances(member) == (10, 0, 0, 0)
    assert reconciling.claim_guest_orders("999999", NOON) == 0


def test_nothing_is_settled_while_the_plugin_is_off_and_all_of_it_afterwards(
    shop: Shop, ann: Account
) -> None:
    """The watermark waits; what happened meanwhile is found when it is switched on again."""
    reconcile(NOON)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO plugins_pluginconfiguration (identifier, name, description, active)"
            " VALUES (%s, '', '', false)",
            [conf.PLUGIN_ID],
        )
    bought(shop, ann, "o1", "2026-03-10 13:00")
    off = reconcile(at("2026-03-10 14:00"))
    settled_while_off = settled()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE plugins_pluginconfiguration SET active = true")
    on = reconcile(at("2026-03-20 14:00"))

    assert off == Reconciled()
    assert settled_while_off == []
    assert (on.orders, settled()) == (1, ["o1"])


def test_a_shop_without_any_program_has_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no order is read."""
    host = ledger.fakes.use(monkeypatch)
    host.put_order(order("o1", line("a", 1000)))

    assert reconcile(NOON) == Reconciled()
    assert host.reads == []
