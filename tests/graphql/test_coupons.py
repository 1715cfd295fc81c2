"""Coupons as storefronts and staff see them through GraphQL."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TestCase

from saleor_retention.engine.phrases import render
from saleor_retention.models import CouponKind
from saleor_retention.services.couponing import coupons
from tests.coupons import issue
from tests.graphql.world import IS_SALEOR_3, World, app, gid, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

TERMS = {
    "name": "Ten off",
    "percent": 10,
    "minimums": [{"currency": "USD", "amount": "50.00"}],
}
PLAN = {"slug": "sorry", "trigger": "GOODWILL", "terms": TERMS, "validForDays": 30}


def set_plan(world: World, **changes: Any) -> dict[str, Any]:
    """Set a plan as a manager does."""
    plan: dict[str, Any] = staff("manage_discounts").do(
        operation("staff/coupon-plan-set"), programId=world.program_id, input=PLAN | changes
    )["plan"]
    return plan


def test_goodwill_reaches_the_customer(world: World) -> None:
    """Set by a manager, given by service staff, shown to the member, looked up, and ended."""
    service = staff("manage_users")
    plan = set_plan(world, perDay=3, perDayGroups=[{"name": "Leads", "perDay": 9}])
    assert plan["perDayGroups"] == [{"name": "Leads", "perDay": 9}]
    assert plan["terms"]["minimums"] == [{"amount": 50.0, "currency": "USD"}]
    (listed,) = service.ask(operation("staff/coupon-plans"), programId=world.program_id)[
        "retentionCouponPlans"
    ]
    assert listed == plan

    given = service.do(
        operation("staff/coupon-give"),
        memberId=world.member_id(),
        plan="sorry",
        reason="Late",
        key="t1",
    )["coupon"]
    mine = own(world)
    looked_up = world.owner.ask(operation("storefront/coupon-lookup"), code=given["code"].lower())
    found = service.ask(
        operation("staff/coupons"),
        programId=world.program_id,
        filter={"member": world.member_id(), "campaign": "sorry", "states": ["ACTIVE"]},
    )["retentionCoupons"]

    assert (given["memberId"], given["campaign"]) == (world.member_id(), "sorry")
    assert mine == [{key: given[key] for key in mine[0]}]
    assert looked_up["retentionCouponLookup"] == mine[0]
    assert (found["totalCount"], found["edges"][0]["node"]) == (1, given)
    ended = service.do(operation("staff/coupon-revoke"), id=given["id"], reason="Twice")["coupon"]
    assert ended == {"id": given["id"], "state": "REVOKED"}
    assert own(world)[0]["state"] == "REVOKED"


def own(world: World) -> list[dict[str, Any]]:
    """Return the owner's coupons as the storefront shows them."""
    answer = world.owner.ask(operation("storefront/coupons"), channel=world.channel)
    return [edge["node"] for edge in answer["me"]["retention"]["coupons"]["edges"]]


def test_a_lookup_tells_nothing_of_others(world: World) -> None:
    """Another customer, and one who invents codes, read the same words."""
    coupon = issue(world, world.account())

    said = [
        actor.post(operation("storefront/coupon-lookup"), code=code)["errors"][0]["message"]
        for actor, code in ((world.other, coupon.code), (world.other, "NOTHING"))
    ]

    assert said == [render(coupons.UNKNOWN)] * 2


def test_what_a_customer_sees_of_a_shared_code_names_nobody(world: World) -> None:
    """Whose it was and what it is counted under is for staff."""
    why = coupons.Circumstances(campaign="secret")
    coupon = issue(world, world.account(), CouponKind.BEARER, why=why)
    query = """query ($code: String!) {
        retentionCouponLookup(code: $code) { code memberId campaign } }"""

    seen = world.other.ask(query, code=coupon.code)["retentionCouponLookup"]

    assert seen == {"code": coupon.code, "memberId": None, "campaign": None}


def test_a_batch_is_ordered_filled_and_ended(world: World) -> None:
    """A worker makes the codes after the answer; sent twice it is ordered once."""
    manager = staff("manage_discounts")
    given = {"key": "may", "size": 5, "terms": TERMS, "validForDays": 9, "campaign": "May"}
    with TestCase.captureOnCommitCallbacks(execute=True):
        first = manager.do(
            operation("staff/coupon-batch-create"), programId=world.program_id, input=given
        )["batch"]
    again = manager.do(
        operation("staff/coupon-batch-create"), programId=world.program_id, input=given
    )["batch"]
    listed = manager.ask(operation("staff/coupon-batches"), programId=world.program_id)

    assert (first["size"], first["issued"], again["issued"]) == (5, 0, 5)
    assert again["id"] == first["id"]
    (edge,) = listed["retentionCouponBatches"]["edges"]
    assert edge["node"] == again
    other = {**given, "size": 6}
    assert manager.refused(
        operation("staff/coupon-batch-create"), programId=world.program_id, input=other
    ) == [("key", "KEY_REUSED")]
    ended = manager.do(
        operation("staff/coupon-batch-revoke"), id=first["id"], reason="Printed wrong"
    )
    assert ended["ended"] == 5
    assert ended["batch"]["revokedAt"] is not None


@pytest.mark.parametrize(
    ("changes", "refusals"),
    [
        ({"terms": {"name": " ", "percent": 101}}, [("terms.name",), ("terms.percent",)]),
        ({"terms": {"name": "Both"}}, [("terms.percent",)]),
        (
            {"terms": {"name": "x", "amounts": [{"currency": "USD", "amount": "0.001"}]}},
            [("terms.amounts.0.amount",)],
        ),
        ({"slug": "a b"}, [("slug",)]),
        ({"remindDays": 31}, [("remindDays",)]),
        ({"validForDays": 1.5}, [("validForDays",)]),
        ({"perDayApps": [{"name": "Desk", "perDay": 2.5}]}, [("perDayApps.0.perDay",)]),
        ({"terms": {**TERMS, "uses": 0.5}}, [("terms.uses",)]),
    ],
)
def test_refusals_name_the_fields_of_the_input(
    world: World, changes: dict[str, Any], refusals: list[tuple[str]]
) -> None:
    """And nothing is set."""
    found = staff("manage_discounts").refused(
        operation("staff/coupon-plan-set"), programId=world.program_id, input=PLAN | changes
    )

    assert [(field,) for field, _code in found] == refusals


def test_what_is_not_there_is_not_found(world: World) -> None:
    """Coupons, batches, plans, members of other kinds of id."""
    service, manager = staff("manage_users"), staff("manage_discounts")
    wrong = gid("User", world.owner.user)
    assert service.refused(operation("staff/coupon-revoke"), id=wrong, reason="x") == [
        ("id", "NOT_FOUND")
    ]
    assert manager.refused(operation("staff/coupon-batch-revoke"), id=wrong, reason="x") == [
        ("id", "NOT_FOUND")
    ]
    assert service.refused(
        operation("staff/coupon-give"),
        memberId=world.member_id(),
        plan="none",
        reason="x",
        key="k",
    ) == [("plan", "NOT_FOUND")]


def test_an_app_gives_within_its_own_limit(world: World) -> None:
    """By the app's name."""
    desk = app("manage_users")
    from saleor.app.models import App

    name = App.objects.latest("pk").name
    set_plan(world, perDay=0, perDayApps=[{"name": name, "perDay": 1}])
    asked = {"memberId": world.member_id(), "plan": "sorry", "reason": "Late"}

    desk.do(operation("staff/coupon-give"), key="t1", **asked)

    assert desk.refused(operation("staff/coupon-give"), key="t2", **asked) == [
        ("plan", "LIMIT_REACHED")
    ]
    assert IS_SALEOR_3 or name
