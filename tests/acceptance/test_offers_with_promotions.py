"""All offers at once together with the shop's promotions, a tax app, and a code that is dearer.

Where the figures of the offers themselves come from stands in ``every_offer``: A costs 143.56,
B 19.18, together 162.74, and the gift nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance import every_offer
from tests.acceptance.every_offer import NAMES, goods_less, taxed
from tests.acceptance.figures import ZERO, from_net, points, shown, total
from tests.acceptance.offers import amounts, applied_to, bundle, pick_gifts
from tests.acceptance.orders import Desk
from tests.acceptance.retention import open_program, points_of_order
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import PRICE, Cart, fill_cart, line_of, sign_up

pytestmark = pytest.mark.saleor3

FROM_100 = {"discountedObjectPredicate": {"baseSubtotalPrice": {"range": {"gte": "100"}}}}
COMPARED = """
retention { compareCode(code: "%s") {
  verdict withCode { amount } withoutCode { amount } saving { amount }
} }
"""


@pytest.mark.parametrize("is_gross", [False, True], ids=["net", "gross"])
def test_every_offer_with_an_order_promotion(shop: Shop, is_gross: bool) -> None:  # noqa: FBT001
    """The shop's 10 per cent on the order comes off what the offers left."""
    # given
    channel = _open(shop, is_gross=is_gross)
    shop.promotion(
        channel,
        "ORDER",
        orderPredicate=FROM_100,
        rewardType="SUBTOTAL_DISCOUNT",
        rewardValueType="PERCENTAGE",
        rewardValue="10",
    )
    offers = every_offer.set_up(shop, [channel])
    cart = offers.cart(channel)

    # when
    checkout = cart.ship()
    transaction = cart.pay()
    order = cart.complete()

    # then: 16.27 off; 16.27 x 143.56/162.74 = 14.352
    goods = goods_less(channel, "14.35", "1.92")
    shipping = taxed(10, channel)
    assert [shown(line_of(checkout, name)["totalPrice"]) for name in NAMES] == goods
    assert shown(checkout["totalPrice"]) == total([*goods, shipping])
    assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
    assert shown(order["total"]) == total([*goods, shipping])
    assert [(row["type"], row["amount"]["amount"]) for row in order["discounts"]] == [
        ("ORDER_PROMOTION", Decimal("16.27"))
    ]
    earned = points(total(goods).net, Decimal("0.25") if is_gross else 1)
    assert points_of_order(shop, order["id"])["earned"] == earned

    # and: everything comes back, the gift for nothing
    desk = Desk(shop, order["id"], transaction)
    desk.fulfill()
    paid = total([*goods, shipping]).gross
    assert desk.refund(amount=paid, A=2, B=1, C=1) == paid
    assert points_of_order(shop, order["id"])["clawedBack"] == earned


def test_every_offer_with_a_gift_of_the_shop(shop: Shop) -> None:
    """The shop's gift is no part of a set and opens nothing; ours stays beside it."""
    # given: the shop gives another B away
    channel = shop.open_channel()
    shop.promotion(
        channel,
        "ORDER",
        orderPredicate=FROM_100,
        rewardType="GIFT",
        gifts=[shop.variants["B"]],
    )
    offers = every_offer.set_up(shop, [channel])
    cart = offers.cart(channel)

    # when: the cart changes and changes back
    cart.update(A=3)
    checkout = cart.update(A=2)

    # then: one set only, although there are two B
    goods = goods_less(channel)
    assert [shown(line_of(checkout, name)["totalPrice"]) for name in NAMES] == goods
    assert applied_to(cart)["A with B"] == Decimal(10)
    order = cart.buy()
    assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
    (gift,) = [row for row in order["lines"] if row["isGift"]]
    assert (gift["productSku"], shown(gift["totalPrice"])) == ("B", ZERO)
    assert shown(order["subtotal"]) == total(goods)
    assert points_of_order(shop, order["id"])["earned"] == points(total(goods).net)


def test_a_code_that_is_dearer(shop: Shop) -> None:
    """A code pushes the shop's promotion aside: the comparison says to leave it."""
    # given: 10 per cent on the order, and a code of 5 per cent
    channel = shop.open_channel()
    shop.promotion(
        channel,
        "ORDER",
        orderPredicate=FROM_100,
        rewardType="SUBTOTAL_DISCOUNT",
        rewardValueType="PERCENTAGE",
        rewardValue="10",
    )
    offers = every_offer.set_up(shop, [channel])
    cart = offers.cart(channel)
    code = shop.voucher(channel, "5")

    # when
    before = cart.read()
    compared = cart.ask(COMPARED % code)["retention"]["compareCode"]

    # then: 162.74 - 16.27 without; 162.74 - 8.14, 7.18 of it on A, with
    without = total(goods_less(channel, "14.35", "1.92")).gross
    using = total(goods_less(channel, "7.18", "0.96")).gross
    assert compared == {
        "verdict": "DEARER",
        "withCode": {"amount": using},
        "withoutCode": {"amount": without},
        "saving": {"amount": using - without},
    }
    assert cart.read() == before
    assert cart.promo(code)["totalPrice"]["gross"]["amount"] == using


class TestWithATaxApp:
    """The app is told what the offers left of each line, in the cart and while staff edit."""

    def test_cart_and_order(self, shop: Shop) -> None:
        """The total that is asked for first is right, and the order is what the cart said."""
        # given
        channel = shop.open_channel(has_tax_app=True)
        offers = every_offer.set_up(shop, [channel])
        cart = offers.cart(channel)

        # when: the total is asked for on its own, before the lines
        first = cart.ask(f"totalPrice {PRICE}")["totalPrice"]

        # then
        goods = goods_less(channel)
        assert shown(first) == total(goods)
        order = cart.buy()
        assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
        assert shown(order["total"]) == total([*goods, taxed(10, channel)])
        assert points_of_order(shop, order["id"])["earned"] == 162

    def test_a_set_that_falls_apart(self, shop: Shop) -> None:
        """The app is told the new prices when a part goes, and again when it is back."""
        # given
        channel = shop.open_channel(has_tax_app=True)
        program = open_program(shop, [channel])
        a, b = shop.variants["A"], shop.variants["B"]
        bundle(program, "A with B", {a: 1, b: 1}, prices=amounts("99.00"))
        cart = fill_cart(shop, channel, sign_up(shop, channel), A=1, B=1)
        assert _total(cart) == from_net(72, 10).gross + from_net(27, 10).gross

        # when, then
        cart.update(B=0)
        assert _total(cart) == Decimal("88.00")
        cart.add(B=1)
        assert _total(cart) == from_net(72, 10).gross + from_net(27, 10).gross

    def test_a_gift_chosen_and_put_back(self, shop: Shop) -> None:
        """A gift adds nothing to what the app taxes, and nothing stays when it goes."""
        # given
        channel = shop.open_channel(has_tax_app=True)
        offers = every_offer.set_up(shop, [channel])
        cart = offers.cart(channel)
        goods = total(goods_less(channel)).gross
        assert _total(cart) == goods

        # when
        pick_gifts(cart.client, cart, offers.gift)

        # then
        assert _total(cart) == goods
        assert [row["variant"]["sku"] for row in cart.read()["lines"]] == ["A", "B"]

    def test_a_voucher_on_a_line(self, shop: Shop) -> None:
        """A voucher on A comes off what the offers left of it before the app is told."""
        # given
        channel = shop.open_channel(has_tax_app=True)
        cart = every_offer.set_up(shop, [channel]).cart(channel)

        # when: 143.56 x 20 % = 28.712
        products = [shop.products["A"]]
        cart.promo(shop.voucher(channel, "20", kind="SPECIFIC_PRODUCT", products=products))
        order = cart.buy()

        # then
        goods = goods_less(channel, "28.71", "0")
        assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
        assert shown(order["subtotal"]) == total(goods)

    def test_staff_edit_the_order(self, shop: Shop) -> None:
        """Of an unconfirmed order the app is told each unit at the price that was bought."""
        # given
        channel = shop.open_channel(has_tax_app=True, confirms_orders=False)
        cart = every_offer.set_up(shop, [channel]).cart(channel)
        order = cart.buy()
        assert order["status"] == "UNCONFIRMED"

        # when: a third A
        shop.owner.do(
            """mutation ($id: ID!) {
              orderLineUpdate(id: $id, input: {quantity: 3}) { errors { field message code } }
            }""",
            id=line_of(order, "A")["id"],
        )

        # then: 3 x 71.78
        order = Desk(shop, order["id"]).read()
        goods = [taxed("215.34", channel), *goods_less(channel)[1:]]
        assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
        assert shown(order["total"]) == total([*goods, taxed(10, channel)])


def _open(shop: Shop, *, is_gross: bool) -> Channel:
    if is_gross:
        return shop.open_channel(currency="PLN", country="PL", is_gross=True)
    return shop.open_channel()


def _total(cart: Cart) -> Decimal:
    found: dict[str, Any] = cart.ask(f"totalPrice {PRICE}")["totalPrice"]
    amount: Decimal = found["gross"]["amount"]
    return amount
