"""A member's price together with everything of the shop's own, right to the cent.

The goods are 2 A at 80, 1 B at 30 and 1 C at 50 with 20 off by a promotion of the shop. VIP takes
10 per cent, per unit, off what they cost then: 160 -> 144, 30 -> 27, 30 -> 27; together 198.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.acceptance.figures import (
    Taxed,
    from_gross,
    from_net,
    percent_off,
    points,
    shown,
    spread,
    total,
)
from tests.acceptance.retention import open_program, points_of_cart, points_of_order
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import Shopper, fill_cart, line_of

pytestmark = pytest.mark.saleor3

LIST_PRICES = [Decimal(160), Decimal(30), Decimal(30)]
VIP_PRICES = [Decimal(144), Decimal(27), Decimal(27)]


def _taxed(is_gross: bool) -> Callable[[Decimal], Taxed]:  # noqa: FBT001 - a column of the table
    return lambda amount: from_gross(amount, 23) if is_gross else from_net(amount, 10)


def _voucher(stage: Stage, channel: Channel, kind: str) -> str:
    if kind == "percentage":
        return stage.shop.voucher(channel, "20")
    if kind == "fixed":
        return stage.shop.voucher(channel, "10", value_type="FIXED")
    return stage.shop.voucher(
        channel, "20", kind="SPECIFIC_PRODUCT", products=[stage.shop.products["A"]]
    )


VOUCHERS = {
    "none": [Decimal(0), Decimal(0), Decimal(0)],
    "percentage": [price / 5 for price in VIP_PRICES],
    "fixed": spread(10, VIP_PRICES),
    "specific": [VIP_PRICES[0] / 5, Decimal(0), Decimal(0)],
}


@pytest.mark.parametrize("is_gross", [False, True], ids=["net", "gross"])
@pytest.mark.parametrize("voucher", VOUCHERS)
def test_member_price_with_vouchers(stage: Stage, voucher: str, is_gross: bool) -> None:  # noqa: FBT001
    """Cart, order, tax and points are right with each kind of voucher, net and gross."""
    # given
    vip = stage.shopper(is_vip=True)
    cart = stage.cart(vip, is_gross=is_gross, A=2, B=1, C=1)
    taxed = _taxed(is_gross)

    # when
    if voucher != "none":
        cart.promo(_voucher(stage, cart.channel, voucher))

    # then: the cart
    goods = [taxed(price - less) for price, less in zip(VIP_PRICES, VOUCHERS[voucher], strict=True)]
    checkout = cart.read()
    assert shown(checkout["subtotalPrice"]) == total(goods)
    assert [shown(row["totalPrice"]) for row in checkout["lines"]] == goods
    found = points_of_cart(cart)
    assert found["saving"]["amount"] == Decimal(22)
    earned = points(total(goods).net, Decimal("0.25") if is_gross else 1)
    assert found["earns"] == earned

    # and: the order
    order = cart.buy()
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    assert shown(order["subtotal"]) == total(goods)
    assert shown(order["total"]) == total([*goods, taxed(Decimal(10))])
    assert _own_discounts(order, "A") == [("VIP", Decimal(16))]
    assert _own_discounts(order, "B") == [("VIP", Decimal(3))]
    assert _own_discounts(order, "C") == [("VIP", Decimal(3))]
    assert ("PROMOTION", Decimal(20)) in _discounts(order, "C")
    assert points_of_order(stage.shop, order["id"])["earned"] == earned


def test_cents_that_do_not_divide(shop: Shop) -> None:
    """A per cent is rounded on one unit, so that unit times quantity is the total."""
    # given: 3 at 9.99 and 1 at 0.05, 7 per cent off
    channel = shop.open_channel(prices={"A": "9.99", "B": "0.05"})
    program = open_program(shop, [channel], {"tiers": _ladder(percent="7")})
    vip = Stage(shop, channel, channel, program).shopper(is_vip=True)

    # when
    order = fill_cart(shop, channel, vip, A=3, B=1).buy()

    # then
    off = percent_off("9.99", 3, 7)
    assert off == Decimal("2.10")
    goods = [from_net(Decimal("29.97") - off, 10), from_net(Decimal("0.05"), 10)]
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    unit = line_of(order, "A")["unitPrice"]["net"]["amount"]
    assert unit * 3 == goods[0].net
    assert _own_discounts(order, "B") == []


def test_an_amount_off_on_chosen_goods(shop: Shop) -> None:
    """An amount is taken off each unit of the chosen goods, and never more than they cost."""
    # given: 4.00 off each unit in a category, 100.00 off a collection; the best one counts
    channel = shop.open_channel()
    prices = [
        {
            "amounts": [{"currency": "USD", "amount": "4.00"}],
            "select": {"categories": [shop.categories["socks"]]},
        },
        {
            "amounts": [{"currency": "USD", "amount": "100.00"}],
            "select": {"collections": [shop.collections["summer"]]},
        },
    ]
    program = open_program(shop, [channel], {"tiers": _ladder(prices=prices)})
    vip = Stage(shop, channel, channel, program).shopper(is_vip=True)

    # when
    order = fill_cart(shop, channel, vip, A=1, B=2, C=1).buy()

    # then
    assert [shown(row["totalPrice"]) for row in order["lines"]] == [
        from_net(80, 10),
        from_net(52, 10),
        from_net(0, 10),
    ]


def test_an_order_promotion_of_the_shop(shop: Shop) -> None:
    """The shop's 10 per cent on the order is taken off what is left after the member's price."""
    # given
    channel, vip = _promoted(
        shop,
        rewardType="SUBTOTAL_DISCOUNT",
        rewardValueType="PERCENTAGE",
        rewardValue="10",
    )

    # when
    order = fill_cart(shop, channel, vip, A=2, B=1, C=1).buy()

    # then
    goods = [from_net(price * Decimal("0.9"), 10) for price in VIP_PRICES]
    assert [shown(row["totalPrice"]) for row in order["lines"]] == goods
    assert shown(order["total"]) == total([*goods, from_net(10, 10)])
    assert [(row["type"], row["amount"]["amount"]) for row in order["discounts"]] == [
        ("ORDER_PROMOTION", Decimal("19.80"))
    ]
    assert points_of_order(shop, order["id"])["earned"] == points(total(goods).net)


def test_a_gift_of_the_shop(shop: Shop) -> None:
    """The shop's gift stays a gift, costs nothing and earns nothing."""
    # given
    channel, vip = _promoted(shop, rewardType="GIFT", gifts=[shop.variants["B"]])

    # when
    cart = fill_cart(shop, channel, vip, A=2)
    cart.update(A=3)
    cart.update(A=2)
    order = cart.buy()

    # then
    assert [
        (row["productSku"], row["isGift"], shown(row["totalPrice"])) for row in order["lines"]
    ] == [("A", False, from_net(144, 10)), ("B", True, from_net(0, 10))]
    assert points_of_order(shop, order["id"])["earned"] == 144


def test_a_gift_card_is_a_tender(stage: Stage) -> None:
    """A gift card lowers what is paid, neither the tax nor the points.

    The rest is paid the old way: for transactions Saleor 3.21 asks for the whole total.
    """
    # given
    vip = stage.shopper(is_vip=True)
    cart = stage.cart(vip, A=2, B=1, C=1)

    # when
    checkout = cart.promo(stage.shop.gift_card(cart.channel, "50"))
    cart.ship()
    cart.pay_by_gateway()
    order = cart.complete()

    # then
    goods = [from_net(price, 10) for price in VIP_PRICES]
    assert checkout["totalPrice"]["gross"]["amount"] == total(goods).gross - 50
    assert shown(order["subtotal"]) == total(goods)
    assert order["total"]["gross"]["amount"] == (total(goods) + from_net(10, 10)).gross - 50
    assert points_of_order(stage.shop, order["id"])["earned"] == 198


def _ladder(percent: str | None = None, prices: list[dict[str, object]] | None = None) -> object:
    return {
        "metric": "SPEND",
        "window": "LIFETIME",
        "ladder": [
            {
                "slug": "vip",
                "name": "VIP",
                "threshold": "1000.00",
                "prices": prices or [{"percent": percent}],
            }
        ],
    }


def _promoted(shop: Shop, **reward: object) -> tuple[Channel, Shopper]:
    """Open a channel with a promotion on the order, C's reduction and the standard program."""
    channel = shop.open_channel()
    shop.catalogue_promotion(channel, "C", "20")
    predicate = {"discountedObjectPredicate": {"baseSubtotalPrice": {"range": {"gte": "100"}}}}
    shop.promotion(channel, "ORDER", orderPredicate=predicate, **reward)
    program = open_program(shop, [channel])
    return channel, Stage(shop, channel, channel, program).shopper(is_vip=True)


def _discounts(order: dict[str, object], name: str) -> list[tuple[str, Decimal]]:
    return [(row["type"], row["total"]["amount"]) for row in line_of(order, name)["discounts"]]


def _own_discounts(order: dict[str, object], name: str) -> list[tuple[str, Decimal]]:
    return [
        (row["name"], row["total"]["amount"])
        for row in line_of(order, name)["discounts"]
        if row["type"] == "ORDER_PROMOTION"
    ]
