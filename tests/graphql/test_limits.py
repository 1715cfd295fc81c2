"""The limits of a program as staff set them and run into them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.current import factories
from tests.graphql.world import Actor, World, app, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

LIMITS: dict[str, Any] = {
    "earn": {
        "pointsPerOrderMax": 500,
        "pointsPerDayMax": 0,
        "pointsPerMonthMax": 2**31 - 1,
        "pointsPerMemberMax": 7,
    },
    "redemption": {"pointsPerDayMax": 150, "pointsPerMonthMax": 400},
    "grants": {"pointsPerDayMax": 300},
}
RULES = (
    "{ retentionProgram { rules { "
    + " ".join(f"{name} {{ {' '.join(fields)} }}" for name, fields in LIMITS.items())
    + " } } }"
)


@pytest.fixture
def manager() -> Actor:
    """Staff who manage programs and members."""
    return staff("manage_discounts", "manage_users")


def update(actor: Actor, world: World, rules: dict[str, Any]) -> None:
    """Change the program's rules."""
    actor.do(operation("staff/program-update"), id=world.program_id, input={"rules": rules})


def test_limits_are_set_read_and_taken_away(world: World, manager: Actor) -> None:
    """Null takes one away, and leaves the others."""
    update(manager, world, LIMITS)
    assert manager.ask(RULES)["retentionProgram"]["rules"] == LIMITS

    update(manager, world, {"earn": {"pointsPerDayMax": None}, "grants": None})

    rules = manager.ask(RULES)["retentionProgram"]["rules"]
    assert rules["earn"] == {**LIMITS["earn"], "pointsPerDayMax": None}
    assert rules["redemption"] == LIMITS["redemption"]
    assert rules["grants"] == {"pointsPerDayMax": None}


@pytest.mark.parametrize("value", [-1, 1.5, 2**31])
def test_a_limit_that_is_none_is_refused_by_field(
    world: World, manager: Actor, value: float
) -> None:
    """With the path of the input."""
    refused = manager.refused(
        operation("staff/program-update"),
        id=world.program_id,
        input={"rules": {"earn": {"pointsPerMonthMax": value}}},
    )

    assert refused == [("rules.earn.pointsPerMonthMax", "INVALID")]


def test_staff_and_apps_have_a_daily_allowance_each(world: World, manager: Actor) -> None:
    """Two customers share what one of the staff may give; an app has its own."""
    update(manager, world, {"grants": {"pointsPerDayMax": 300}})
    query = operation("staff/points-adjust")
    given = {"memberId": world.member_id(), "reason": "Sorry"}
    manager.do(query, **given, points=250, key="k1")

    other = given | {"memberId": world.member_id(world.other)}
    assert manager.refused(query, **other, points=51, key="k2") == [("points", "LIMIT_REACHED")]

    manager.do(query, **other, points=50, key="k2")
    app("manage_users").do(query, **given, points=300, key="k3")
    staff("manage_users").do(query, **given, points=300, key="k4")


def test_spending_says_how_many_points_are_left(world: World, manager: Actor) -> None:
    """Of the day, over all checkouts."""
    update(manager, world, {"redemption": {"pointsPerDayMax": 150}})
    world.give(1000)
    variant = factories().make_product("40.00")
    query = operation("storefront/redemption-set")
    first, second = (world.checkout({variant: 1}) for _ in range(2))
    world.owner.do(query, checkoutId=first, points=100)

    answer = world.owner.ask(query, checkoutId=second, points=60)

    (error,) = answer["retentionRedemptionSet"]["errors"]
    assert (error["field"], error["code"]) == ("points", "LIMIT_REACHED")
    assert "50 are left" in error["message"]
