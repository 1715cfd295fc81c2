"""How points follow orders of Saleor 2.10.1: through every hook, and where there is none."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from saleor_retention import host
from saleor_retention.models import Account, AccountState, OrderRecord, Program
from saleor_retention.services.membership import members
from saleor_retention.services.ordering import reconciling, settling
from saleor_retention.services.setting_up import programs

pytestmark = [pytest.mark.saleor2, pytest.mark.django_db(transaction=True)]

RULES: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}


@pytest.fixture
def make() -> ModuleType:
    """The factories of this Saleor, and a shop that has everything but goods."""
    from tests.factories import saleor_2_10

    saleor_2_10.make_channel()
    return saleor_2_10


def start(**rules: Any) -> Program:
    """Start a program of a point for a dollar."""
    (channel,) = host.current().channels()
    return programs.create_program(
        slug="club", name="Club", channels=[channel.ref], document={**RULES, **rules}
    )


def buy(make: ModuleType, user: Any, *prices: str, paid: bool = True) -> Any:
    """Return an order of one unit for each price, with shipping for 10.00."""
    goods = {make.make_product(price): 1 for price in prices}
    return make.complete(make.make_checkout(user, goods), paid=paid)


def points(program: Program, user: Any) -> tuple[int, int]:
    """Return a member's (available, pending) points."""
    account = members.member_of(program, str(user.pk))
    assert account is not None
    return account.available, account.pending


def record_of(order: Any) -> OrderRecord:
    """Return what we keep of an order."""
    return OrderRecord.objects.get(order_ref=str(order.pk))


def test_a_paid_order_earns_at_once(make: ModuleType) -> None:
    """The order's own hook settles it; shipping earns nothing."""
    program, user = start(), make.make_user()

    order = buy(make, user, "50.00", "20.50")

    assert points(program, user) == (70, 0)
    assert record_of(order).earned == 70


def test_an_authorized_order_earns_with_its_capture(make: ModuleType) -> None:
    """Nothing before the money is taken, all of it when it is."""
    program, user = start(), make.make_user()
    order = buy(make, user, "50.00", paid=False)
    before = points(program, user)

    make.capture(order, "60.00")

    assert before == (0, 0)
    assert points(program, user) == (50, 0)


def test_a_draft_earns_when_it_is_paid(make: ModuleType) -> None:
    """An order that staff wrote earns like another, unless the program says otherwise."""
    program, user = start(), make.make_user()
    order = make.draft(user, {make.make_product("50.00"): 2})
    make.complete_draft(order)
    before = points(program, user)

    make.mark_paid(order)

    assert before == (0, 0)
    assert points(program, user) == (100, 0)


def test_drafts_earn_nothing_where_the_program_says_so(make: ModuleType) -> None:
    """The setting is looked at for the order's origin."""
    earn = {**RULES["earn"], "include_drafts": False}
    program, user = start(earn=earn), make.make_user()
    order = make.draft(user, {make.make_product("50.00"): 2})
    make.complete_draft(order)

    make.mark_paid(order)
    buy(make, user, "7.00")

    assert points(program, user) == (7, 0)


def test_points_wait_for_the_goods(make: ModuleType) -> None:
    """Maturing on fulfilment: pending until the last goods leave, then available."""
    program, user = start(maturing={"rule": "on_fulfilment"}), make.make_user()
    order = buy(make, user, "50.00", "20.00")
    first, second = order.lines.all()
    seen = [points(program, user)]

    make.fulfil(order, {first: 1})
    seen.append(points(program, user))
    make.fulfil(order, {second: 1})
    seen.append(points(program, user))

    assert seen == [(0, 70), (0, 70), (70, 0)]


def test_refunds_claw_back_in_proportion(make: ModuleType) -> None:
    """Two refunds of 20 % are one of 40 %, to the point; canceling takes the rest."""
    program, user = start(), make.make_user()
    order = buy(make, user, "50.00")

    make.refund(order, "10.00")
    make.refund(order, "10.00")
    refunded = points(program, user)
    make.cancel(order)

    assert refunded == (30, 0)
    assert points(program, user) == (0, 0)
    assert record_of(order).clawed == 50


def test_a_refund_that_no_hook_tells_of_is_found(make: ModuleType) -> None:
    """``paymentRefund`` calls no plugin at all; the next reconcile books it."""
    program, user = start(), make.make_user()
    order = buy(make, user, "50.00")
    reconciling.reconcile()

    make.refund_payment(order, "10.00")
    before = points(program, user)
    reconciling.reconcile()

    assert before == (50, 0)
    assert points(program, user) == (40, 0)


def test_an_order_placed_while_we_were_off_is_found(make: ModuleType) -> None:
    """Switched on again, reconcile catches up from where it was."""
    from saleor.plugins.models import PluginConfiguration

    from saleor_retention import conf

    program, user = start(), make.make_user()
    reconciling.reconcile()
    PluginConfiguration.objects.create(identifier=conf.PLUGIN_ID, active=False)
    order = buy(make, user, "50.00")
    off = OrderRecord.objects.filter(order_ref=str(order.pk)).exists()
    PluginConfiguration.objects.filter(identifier=conf.PLUGIN_ID).update(active=True)

    reconciling.reconcile()

    assert not off
    assert points(program, user) == (50, 0)


def test_a_guest_s_points_wait_for_the_guest(make: ModuleType) -> None:
    """They are pending on a shadow account until Saleor attaches the order to a user."""
    from saleor.order.utils import match_orders_with_new_user

    program = start()
    checkout = make.make_checkout(None, {make.make_product("50.00"): 1}, email="ada@x.example")
    make.complete(checkout)
    shadow = Account.objects.get(state=AccountState.SHADOW)
    before = (shadow.available, shadow.pending)

    user = make.make_user("ada@x.example")
    match_orders_with_new_user(user)
    reconciling.reconcile()

    assert before == (0, 50)
    assert points(program, user) == (50, 0)


def test_hooks_in_bunches_settle_once(make: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancellation calls two hooks in its transaction; the order is settled once, after it."""
    start()
    order = buy(make, make.make_user(), "50.00")
    settled: list[str] = []

    def settle(*, order_ref: str, **_more: Any) -> None:
        settled.append(order_ref)

    monkeypatch.setattr(settling, "settle", settle)
    make.cancel(order)

    assert settled == [str(order.pk)]


def test_a_hook_s_fault_does_not_break_the_order(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When settling fails, Saleor goes on, and reconcile makes good."""
    program, user = start(), make.make_user()
    real = settling.settle

    def fail(**_arguments: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(settling, "settle", fail)
    order = buy(make, user, "50.00")
    monkeypatch.setattr(settling, "settle", real)
    before = points(program, user)

    reconciling.reconcile()

    assert order.pk
    assert before == (0, 0)
    assert points(program, user) == (50, 0)


def test_events_that_come_thrice_change_nothing(make: ModuleType) -> None:
    """Every hook again, in the wrong order: the same balance."""
    from saleor.plugins.manager import get_plugins_manager

    program, user = start(), make.make_user()
    order = buy(make, user, "50.00")
    make.refund(order, "10.00")

    manager = get_plugins_manager()
    order.refresh_from_db()
    for hook in ("order_updated", "order_fully_paid", "order_created", "order_fulfilled") * 3:
        getattr(manager, hook)(order)

    assert points(program, user) == (40, 0)
    assert record_of(order).earned == 50
