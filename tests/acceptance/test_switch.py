"""Switching off: the plugin, a program. Prices stop at once, and nothing of ours is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.acceptance.figures import from_net, shown
from tests.acceptance.retention import (
    balance,
    open_program,
    points_of_cart,
    points_of_order,
    redeem,
    refuse_redemption,
)
from tests.acceptance.shop import Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import fill_cart, line_of

pytestmark = pytest.mark.saleor3

OWN_ROWS = """
SELECT count(*) FROM discount_checkoutlinediscount d
JOIN checkout_checkoutline l ON l.id = d.line_id
WHERE d.type = 'order_promotion' AND NOT l.is_gift
"""


def switch(shop: Shop, *, is_active: bool) -> None:
    """Set the plugin's switch as staff do in the dashboard."""
    shop.owner.do(
        """mutation ($active: Boolean!) {
          pluginUpdate(id: "saleor.retention", input: {active: $active}) {
            plugin { globalConfiguration { active } } errors { field message code }
          }
        }""",
        active=is_active,
    )


@pytest.fixture
def switched_back_on(shop: Shop) -> Iterator[None]:
    """Leave the plugin on for the other stories, whatever happens."""
    yield
    switch(shop, is_active=True)


@pytest.mark.usefixtures("switched_back_on")
def test_the_plugin_is_switched_off_and_on(stage: Stage) -> None:
    """Open carts are back at the shop's prices at once, no row stays, and earning catches up."""
    # given
    vip = stage.shopper(is_vip=True)
    cart = stage.cart(vip, A=2, B=1, C=1)
    redeem(cart, 100)
    assert cart.read()["subtotalPrice"]["net"]["amount"] == Decimal(197)
    assert stage.shop.rows(OWN_ROWS) != [[0]]

    # when
    switch(stage.shop, is_active=False)

    # then: the shop's own promotion on C stays, ours are gone from every cart
    checkout = cart.read()
    assert shown(checkout["subtotalPrice"]) == from_net(220, 10)
    assert stage.shop.rows(OWN_ROWS) == [[0]]
    assert points_of_cart(cart) is None
    (error,) = refuse_redemption(cart, 50)
    assert error["code"] == "PROGRAM_INACTIVE"
    order = cart.buy()
    assert shown(order["subtotal"]) == from_net(220, 10)
    assert line_of(order, "A")["discounts"] == []

    # and: prices are back with the switch; what happened meanwhile is found by reconcile
    switch(stage.shop, is_active=True)
    stage.shop.run_task("saleor_retention.tasks.reconcile")
    again = stage.cart(vip, A=2, B=1, C=1)
    assert shown(again.read()["subtotalPrice"]) == from_net(198, 10)
    assert points_of_order(stage.shop, order["id"])["earned"] == 220
    assert balance(vip.client, stage.net) == (320, 0, 0, 0)


def test_a_program_that_stops(shop: Shop) -> None:
    """A program that is switched off prices nothing from then on and gives points back."""
    # given
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    vip = Stage(shop, channel, channel, program).shopper(is_vip=True)
    cart = fill_cart(shop, channel, vip, A=1)
    redeem(cart, 100)
    assert shown(cart.read()["subtotalPrice"]) == from_net(71, 10)

    # when
    program.update(isActive=False)

    # then
    assert shown(cart.read()["subtotalPrice"]) == from_net(80, 10)
    (error,) = refuse_redemption(cart, 50)
    assert error["code"] == "PROGRAM_INACTIVE"
    assert shown(cart.buy()["subtotal"]) == from_net(80, 10)

    # and
    program.update(isActive=True)
    assert shown(fill_cart(shop, channel, vip, A=1).read()["subtotalPrice"]) == from_net(72, 10)
    assert balance(vip.client, channel)[:3] == (100, 0, 0)


def test_rules_that_change_while_carts_are_open(shop: Shop) -> None:
    """A new version prices open carts from its moment; what was ordered keeps its terms."""
    # given
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    vip = Stage(shop, channel, channel, program).shopper(is_vip=True)
    order = fill_cart(shop, channel, vip, A=1).buy()
    cart = fill_cart(shop, channel, vip, A=1)
    assert shown(cart.read()["subtotalPrice"]) == from_net(72, 10)

    # when
    program.change(
        earn={"rates": [{"currency": "USD", "points": "2", "per": "1.00"}]},
        tiers={
            "ladder": [
                {"slug": "vip", "name": "VIP", "threshold": "1000", "prices": [{"percent": "25"}]}
            ]
        },
    )

    # then
    assert shown(cart.read()["subtotalPrice"]) == from_net(60, 10)
    assert points_of_cart(cart)["earns"] == 120
    assert points_of_order(shop, order["id"])["earned"] == 72
    cart.buy()
    assert balance(vip.client, channel) == (100 + 72 + 120, 0, 0, 0)
