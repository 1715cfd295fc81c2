"""The best price of a real cart over HTTP, and the promises that go with it.

A costs 80, B 30 and C 50. Expectations are plain arithmetic on those.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance import server
from tests.acceptance.figures import (
    Taxed,
    apportion,
    cents,
    from_net,
    percent_off,
    shown,
    spread,
    total,
)
from tests.acceptance.offers import (
    amounts,
    applied_to,
    bundle,
    offer,
    offers_of,
    pick_gifts,
    refuse_gift,
)
from tests.acceptance.retention import member, open_program, redeem
from tests.acceptance.shop import Shop
from tests.acceptance.storefront import Cart, fill_cart, line_of, sign_up
from tests.acceptance.worlds import World, subtotal
from tests.checked_quotes import PROVED, noted_in
from tests.threads import at_once


def test_the_bundle_that_would_cost_money(world: World) -> None:
    """A set that saves 15 takes the cart below a threshold worth 20: the cart gets the 20.

    In a smaller cart each of them is a near miss, which says what is missing.
    """
    # given
    program = open_program(world, [world.channel])
    a, c = world.variant("A"), world.variant("C")
    bundle(program, "A with C", {a: 1, c: 1}, prices=amounts("115.00"))
    steps = [{"fromAmounts": amounts("150.00"), "amounts": amounts("20.00")}]
    offer(program, "20 off from 150", kind="THRESHOLD", threshold={"steps": steps})
    ada = world.sign_up("ada")

    # when: too little for either
    small = world.cart(ada, A=1, B=1)
    found = offers_of(small)

    # then
    assert found["applied"] == []
    missing = {row["code"]: row["missing"] or row["missingAmount"] for row in found["nearMisses"]}
    assert missing == {"UNITS_MISSING": 1, "AMOUNT_MISSING": {"amount": Decimal(40)}}

    # when: another one has what was missing
    cart = world.cart(world.sign_up("bob"), A=1, B=1, C=1)

    # then: the threshold, without the set
    off = apportion(20, (80, 30, 50))
    goods = [
        from_net(price - less, world.tax_percent)
        for price, less in zip((80, 30, 50), off, strict=True)
    ]
    assert applied_to(cart) == {"20 off from 150": Decimal(20)}
    assert offers_of(cart)["isOptimal"]
    assert subtotal(cart) == total(goods)
    order = cart.buy()
    assert shown(order["subtotal"]) == total(goods)


@pytest.mark.saleor3
class TestOnSaleor3:
    """What 2.10 cannot do, or not alone."""

    def test_three_for_two_on_six(self, shop: Shop) -> None:
        """Six of one at the price of four, on the order's lines too."""
        # given
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        bundle(program, "Three for two", {shop.variants["B"]: 3}, cheapestFree=1)
        ada = sign_up(shop, channel)

        # when
        cart = fill_cart(shop, channel, ada, B=6)

        # then
        assert applied_to(cart) == {"Three for two": Decimal(60)}
        order = cart.buy()
        assert shown(order["subtotal"]) == from_net(120, 10)
        (discount,) = line_of(order, "B")["discounts"]
        assert (discount["name"], discount["total"]["amount"]) == ("Three for two", 60)

    def test_everything_at_once(self, shop: Shop) -> None:
        """Bundle, VIP price, threshold, voucher and points, each on what the one before left."""
        # given: a set, a tier, a threshold, a code and points worth 5.00
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        bundle(
            program,
            "A with B",
            {shop.variants["A"]: 1, shop.variants["B"]: 1},
            prices=amounts("99.00"),
        )
        steps = [{"fromAmounts": amounts("100.00"), "amounts": amounts("10.00")}]
        offer(program, "10 off", kind="THRESHOLD", threshold={"steps": steps})
        ada = sign_up(shop, channel)
        member(ada.client, channel)
        program.promote(ada, channel)
        program.grant(ada, channel, 500)

        # when
        cart = fill_cart(shop, channel, ada, A=1, B=1, C=1)
        redeem(cart, 500)
        checkout = cart.promo(shop.voucher(channel, "10"))

        # then
        together = apportion(11, (80, 30))
        left = [80 - together[0], 30 - together[1], Decimal(50)]
        left = [price - percent_off(price, 1, 10) for price in left]
        left = [price - off for price, off in zip(left, apportion(10, left), strict=True)]
        left = [price - off for price, off in zip(left, apportion(5, left), strict=True)]
        assert sum(left) == Decimal("134.10") - 15
        code = cents(sum(left, Decimal(0)) / 10)
        goods = [
            from_net(price - less, 10) for price, less in zip(left, spread(code, left), strict=True)
        ]
        assert shown(checkout["subtotalPrice"]) == total(goods)
        order = cart.buy()
        assert shown(order["subtotal"]) == total(goods)
        assert [shown(line_of(order, name)["totalPrice"]) for name in "ABC"] == goods

    def test_the_last_one_of_an_offer(self, shop: Shop) -> None:
        """Twenty carts race for one use: one order has it, nobody else pays a wrong price."""
        # given
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        bundle(
            program,
            "First come",
            {shop.variants["A"]: 1},
            amounts=amounts("30.00"),
            limits={"inTotal": 1, "perOrder": 1},
        )
        carts = [fill_cart(shop, channel, A=1) for _ in range(20)]
        for cart in carts:
            assert shown(cart.ship()["subtotalPrice"]) == from_net(50, 10)
            cart.pay()

        # when
        answers = at_once(lambda number: _complete(carts[number]), len(carts))

        # then
        refused = [answer["errors"] for answer in answers if answer["errors"]]
        (order,) = [answer["order"] for answer in answers if answer["order"]]
        assert len(refused) == 19
        assert Decimal(order["total"]["gross"]["amount"]) == from_net(50, 10).gross + 11
        loser = next(cart for cart, answer in zip(carts, answers, strict=True) if answer["errors"])
        assert shown(loser.read()["subtotalPrice"]) == from_net(80, 10)
        assert applied_to(loser) == {}

    def test_a_gift_once_in_a_life(self, shop: Shop) -> None:
        """The shopper chooses it, it costs nothing, and the next order cannot have it again."""
        # given
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        gift = offer(
            program,
            "A gift from 100",
            kind="GIFT",
            gift={
                "variants": [shop.variants["B"], shop.variants["C"]],
                "opens": {"fromAmounts": amounts("100.00")},
            },
        )
        ada = sign_up(shop, channel)
        member(ada.client, channel)
        cart = fill_cart(shop, channel, ada, A=2)
        (choice,) = offers_of(cart)["giftChoices"]
        assert set(choice["variantIds"]) == {shop.variants["B"], shop.variants["C"]}

        # when
        pick_gifts(ada.client, cart, gift, shop.variants["C"])

        # then
        checkout = cart.read()
        assert shown(line_of(checkout, "C")["totalPrice"]) == Taxed(Decimal(0), Decimal(0))
        assert shown(checkout["subtotalPrice"]) == from_net(160, 10)
        order = cart.buy()
        assert shown(order["subtotal"]) == from_net(160, 10)

        # and then: never again
        again = fill_cart(shop, channel, ada, A=2)
        (choice,) = offers_of(again)["giftChoices"]
        assert choice["variantIds"] == [shop.variants["B"]]
        (error,) = refuse_gift(ada.client, again, gift, shop.variants["C"])
        assert error["field"] == "variantIds"

    def test_what_the_server_quotes_is_proved(self, shop: Shop) -> None:
        """The checker looks at each price in the server itself; what it says is read at the end."""
        # given
        channel = shop.open_channel()
        bundle(
            open_program(shop, [channel]),
            "Two of A",
            {shop.variants["A"]: 2},
            prices=amounts("150"),
        )
        before = len(noted_in(server.log_of("quotes")))

        # when
        cart = fill_cart(shop, channel, sign_up(shop, channel), A=2)

        # then
        assert applied_to(cart) == {"Two of A": Decimal(10)}
        assert PROVED in noted_in(server.log_of("quotes"))[before:]

    def test_two_gifts(self, shop: Shop) -> None:
        """An offer that gives two keeps two choices; one of them is taken back alone."""
        # given
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        gift = offer(
            program,
            "Two gifts from 100",
            kind="GIFT",
            gift={
                "variants": [shop.variants["B"], shop.variants["C"]],
                "quantity": 2,
                "opens": {"fromAmounts": amounts("100.00")},
            },
        )
        ada = sign_up(shop, channel)
        member(ada.client, channel)
        cart = fill_cart(shop, channel, ada, A=2)

        # when
        pick_gifts(ada.client, cart, gift, shop.variants["B"])
        pick_gifts(ada.client, cart, gift, shop.variants["B"], shop.variants["C"])

        # then
        (choice,) = offers_of(cart)["giftChoices"]
        assert choice["picked"] == [shop.variants["B"], shop.variants["C"]]
        assert choice["quantity"] == 2
        assert shown(cart.read()["subtotalPrice"]) == from_net(160, 10)

        # and then
        pick_gifts(ada.client, cart, gift, shop.variants["C"])
        order = cart.buy()
        assert sorted(row["productSku"] for row in order["lines"]) == ["A", "C"]
        assert shown(order["subtotal"]) == from_net(160, 10)

    def test_the_gift_goes_with_its_reason(self, shop: Shop) -> None:
        """A cart that falls below what the gift asks for loses the gift, and is not charged."""
        # given
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        opens = {"fromAmounts": amounts("100.00")}
        gift = offer(
            program, "A gift", kind="GIFT", gift={"variants": [shop.variants["C"]], "opens": opens}
        )
        ada = sign_up(shop, channel)
        member(ada.client, channel)
        cart = fill_cart(shop, channel, ada, A=2)
        pick_gifts(ada.client, cart, gift, shop.variants["C"])

        # when
        cart.update(A=1)

        # then
        checkout = cart.read()
        assert [row["variant"]["sku"] for row in checkout["lines"]] == ["A"]
        assert shown(checkout["subtotalPrice"]) == from_net(80, 10)

    def test_apps_hear_of_a_gift_that_comes_and_goes(self, shop: Shop) -> None:
        """Once with the line that was added, and at the last without it."""
        # given
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        opens = {"fromAmounts": amounts("100.00")}
        gift = offer(
            program, "A gift", kind="GIFT", gift={"variants": [shop.variants["C"]], "opens": opens}
        )
        ada = sign_up(shop, channel)
        cart = fill_cart(shop, channel, ada, A=2)

        with shop.watched() as news:
            # when
            pick_gifts(ada.client, cart, gift, shop.variants["C"])

            # then
            assert _told(news, cart) == [{"A": 2, "C": 1}]

            # and when: the cart does not earn it any more
            news.clear()
            cart.update(A=1)

            # then: Saleor's own news of its change, and ours of the gift
            assert _told(news, cart)[-1] == {"A": 1}

            # and when: chosen again, and given back
            cart.update(A=2)
            pick_gifts(ada.client, cart, gift, shop.variants["C"])
            news.clear()
            pick_gifts(ada.client, cart, gift)

            # then
            assert _told(news, cart) == [{"A": 2}]

    def test_a_punch_card_across_orders(self, shop: Shop) -> None:
        """Two bought, the third is free; what is returned takes its stamp back."""
        # given
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        offer(
            program,
            "Every third free",
            kind="PUNCH_CARD",
            punchCard={"select": {"variants": [shop.variants["B"]]}, "buy": 2},
        )
        ada = sign_up(shop, channel)
        member(ada.client, channel)

        # when: one on its own is not enough
        first = fill_cart(shop, channel, ada, B=1).buy()
        assert applied_to(fill_cart(shop, channel, ada, B=1)) == {}
        fill_cart(shop, channel, ada, B=1).buy()

        # then
        third = fill_cart(shop, channel, ada, B=1)
        assert applied_to(third) == {"Every third free": Decimal(30)}
        assert shown(third.read()["subtotalPrice"]) == from_net(0, 10)

        # and when: the first one is canceled
        shop.owner.do(
            """mutation ($id: ID!) {
              orderCancel(id: $id) { errors { field message code } }
            }""",
            id=first["id"],
        )

        # then
        assert applied_to(fill_cart(shop, channel, ada, B=1)) == {}


def _told(news: list[dict[str, Any]], cart: Cart) -> list[dict[str, int]]:
    """Return what an app was told of a checkout's lines."""
    return [
        {row["variant"]["sku"]: row["quantity"] for row in told["lines"]}
        for told in news
        if told["id"] == cart.id
    ]


def _complete(cart: Cart) -> dict[str, Any]:
    answer = cart.client.ask(
        """mutation ($id: ID!) {
          checkoutComplete(id: $id) {
            order { id total { gross { amount } } } errors { field message code }
          }
        }""",
        id=cart.id,
    )
    found: dict[str, Any] = answer["checkoutComplete"]
    return found
