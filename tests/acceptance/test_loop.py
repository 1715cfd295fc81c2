"""The loyalty loop from end to end, as one customer goes through it, on every Saleor."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from tests.acceptance.figures import apportion, from_net, shown, total
from tests.acceptance.retention import (
    balance,
    history,
    member,
    open_program,
    points_of_cart,
    points_of_order,
    redeem,
)
from tests.acceptance.worlds import World, subtotal

LADDER = {
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
}


def test_the_loop(world: World) -> None:
    """Sign up, earn, climb, pay less and with points, return goods: every figure on the way.

    1 point per 1.00 net, available when shipped; VIP from 200.00: 10 per cent off, points twice.
    A point is worth 0.01.
    """
    # given
    channel, tax = world.channel, world.tax_percent
    open_program(world, [channel], {"maturing": {"rule": "ON_FULFILMENT"}, "tiers": LADDER})

    # she signs up: welcome points
    ada = world.sign_up("ada")
    assert balance(ada.client, channel) == (100, 0, 0, 0)
    assert member(ada.client, channel)["tier"] is None
    assert member(ada.client, channel)["nextTier"]["missing"]["amount"]["amount"] == Decimal(200)

    # she buys at the list price: 240 net, pending until the goods are shipped
    cart = world.cart(ada, A=3)
    assert points_of_cart(cart)["earns"] == 240
    first = cart.buy()
    assert shown(first["subtotal"]) == from_net(240, tax)
    assert balance(ada.client, channel) == (100, 240, 0, 0)
    assert points_of_order(world, first["id"])["pending"] == 240

    # she has climbed at once; the shop ships and the points are hers
    assert member(ada.client, channel)["tier"]["slug"] == "vip"
    world.deliver(first)
    assert balance(ada.client, channel) == (340, 0, 0, 0)
    assert points_of_order(world, first["id"])["state"] == "AVAILABLE"

    # she sees her price in the cart: 80 - 8, 30 - 3
    cart = world.cart(ada, A=1, B=1)
    assert subtotal(cart) == total([from_net(72, tax), from_net(27, tax)])

    # she pays 3.00 of it with 300 points, shared over the lines
    off = apportion(3, [72, 27])
    goods = [from_net(72 - off[0], tax), from_net(27 - off[1], tax)]
    applied = redeem(cart, 300)["redemption"]
    assert (applied["points"], applied["effectivePoints"]) == (300, 300)
    assert balance(ada.client, channel) == (40, 0, 300, 0)
    assert subtotal(cart) == total(goods)
    # twice the points for a VIP, on 96.00 net
    assert points_of_cart(cart)["earns"] == 192

    # she pays the money: the points are burned, new ones pend
    order = cart.buy()
    assert shown(order["total"]) == total([*goods, from_net(world.shipping, tax)])
    assert [shown(row["unitPrice"]) for row in order["lines"]] == goods
    assert balance(ada.client, channel) == (40, 192, 0, 0)
    assert points_of_order(world, order["id"]) == {
        "state": "PENDING",
        "quoted": 192,
        "earned": 192,
        "pending": 192,
        "bonus": 0,
        "clawedBack": 0,
        "redeemed": 300,
        "restored": 0,
    }

    # the goods are shipped, she returns A and is refunded for it
    world.deliver(order)
    assert balance(ada.client, channel) == (232, 0, 0, 0)
    world.give_back(order, "A")
    clawed = 192 - int(2 * goods[1].net)
    restored = int(300 * goods[0].gross / (goods[0].gross + goods[1].gross))
    points = points_of_order(world, order["id"])
    assert (points["clawedBack"], points["restored"]) == (clawed, restored)
    assert balance(ada.client, channel) == (232 - clawed + restored, 0, 0, 0)

    # she returns the rest: exactly what those goods earned is gone, what she paid is back
    world.give_back(order, "B")
    points = points_of_order(world, order["id"])
    assert (points["earned"], points["clawedBack"]) == (192, 192)
    assert (points["redeemed"], points["restored"]) == (300, 300)
    assert balance(ada.client, channel) == (340, 0, 0, 0)
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
