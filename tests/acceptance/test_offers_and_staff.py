"""Staff edit an order that has every offer, and enter drafts beside them.

An order line keeps one price per unit: 2 A for 143.56 are 71.78 each, B is 19.18, the gift is free
(see ``every_offer``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance import every_offer
from tests.acceptance.every_offer import NAMES, EveryOffer, goods_less
from tests.acceptance.figures import Taxed, from_net, shown, total
from tests.acceptance.offers import amounts, bundle
from tests.acceptance.orders import Desk, draft_order
from tests.acceptance.retention import balance, open_program, points_of_order
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import fill_cart, line_of, report_payment, sign_up

pytestmark = pytest.mark.saleor3

SHIPPING = from_net(10, 10)


@pytest.fixture(scope="module")
def channel(shop: Shop) -> Channel:
    """Where staff confirm orders."""
    return shop.open_channel(confirms_orders=False)


@pytest.fixture(scope="module")
def offers(shop: Shop, channel: Channel) -> EveryOffer:
    """The offers."""
    return every_offer.set_up(shop, [channel])


def test_another_unit(shop: Shop, offers: EveryOffer, channel: Channel) -> None:
    """Each unit keeps the price that it was bought at; what is added earns when it is paid."""
    # given
    order = offers.cart(channel).buy()

    # when
    _edit(shop, "orderLineUpdate", line_of(order, "A")["id"], "OrderLineInput!", {"quantity": 3})

    # then: 3 x 71.78
    goods = [from_net("215.34", 10), *goods_less(channel)[1:]]
    desk = Desk(shop, order["id"])
    order = _check(desk, goods, SHIPPING)
    desk.confirm()
    due = order["total"]["gross"]["amount"] - order["totalCharged"]["amount"]
    report_payment(shop, channel, order["id"], due)
    assert points_of_order(shop, order["id"])["earned"] == 234  # of 234.52


def test_another_unit_of_what_does_not_divide(shop: Shop) -> None:
    """Three for 80.00 are 26.67 each on the order; from there on that is the unit's price."""
    # given
    channel = shop.open_channel(confirms_orders=False)
    program = open_program(shop, [channel])
    bundle(program, "Three", {shop.variants["B"]: 3}, prices=amounts("80.00"))
    order = fill_cart(shop, channel, sign_up(shop, channel), B=3).buy()
    assert shown(order["subtotal"]) == from_net(80, 10)

    # when
    _edit(shop, "orderLineUpdate", line_of(order, "B")["id"], "OrderLineInput!", {"quantity": 4})

    # then: 4 x 26.67
    order = Desk(shop, order["id"]).read()
    assert shown(order["subtotal"]) == from_net("106.68", 10)
    assert shown(order["total"]) == total([from_net("106.68", 10), SHIPPING])


def test_a_line_less(shop: Shop, offers: EveryOffer, channel: Channel) -> None:
    """When B goes the others keep the prices that they were sold at."""
    # given
    order = offers.cart(channel).buy()

    # when
    _do(shop, "orderLineDelete", line_of(order, "B")["id"])

    # then
    order = Desk(shop, order["id"]).read()
    assert [row["productSku"] for row in order["lines"]] == ["A", "C"]
    assert shown(order["subtotal"]) == goods_less(channel)[0]
    assert shown(order["total"]) == total([goods_less(channel)[0], SHIPPING])


def test_the_gift_goes(shop: Shop, offers: EveryOffer, channel: Channel) -> None:
    """Taking the gift off changes no price."""
    # given
    order = offers.cart(channel).buy()

    # when
    _do(shop, "orderLineDelete", line_of(order, "C")["id"])

    # then
    order = Desk(shop, order["id"]).read()
    assert [row["productSku"] for row in order["lines"]] == ["A", "B"]
    assert shown(order["total"]) == total([*goods_less(channel), SHIPPING])


@pytest.mark.parametrize(
    ("said", "off", "shipping"),
    [
        # 10 % of 162.74 is 16.27 (16.274): 16.27 x 143.56/162.74 = 14.352; and of shipping
        ({"valueType": "PERCENTAGE", "value": "10"}, ("14.35", "1.92"), "9"),
        # 17.27 over 172.74 is 16.27 of the goods and 1 of the shipping
        ({"valueType": "FIXED", "value": "17.27"}, ("14.35", "1.92"), "9"),
    ],
    ids=["percentage", "fixed"],
)
def test_a_manual_discount_on_the_order(
    shop: Shop,
    offers: EveryOffer,
    channel: Channel,
    said: dict[str, str],
    off: tuple[str, str],
    shipping: str,
) -> None:
    """What staff take off the order comes off what the offers left."""
    # given
    order = offers.cart(channel).buy()

    # when
    _edit(shop, "orderDiscountAdd", order["id"], "OrderDiscountCommonInput!", said, "orderId")

    # then
    _check(Desk(shop, order["id"]), goods_less(channel, *off), from_net(shipping, 10))


def test_a_manual_discount_on_a_line(shop: Shop, offers: EveryOffer, channel: Channel) -> None:
    """On a line staff's discount stands alone, as Saleor has it: 10 per cent off the list price."""
    # given
    order = offers.cart(channel).buy()

    # when
    _edit(
        shop,
        "orderLineDiscountUpdate",
        line_of(order, "A")["id"],
        "OrderDiscountCommonInput!",
        {"valueType": "PERCENTAGE", "value": "10"},
        "orderLineId",
    )

    # then
    _check(Desk(shop, order["id"]), [from_net(144, 10), *goods_less(channel)[1:]], SHIPPING)


def test_a_draft_has_no_offers(shop: Shop) -> None:
    """A draft has the shop's own prices, and no use of an offer is counted."""
    # given
    channel = shop.open_channel()
    shopper = every_offer.set_up(shop, [channel]).shopper(channel)

    # when
    desk = draft_order(shop, channel, shopper.id, A=2, B=1, C=1)

    # then: B has the 5 off of the shop
    _check(desk, [from_net(price, 10) for price in (160, 25, 50)], SHIPPING)
    desk.mark_as_paid()
    assert balance(shopper.client, channel)[0] == 100 + 235
    assert shop.rows(
        "SELECT count(*) FROM saleor_retention_offeruse WHERE order_ref = %s",
        _key(shop, desk.read()["number"]),
    ) == [[0]]


def test_a_refund_of_cents_that_do_not_divide(shop: Shop) -> None:
    """Three for 80.00 are 26.67 each: two refunds and the rest are what was paid."""
    # given
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    bundle(program, "Three", {shop.variants["B"]: 3}, prices=amounts("80.00"))
    cart = fill_cart(shop, channel, sign_up(shop, channel), B=3)
    cart.ship()
    transaction = cart.pay()
    order = cart.complete()
    assert shown(line_of(order, "B")["totalPrice"]) == from_net(80, 10)
    desk = Desk(shop, order["id"], transaction)
    desk.fulfill()

    # when: a third of 88.00, which is 29.333
    first, second = desk.refund(B=1), desk.refund(B=1)

    # then
    assert (first, second) == (Decimal("29.33"), Decimal("29.33"))
    rest = order["total"]["gross"]["amount"] - first - second
    assert rest == Decimal("40.34")  # the third, a cent more, and 11.00 of shipping
    assert desk.refund(amount=rest, B=1) == rest
    points = points_of_order(shop, order["id"])
    assert (points["earned"], points["clawedBack"]) == (80, 80)
    assert desk.read()["totalCharged"]["amount"] == 0


def _check(desk: Desk, goods: list[Taxed], shipping: Taxed) -> dict[str, Any]:
    order = desk.read()
    assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
    assert shown(order["subtotal"]) == total(goods)
    assert shown(order["shippingPrice"]) == shipping
    assert shown(order["total"]) == total([*goods, shipping])
    return order


def _edit(
    shop: Shop, mutation: str, key: str, kind: str, said: dict[str, Any], argument: str = "id"
) -> None:
    shop.owner.do(
        f"""mutation ($id: ID!, $input: {kind}) {{
          {mutation}({argument}: $id, input: $input) {{ errors {{ field message code }} }}
        }}""",
        id=key,
        input=said,
    )


def _do(shop: Shop, mutation: str, key: str) -> None:
    shop.owner.do(
        f"mutation ($id: ID!) {{ {mutation}(id: $id) {{ errors {{ field message code }} }} }}",
        id=key,
    )


def _key(shop: Shop, number: str) -> str:
    """Return an order's reference by its number."""
    ((key,),) = shop.rows("SELECT id::text FROM order_order WHERE number = %s", int(number))
    return str(key)
