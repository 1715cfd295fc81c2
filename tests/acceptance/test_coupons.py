"""Coupons over HTTP: whose a code is, at the cart and at the order, how often, and for how long."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.client import Client
from tests.acceptance.figures import from_net, shown, total
from tests.acceptance.orders import Desk
from tests.acceptance.retention import Program, member, open_program
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import Shopper
from tests.acceptance.worlds import World

OPERATIONS = Path(__file__).parent.parent.parent / "graphql"
NOT_YOURS = {
    "field": "promoCode",
    "message": "This code belongs to another customer. Log in as that customer, or go on without "
    "the code.",
    "code": "VOUCHER_NOT_APPLICABLE",
}
FIVE_OFF = {"name": "Five off", "amounts": [{"currency": "USD", "amount": "5.00"}]}
TEN_PERCENT = {"name": "Welcome back", "percent": 10}

_numbers = itertools.count(1)


def operation(path: str) -> str:
    """Return one of the ready operations."""
    return (OPERATIONS / f"{path}.graphql").read_text()


def set_plan(owner: Client, program: Program, **plan: Any) -> str:
    """Set a plan as the owner does; return its slug."""
    slug = f"plan-{next(_numbers)}"
    wanted = {"slug": slug, "validForDays": 30, **plan}
    owner.do(operation("staff/coupon-plan-set"), programId=program.id, input=wanted)
    return slug


def give(
    staff: Client, program: Program, shopper: Shopper, channel: Channel, **plan: Any
) -> dict[str, Any]:
    """Have staff give a customer a coupon of five dollars; return it."""
    slug = set_plan(program.shop.owner, program, trigger="GOODWILL", terms=FIVE_OFF, **plan)
    found: dict[str, Any] = staff.do(
        operation("staff/coupon-give"),
        memberId=member(shopper.client, channel)["id"],
        plan=slug,
        reason="The parcel came late",
        key=slug,
    )["coupon"]
    return found


def given(stage: Stage, shopper: Shopper) -> str:
    """Have service staff give a customer a coupon of five dollars; return its code."""
    service = stage.shop.login("users@shop.example")
    code: str = give(service, stage.program, shopper, stage.net)["code"]
    return code


def print_codes(owner: Client, program: Program, size: int, **terms: Any) -> list[str]:
    """Order codes for whoever has them, five dollars off; return them."""
    wanted = {"size": size, "terms": {**FIVE_OFF, **terms}, "validForDays": 30}
    batch = owner.do(
        operation("staff/coupon-batch-create"),
        programId=program.id,
        input={"key": f"flyer-{next(_numbers)}", **wanted},
    )["batch"]
    answer = owner.ask(
        operation("staff/coupons"), programId=program.id, filter={"batch": batch["id"]}
    )
    return [edge["node"]["code"] for edge in answer["retentionCoupons"]["edges"]]


def own(client: Client, channel: Channel) -> list[dict[str, Any]]:
    """Return the asking customer's coupons."""
    answer = client.ask(operation("storefront/coupons"), channel=channel.slug)
    return [edge["node"] for edge in answer["me"]["retention"]["coupons"]["edges"]]


def states(client: Client, channel: Channel) -> list[tuple[str, int]]:
    """Return (state, orders that used it) of each of the asking customer's coupons."""
    return [(each["state"], each["uses"]) for each in own(client, channel)]


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


def test_codes_on_every_saleor(world: World) -> None:
    """A personal code is its owner's, for one order, until that is canceled; a printed one is not.

    A costs 80; five dollars are off.
    """
    # given
    channel, tax = world.channel, world.tax_percent
    program = open_program(world, [channel])
    ada, ben = world.sign_up("ada"), world.sign_up("ben")
    personal = give(world.owner, program, ada, channel)["code"]
    (printed,) = print_codes(world.owner, program, 1, uses=2)
    less = total([from_net(75, tax), from_net(world.shipping, tax)])

    def bought(shopper: Shopper, code: str) -> dict[str, Any]:
        cart = world.cart(shopper, A=1)
        cart.promo(code)
        order = cart.buy()
        assert shown(order["total"]) == less
        return order

    # when, then: another customer reads why
    assert world.cart(ben, A=1).refuse_promo(personal) == [NOT_YOURS]

    # and: the owner uses it, once
    order = bought(ada, personal)
    assert states(ada.client, channel) == [("USED", 1)]
    assert len(world.cart(ada, A=1).refuse_promo(personal)) == 1

    # and: it comes back with the order
    world.cancel(order)
    assert states(ada.client, channel) == [("ACTIVE", 0)]
    bought(ada, personal)
    assert states(ada.client, channel) == [("USED", 1)]

    # and: a printed one is anybody's, as often as it says
    bought(ada, printed)
    bought(ben, printed)
    assert len(world.cart(ben, A=1).refuse_promo(printed)) == 1


@pytest.mark.saleor3
class TestOnSaleor3:
    """What 2.10 has no way to, or not the same one."""

    def test_a_code_given_by_staff_is_its_members_alone(self, stage: Stage) -> None:
        """Others and guests read why; the owner pays less, once; the dashboard shows it."""
        ada, ben = stage.shopper(), stage.shopper()
        code = given(stage, ada)
        seen = {"name": "Five off", "kind": "FIXED", "is_active": True}
        assert in_dashboard(stage.shop, code) == seen

        for shopper in (ben, None):
            foreign = stage.cart(shopper, A=1)
            assert foreign.refuse_promo(code) == [NOT_YOURS]
            checkout = foreign.read()
            assert checkout["voucherCode"] is None
            assert shown(checkout["subtotalPrice"]) == from_net(80, 10)

        cart = stage.cart(ada, A=1)
        checkout = cart.promo(code)
        assert (checkout["voucherCode"], checkout["discountName"]) == (code, "Five off")
        order = cart.buy()

        assert order["voucherCode"] == code
        assert shown(order["subtotal"]) == from_net(75, 10)
        assert states(ada.client, stage.net) == [("USED", 1)]
        assert in_dashboard(stage.shop, code) == {**seen, "is_active": False}
        assert len(stage.cart(ada, A=1).refuse_promo(code)) == 1

    def test_printed_codes_are_whoevers_has_them(self, stage: Stage) -> None:
        """A guest uses one up; the other one of the same voucher is a customer's still."""
        one, other = print_codes(stage.shop.owner, stage.program, 2)

        cart = stage.cart(None, A=1)
        cart.promo(one)
        assert shown(cart.buy()["subtotal"]) == from_net(75, 10)

        assert len(stage.cart(None, A=1).refuse_promo(one)) == 1
        assert not in_dashboard(stage.shop, one)["is_active"]
        assert in_dashboard(stage.shop, other)["is_active"]
        cart = stage.cart(stage.shopper(), A=1)
        cart.promo(other)
        assert shown(cart.buy()["subtotal"]) == from_net(75, 10)

    def test_an_expired_code_is_taken_no_more(self, stage: Stage) -> None:
        """Neither in another cart nor for the order of one that has it; without it there is one."""
        # given: a cart that was paid while the code was valid
        ada = stage.shopper()
        code = given(stage, ada)
        cart = stage.cart(ada, A=1)
        cart.promo(code)
        cart.ship()
        cart.pay()

        # when
        stage.shop.age_coupon(code, days=31)

        # then
        assert states(ada.client, stage.net) == [("EXPIRED", 0)]
        assert len(ada.client.rejected(operation("storefront/coupon-lookup"), code=code)) == 1
        assert len(stage.cart(ada, A=1).refuse_promo(code)) == 1
        (error,) = cart.refuse_completion()
        assert error["code"] == "VOUCHER_NOT_APPLICABLE"

        # and
        cart.remove_promo(code)
        cart.pay(Decimal("5.50"))
        assert shown(cart.complete()["subtotal"]) == from_net(80, 10)
        assert states(ada.client, stage.net) == [("EXPIRED", 0)]

    def test_a_cart_that_changes_hands_is_refused_at_the_order(self, stage: Stage) -> None:
        """It is paid already: the order is refused with the reason, and made without the code."""
        ada, ben = stage.shopper(), stage.shopper()
        code = given(stage, ada)
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

    def test_two_paid_carts_want_a_code_for_one_order(self, stage: Stage) -> None:
        """The owner's second cart is refused at its order; the first one has used the code."""
        ada = stage.shopper()
        code = given(stage, ada)
        carts = [stage.cart(ada, A=1) for _ in range(2)]
        for cart in carts:
            cart.promo(code)
            cart.ship()
            cart.pay()

        first = carts[0].complete()

        assert shown(first["subtotal"]) == from_net(75, 10)
        assert carts[1].refuse_completion() != []
        assert own(ada.client, stage.net)[0]["uses"] == 1

    def test_a_canceled_order_gives_the_code_back(self, stage: Stage) -> None:
        """The same code takes its amount off another order."""
        ada = stage.shopper()
        code = given(stage, ada)
        cart = stage.cart(ada, A=1)
        cart.promo(code)
        order = cart.buy()

        Desk(stage.shop, order["id"]).cancel()

        assert states(ada.client, stage.net) == [("ACTIVE", 0)]
        assert in_dashboard(stage.shop, code)["is_active"]
        again = stage.cart(ada, A=1)
        again.promo(code)
        assert shown(again.buy()["subtotal"]) == from_net(75, 10)

    def test_a_first_order_brings_a_coupon_for_the_next(self, shop: Shop) -> None:
        """Ten per cent off the second order; the second brings none."""
        channel = shop.open_channel()
        program = open_program(shop, [channel])
        set_plan(shop.owner, program, trigger="NEXT_ORDER", terms=TEN_PERCENT)
        ada = (stage := Stage(shop, channel, channel, program)).shopper()

        stage.cart(ada, A=1).buy()

        (coupon,) = own(ada.client, channel)
        assert (coupon["cause"], coupon["state"]) == ("NEXT_ORDER", "ACTIVE")
        second = stage.cart(ada, A=1)
        second.promo(coupon["code"])
        assert shown(second.buy()["subtotal"]) == from_net(72, 10)
        assert [each["state"] for each in own(ada.client, channel)] == ["USED"]

    def test_a_lookup_answers_its_owner_and_nobody_else(self, stage: Stage) -> None:
        """Another customer reads what is said of codes that do not exist."""
        ada, ben = stage.shopper(), stage.shopper()
        code = given(stage, ada)
        query = operation("storefront/coupon-lookup")

        found = ada.client.ask(query, code=f" {code.lower()} ")["retentionCouponLookup"]
        foreign = ben.client.rejected(query, code=code)
        unknown = ben.client.rejected(query, code="NOBODYS")

        assert (found["code"], found["terms"]["name"]) == (code, "Five off")
        said = [[error["message"] for error in errors] for errors in (foreign, unknown)]
        assert said == [["This code cannot be used."]] * 2
