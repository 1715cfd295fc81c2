"""The cart while it changes hands and contents: each answer already shows the right price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.acceptance.figures import from_net, shown
from tests.acceptance.retention import balance, open_program, points_of_cart, redeem
from tests.acceptance.shop import Shop, money
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import fill_cart, line_of

pytestmark = pytest.mark.saleor3

OWN_ROWS = """
SELECT l.variant_id, d.amount_value, count(*) OVER ()
FROM discount_checkoutlinediscount d
JOIN checkout_checkoutline l ON l.id = d.line_id
WHERE d.type = 'order_promotion' AND NOT l.is_gift AND l.checkout_id = %s
"""


def test_each_change_of_the_cart_shows_its_price(stage: Stage) -> None:
    """Adding, changing and deleting lines: the same answer has the member's price."""
    # given
    vip = stage.shopper(is_vip=True)
    cart = stage.cart(vip, A=1)
    assert shown(cart.read()["subtotalPrice"]) == from_net(72, 10)

    # when, then
    assert shown(cart.add(B=1)["subtotalPrice"]) == from_net(99, 10)
    assert shown(cart.update(A=3)["subtotalPrice"]) == from_net(243, 10)
    assert shown(cart.remove("B")["subtotalPrice"]) == from_net(216, 10)
    assert shown(cart.update(A=1, C=2)["subtotalPrice"]) == from_net(126, 10)
    # the list price is still there to be crossed out
    assert line_of(cart.read(), "A")["undiscountedTotalPrice"]["amount"] == Decimal(80)


def test_the_cart_that_is_created_has_its_price(stage: Stage) -> None:
    """The answer to checkoutCreate has the member's price, asked for in whatever order."""
    vip = stage.shopper(is_vip=True)

    answer = vip.client.do(
        """mutation ($input: CheckoutCreateInput!) {
          checkoutCreate(input: $input) {
            checkout {
              totalPrice { gross { amount } }
              retention { saving { amount } earns }
              lines { totalPrice { net { amount } } }
            }
            errors { field message code }
          }
        }""",
        input={
            "channel": stage.net.slug,
            "lines": [{"variantId": stage.shop.variants["A"], "quantity": 2}],
        },
    )["checkout"]

    assert money(answer["totalPrice"]["gross"]["amount"]) == Decimal("158.40")
    assert [row["totalPrice"]["net"]["amount"] for row in answer["lines"]] == [Decimal(144)]
    assert answer["retention"] == {"saving": {"amount": Decimal(16)}, "earns": 144}


def test_a_cart_that_is_handed_to_a_member_and_back(stage: Stage) -> None:
    """Signing in brings the member's price in the same answer, signing out takes it away."""
    # given
    vip = stage.shopper(is_vip=True)
    cart = stage.cart(None, A=2)
    assert shown(cart.read()["subtotalPrice"]) == from_net(160, 10)
    assert points_of_cart(cart)["discounts"] == []

    # when, then
    assert shown(cart.attach(vip)["subtotalPrice"]) == from_net(144, 10)
    assert points_of_cart(cart)["saving"]["amount"] == Decimal(16)
    assert shown(cart.detach()["subtotalPrice"]) == from_net(160, 10)
    assert points_of_cart(cart)["discounts"] == []


def test_signing_out_gives_the_points_back(stage: Stage) -> None:
    """Points set on a cart are free again when it is nobody's any more."""
    # given
    ada = stage.shopper()
    cart = stage.cart(ada, A=1)
    redeem(cart, 100)
    assert balance(ada.client, stage.net) == (0, 0, 100, 0)

    # when
    checkout = cart.detach()

    # then
    assert shown(checkout["subtotalPrice"]) == from_net(80, 10)
    assert balance(ada.client, stage.net) == (100, 0, 0, 0)


def test_no_row_for_those_who_get_nothing(stage: Stage) -> None:
    """A customer without a tier and a guest pay the list price; no discount row is written.

    A member's cart leaves one row of our own, for the terms that its order is settled under.
    """
    # given
    ada = stage.shopper()
    member_cart = stage.cart(ada, A=1)
    guest_cart = stage.cart(None, A=1)

    # when
    for cart in (member_cart, guest_cart):
        assert shown(cart.update(A=2)["subtotalPrice"]) == from_net(160, 10)

    # then
    for cart, quotes in ((member_cart, 1), (guest_cart, 0)):
        token = cart.read()["token"]
        assert stage.shop.rows(OWN_ROWS, token) == []
        assert stage.shop.rows(
            "SELECT count(*) FROM saleor_retention_storedquote WHERE checkout_ref = %s", token
        ) == [[quotes]]


def test_why_a_price_is_not_better(stage: Stage) -> None:
    """Those who get nothing are told what is missing."""
    # given
    ada = stage.shopper()

    # when
    verdicts = points_of_cart(stage.cart(ada, A=1))["verdicts"]

    # then
    by_rule = {row["ruleKey"]: row for row in verdicts}
    assert by_rule["member:vip"]["code"] == "TIER_TOO_LOW"
    assert by_rule["member:vip"]["gap"]["amount"]["amount"] == Decimal(1000)
    assert by_rule["points"]["code"] == "NO_REDEMPTION"


def test_a_guest_sees_that_prices_are_for_members(stage: Stage) -> None:
    """A guest's cart says so, and what its goods would earn."""
    cart = stage.cart(None, A=1)

    found = points_of_cart(cart)

    assert [row["code"] for row in found["verdicts"] if row["ruleKey"] == "member:vip"] == [
        "NOT_A_MEMBER"
    ]
    assert found["redeemableMax"] == 0


def test_what_was_paid_for_is_honored(stage: Stage) -> None:
    """Once money is on the checkout its price stands while the cart stays as it is."""
    # given: 160.00 and shipping of 10.00, paid with the tax
    ada = stage.shopper()
    cart = stage.cart(ada, A=2)
    cart.ship()
    cart.pay(Decimal(187))

    # when
    stage.program.promote(ada, stage.net)

    # then
    assert shown(cart.read()["totalPrice"]) == from_net(170, 10)
    order = cart.complete()
    assert shown(order["total"]) == from_net(170, 10)
    assert order["chargeStatus"] == "FULL"


def test_a_price_that_changes_at_the_checkout(shop: Shop) -> None:
    """Whoever would be charged another price than was shown is asked to look again first."""
    # given: half off in a collection; orders are taken before they are paid
    channel = shop.open_channel(takes_unpaid_orders=True)
    prices = [{"percent": "50", "select": {"collections": [shop.collections["sale"]]}}]
    ladder = [{"slug": "vip", "name": "VIP", "threshold": "1000", "prices": prices}]
    program = open_program(shop, [channel], {"tiers": {"ladder": ladder}})
    vip = Stage(shop, channel, channel, program).shopper(is_vip=True)
    shop.move("B", into="sale")
    cart = fill_cart(shop, channel, vip, B=2)
    assert shown(cart.ship()["subtotalPrice"]) == from_net(30, 10)

    # when: the goods leave the collection, which Saleor tells no checkout of
    shop.move("B", out_of="sale")
    refused = cart.refuse_completion()

    # then
    assert [error["message"] for error in refused] == [
        "Member prices of this cart have changed. Please review the new total and try again."
    ]
    assert shown(cart.read()["subtotalPrice"]) == from_net(60, 10)
    assert shown(cart.complete()["subtotal"]) == from_net(60, 10)
