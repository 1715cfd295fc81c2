"""Coupons over HTTP: whose a code is, at the cart and at the order, and what the dashboard sees."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.client import Client
from tests.acceptance.figures import from_net, shown
from tests.acceptance.orders import Desk
from tests.acceptance.retention import Program, member, open_program
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import Cart, Shopper

pytestmark = pytest.mark.saleor3

OPERATIONS = Path(__file__).parent.parent.parent / "graphql"
NOT_YOURS = {
    "field": "promoCode",
    "message": "This code belongs to another customer. Log in as that customer, or go on without "
    "the code.",
    "code": "VOUCHER_NOT_APPLICABLE",
}
FIVE_OFF = {"name": "Five off", "amounts": [{"currency": "USD", "amount": "5.00"}]}
TEN_PERCENT = {"name": "Welcome back", "percent": 10}
ADD = """mutation ($id: ID!, $code: String!) {
  checkoutAddPromoCode(id: $id, promoCode: $code) { errors { field message code } }
}"""

_numbers = itertools.count(1)


def operation(path: str) -> str:
    """Return one of the ready operations."""
    return (OPERATIONS / f"{path}.graphql").read_text()


def set_plan(shop: Shop, program: Program, **plan: Any) -> str:
    """Set a plan as the owner does; return its slug."""
    slug = f"plan-{next(_numbers)}"
    given = {"slug": slug, "validForDays": 30, **plan}
    shop.owner.do(operation("staff/coupon-plan-set"), programId=program.id, input=given)
    return slug


def give(stage: Stage, shopper: Shopper, **plan: Any) -> dict[str, Any]:
    """Have service staff give a customer a coupon of five dollars; return it."""
    slug = set_plan(stage.shop, stage.program, trigger="GOODWILL", terms=FIVE_OFF, **plan)
    service = stage.shop.login("users@shop.example")
    found: dict[str, Any] = service.do(
        operation("staff/coupon-give"),
        memberId=member(shopper.client, stage.net)["id"],
        plan=slug,
        reason="The parcel came late",
        key=slug,
    )["coupon"]
    return found


def refused(cart: Cart, code: str) -> list[dict[str, Any]]:
    """Type a code that must be refused; return the errors."""
    return cart.client.refused(ADD, id=cart.id, code=code)


def own(client: Client, channel: Channel) -> list[dict[str, Any]]:
    """Return the asking customer's coupons."""
    answer = client.ask(operation("storefront/coupons"), channel=channel.slug)
    return [edge["node"] for edge in answer["me"]["retention"]["coupons"]["edges"]]


def in_dashboard(shop: Shop, code: str) -> dict[str, Any]:
    """Return the voucher with this code as the dashboard finds it, with the code's own state."""
    answer = shop.owner.ask(
        """query ($search: String) {
          vouchers(first: 5, filter: {search: $search}) { edges { node {
            name discountValueType codes(first: 50) { edges { node { code isActive } } }
          } } }
        }""",
        search=code,
    )
    (edge,) = answer["vouchers"]["edges"]
    voucher = edge["node"]
    codes = {row["node"]["code"]: row["node"]["isActive"] for row in voucher["codes"]["edges"]}
    return {
        "name": voucher["name"],
        "kind": voucher["discountValueType"],
        "is_active": codes[code],
    }


def test_a_code_given_by_staff_is_its_members_alone(stage: Stage) -> None:
    """Others and guests read why; the owner pays less, once; the dashboard shows the voucher."""
    ada, ben = stage.shopper(), stage.shopper()
    code = give(stage, ada)["code"]
    seen = {"name": "Five off", "kind": "FIXED", "is_active": True}
    assert in_dashboard(stage.shop, code) == seen

    for shopper in (ben, None):
        foreign = stage.cart(shopper, A=1)
        assert refused(foreign, code) == [NOT_YOURS]
        checkout = foreign.read()
        assert checkout["voucherCode"] is None
        assert shown(checkout["subtotalPrice"]) == from_net(80, 10)

    cart = stage.cart(ada, A=1)
    checkout = cart.promo(code)
    assert (checkout["voucherCode"], checkout["discountName"]) == (code, "Five off")
    order = cart.buy()

    assert order["voucherCode"] == code
    assert shown(order["subtotal"]) == from_net(75, 10)
    assert [(each["state"], each["uses"]) for each in own(ada.client, stage.net)] == [("USED", 1)]
    assert in_dashboard(stage.shop, code) == {**seen, "is_active": False}
    assert len(refused(stage.cart(ada, A=1), code)) == 1


def test_a_cart_that_changes_hands_is_refused_at_the_order(stage: Stage) -> None:
    """It is paid already: the order is refused with the reason, and made without the code."""
    ada, ben = stage.shopper(), stage.shopper()
    code = give(stage, ada)["code"]
    cart = stage.cart(ada, A=1)
    cart.promo(code)
    cart.detach()
    cart.attach(ben)
    cart.ship()
    cart.pay()

    errors = cart.refuse_completion()

    assert [(each["message"], each["code"]) for each in errors] == [
        (NOT_YOURS["message"], "INVALID")
    ]
    cart.remove_promo(code)
    cart.pay(Decimal("5.50"))
    order = cart.complete()
    assert order["user"]["id"] == ben.id
    assert shown(order["subtotal"]) == from_net(80, 10)
    # the code was never used, and is still its owner's
    assert own(ada.client, stage.net)[0]["state"] == "ACTIVE"
    assert stage.cart(ada, A=1).promo(code)["voucherCode"] == code


def test_two_paid_carts_want_a_code_for_one_order(stage: Stage) -> None:
    """The owner's second cart is refused at its order; the first one has used the code."""
    ada = stage.shopper()
    code = give(stage, ada)["code"]
    carts = [stage.cart(ada, A=1) for _ in range(2)]
    for cart in carts:
        cart.promo(code)
        cart.ship()
        cart.pay()

    first = carts[0].complete()

    assert shown(first["subtotal"]) == from_net(75, 10)
    assert carts[1].refuse_completion() != []
    assert own(ada.client, stage.net)[0]["uses"] == 1


def test_a_canceled_order_gives_the_code_back(stage: Stage) -> None:
    """The same code takes its amount off another order."""
    ada = stage.shopper()
    code = give(stage, ada)["code"]
    cart = stage.cart(ada, A=1)
    cart.promo(code)
    order = cart.buy()

    Desk(stage.shop, order["id"]).cancel()

    assert [(each["state"], each["uses"]) for each in own(ada.client, stage.net)] == [("ACTIVE", 0)]
    assert in_dashboard(stage.shop, code)["is_active"]
    again = stage.cart(ada, A=1)
    again.promo(code)
    assert shown(again.buy()["subtotal"]) == from_net(75, 10)


def test_a_first_order_brings_a_coupon_for_the_next(shop: Shop) -> None:
    """Ten per cent off the second order; the second brings none."""
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    set_plan(shop, program, trigger="NEXT_ORDER", terms=TEN_PERCENT)
    ada = (stage := Stage(shop, channel, channel, program)).shopper()

    stage.cart(ada, A=1).buy()

    (coupon,) = own(ada.client, channel)
    assert (coupon["cause"], coupon["state"]) == ("NEXT_ORDER", "ACTIVE")
    second = stage.cart(ada, A=1)
    second.promo(coupon["code"])
    assert shown(second.buy()["subtotal"]) == from_net(72, 10)
    assert [each["state"] for each in own(ada.client, channel)] == ["USED"]


def test_a_lookup_answers_its_owner_and_nobody_else(stage: Stage) -> None:
    """Another customer reads what is said of codes that do not exist."""
    ada, ben = stage.shopper(), stage.shopper()
    code = give(stage, ada)["code"]
    query = operation("storefront/coupon-lookup")

    found = ada.client.ask(query, code=f" {code.lower()} ")["retentionCouponLookup"]
    foreign = ben.client.rejected(query, code=code)
    unknown = ben.client.rejected(query, code="NOBODYS")

    assert (found["code"], found["terms"]["name"]) == (code, "Five off")
    said = [[error["message"] for error in errors] for errors in (foreign, unknown)]
    assert said == [["This code cannot be used."]] * 2
