"""What orders earn, and who is a member: the rules a merchant can set, seen by a shopper."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.acceptance.retention import (
    RULES,
    Program,
    balance,
    member,
    open_program,
    points_of_cart,
    points_of_order,
)
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import Shopper, fill_cart, sign_up

pytestmark = pytest.mark.saleor3

TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def bench(shop: Shop) -> tuple[Channel, Program, Shopper]:
    """A channel whose program each story sets up anew, and a customer."""
    channel = shop.open_channel()
    program = open_program(shop, [channel], {"tiers": {"ladder": []}})
    return channel, program, sign_up(shop, channel)


EARN = {**RULES["earn"], "includeShipping": False}  # a change leaves alone what it does not name


def _earn(**changes: Any) -> dict[str, Any]:
    return {"earn": {**EARN, **changes}, "multipliers": []}


def _times(factor: str, **where: Any) -> dict[str, Any]:
    return {
        "earn": EARN,
        "multipliers": [{"name": "More", "factor": factor, **where}],
    }


# One A at 80, two B at 30 each; shipping 10; tax 10 per cent. The cart says what the goods earn.
@pytest.mark.parametrize(
    ("rules", "in_cart", "of_order"),
    [
        pytest.param(_earn(), 140, 140, id="net"),
        pytest.param(_earn(includeTax=True), 154, 154, id="with tax"),
        pytest.param(_earn(includeShipping=True), 140, 150, id="with shipping"),
        pytest.param(
            _earn(rates=[{"currency": "USD", "points": "3", "per": "7.00"}]),
            60,
            60,
            id="three for seven",
        ),
        pytest.param(
            _earn(rates=[{"currency": "USD", "points": "1", "per": "9.00"}]),
            15,
            15,
            id="rounded down once",
        ),
        pytest.param(_times("2"), 280, 280, id="everything twice"),
        pytest.param(_times("1.5", startsOn=str(TODAY - DAY)), 210, 210, id="since yesterday"),
        pytest.param(_times("2", startsOn=str(TODAY + DAY * 2)), 140, 140, id="not begun"),
        pytest.param(_times("2", endsOn=str(TODAY - DAY * 2)), 140, 140, id="over"),
        pytest.param(
            _times("2", weekdays=[(TODAY + DAY * 3).strftime("%A").upper()]),
            140,
            140,
            id="another weekday",
        ),
    ],
)
def test_what_an_order_earns(
    shop: Shop,
    bench: tuple[Channel, Program, Shopper],
    rules: dict[str, Any],
    in_cart: int,
    of_order: int,
) -> None:
    """Rate, tax, shipping, rounding and multipliers by date."""
    # given
    channel, program, ada = bench
    program.change(**rules)
    cart = fill_cart(shop, channel, ada, A=1, B=2)

    # when
    quoted = points_of_cart(cart)["earns"]
    order = cart.buy()

    # then
    assert quoted == in_cart
    assert points_of_order(shop, order["id"])["earned"] == of_order


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("products", "A", 80 * 3 + 60),
        ("variants", "B", 80 + 60 * 3),
        ("categories", "socks", 80 + 60 * 3),
        ("collections", "summer", 80 + 60),
    ],
)
def test_more_points_on_some_goods(
    shop: Shop, bench: tuple[Channel, Program, Shopper], kind: str, name: str, expected: int
) -> None:
    """A multiplier counts for the goods it names, and for no others."""
    # given
    channel, program, ada = bench
    program.change(**_times("3", select={kind: [getattr(shop, kind)[name]]}))
    cart = fill_cart(shop, channel, ada, A=1, B=2)

    # when
    order = cart.buy()

    # then
    assert points_of_order(shop, order["id"])["earned"] == expected


def test_points_for_the_first_order(shop: Shop) -> None:
    """The first paid order brings a bonus, the second does not."""
    # given
    channel = shop.open_channel()
    open_program(shop, [channel], {"firstOrderPoints": 50, "welcomePoints": 0})
    ada = sign_up(shop, channel)

    # when
    first = fill_cart(shop, channel, ada, B=1).buy()
    second = fill_cart(shop, channel, ada, B=1).buy()

    # then
    assert points_of_order(shop, first["id"])["bonus"] == 50
    assert points_of_order(shop, second["id"])["bonus"] == 0
    assert balance(ada.client, channel) == (110, 0, 0, 0)


def test_members_by_their_own_wish(shop: Shop) -> None:
    """Where customers enroll themselves, nothing happens before, and leaving keeps the points."""
    # given
    channel = shop.open_channel()
    open_program(shop, [channel], {"enrolment": "OPT_IN"})
    ada = sign_up(shop, channel)
    fill_cart(shop, channel, ada, B=1).buy()
    assert member(ada.client, channel) is None

    # when
    joined = ada.client.do(
        """mutation ($channel: String) {
          retentionEnrol(channel: $channel) {
            member { state balance { available } } errors { field message code }
          }
        }""",
        channel=channel.slug,
    )

    # then: welcomed; what was bought before does not count
    assert joined["member"] == {"state": "MEMBER", "balance": {"available": 100}}
    fill_cart(shop, channel, ada, B=1).buy()
    assert balance(ada.client, channel) == (130, 0, 0, 0)

    # and
    left = ada.client.do(
        """mutation ($channel: String) {
          retentionLeave(channel: $channel) {
            member { state balance { available } } errors { field message code }
          }
        }""",
        channel=channel.slug,
    )
    assert left["member"] == {"state": "LEFT", "balance": {"available": 130}}
    fill_cart(shop, channel, ada, B=1).buy()
    assert member(ada.client, channel)["balance"]["available"] == 130


def test_prices_of_goods_for_the_asking_customer(shop: Shop) -> None:
    """A product page shows each customer his own price and points."""
    # given
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    vip = sign_up(shop, channel)
    program.promote(vip, channel)
    question = """query ($id: ID!, $channel: String) {
      product(id: $id, channel: $channel) {
        retention(channel: $channel) { price { amount } memberPrice { amount } earns }
      }
    }"""

    # when
    seen = [
        client.ask(question, id=shop.products["A"], channel=channel.slug)["product"]["retention"]
        for client in (shop.anonymous, vip.client)
    ]

    # then
    assert seen == [
        {"price": {"amount": 80}, "memberPrice": {"amount": 80}, "earns": 80},
        {"price": {"amount": 80}, "memberPrice": {"amount": 72}, "earns": 72},
    ]
