"""All offers at once together with each kind of voucher and a gift card, right to the cent.

Where the figures of the offers themselves come from stands in ``every_offer``: A costs 143.56,
B 19.18, together 162.74, and the gift nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance import every_offer
from tests.acceptance.every_offer import NAMES, OWN_DISCOUNTS, EveryOffer, goods_less, taxed
from tests.acceptance.figures import Taxed, from_net, points, shown, total
from tests.acceptance.offers import amounts, applied_to, offer, offers_of, pick_gifts
from tests.acceptance.orders import Desk
from tests.acceptance.retention import open_program, points_of_cart, points_of_order
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import Cart, fill_cart, line_of, sign_up

pytestmark = pytest.mark.saleor3

VOUCHERS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "none": ({}, ("0", "0")),
    # 20 % of 162.74 is 32.55 (32.548); 32.55 x 143.56/162.74 = 28.714
    "percentage": ({"value": "20"}, ("28.71", "3.84")),
    # 10 x 143.56/162.74 = 8.821
    "fixed": ({"value": "10", "value_type": "FIXED"}, ("8.82", "1.18")),
    # 143.56 x 20 % = 28.712
    "specific": ({"value": "20", "kind": "SPECIFIC_PRODUCT", "products": "A"}, ("28.71", "0")),
    # 5 off each of two
    "specific fixed": (
        {"value": "5", "value_type": "FIXED", "kind": "SPECIFIC_PRODUCT", "products": "A"},
        ("10", "0"),
    ),
    # one unit of the cheapest goods: half of 19.18
    "once": ({"value": "50", "applyOncePerOrder": True}, ("0", "9.59")),
    "shipping": ({"value": "50", "kind": "SHIPPING"}, ("0", "0")),
}


@pytest.fixture(scope="module")
def channels(shop: Shop) -> tuple[Channel, Channel]:
    """One that enters prices without tax and one that enters them with it."""
    return shop.open_channel(), shop.open_channel(currency="PLN", country="PL", is_gross=True)


@pytest.fixture(scope="module")
def offers(shop: Shop, channels: tuple[Channel, Channel]) -> EveryOffer:
    """The offers in both channels."""
    return every_offer.set_up(shop, channels)


@pytest.mark.parametrize("voucher", VOUCHERS)
@pytest.mark.parametrize("is_gross", [False, True], ids=["net", "gross"])
def test_every_offer_with_a_voucher(
    shop: Shop,
    offers: EveryOffer,
    channels: tuple[Channel, Channel],
    voucher: str,
    is_gross: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Cart, order, points and a refund in two parts are right to the cent."""
    # given
    channel = channels[is_gross]
    said, off = VOUCHERS[voucher]
    cart = offers.cart(channel)
    checkout = cart.ship()

    # when
    if said:
        checkout = cart.promo(_voucher(shop, channel, **said))

    # then: the cart
    goods = goods_less(channel, *off)
    shipping = taxed(5 if voucher == "shipping" else 10, channel)
    assert [shown(line_of(checkout, name)["totalPrice"]) for name in NAMES] == goods
    assert shown(checkout["subtotalPrice"]) == total(goods)
    assert shown(checkout["shippingPrice"]) == shipping
    assert shown(checkout["totalPrice"]) == total([*goods, shipping])
    assert offers_of(cart)["isOptimal"]
    assert applied_to(cart) == {
        "A with B": Decimal(10),
        "Socks": Decimal("2.26"),
        "10 off": Decimal(10),
        "A gift": Decimal(50),
    }
    assert _discounts_of(cart, checkout) == OWN_DISCOUNTS
    earned = points(total(goods).net, Decimal("0.25") if is_gross else 1)
    assert points_of_cart(cart)["earns"] == earned

    # and: the order
    transaction = cart.pay()
    order = cart.complete()
    assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
    assert shown(order["subtotal"]) == total(goods)
    assert shown(order["shippingPrice"]) == shipping
    assert shown(order["total"]) == total([*goods, shipping])
    assert {name: _own(order, name) for name in NAMES} == {
        name: {" & ".join(parts): sum(parts.values())} for name, parts in OWN_DISCOUNTS.items()
    }
    assert points_of_order(shop, order["id"])["earned"] == earned

    # and: one A, then all the rest
    desk = Desk(shop, order["id"], transaction)
    desk.fulfill()
    _refund_in_two_parts(desk, goods, shipping)
    assert points_of_order(shop, order["id"])["clawedBack"] == earned


def _refund_in_two_parts(desk: Desk, goods: list[Taxed], shipping: Taxed) -> None:
    """Pay one of the two A back, then what is left, to the last cent."""
    paid = total([*goods, shipping]).gross
    one = desk.refund(A=1)
    assert abs(one * 2 - goods[0].gross) <= Decimal("0.01")  # a cent cannot be halved
    rest = desk.refund(amount=paid - one, A=1, B=1, C=1)
    assert one + rest == paid
    assert desk.read()["totalCharged"]["amount"] == 0


def test_free_shipping_beside_a_voucher_for_it(shop: Shop) -> None:
    """Shipping that an offer makes free costs nothing, not less, with a voucher for it."""
    # given
    channel = shop.open_channel()
    offers = every_offer.set_up(shop, [channel])
    offer(
        offers.program,
        "Free parcel",
        kind="FREE_SHIPPING",
        freeShipping={"fromAmounts": amounts("150.00")},
    )
    cart = offers.cart(channel)
    cart.ship()

    # when
    cart.promo(_voucher(shop, channel, value="50", kind="SHIPPING"))
    order = cart.buy()

    # then
    goods = goods_less(channel)
    assert shown(order["shippingPrice"]) == taxed(0, channel)
    assert order["undiscountedShippingPrice"]["amount"] == Decimal(10)
    assert shown(order["total"]) == total(goods)


def test_a_voucher_for_the_cheapest_is_not_spent_on_a_gift(shop: Shop) -> None:
    """B is the cheapest in the cart and free: half the price of one A comes off, as without it."""
    # given
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    b = shop.variants["B"]
    gift = offer(program, "A gift", kind="GIFT", gift={"variants": [b]})
    ada = sign_up(shop, channel)
    cart = fill_cart(shop, channel, ada, A=2)
    code = shop.voucher(channel, "50", applyOncePerOrder=True)
    assert shown(cart.promo(code)["subtotalPrice"]) == from_net(120, 10)

    # when
    pick_gifts(ada.client, cart, gift, b)

    # then
    assert shown(cart.read()["subtotalPrice"]) == from_net(120, 10)
    order = cart.buy()
    assert [shown(line_of(order, name)["totalPrice"]) for name in "AB"] == [
        from_net(120, 10),
        from_net(0, 10),
    ]


def test_the_odd_cent_of_a_voucher_is_not_on_the_gift(shop: Shop) -> None:
    """Half of 0.05 each is 0.03 and 0.02; the gift, which is the last line, stays free."""
    # given: 5 x 80 and 8 x 50
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    b = shop.variants["B"]
    gift = offer(program, "A gift", kind="GIFT", gift={"variants": [b]})
    ada = sign_up(shop, channel)
    cart = fill_cart(shop, channel, ada, A=5, C=8)
    pick_gifts(ada.client, cart, gift, b)

    # when
    checkout = cart.promo(shop.voucher(channel, "0.05", value_type="FIXED"))
    order = cart.buy()

    # then
    goods = [from_net("399.97", 10), from_net("399.98", 10), from_net(0, 10)]
    assert [shown(line_of(checkout, name)["totalPrice"]) for name in "ACB"] == goods
    assert [shown(line_of(order, name)["totalPrice"]) for name in "ACB"] == goods
    assert shown(order["subtotal"]) == total(goods)


@pytest.mark.parametrize("is_gross", [False, True], ids=["net", "gross"])
def test_every_offer_with_a_gift_card(
    shop: Shop,
    offers: EveryOffer,
    channels: tuple[Channel, Channel],
    is_gross: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A gift card pays for what the offers left, and lowers neither tax nor points."""
    # given
    channel = channels[is_gross]
    cart = offers.cart(channel)

    # when
    cart.promo(shop.gift_card(channel, "50"))
    cart.ship()
    cart.pay_by_gateway()
    order = cart.complete()

    # then
    goods = goods_less(channel)
    assert shown(order["subtotal"]) == total(goods)
    due = total([*goods, taxed(10, channel)]).gross - 50
    assert order["total"]["gross"]["amount"] == due
    assert [shown(line_of(order, name)["totalPrice"]) for name in NAMES] == goods
    earned = points(total(goods).net, Decimal("0.25") if is_gross else 1)
    assert points_of_order(shop, order["id"])["earned"] == earned


def _voucher(shop: Shop, channel: Channel, **said: Any) -> str:
    if name := said.get("products"):
        said = {**said, "products": [shop.products[name]]}
    return shop.voucher(channel, **said)


def _discounts_of(cart: Cart, checkout: dict[str, Any]) -> dict[str, dict[str, Decimal]]:
    """Return what each rule takes off each line, as a storefront shows it."""
    rows = cart.ask("retention { discounts { lineId name amount { amount } } }")["retention"]
    names = {line_of(checkout, name)["id"]: name for name in NAMES}
    found: dict[str, dict[str, Decimal]] = {name: {} for name in NAMES}
    for row in rows["discounts"]:
        found[names[row["lineId"]]][row["name"]] = row["amount"]["amount"]
    return found


def _own(order: dict[str, Any], name: str) -> dict[str, Decimal]:
    return {
        row["name"]: row["total"]["amount"]
        for row in line_of(order, name)["discounts"]
        if row["type"] == "ORDER_PROMOTION"
    }
