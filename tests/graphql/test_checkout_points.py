"""What a checkout says of points, in the cases where it is easy to say something else."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.models import AuditEntry
from tests.factories.current import factories
from tests.graphql.world import (
    ANONYMOUS,
    IS_SALEOR_3,
    Actor,
    World,
    app,
    open_shop,
    operation,
    parts,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")


def look(actor: Actor, checkout: str) -> dict[str, Any]:
    """Return what the ready operation says of a checkout."""
    if IS_SALEOR_3:
        answer = actor.ask(operation("storefront/checkout"), id=checkout)
    else:
        query = (
            "query ($token: UUID!) { checkout(token: $token) { id totalPrice { gross { amount "
            "currency } } retention { ...RetentionCheckoutParts } } }"
        )
        token = factories().pk_of(checkout)
        answer = actor.ask(query + parts("storefront/checkout"), token=token)
    found: dict[str, Any] = answer["checkout"]
    return found


def redeem(actor: Actor, checkout: str, points: int) -> dict[str, Any]:
    """Set points and return the payload."""
    return actor.do(operation("storefront/redemption-set"), checkoutId=checkout, points=points)


def total(found: dict[str, Any]) -> float:
    """Return the gross total."""
    amount: float = found["totalPrice"]["gross"]["amount"]
    return amount


@pytest.mark.saleor3
def test_what_points_take_off_the_total_with_tax() -> None:
    """Prices are entered without tax of 10 %: 5.00 off the price is 5.50 off the total."""
    factories().make_channel(tax_percent=10, prices_entered_with_tax=False)
    world = open_shop()
    world.give(900)
    checkout = world.checkout({factories().make_product("40.00"): 1})
    before = total(look(world.owner, checkout))

    redeem(world.owner, checkout, 500)

    found = look(world.owner, checkout)
    assert found["retention"]["redemption"]["value"]["amount"] == 5.0
    assert found["retention"]["redemption"]["grossValue"]["amount"] == 5.5
    assert round(before - total(found), 2) == 5.5
    assert found["retention"]["earns"] == 38  # 35.00 and 10 % tax, rounded down


def test_a_voucher_on_top_makes_points_worth_less_and_burns_fewer(world: World) -> None:
    """20 % off everything: 500 points take 4.00 off the total, and 400 of them are burned."""
    world.give(900)
    checkout_row = factories().make_checkout(
        world.owner.user, {factories().make_product("40.00"): 1}
    )
    checkout = factories().gid("Checkout", checkout_row)
    factories().add_voucher(checkout_row, a_voucher_of_20_percent(), world.owner.user)
    before = total(look(world.owner, checkout))

    redeem(world.owner, checkout, 500)

    redemption = look(world.owner, checkout)["retention"]["redemption"]
    assert redemption["points"] == 500
    assert redemption["effectivePoints"] == 400
    assert redemption["value"]["amount"] == 4.0
    assert round(before - total(look(world.owner, checkout)), 2) == 4.0


def test_only_its_customer_learns_what_could_be_redeemed(world: World) -> None:
    """The applied points are in the price for everyone; the balance is not."""
    world.give(900)
    checkout = world.checkout({factories().make_product("40.00"): 1})
    redeem(world.owner, checkout, 100)

    own = look(world.owner, checkout)["retention"]
    acting = look(staff("manage_users", "manage_checkouts"), checkout)["retention"]
    seen = look(staff("manage_checkouts"), checkout)["retention"]

    assert (own["redeemableMax"], own["redemption"]["points"]) == (1000, 100)
    assert (acting["redeemableMax"], acting["redemption"]["points"]) == (1000, 100)
    assert (seen["redeemableMax"], seen["redemption"]["points"]) == (0, 100)


def test_a_guest_sees_what_a_member_would_get(world: World) -> None:
    """The goods earn on the guest's behalf; the discounts say that they are for members."""
    checkout = factories().gid(
        "Checkout", factories().make_checkout(None, {factories().make_product("40.00"): 1})
    )

    found = look(ANONYMOUS, checkout)["retention"]

    assert world.program.accounts.count() == 0
    assert found["earns"] == 40
    assert found["redeemableMax"] == 0
    assert found["redemption"] is None
    assert {"NOT_A_MEMBER"} == {
        verdict["code"] for verdict in found["verdicts"] if verdict["ruleKey"] != "points"
    }


def test_a_newcomer_gets_the_first_tier_on_product_page_and_cart() -> None:
    """Before any account is opened: the tier that asks for nothing doubles the points."""
    world = open_shop(
        tiers={"ladder": [{"slug": "all", "name": "All", "threshold": 0, "earn_multiplier": 2}]}
    )
    variant = factories().make_product("40.00")
    checkout = world.checkout({variant: 1})
    place = f', channel: "{world.channel}"' if IS_SALEOR_3 else ""
    query = f"query ($id: ID!) {{ productVariant(id: $id {place}) {{ retention {{ earns }} }} }}"

    on_page = world.owner.ask(query, id=factories().gid("ProductVariant", variant))
    in_cart = look(world.owner, checkout)

    assert on_page["productVariant"]["retention"]["earns"] == 80
    assert in_cart["retention"]["earns"] == 80
    assert world.program.accounts.count() == 0


def test_whoever_left_earns_nothing_and_may_spend(world: World) -> None:
    """Points stay to be spent after leaving."""
    world.give(900)
    world.owner.do(operation("storefront/leave"))
    checkout = world.checkout({factories().make_product("40.00"): 1})

    found = look(world.owner, checkout)["retention"]

    assert found["earns"] == 0
    assert found["redeemableMax"] == 1000


def test_the_clamp_is_told(world: World) -> None:
    """More than the goods cost cannot be set; the answer says what it was cut to and why."""
    world.give(9000)
    checkout = world.checkout({factories().make_product("40.00"): 1})

    done = redeem(world.owner, checkout, 6000)

    assert (done["points"], done["clampedBy"]) == (4000, "BASKET_TOO_SMALL")
    assert look(world.owner, checkout)["retention"]["redeemableMax"] == 4000


def test_nothing_is_said_where_no_program_runs(world: World) -> None:
    """Null, and no error."""
    checkout = world.checkout({factories().make_product("40.00"): 1})
    type(world.program).objects.update(is_active=False)
    world.program.channels.update(is_active=False)

    assert look(world.owner, checkout)["retention"] is None
    assert world.owner.ask("{ me { retention { number } } }") == {"me": {"retention": None}}


def test_staff_sets_points_on_behalf_of_the_checkouts_customer(world: World) -> None:
    """They are the customer's own points; a guest's checkout has none."""
    variant = factories().make_product("40.00")
    world.give(900)
    checkout = world.checkout({variant: 1})
    guests = factories().gid("Checkout", factories().make_checkout(None, {variant: 1}))
    acting = staff("manage_users", "manage_checkouts")

    done = redeem(acting, checkout, 300)
    refused = acting.refused(operation("storefront/redemption-set"), checkoutId=guests, points=1)

    assert done["points"] == 300
    assert world.account().held == 300
    assert refused == [("checkoutId", "LOGIN_REQUIRED")]


def test_what_staff_and_apps_set_for_a_customer_is_in_the_trail(world: World) -> None:
    """Once for each change, with who did it; what the customer sets himself is not."""
    world.give(900)
    checkout = world.checkout({factories().make_product("40.00"): 1})
    acting, store = (kind("manage_users", "manage_checkouts") for kind in (staff, app))
    clear = operation("storefront/redemption-clear")

    redeem(world.owner, checkout, 100)
    world.owner.do(clear, checkoutId=checkout)
    redeem(acting, checkout, 300)
    redeem(acting, checkout, 300)
    redeem(store, checkout, 200)
    redeem(acting, checkout, 0)
    acting.do(clear, checkoutId=checkout)
    redeem(world.owner, checkout, 100)

    told = AuditEntry.objects.order_by("pk").values_list("action", "changes", "account_id")
    mine = world.account().pk
    assert list(told.filter(action__startswith="redemption")) == [
        ("redemption_set", ["300 points in a cart"], mine),
        ("redemption_set", ["200 points in a cart"], mine),
        ("redemption_clear", ["200 points in a cart"], mine),
    ]
    actors = AuditEntry.objects.filter(action__startswith="redemption").order_by("pk")
    first, second, third = actors.values_list("actor_ref", flat=True)
    assert first == third == f"user:{acting.user.pk}"
    assert second.startswith("app:")


def a_voucher_of_20_percent() -> str:
    """Return the code of a voucher on the whole order."""
    if IS_SALEOR_3:
        code: str = factories().make_voucher("20", discount_value_type="percentage")
        return code
    voucher = factories().make_voucher("20", discount_value_type="percentage")
    found: str = voucher.code
    return found
