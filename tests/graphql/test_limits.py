"""The limits of a program as staff set them and run into them."""

from __future__ import annotations

from typing import Any

import pytest
from saleor.app.models import App

from saleor_retention.services.setting_up import programs
from tests.factories.current import factories
from tests.graphql.world import IS_SALEOR_3, Actor, World, app, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

LIMITS: dict[str, Any] = {
    "earn": {
        "pointsPerOrderMax": 500,
        "pointsPerDayMax": 0,
        "pointsPerMonthMax": 2**31 - 1,
        "pointsPerMemberMax": 7,
    },
    "redemption": {"pointsPerDayMax": 150, "pointsPerMonthMax": 400},
    "grants": {
        "pointsPerDayMax": 300,
        "groups": [{"name": "Support", "pointsMax": 50, "pointsPerDayMax": None}],
        "apps": [{"name": "Help desk", "pointsMax": None, "pointsPerDayMax": 7}],
    },
}
ROLE = "{ name pointsMax pointsPerDayMax }"
RULES = (
    "{ retentionProgram { rules { "
    "earn { pointsPerOrderMax pointsPerDayMax pointsPerMonthMax pointsPerMemberMax } "
    "redemption { pointsPerDayMax pointsPerMonthMax } "
    f"grants {{ pointsPerDayMax groups {ROLE} apps {ROLE} }} "
    "} } }"
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
    assert rules["grants"] == {"pointsPerDayMax": None, "groups": [], "apps": []}


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


def test_staff_have_the_limits_of_their_permission_groups(world: World, manager: Actor) -> None:
    """By the group's name in Saleor; the refusal names it, and a role given twice is refused."""
    groups = [{"name": "Support", "pointsMax": 50}]
    update(manager, world, {"grants": {"pointsMax": 10, "groups": groups}})
    query = operation("staff/points-adjust")
    given = {"memberId": world.member_id(), "reason": "Sorry"}
    helper = staff("manage_users")
    assert helper.user is not None
    make_group("Support").user_set.add(helper.user)

    helper.do(query, **given, points=50, key="k1")
    answer = helper.ask(query, **given, points=51, key="k2")
    (error,) = answer["retentionPointsAdjust"]["errors"]
    assert error["message"] == 'At most 50 points can be granted at once as "Support".'
    answer = manager.ask(query, **given, points=11, key="k3")
    (error,) = answer["retentionPointsAdjust"]["errors"]
    assert error["message"] == "At most 10 points can be granted at once."

    twice = manager.refused(
        operation("staff/program-update"),
        id=world.program_id,
        input={"rules": {"grants": {"groups": groups * 2}}},
    )
    assert twice == [("rules.grants.groups.1.name", "UNIQUE")]


def test_apps_have_the_limits_of_their_name(world: World, manager: Actor) -> None:
    """And no other app has them."""
    helper = app("manage_users")
    name = App.objects.latest("pk").name
    apps = [{"name": name, "pointsMax": 50}]
    update(manager, world, {"grants": {"pointsMax": 10, "apps": apps}})
    query = operation("staff/points-adjust")
    given = {"memberId": world.member_id(), "reason": "Sorry"}

    helper.do(query, **given, points=50, key="k1")
    refused = app("manage_users").refused(query, **given, points=11, key="k2")

    assert refused == [("points", "LIMIT_REACHED")]


def make_group(name: str) -> Any:
    """Make a permission group of staff."""
    if IS_SALEOR_3:
        from saleor.account.models import Group
    else:
        from django.contrib.auth.models import Group
    return Group.objects.create(name=name)


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


def test_points_of_any_size_are_given_out(world: World, manager: Actor) -> None:
    """A file may ask for more than the API takes, and a balance adds up: no query fails of it."""
    most, many = 10**12, 3 * 10**9
    changes = {
        "welcome_points": most,
        "first_order_points": most,
        "redemption": {"minimum_points": most, "block_points": most},
        "grants": {"points_max": most},
        "tiers": {
            "metric": "points",
            "ladder": [{"slug": "vip", "name": "VIP", "threshold": most}],
        },
    }
    programs.update_program(program=world.program, changes=changes)
    world.give(many)

    program = manager.ask(
        "{ retentionProgram { tiers { threshold { points } } rules { welcomePoints "
        "firstOrderPoints redemption { minimumPoints blockPoints } grants { pointsMax } } } }"
    )["retentionProgram"]
    member = world.owner.ask(operation("storefront/membership"), channel=world.channel)["me"]
    moved = world.owner.ask(operation("storefront/history"), channel=world.channel)["me"]

    assert program["tiers"] == [{"threshold": {"points": most}}]
    assert program["rules"] == {
        "welcomePoints": most,
        "firstOrderPoints": most,
        "redemption": {"minimumPoints": most, "blockPoints": most},
        "grants": {"pointsMax": most},
    }
    assert member["retention"]["balance"]["available"] >= many
    assert moved["retention"]["history"]["edges"][0]["node"]["points"] == many
