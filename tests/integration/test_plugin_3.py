"""The plugin's hooks on Saleor 3.x: once for each state, and never in the way of a shop."""

from __future__ import annotations

import logging
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention import host
from saleor_retention.models import Account, AccountAddress, Hold, HoldState, OrderRecord
from saleor_retention.services.checkout import redeeming, withdrawing
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership.identity import email_hash
from tests.factories.loyalty import make_member, make_program, stored

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What hooks asked a worker to do, which here nobody does."""
    from saleor_retention.host.saleor_3.adapter import Saleor3

    found: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(Saleor3, "dispatch", lambda _self, name, *args: found.append((name, args)))
    return found


def redeem(account: Account, checkout: Any, points: int) -> None:
    """Give the member points and set them on the checkout, as the mutation does."""
    with host.current().writer():
        granting.grant(
            account_id=account.pk,
            points=points,
            reason="test",
            actor_ref="",
            key=f"g:{checkout.pk}",
        )
        redeeming.set_redemption(
            checkout_ref=str(checkout.pk), user_ref=str(account.user_id), points=points
        )


# --- settling -------------------------------------------------------------------------------------


def test_one_completion_settles_once_for_each_state(
    make: Any, dispatched: list[tuple[str, tuple[Any, ...]]]
) -> None:
    """The five hooks of a completed checkout ask for one order to be settled, not five times."""
    user = make.make_user()
    make_program(make.make_channel())
    order = make.complete(make.make_checkout(user, {make.make_product("20.00"): 1}))

    settles = [args for name, args in dispatched if name == "settle"]

    assert set(settles) == {(str(order.pk),)}
    assert len(settles) <= 2


def test_every_change_of_an_order_settles_it(
    make: Any, dispatched: list[tuple[str, tuple[Any, ...]]]
) -> None:
    """Shipping, returning, refunding and canceling each ask for the order to be settled."""
    make_program(make.make_channel())
    order = make.complete(make.make_checkout(make.make_user(), {make.make_product("20.00"): 2}))
    (line,) = order.lines.all()
    steps = {
        "fulfil": lambda: make.fulfil(order),
        "return": lambda: make.return_lines(order, {line: 1}),
        "refund": lambda: make.refund(order, "10.00"),
    }
    told = {}
    for name, step in steps.items():
        dispatched.clear()
        step()
        told[name] = ("settle", (str(order.pk),)) in dispatched

    assert told == {"fulfil": True, "return": True, "refund": True}


def test_a_canceled_order_gives_points_back(make: Any) -> None:
    """What an order earned is taken back and what it burned returns when it is canceled."""
    user = make.make_user()
    account = make_member(make_program(make.make_channel()), user)
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    redeem(account, checkout, 500)
    order = make.complete(checkout)
    account.refresh_from_db()
    after_order = (account.available, account.held)

    make.cancel(order)

    account.refresh_from_db()
    record = OrderRecord.objects.get(order_ref=str(order.pk))
    assert order.total_gross_amount == Decimal("25.00")
    assert after_order == (15, 0)
    assert (account.available, record.redeemed, record.restored) == (500, 500, 500)


def test_a_failing_plugin_leaves_the_shop_alone(
    make: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An order is made, and hooks after ours run, whatever ours raise; each failure is logged."""
    from saleor_retention.host.saleor_3 import effects, price_pass
    from saleor_retention.host.saleor_3.adapter import Saleor3

    def fail(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("on purpose")

    user = make.make_user()
    make_member(make_program(make.make_channel()), user, "vip")
    product = make.make_product("20.00")
    monkeypatch.setattr(Saleor3, "dispatch", fail)
    monkeypatch.setattr(effects, "catch_up", fail)
    monkeypatch.setattr(price_pass, "survey", fail)

    with caplog.at_level(logging.ERROR, logger="saleor_retention"):
        order = make.complete(make.make_checkout(user, {product: 1}))

    assert order.total_gross_amount == Decimal("30.00")
    assert "on purpose" in caplog.text


def test_bulk_orders_are_settled_by_setting(make: Any) -> None:
    """Imported orders earn where the program says so, and nothing otherwise."""
    channel, user = make.make_channel(), make.make_user()
    program = make_program(channel)
    account = make_member(program, user)

    order = make.bulk_create(user, make.make_product("30.00"), 2)
    make.mark_paid(order)

    account.refresh_from_db()
    assert account.available == 0


# --- customers ------------------------------------------------------------------------------------


def test_a_confirmed_customer_is_welcomed(make: Any) -> None:
    """Who confirms the address has an account with welcome points at once; before, none."""
    from saleor.plugins.manager import get_plugins_manager

    make_program(make.make_channel(), welcome_points=100)
    user = make.make_user(is_confirmed=False)
    manager = get_plugins_manager(allow_replica=False)
    with host.current().writer():
        manager.customer_created(user)
        before = Account.objects.count()
        type(user).objects.filter(pk=user.pk).update(is_confirmed=True)
        manager.account_confirmed(user)

    assert before == 0
    assert Account.objects.get(user=user).available == 100


def test_a_changed_address_is_noted(make: Any) -> None:
    """When Saleor tells of the customer; beside the one that he joined with."""
    from saleor.plugins.manager import get_plugins_manager

    make_program(make.make_channel())
    user = make.make_user()
    manager = get_plugins_manager(allow_replica=False)
    with host.current().writer():
        manager.customer_created(user)
        type(user).objects.filter(pk=user.pk).update(email="moved@example.com")
        manager.customer_updated(user)
        manager.customer_updated(user)

    hashes = AccountAddress.objects.filter(account__user=user).order_by("pk")
    assert list(hashes.values_list("address_hash", flat=True)) == [
        email_hash(user.email),
        email_hash("moved@example.com"),
    ]


def test_deleted_customers_are_erased(
    make: Any, dispatched: list[tuple[str, tuple[Any, ...]]]
) -> None:
    """When staff deletes a customer, erasing is asked for."""
    user = make.make_user()
    make.do(
        "mutation($id: ID!) { customerDelete(id: $id) { errors { field message code } } }",
        {"id": make.gid("User", user)},
        make.owner(),
    )

    assert ("erase_deleted", ()) in dispatched


# --- the cart -------------------------------------------------------------------------------------


def test_a_shrinking_cart_shrinks_the_redemption(make: Any) -> None:
    """Points that the cart does not bear any more go back, in the mutation that shrank it."""
    user = make.make_user()
    account = make_member(make_program(make.make_channel()), user)
    product = make.make_product("20.00")
    checkout = make.make_checkout(user, {product: 3})
    redeem(account, checkout, 5000)
    assert make.checkout_total(checkout, user) == Decimal("20.00")

    make.set_quantity(checkout, product, 1, user)

    account.refresh_from_db()
    assert (account.available, account.held) == (3000, 2000)
    assert make.checkout_total(checkout, user) == Decimal("10.00")


def test_a_note_costs_no_recalculation(make: Any) -> None:
    """What changes neither cart nor customer leaves valid prices valid."""
    user = make.make_user()
    make_member(make_program(make.make_channel()), user, "vip")
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    make.checkout_total(checkout, user)
    checkout.refresh_from_db()
    before = checkout.price_expiration

    make.do(
        """mutation($id: ID!) { checkoutEmailUpdate(id: $id, email: "other@shop.example") {
             errors { field message code } } }""",
        {"id": make.gid("Checkout", checkout)},
        user,
    )

    checkout.refresh_from_db()
    assert checkout.price_expiration == before > timezone.now()


def test_a_checkout_made_from_an_order_has_the_member_price(make: Any) -> None:
    """Buying an order again starts a checkout that no hook tells of; it is priced all the same."""
    user = make.make_user()
    make_member(make_program(make.make_channel()), user, "vip")
    order = make.complete(make.make_checkout(user, {make.make_product("20.00"): 1}))

    payload = make.do(
        """mutation($id: ID!) { checkoutCreateFromOrder(id: $id) {
             checkout { id subtotalPrice { gross { amount } } }
             errors { field message code } } }""",
        {"id": make.gid("Order", order)},
        user,
    )

    assert payload["checkout"]["subtotalPrice"]["gross"]["amount"] == 18.0


# --- prices that do not pass through us any more --------------------------------------------------


def test_withdrawing_strips_rows_and_releases_points(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the seam does not hold, the scheduler's next run takes rows and redemptions back."""
    from saleor_retention.host.saleor_3 import seam

    user = make.make_user()
    account = make_member(make_program(make.make_channel()), user)
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    redeem(account, checkout, 500)
    assert make.checkout_total(checkout, user) == Decimal("25.00")
    with host.current().writer():
        assert withdrawing.withdraw_if_unpriced() == 0

    broken = seam.SeamStatus("3.99.0", ("gone",))
    monkeypatch.setitem(seam._installed, "status", broken)
    with host.current().writer():
        rows = withdrawing.withdraw_if_unpriced()

    account.refresh_from_db()
    assert rows == 1
    assert (account.available, account.held) == (500, 0)
    assert Hold.objects.get().state == HoldState.RELEASED
    assert stored(checkout) is None


def test_the_mixin_guards_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook of the price path that fails hands on what it was given."""
    from saleor_retention.host.saleor_3 import effects, hooks

    def fail(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(effects, "catch_up", fail)
    mixin = hooks.plugin_mixin()()

    assert mixin.checkout_updated(SimpleNamespace(pk="x"), "given") == "given"
