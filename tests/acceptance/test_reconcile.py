"""Events that never came: what no hook told of is found by the hourly task, once."""

from __future__ import annotations

import pytest

from tests.acceptance.figures import from_net, shown
from tests.acceptance.retention import balance, member, points_of_order, redeem
from tests.acceptance.server import run_command
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.saleor3

TASK = "saleor_retention.tasks.reconcile"


def test_the_task_changes_nothing_that_is_right(stage: Stage) -> None:
    """Running it again and again leaves every balance as it is."""
    # given
    ada = stage.shopper()
    cart = stage.cart(ada, A=1, B=1)
    redeem(cart, 100)
    order = cart.buy()
    before = (balance(ada.client, stage.net), points_of_order(stage.shop, order["id"]))

    # when
    for _ in range(3):
        stage.shop.run_task(TASK)

    # then
    assert (balance(ada.client, stage.net), points_of_order(stage.shop, order["id"])) == before


def test_points_of_an_abandoned_cart_come_back(stage: Stage) -> None:
    """A checkout that Saleor threw away gives its points back."""
    # given
    ada = stage.shopper()
    cart = stage.cart(ada, A=1)
    redeem(cart, 100)
    assert balance(ada.client, stage.net) == (0, 0, 100, 0)

    # when
    stage.shop.processes.backroom.call("throw_checkout_away", token=cart.read()["token"])
    stage.shop.run_task(TASK)

    # then
    assert balance(ada.client, stage.net) == (100, 0, 0, 0)


@pytest.mark.slow
def test_an_order_that_could_not_be_booked(stage: Stage) -> None:
    """An order placed while the account was busy is bought all the same, and booked later."""
    # given: something else works on the account for too long
    ada = stage.shopper()
    cart = stage.cart(ada, A=1)
    redeem(cart, 100)
    cart.ship()
    cart.pay()
    with stage.shop.busy_account(member(ada.client, stage.net)["number"]):
        order = cart.complete()
    assert shown(order["subtotal"]) == from_net(79, 10)
    assert balance(ada.client, stage.net) == (0, 0, 100, 0)

    # when: in a process of its own, as a worker does
    run = "from saleor_retention.tasks import reconcile; reconcile.apply(throw=True)"
    found = run_command(stage.shop.processes, "shell", "-c", run)
    checked = run_command(stage.shop.processes, "retention_verify")

    # then
    assert found.returncode == 0, found.stderr
    points = points_of_order(stage.shop, order["id"])
    assert (points["earned"], points["redeemed"]) == (79, 100)
    assert balance(ada.client, stage.net) == (79, 0, 0, 0)
    assert checked.returncode == 0, checked.stdout + checked.stderr
