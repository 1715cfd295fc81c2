"""With the plugin installed and no program, every figure is Saleor's own.

These are also what the other stories stand on: if one of them fails, the shop or the harness is at
fault and not a program.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.acceptance.figures import cents, from_gross, from_net, shown, spread, total
from tests.acceptance.orders import Desk
from tests.acceptance.shop import Shop
from tests.acceptance.storefront import fill_cart, line_of, sign_up

pytestmark = pytest.mark.saleor3

SHIPPING = from_net(10, 10)


def test_cart_and_order_without_a_program(shop: Shop) -> None:
    """Goods at list price, the catalogue promotion's reduction, flat tax: cart and order agree."""
    # given
    channel = shop.open_channel()
    shop.catalogue_promotion(channel, "C", "20")
    ada = sign_up(shop, channel)

    # when
    cart = fill_cart(shop, channel, ada, A=2, B=1, C=1)
    order = cart.buy()

    # then
    goods = [from_net(160, 10), from_net(30, 10), from_net(30, 10)]
    assert shown(order["subtotal"]) == total(goods)
    assert shown(order["shippingPrice"]) == SHIPPING
    assert shown(order["total"]) == total([*goods, SHIPPING])
    assert [row["productSku"] for row in order["lines"]] == ["A", "B", "C"]
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    assert line_of(order, "A")["discounts"] == []
    assert [row["type"] for row in line_of(order, "C")["discounts"]] == ["PROMOTION"]
    assert order["discounts"] == []
    assert (order["status"], order["chargeStatus"]) == ("UNFULFILLED", "FULL")


def test_gross_prices_without_a_program(shop: Shop) -> None:
    """A channel that enters prices with tax shows the list price as gross."""
    # given
    channel = shop.open_channel(currency="PLN", country="PL", is_gross=True)
    ada = sign_up(shop, channel)

    # when
    order = fill_cart(shop, channel, ada, A=2, B=1).buy()

    # then
    goods = [from_gross(160, 23), from_gross(30, 23)]
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    assert shown(order["total"]) == total([*goods, from_gross(10, 23)])


def test_nothing_is_written_without_a_program(shop: Shop) -> None:
    """No discount row appears on the carts of a channel that has no program."""
    # given
    channel = shop.open_channel()
    ada = sign_up(shop, channel)

    # when
    cart = fill_cart(shop, channel, ada, A=1)
    cart.update(A=3)

    # then
    assert cart.read()["subtotalPrice"]["net"]["amount"] == Decimal(240)
    assert shop.rows(
        "SELECT count(*) FROM discount_checkoutlinediscount d "
        "JOIN checkout_checkoutline l ON l.id = d.line_id "
        "JOIN checkout_checkout c ON c.token = l.checkout_id "
        "JOIN channel_channel ch ON ch.id = c.channel_id WHERE ch.slug = %s",
        channel.slug,
    ) == [[0]]


@pytest.mark.parametrize(
    ("voucher", "off"),
    [
        ({"value": "20"}, [32, 6, 6]),
        ({"value": "10", "value_type": "FIXED"}, spread(10, [160, 30, 30])),
        ({"value": "20", "kind": "SPECIFIC_PRODUCT"}, [32, 0, 0]),
    ],
)
def test_vouchers_without_a_program(
    shop: Shop, voucher: dict[str, str], off: list[Decimal]
) -> None:
    """Each kind of voucher takes off what the shop says, and nothing else happens."""
    # given: goods worth 160 + 30 + 30 after the catalogue promotion
    channel = shop.open_channel()
    shop.catalogue_promotion(channel, "C", "20")
    ada = sign_up(shop, channel)
    more = {"products": [shop.products["A"]]} if voucher.get("kind") else {}
    cart = fill_cart(shop, channel, ada, A=2, B=1, C=1)

    # when
    cart.promo(shop.voucher(channel, **voucher, **more))
    order = cart.buy()

    # then
    goods = [
        from_net(list_price - less, 10) for list_price, less in zip((160, 30, 30), off, strict=True)
    ]
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    assert shown(order["subtotal"]) == total(goods)
    assert shown(order["total"]) == total([*goods, SHIPPING])


def test_order_promotion_and_gift_without_a_program(shop: Shop) -> None:
    """A promotion on the whole order and one that gives a gift do what the shop says."""
    # given
    channel = shop.open_channel()
    condition = {"discountedObjectPredicate": {"baseSubtotalPrice": {"range": {"gte": "100"}}}}
    shop.promotion(
        channel,
        "ORDER",
        orderPredicate=condition,
        rewardType="SUBTOTAL_DISCOUNT",
        rewardValueType="PERCENTAGE",
        rewardValue="10",
    )
    with_gift = shop.open_channel()
    shop.promotion(
        with_gift,
        "ORDER",
        orderPredicate=condition,
        rewardType="GIFT",
        gifts=[shop.variants["B"]],
    )
    ada = sign_up(shop, channel)

    # when
    discounted = fill_cart(shop, channel, ada, A=2).buy()
    gifted = fill_cart(shop, with_gift, ada, A=2).buy()

    # then
    assert shown(discounted["subtotal"]) == from_net(144, 10)
    assert shown(gifted["subtotal"]) == from_net(160, 10)
    assert [
        (row["productSku"], row["isGift"], row["totalPrice"]["gross"]["amount"])
        for row in gifted["lines"]
    ] == [("A", False, Decimal(176)), ("B", True, Decimal(0))]


def test_a_gift_card_without_a_program(shop: Shop) -> None:
    """A gift card pays; it does not lower the tax."""
    # given
    channel = shop.open_channel()
    ada = sign_up(shop, channel)
    cart = fill_cart(shop, channel, ada, A=1)

    # when
    checkout = cart.promo(shop.gift_card(channel, "50"))

    # then
    assert checkout["subtotalPrice"]["gross"]["amount"] == Decimal(88)
    assert checkout["totalPrice"]["gross"]["amount"] == Decimal(38)


def test_return_refund_and_cancel_without_a_program(shop: Shop) -> None:
    """Granted refunds of goods add up to the order, and a canceled order is canceled."""
    # given
    channel = shop.open_channel()
    ada = sign_up(shop, channel)
    cart = fill_cart(shop, channel, ada, A=3, B=1)
    cart.ship()
    transaction = cart.pay()
    desk = Desk(shop, cart.complete()["id"], transaction)
    desk.fulfill()

    # when
    returned = desk.take_back(A=1)
    first = desk.refund(A=1)
    rest = desk.refund(A=2, B=1, shipping=True)

    # then
    order = desk.read()
    assert returned["status"] == "PARTIALLY_RETURNED"
    assert first == cents(Decimal(80) * Decimal("1.1"))
    assert first + rest == order["total"]["gross"]["amount"] == Decimal("308.00")
    assert order["totalCharged"]["amount"] == 0

    # and
    other = Desk(shop, fill_cart(shop, channel, ada, B=1).buy()["id"])
    assert other.cancel()["status"] == "CANCELED"
