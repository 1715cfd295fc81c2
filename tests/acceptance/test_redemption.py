"""Paying with points: what is set aside, what the total falls by, what is burned."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.acceptance.figures import apportion, from_gross, from_net, shown, total
from tests.acceptance.orders import Desk
from tests.acceptance.retention import (
    balance,
    clear_redemption,
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


@pytest.mark.parametrize("is_gross", [False, True], ids=["net", "gross"])
def test_points_take_money_off_each_line(stage: Stage, is_gross: bool) -> None:  # noqa: FBT001
    """500 points are 5.00 (20.00 zl) off the prices as entered, shared over the lines."""
    # given
    vip = stage.shopper(points=400, is_vip=True)
    cart = stage.cart(vip, is_gross=is_gross, A=2, B=1, C=1)
    off = apportion(20 if is_gross else 5, [144, 27, 27])
    prices = [Decimal(price) - less for price, less in zip((144, 27, 27), off, strict=True)]
    goods = [from_gross(price, 23) if is_gross else from_net(price, 10) for price in prices]

    # when
    applied = redeem(cart, 500)
    checkout = cart.read()
    order = cart.buy()

    # then
    assert applied["redemption"]["value"]["amount"] == sum(off)
    assert shown(checkout["subtotalPrice"]) == total(goods)
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    assert {row["name"]: row["total"]["amount"] for row in line_of(order, "A")["discounts"]} == {
        "VIP": Decimal(16),
        "Points": off[0],
    }
    points = points_of_order(stage.shop, order["id"])
    assert points["redeemed"] == 500
    assert balance(vip.client, stage.net) == (points["earned"], 0, 0, 0)


def test_setting_again_changes_and_zero_clears(stage: Stage) -> None:
    """The last call counts; zero means none."""
    # given
    ada = stage.shopper(points=400)
    cart = stage.cart(ada, A=1)

    # when, then
    redeem(cart, 500)
    assert balance(ada.client, stage.net) == (0, 0, 500, 0)
    redeem(cart, 200)
    assert balance(ada.client, stage.net) == (300, 0, 200, 0)
    assert shown(cart.read()["subtotalPrice"]) == from_net(78, 10)
    assert redeem(cart, 0)["redemption"] is None
    assert balance(ada.client, stage.net) == (500, 0, 0, 0)
    redeem(cart, 300)
    clear_redemption(cart)
    assert balance(ada.client, stage.net) == (500, 0, 0, 0)
    assert shown(cart.read()["subtotalPrice"]) == from_net(80, 10)


def test_the_hold_shrinks_with_the_cart(stage: Stage) -> None:
    """Points that a smaller cart cannot take are free at once, and do not come back by growing."""
    # given: goods of 110.00, paid with 10,000 points
    ada = stage.shopper(points=10_000)
    cart = stage.cart(ada, A=1, B=1)
    redeem(cart, 10_000)
    cart.ship()

    # when
    checkout = cart.remove("A")

    # then: and the way of shipping that was chosen stays
    assert shown(checkout["subtotalPrice"]) == from_net(0, 10)
    assert shown(checkout["shippingPrice"]) == from_net(10, 10)
    assert balance(ada.client, stage.net) == (7_100, 0, 3_000, 0)


def test_a_percentage_voucher_on_top(stage: Stage) -> None:
    """Points are worth exactly what the total falls by, and the checkout says so before."""
    # given: goods of 198.00 for a VIP, 20 per cent off by a voucher: 158.40
    vip = stage.shopper(points=400, is_vip=True)
    cart = stage.cart(vip, A=2, B=1, C=1)
    cart.promo(stage.shop.voucher(stage.net, "20"))
    before = shown(cart.read()["subtotalPrice"])

    # when
    applied = redeem(cart, 500)["redemption"]
    after = shown(cart.read()["subtotalPrice"])
    order = cart.buy()

    # then: of 5.00 the voucher takes a fifth back, so 400 points are burned for 4.00
    assert before.net == Decimal("158.40")
    assert after.net == Decimal("154.40")
    assert applied["points"] == 500
    assert applied["effectivePoints"] == 400
    assert applied["value"]["amount"] == Decimal("4.00")
    # what the API foretells of the gross total may miss it by the cents that three lines round
    assert abs(applied["grossValue"]["amount"] - (before.gross - after.gross)) <= Decimal("0.03")
    points = points_of_order(stage.shop, order["id"])
    assert points["redeemed"] == 400
    assert balance(vip.client, stage.net) == (100 + 154, 0, 0, 0)


def test_a_voucher_that_comes_later(stage: Stage) -> None:
    """The order of the two does not matter: the voucher entered after the points changes both."""
    # given
    ada = stage.shopper(points=900)
    cart = stage.cart(ada, A=1)
    redeem(cart, 1000)

    # when: (80 - 10) less a half
    checkout = cart.promo(stage.shop.voucher(stage.net, "50"))

    # then
    assert shown(checkout["subtotalPrice"]) == from_net(35, 10)
    assert points_of_cart(cart)["redemption"]["effectivePoints"] == 500
    order = cart.buy()
    assert points_of_order(stage.shop, order["id"])["redeemed"] == 500
    assert balance(ada.client, stage.net) == (500 + 35, 0, 0, 0)


def test_points_pay_everything(stage: Stage) -> None:
    """Goods can be paid with points to the last cent; only shipping is left."""
    # given
    ada = stage.shopper(points=20_000)
    cart = stage.cart(ada, A=1, B=1)

    # when
    most = points_of_cart(cart)["redeemableMax"]
    redeem(cart, most)
    order = cart.buy()

    # then
    assert most == 11_000
    assert shown(order["subtotal"]) == from_net(0, 10)
    assert shown(order["total"]) == from_net(10, 10)
    assert points_of_order(stage.shop, order["id"])["earned"] == 0
    assert balance(ada.client, stage.net) == (20_100 - 11_000, 0, 0, 0)


def test_limits_of_the_program(shop: Shop) -> None:
    """Minimum, block and share of the order bound what may be spent; the answer says what came."""
    # given
    channel = shop.open_channel()
    program = open_program(
        shop,
        [channel],
        {"redemption": {"minimumPoints": 200, "blockPoints": 100, "orderShareMax": "0.5"}},
    )
    ada = Stage(shop, channel, channel, program).shopper(points=9_900)
    cart = fill_cart(shop, channel, ada, A=1)

    # when, then
    (error,) = refuse_redemption(cart, 199)
    assert (error["field"], error["code"]) == ("points", "BELOW_MINIMUM")
    assert redeem(cart, 250)["redemption"]["points"] == 200
    assert redeem(cart, 9_000)["redemption"]["points"] == 4_000
    assert shown(cart.read()["subtotalPrice"]) == from_net(40, 10)
    assert balance(ada.client, channel) == (6_000, 0, 4_000, 0)


def test_money_on_the_checkout_fixes_the_points(stage: Stage) -> None:
    """Once something is authorized or charged the points can no longer be changed."""
    # given
    ada = stage.shopper()
    cart = stage.cart(ada, A=1)
    redeem(cart, 100)
    cart.ship()
    cart.pay(action="amountAuthorized")

    # when
    (error,) = refuse_redemption(cart, 50)

    # then
    assert error["code"] == "CHECKOUT_PAID"
    assert balance(ada.client, stage.net) == (0, 0, 100, 0)
    order = cart.complete()
    assert shown(order["subtotal"]) == from_net(79, 10)
    assert points_of_order(stage.shop, order["id"])["redeemed"] == 100


def test_a_deleted_line_and_a_canceled_order(stage: Stage) -> None:
    """A canceled order gives the points it burned back, and takes those it earned."""
    # given
    ada = stage.shopper(points=400)
    cart = stage.cart(ada, A=1)
    redeem(cart, 500)
    order = cart.buy()
    assert balance(ada.client, stage.net) == (75, 0, 0, 0)

    # when
    Desk(stage.shop, order["id"]).cancel()

    # then
    assert balance(ada.client, stage.net) == (500, 0, 0, 0)
    points = points_of_order(stage.shop, order["id"])
    assert (points["clawedBack"], points["restored"], points["state"]) == (75, 500, "REVERSED")


def test_a_checkout_that_outlives_its_order(stage: Stage) -> None:
    """An app makes an order and keeps the checkout: points are burned once, the price is new."""
    # given
    ada = stage.shopper(points=900)
    cart = stage.cart(ada, A=1)
    redeem(cart, 1000)
    cart.ship()

    # when
    first = cart.order_and_keep()

    # then
    assert shown(first["subtotal"]) == from_net(70, 10)
    assert points_of_order(stage.shop, first["id"])["redeemed"] == 1000
    assert balance(ada.client, stage.net) == (0, 0, 0, 0)
    assert shown(cart.read()["subtotalPrice"]) == from_net(80, 10)
    second = cart.order_and_keep()
    assert shown(second["subtotal"]) == from_net(80, 10)
    assert points_of_order(stage.shop, second["id"])["redeemed"] == 0
    assert points_of_order(stage.shop, first["id"])["redeemed"] == 1000
