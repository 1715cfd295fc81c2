"""Free shipping as a tier's benefit: price, tax, order and refund."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.acceptance.figures import from_gross, from_net, shown, total
from tests.acceptance.orders import Desk
from tests.acceptance.retention import (
    IN_ZLOTY_TOO,
    Program,
    balance,
    open_program,
    points_of_cart,
    points_of_order,
)
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import fill_cart

pytestmark = pytest.mark.saleor3

LADDER = {
    "metric": "SPEND",
    "window": "LIFETIME",
    "ladder": [{"slug": "vip", "name": "VIP", "threshold": "1000.00", "freeShipping": True}],
}


@pytest.fixture(scope="module")
def channels(shop: Shop) -> tuple[Channel, Channel, Program]:
    """A channel with net and one with gross prices, and a program whose VIPs ship for nothing."""
    net = shop.open_channel()
    gross = shop.open_channel(currency="PLN", country="PL", is_gross=True)
    return net, gross, open_program(shop, [net, gross], {**IN_ZLOTY_TOO, "tiers": LADDER})


@pytest.mark.parametrize("is_gross", [False, True], ids=["net", "gross"])
def test_a_vip_ships_for_nothing(
    shop: Shop,
    channels: tuple[Channel, Channel, Program],
    is_gross: bool,  # noqa: FBT001
) -> None:
    """Shipping costs nothing and is taxed with nothing; its list price is still shown."""
    # given
    net, gross, program = channels
    channel = gross if is_gross else net
    vip = Stage(shop, net, gross, program).shopper(is_vip=True)
    cart = fill_cart(shop, channel, vip, A=1)

    # when
    checkout = cart.ship()
    found = points_of_cart(cart)
    transaction = cart.pay()
    order = cart.complete()

    # then
    goods = from_gross(80, 23) if is_gross else from_net(80, 10)
    assert found["freeShipping"] is True
    assert shown(checkout["shippingPrice"]) == from_net(0, 0)
    assert shown(checkout["totalPrice"]) == goods
    assert shown(order["shippingPrice"]) == from_net(0, 0)
    assert order["undiscountedShippingPrice"]["amount"] == Decimal(10)
    assert shown(order["total"]) == goods

    # and: a refund of everything is what was paid
    desk = Desk(shop, order["id"], transaction)
    desk.fulfill()
    assert desk.refund(A=1, shipping=True) == goods.gross
    assert desk.read()["totalCharged"]["amount"] == 0


def test_others_pay_for_shipping(shop: Shop, channels: tuple[Channel, Channel, Program]) -> None:
    """A member without the tier and a guest pay for it, and the cart says what is missing."""
    # given
    net, gross, program = channels
    ada = Stage(shop, net, gross, program).shopper()

    # when
    cart = fill_cart(shop, net, ada, A=1)
    checkout = cart.ship()
    verdicts = {row["ruleKey"]: row["code"] for row in points_of_cart(cart)["verdicts"]}

    # then
    assert shown(checkout["shippingPrice"]) == from_net(10, 10)
    assert verdicts["shipping:vip"] == "TIER_TOO_LOW"
    order = cart.buy()
    assert shown(order["total"]) == total([from_net(80, 10), from_net(10, 10)])
    assert points_of_order(shop, order["id"])["earned"] == 80
    assert balance(ada.client, net)[0] == 180


def test_it_follows_who_holds_the_cart(
    shop: Shop, channels: tuple[Channel, Channel, Program]
) -> None:
    """Signing in makes the shipping of a cart free, signing out makes it cost again."""
    # given
    net, gross, program = channels
    vip = Stage(shop, net, gross, program).shopper(is_vip=True)
    cart = fill_cart(shop, net, A=1)
    assert shown(cart.ship()["shippingPrice"]) == from_net(10, 10)

    # when, then
    assert shown(cart.attach(vip)["shippingPrice"]) == from_net(0, 0)
    assert shown(cart.detach()["shippingPrice"]) == from_net(10, 10)
