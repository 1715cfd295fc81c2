"""The loyalty loop from end to end, as one customer goes through it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from tests.acceptance.figures import apportion, from_net, shown, total
from tests.acceptance.orders import Desk
from tests.acceptance.retention import (
    balance,
    history,
    member,
    open_program,
    points_of_cart,
    points_of_order,
    redeem,
)
from tests.acceptance.shop import Shop
from tests.acceptance.storefront import fill_cart, line_of, read_order, sign_up

pytestmark = pytest.mark.saleor3


def test_the_loop(shop: Shop) -> None:  # noqa: PLR0915 - it is one story
    """Sign up, earn, climb, pay less and with points, return goods: every figure on the way.

    1 point per 1.00 net, available when shipped; VIP from 200.00 net: 10 per cent off, points
    twice. A point is worth 0.01.
    """
    # given
    channel = shop.open_channel()
    open_program(
        shop,
        [channel],
        {
            "maturing": {"rule": "ON_FULFILMENT"},
            "tiers": {
                "metric": "SPEND",
                "window": "LIFETIME",
                "ladder": [
                    {
                        "slug": "vip",
                        "name": "VIP",
                        "threshold": "200.00",
                        "earnMultiplier": "2",
                        "prices": [{"percent": "10"}],
                    }
                ],
            },
        },
    )

    # she signs up: welcome points
    ada = sign_up(shop, channel, "ada")
    assert balance(ada.client, channel) == (100, 0, 0, 0)
    assert member(ada.client, channel)["tier"] is None
    assert member(ada.client, channel)["nextTier"]["missing"]["amount"]["amount"] == Decimal(200)

    # she buys at the list price: 240 net, pending until the goods are shipped
    cart = fill_cart(shop, channel, ada, A=3)
    assert points_of_cart(cart)["earns"] == 240
    first = cart.buy()
    assert shown(first["subtotal"]) == from_net(240, 10)
    assert balance(ada.client, channel) == (100, 240, 0, 0)
    assert points_of_order(shop, first["id"])["pending"] == 240

    # she has climbed at once; the shop ships and the points are hers
    assert member(ada.client, channel)["tier"]["slug"] == "vip"
    Desk(shop, first["id"]).fulfill()
    assert balance(ada.client, channel) == (340, 0, 0, 0)
    assert points_of_order(shop, first["id"])["state"] == "AVAILABLE"

    # she sees her price in the cart: 160 - 16, 30 - 3
    cart = fill_cart(shop, channel, ada, A=2, B=1)
    assert shown(cart.read()["subtotalPrice"]) == from_net(171, 10)

    # she pays 3.00 of it with 300 points, shared over the lines 144 and 27
    points_off = apportion(3, [144, 27])
    applied = redeem(cart, 300)
    assert applied["redemption"]["points"] == 300
    assert applied["redemption"]["effectivePoints"] == 300
    assert balance(ada.client, channel) == (40, 0, 300, 0)
    goods = [from_net(144 - points_off[0], 10), from_net(27 - points_off[1], 10)]
    checkout = cart.read()
    assert shown(checkout["subtotalPrice"]) == total(goods)
    # twice the points for a VIP, on 168.00 net
    assert points_of_cart(cart)["earns"] == 336

    # she pays the money: the points are burned, new ones pend
    cart.ship()
    transaction = cart.pay()
    order = cart.complete()
    assert shown(order["total"]) == total([*goods, from_net(10, 10)])
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    assert sorted(
        (row["name"], row["total"]["amount"]) for row in line_of(order, "A")["discounts"]
    ) == [("Points", points_off[0]), ("VIP", Decimal(16))]
    assert balance(ada.client, channel) == (40, 336, 0, 0)
    assert points_of_order(shop, order["id"]) == {
        "state": "PENDING",
        "quoted": 336,
        "earned": 336,
        "pending": 336,
        "bonus": 0,
        "clawedBack": 0,
        "redeemed": 300,
        "restored": 0,
    }

    # the goods are shipped, she returns one of the two A's and is refunded for it
    desk = Desk(shop, order["id"], transaction)
    desk.fulfill()
    assert balance(ada.client, channel) == (376, 0, 0, 0)
    kept = Decimal(168) - goods[0].net / 2
    clawed = 336 - int(kept * 2)
    desk.take_back(A=1)
    paid = goods[0].gross + goods[1].gross
    restored = int(300 * (goods[0].gross / 2) / paid)
    assert balance(ada.client, channel) == (376 - clawed + restored, 0, 0, 0)
    desk.refund(A=1)
    assert balance(ada.client, channel) == (376 - clawed + restored, 0, 0, 0)

    # she returns the rest: exactly what those goods earned is gone, what she paid is back
    desk.take_back(A=1, B=1)
    desk.refund(A=1, B=1)
    points = points_of_order(shop, order["id"])
    assert (points["earned"], points["clawedBack"]) == (336, 336)
    assert (points["redeemed"], points["restored"]) == (300, 300)
    assert balance(ada.client, channel) == (340, 0, 0, 0)
    assert read_order(shop, first["id"])["status"] == "FULFILLED"
    kinds = Counter(kind for kind, _ in history(ada.client, channel))
    assert kinds == {
        "BONUS": 1,
        "EARN": 2,
        "MATURE": 2,
        "HOLD": 1,
        "CAPTURE": 1,
        "CLAWBACK": 2,
        "RESTORE": 2,
    }
