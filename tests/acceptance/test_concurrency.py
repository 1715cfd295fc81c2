"""Many requests at the same moment over HTTP: one balance, one checkout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.acceptance.figures import from_net, shown
from tests.acceptance.retention import SET_REDEMPTION, balance, open_program, redeem
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import Cart, Shopper, lines, sign_up

pytestmark = pytest.mark.saleor3


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make all calls at the same moment; return what they returned, in order."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_twenty_checkouts_want_the_same_points(stage: Stage) -> None:
    """One of them gets the points; all others are told what is left, and nothing else changes."""
    # given: a balance of 100 and twenty carts
    ada = stage.shopper()
    carts = [stage.cart(ada, A=1) for _ in range(20)]

    # when
    answers = at_once(
        [
            lambda cart=cart: ada.client.ask(SET_REDEMPTION, id=cart.id, points=100)[
                "retentionRedemptionSet"
            ]
            for cart in carts
        ]
    )

    # then
    refusals = [answer["errors"] for answer in answers if answer["errors"]]
    assert len(refusals) == 19
    assert (
        refusals
        == [
            [
                {
                    "field": "points",
                    "message": "100 points were asked for and 0 are left.",
                    "code": "NOT_ENOUGH_POINTS",
                }
            ]
        ]
        * 19
    )
    assert balance(ada.client, stage.net) == (0, 0, 100, 0)
    totals = Counter(shown(cart.read()["subtotalPrice"]).net for cart in carts)
    assert totals == {80: 19, 79: 1}


def test_many_requests_on_one_checkout(stage: Stage) -> None:
    """48 requests on one cart: no error, one row for each line and rule, the right total."""
    # given
    vip = stage.shopper(points=900, is_vip=True)
    cart = stage.cart(vip, A=1, B=1, C=1)
    redeem(cart, 500)

    def add() -> Any:
        return cart.add(A=1)

    def again() -> Any:
        return cart.update(B=3, C=2)

    def points() -> Any:
        return redeem(cart, 700)

    # when
    at_once([add, again, points, cart.read] * 12)

    # then: 13 A, 3 B, 2 C at 30
    checkout = cart.read()
    assert {row["variant"]["sku"]: row["quantity"] for row in checkout["lines"]} == {
        "A": 13,
        "B": 3,
        "C": 2,
    }
    assert shown(checkout["subtotalPrice"]).net == from_net(13 * 72 + 3 * 27 + 2 * 27 - 7, 10).net
    rows = stage.shop.rows(
        "SELECT d.name, count(*), count(DISTINCT d.line_id) FROM discount_checkoutlinediscount d "
        "JOIN checkout_checkoutline l ON l.id = d.line_id "
        "WHERE l.checkout_id = %s AND d.type = 'order_promotion' GROUP BY 1 ORDER BY 1",
        checkout["token"],
    )
    assert rows == [["Points", 3, 3], ["VIP", 3, 3]]
    assert balance(vip.client, stage.net) == (300, 0, 700, 0)


def test_a_cart_completed_many_times_at_once(stage: Stage) -> None:
    """Completing one cart ten times at once makes one order and burns the points once."""
    # given
    ada = stage.shopper(points=100)
    cart = stage.cart(ada, A=1)
    redeem(cart, 200)
    cart.ship()
    cart.pay()

    # when
    answers = at_once([lambda: _complete(cart)] * 10)

    # then
    orders = {answer["order"]["id"] for answer in answers if answer and answer["order"]}
    assert len(orders) == 1
    assert balance(ada.client, stage.net) == (78, 0, 0, 0)


def test_first_requests_at_once(shop: Shop) -> None:
    """A customer who was there before the program is welcomed once, however he comes in."""
    # given
    channel = shop.open_channel()
    ada = sign_up(shop, channel)
    open_program(shop, [channel])

    # when
    found = at_once([lambda: _first_cart(shop, channel, ada)] * 12)

    # then
    assert [row["retention"]["earns"] for row in found] == [80] * 12
    assert balance(ada.client, channel) == (100, 0, 0, 0)


def _first_cart(shop: Shop, channel: Channel, shopper: Shopper) -> Any:
    payload = shopper.client.do(
        """mutation ($input: CheckoutCreateInput!) {
          checkoutCreate(input: $input) {
            checkout { retention { earns } } errors { field message code }
          }
        }""",
        input={"channel": channel.slug, "lines": lines(shop, {"A": 1})},
    )
    return payload["checkout"]


def _complete(cart: Cart) -> Any:
    answer = cart.client.post(
        """mutation ($id: ID!) {
          checkoutComplete(id: $id) { order { id } errors { field message code } }
        }""",
        {"id": cart.id},
    )
    return (answer.get("data") or {}).get("checkoutComplete")
