"""A tax app that Saleor asks over HTTP: it is told the member's price of every line.

On 3.21 and 3.22 Saleor prepares what it tells the app before it computes discounts, so a total that
is asked for before the lines would be taxed, and kept, at the list price.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.figures import from_net, shown
from tests.acceptance.retention import RULES, open_program, redeem
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import PRICE, Cart, fill_cart, lines

pytestmark = pytest.mark.saleor3

TOTAL_FIRST = f"totalPrice {PRICE} lines {{ quantity totalPrice {PRICE} }}"


@pytest.fixture(scope="module")
def taxed(shop: Shop) -> tuple[Channel, Stage]:
    """A channel whose taxes an app computes: 10 per cent on whatever it is told."""
    channel = shop.open_channel(has_tax_app=True)
    shop.catalogue_promotion(channel, "C", "20")
    return channel, Stage(shop, channel, channel, open_program(shop, [channel]))


def _total(checkout: dict[str, Any]) -> Decimal:
    amount: Decimal = checkout["totalPrice"]["net"]["amount"]
    return amount


def test_the_app_is_told_the_member_price(shop: Shop, taxed: tuple[Channel, Stage]) -> None:
    """Created, asked for its total alone, changed, signed in on: always the right total."""
    # given
    channel, stage = taxed
    vip = stage.shopper(points=900, is_vip=True)

    # when: a cart whose total is asked for before its lines
    created = vip.client.do(
        f"""mutation ($input: CheckoutCreateInput!) {{
          checkoutCreate(input: $input) {{
            checkout {{ id {TOTAL_FIRST} }} errors {{ field message code }}
          }}
        }}""",
        input={"channel": channel.slug, "lines": lines(shop, {"A": 2, "B": 1, "C": 1})},
    )["checkout"]
    cart = Cart(shop, channel, vip.client, created["id"])

    # then
    assert shown(created["totalPrice"]) == from_net(198, 10)
    assert shown(cart.ask(f"totalPrice {PRICE}")["totalPrice"]) == from_net(198, 10)
    assert _total(cart.update(A=1)) == Decimal(126)
    redeem(cart, 1000)
    assert _total(cart.ask(f"totalPrice {PRICE}")) == Decimal(116)


def test_the_app_follows_who_holds_the_cart(shop: Shop, taxed: tuple[Channel, Stage]) -> None:
    """Signing in and out changes what the app is told."""
    # given
    channel, stage = taxed
    vip = stage.shopper(is_vip=True)
    cart = fill_cart(shop, channel, A=2)

    # when, then
    assert _total(cart.ask(f"totalPrice {PRICE}")) == Decimal(160)
    assert _total(cart.attach(vip)) == Decimal(144)
    assert _total(cart.detach()) == Decimal(160)


def test_an_order_with_the_apps_taxes(shop: Shop, taxed: tuple[Channel, Stage]) -> None:
    """The order is what the cart said."""
    # given
    channel, stage = taxed
    vip = stage.shopper(is_vip=True)

    # when
    order = fill_cart(shop, channel, vip, A=2, B=1, C=1).buy()

    # then
    assert shown(order["subtotal"]) == from_net(198, 10)
    assert shown(order["total"]) == from_net(208, 10)


def test_the_app_is_told_of_a_changed_program(shop: Shop) -> None:
    """The member's price changes for everybody at once; the next total is taxed on the new one."""
    # given
    channel = shop.open_channel(has_tax_app=True)
    program = open_program(shop, [channel])
    vip = Stage(shop, channel, channel, program).shopper(is_vip=True)
    cart = fill_cart(shop, channel, vip, A=2)
    assert _total(cart.ask(f"totalPrice {PRICE}")) == Decimal(144)

    # when
    (tier,) = RULES["tiers"]["ladder"]
    program.change(tiers={**RULES["tiers"], "ladder": [{**tier, "prices": [{"percent": "20"}]}]})

    # then
    assert _total(cart.ask(f"totalPrice {PRICE}")) == Decimal(128)
