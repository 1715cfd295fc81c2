"""Payments the old way: a payment plugin charges when the checkout is completed, and refunds later.

Saleor's dummy gateway stands in for the bank. The goods are 2 A, 1 B and 1 C for a VIP: 198.00 net,
217.80 with tax, and 11.00 of shipping.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.figures import from_net, shown
from tests.acceptance.orders import Desk
from tests.acceptance.retention import balance, points_of_order, redeem
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import Cart

pytestmark = pytest.mark.saleor3


def _refund(stage: Stage, order: str, amount: Decimal) -> None:
    stage.shop.owner.do(
        """mutation ($id: ID!, $amount: PositiveDecimal!) {
          orderRefund(id: $id, amount: $amount) { errors { field message code } }
        }""",
        id=order,
        amount=amount,
    )


def _refund_goods(stage: Stage, desk: Desk, name: str) -> None:
    (line,) = [
        row["id"]
        for fulfillment in desk.read()["fulfillments"]
        for row in fulfillment["lines"]
        if row["orderLine"]["productSku"] == name
    ]
    stage.shop.owner.do(
        """mutation ($id: ID!, $lines: [OrderRefundFulfillmentLineInput!]!) {
          orderFulfillmentRefundProducts(order: $id, input: {fulfillmentLines: $lines}) {
            errors { field message code }
          }
        }""",
        id=desk.order,
        lines=[{"fulfillmentLineId": line, "quantity": 1}],
    )


def _bought(stage: Stage, cart: Cart) -> tuple[Desk, dict[str, Any]]:
    cart.ship()
    cart.pay_by_gateway()
    order = cart.complete()
    assert order["chargeStatus"] == "FULL"
    return Desk(stage.shop, order["id"]), order


def test_refunds_of_money_and_of_goods(stage: Stage) -> None:
    """A tenth of the money goes back, then a unit of A: what is kept earns what is left."""
    # given
    vip = stage.shopper(is_vip=True)

    # when
    desk, order = _bought(stage, stage.cart(vip, A=2, B=1, C=1))

    # then
    assert shown(order["total"]) == from_net(208, 10)
    assert points_of_order(stage.shop, desk.order)["earned"] == 198
    _refund(stage, desk.order, Decimal("21.78"))
    assert points_of_order(stage.shop, desk.order)["clawedBack"] == 198 - 178
    desk.fulfill()
    _refund_goods(stage, desk, "A")
    # 126.00 net are left of goods for 138.60; the 21.78 were for no goods
    assert points_of_order(stage.shop, desk.order)["clawedBack"] == 198 - 106
    assert balance(vip.client, stage.net) == (100 + 106, 0, 0, 0)


def test_points_are_burned_and_come_back(stage: Stage) -> None:
    """19.80 are paid with 1980 points; all the money is refunded, and all points are back."""
    # given
    vip = stage.shopper(points=1880, is_vip=True)
    cart = stage.cart(vip, A=2, B=1, C=1)
    redeem(cart, 1980)

    # when
    desk, order = _bought(stage, cart)

    # then
    assert shown(order["subtotal"]) == from_net("178.20", 10)
    points = points_of_order(stage.shop, desk.order)
    assert (points["earned"], points["redeemed"]) == (178, 1980)
    assert balance(vip.client, stage.net) == (178, 0, 0, 0)
    _refund(stage, desk.order, order["total"]["gross"]["amount"])
    points = points_of_order(stage.shop, desk.order)
    assert (points["clawedBack"], points["restored"]) == (178, 1980)
    assert balance(vip.client, stage.net) == (1980, 0, 0, 0)
