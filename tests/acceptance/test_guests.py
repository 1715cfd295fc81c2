"""Guests: their orders earn on a shadow account, which they claim when they open a real one."""

from __future__ import annotations

import pytest

from tests.acceptance.retention import balance, points_of_order
from tests.acceptance.shop import Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import confirm, fill_cart, register

pytestmark = pytest.mark.saleor3


def test_a_guest_who_becomes_a_customer(stage: Stage) -> None:
    """What a guest earned waits for him, until Saleor itself hands him his orders."""
    # given
    email = "guest-who-stays@example.com"
    cart = fill_cart(stage.shop, stage.net, email=email, A=1)
    order = cart.buy()
    points = points_of_order(stage.shop, order["id"])
    assert order["user"] is None
    assert (points["earned"], points["state"]) == (80, "PENDING")

    # when: an account alone proves nothing, a confirmed address does
    register(stage.shop, stage.net, email)
    confirm(stage.shop, email)
    stage.shop.run_task("saleor_retention.tasks.reconcile")

    # then: his points and those of the welcome
    client = stage.shop.login(email)
    assert balance(client, stage.net) == (180, 0, 0, 0)
    assert points_of_order(stage.shop, order["id"])["state"] == "AVAILABLE"


def test_an_unconfirmed_account_claims_nothing(stage: Stage) -> None:
    """Whoever registers a stranger's address gets nothing of his."""
    # given
    email = "stranger@example.com"
    order = fill_cart(stage.shop, stage.net, email=email, A=1).buy()

    # when
    register(stage.shop, stage.net, email)
    stage.shop.run_task("saleor_retention.tasks.reconcile")

    # then
    assert points_of_order(stage.shop, order["id"])["state"] == "PENDING"


def test_guests_are_told_apart(shop: Shop, stage: Stage) -> None:
    """Two orders of one guest wait together, those of another one apart."""
    # given
    mine = [
        fill_cart(shop, stage.net, email="same.guest@example.com", B=1).buy()["id"]
        for _ in range(2)
    ]
    other = fill_cart(shop, stage.net, email="other.guest@example.com", B=1).buy()["id"]

    # when
    email = "same.guest@example.com"
    register(shop, stage.net, email)
    confirm(shop, email)
    shop.run_task("saleor_retention.tasks.reconcile")

    # then
    assert balance(shop.login(email), stage.net) == (160, 0, 0, 0)
    assert [points_of_order(shop, order)["state"] for order in (*mine, other)] == [
        "AVAILABLE",
        "AVAILABLE",
        "PENDING",
    ]
