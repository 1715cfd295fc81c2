"""Bad input: each has a clear error that names the field and the rule, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.graphql import members
from tests.factories.current import factories
from tests.graphql.world import (
    Actor,
    World,
    app,
    gid,
    open_shop,
    operation,
    rows,
    sale,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")

ENORMOUS = 10**30
EARN = {"rates": [{"currency": "USD", "points": 1, "per": 1}]}
TIERS = [
    {"slug": "one", "name": "One", "threshold": 100},
    {"slug": "two", "name": "Two", "threshold": 200},
]


@pytest.fixture
def manager() -> Actor:
    """Staff who may do everything that our mutations ask for."""
    return staff("manage_discounts", "manage_users", "manage_orders", "manage_checkouts")


# --- redemption -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "code", "says"),
    [
        (-1, "INVALID", "at least 0, not -1"),
        (1.5, "INVALID", "1.5 is not a whole number"),
        (ENORMOUS, "INVALID", "is not a whole number of at most 2147483647"),
        (5000, "NOT_ENOUGH_POINTS", "1000"),
    ],
)
def test_points_of_a_redemption(world: World, points: Any, code: str, says: str) -> None:
    """Negative, fractional and enormous points, and more than there are, are never cut."""
    checkout = a_checkout(world)
    query = operation("storefront/redemption-set")
    before = rows()

    answer = world.owner.ask(query, checkoutId=checkout, points=points)

    (error,) = answer["retentionRedemptionSet"]["errors"]
    assert (error["field"], error["code"]) == ("points", code)
    assert says in error["message"]
    assert rows() == before


@pytest.mark.parametrize("points", ["12", True, None, [1]])
def test_points_that_are_no_number_are_an_error_of_the_query(world: World, points: Any) -> None:
    """What is no number at all is refused before anything runs."""
    checkout = a_checkout(world)
    before = rows()

    answer = world.owner.post(
        operation("storefront/redemption-set"), checkoutId=checkout, points=points
    )

    assert "points" in answer["errors"][0]["message"]
    assert rows() == before


def test_points_written_into_the_query(world: World) -> None:
    """A literal is read like a variable."""
    checkout = a_checkout(world)
    query = (
        "mutation ($id: ID!) { retentionRedemptionSet(checkoutId: $id, points: 1.5) "
        "{ errors { field message code } } }"
    )

    assert world.owner.refused(query, id=checkout) == [("points", "INVALID")]


def test_a_foreign_checkout_looks_like_a_missing_one(world: World) -> None:
    """Somebody else's, a guest's, one that never was, and what is no id: one answer."""
    variant = factories().make_product("40.00")
    theirs = world.checkout({variant: 1}, world.other)
    guests = gid("Checkout", factories().make_checkout(None, {variant: 1}))
    missing = gid("Checkout", "3f0c1c9e-2b0e-4b5c-9f39-5f3d0f7c1a11")
    world.give(500)
    before = rows()

    answers = [
        world.owner.ask(operation(path), checkoutId=checkout, **points)
        for path, points in (
            ("storefront/redemption-set", {"points": 100}),
            ("storefront/redemption-clear", {}),
        )
        for checkout in (theirs, guests, missing, gid("Product", 1), "nonsense", "")
    ]

    errors = [error for answer in answers for p in answer.values() for error in p["errors"]]
    assert len(errors) == 12
    assert {tuple(sorted(error.items())) for error in errors} == {
        (
            ("code", "NOT_FOUND"),
            ("field", "checkoutId"),
            ("message", "There is no such checkout."),
        )
    }
    assert rows() == before


def test_an_inactive_program_takes_no_points(world: World) -> None:
    """Nothing is set where the program does not run."""
    checkout = a_checkout(world)
    type(world.program).objects.update(is_active=False)
    world.program.channels.update(is_active=False)

    refusals = world.owner.refused(
        operation("storefront/redemption-set"), checkoutId=checkout, points=100
    )

    assert [code for _, code in refusals] == ["PROGRAM_INACTIVE"]


# --- membership -----------------------------------------------------------------------------------


def test_membership_refusals(world: World) -> None:
    """An unknown channel, enrolling twice, leaving twice, and no program."""
    world.account()
    enrol, leave = operation("storefront/enrol"), operation("storefront/leave")

    assert world.owner.refused(enrol, channel="nowhere") == [("channel", "NOT_FOUND")]
    assert world.owner.refused(enrol) == [(None, "ALREADY_A_MEMBER")]
    world.owner.do(leave)
    assert world.owner.refused(leave) == [(None, "NOT_A_MEMBER")]
    type(world.program).objects.update(is_active=False)
    assert world.owner.refused(enrol) == [("channel", "PROGRAM_INACTIVE")]


# --- programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"welcomePoints": -5}, "rules.welcomePoints"),
        ({"welcomePoints": 2.5}, "rules.welcomePoints"),
        ({"welcomePoints": ENORMOUS}, "rules.welcomePoints"),
        (
            {"earn": {"rates": [{"currency": "USD", "points": -1, "per": 1}]}},
            "rules.earn.rates.0.points",
        ),
        (
            {"earn": {"rates": [{"currency": "USD", "points": 1, "per": 0}]}},
            "rules.earn.rates.0.per",
        ),
        (
            {"earn": {"rates": [{"currency": "USD", "points": 1, "per": 0.001}]}},
            "rules.earn.rates.0.per",
        ),
        (
            {"earn": {"rates": [*EARN["rates"], {"currency": "USD", "points": 2, "per": 1}]}},
            "rules.earn.rates.1.currency",
        ),
        ({"earn": {"rates": []}}, "rules.earn.rates.USD"),
        ({"pointValues": [{"currency": "USD", "amount": -0.01}]}, "rules.pointValues.0.amount"),
        ({"pointValues": []}, "rules.pointValues.USD"),
        ({"timeZone": "Mars/Olympus"}, "rules.timeZone"),
        ({"maturing": {"rule": "DAYS_AFTER_PAYMENT", "days": -1}}, "rules.maturing.days"),
        ({"redemption": {"orderShareMax": 1.5}}, "rules.redemption.orderShareMax"),
        ({"redemption": {"blockPoints": 0}}, "rules.redemption.blockPoints"),
        ({"multipliers": [{"name": "Day", "factor": -2}]}, "rules.multipliers.0.factor"),
        (
            {
                "multipliers": [
                    {"name": "Day", "factor": 2, "startsOn": "2026-02-01", "endsOn": "2026-01-01"}
                ]
            },
            "rules.multipliers.0.endsOn",
        ),
        (
            {"multipliers": [{"name": "Day", "factor": 2, "select": {"products": ["nonsense"]}}]},
            "rules.multipliers.0.select.products.0",
        ),
        (
            {"multipliers": [{"name": "Day", "factor": 2, "select": {"products": []}}]},
            "rules.multipliers.0.select",
        ),
        ({"tiers": {"ladder": [TIERS[1], TIERS[0]]}}, "rules.tiers.ladder.1.threshold"),
        (
            {"tiers": {"ladder": [TIERS[0], {**TIERS[1], "threshold": 100}]}},
            "rules.tiers.ladder.1.threshold",
        ),
        (
            {"tiers": {"ladder": [TIERS[0], {**TIERS[1], "slug": "one"}]}},
            "rules.tiers.ladder.1.slug",
        ),
        ({"tiers": {"ladder": [{**TIERS[0], "threshold": -1}]}}, "rules.tiers.ladder.0.threshold"),
        ({"tiers": {"ladder": [{"slug": "one", "name": "One"}]}}, "rules.tiers.ladder.0.threshold"),
        (
            {"tiers": {"ladder": [{**TIERS[0], "prices": [{"percent": 101}]}]}},
            "rules.tiers.ladder.0.prices.0.percent",
        ),
        (
            {
                "tiers": {
                    "ladder": [
                        {
                            **TIERS[0],
                            "perks": [{"key": "a", "text": "b"}, {"key": "a", "text": "c"}],
                        }
                    ]
                }
            },
            "rules.tiers.ladder.0.perks.1.key",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_are_refused_by_the_input_field(
    world: World, manager: Actor, rules: dict[str, Any], field: str
) -> None:
    """One problem, named by its path in the input and never in the stored document."""
    refusals = manager.refused(
        operation("staff/program-update"), id=world.program_id, input={"rules": rules}
    )

    assert [name for name, _ in refusals] == [field]


def test_a_ladder_that_nobody_can_reach(world: World, manager: Actor) -> None:
    """It counts points, and nothing earns any."""
    refusals = manager.refused(
        operation("staff/program-update"),
        id=world.program_id,
        input={
            "rules": {
                "earn": {"rates": [{"currency": "USD", "points": 0, "per": 1}]},
                "tiers": {"metric": "POINTS", "ladder": [TIERS[0]]},
            }
        },
    )

    assert ("rules.tiers.ladder.0.threshold", "INVALID") in refusals


def test_a_currency_without_a_rate(world: World, manager: Actor) -> None:
    """The channel sells in dollars, and the program has no dollars any more."""
    refusals = manager.refused(
        operation("staff/program-update"),
        id=world.program_id,
        input={"rules": {"earn": {"rates": []}, "redemption": {"enabled": False}}},
    )

    assert refusals == [("rules.earn.rates.USD", "CURRENCY_WITHOUT_RATE")]


def test_everything_that_is_wrong_is_said_at_once(world: World, manager: Actor) -> None:
    """A slug, a channel that is taken, and two rules, in one answer."""
    refusals = manager.refused(
        operation("staff/program-create"),
        input={
            "slug": "No Slug",
            "name": " ",
            "channels": [world.channel],
            "rules": {
                "earn": EARN,
                "pointValues": [{"currency": "USD", "amount": 0.01}],
                "welcomePoints": -1,
                "grants": {"pointsMax": -1},
            },
        },
    )

    assert dict(refusals) == {
        "slug": "INVALID",
        "name": "REQUIRED",
        "channels": "UNIQUE",
        "rules.welcomePoints": "INVALID",
        "rules.grants.pointsMax": "INVALID",
    }


def test_unknown_ids(world: World, manager: Actor) -> None:
    """Programs, members, tiers, orders, channels and goods that are not there."""
    none = gid("RetentionProgram", 2**62)
    nobody = gid("RetentionMember", 2**62)
    words = {"reason": "Why", "key": "k"}
    gone = {"products": [gid("Product", missing_key())]}

    expected = {
        "staff/program-update": ({"id": none, "input": {}}, "id"),
        "staff/program-retire": ({"id": world.member_id()}, "id"),
        "staff/tier-create": ({"programId": "x", "input": TIERS[0]}, "programId"),
        "staff/tier-update": (
            {"programId": world.program_id, "slug": "gold", "input": {"name": "Gold"}},
            "slug",
        ),
        "staff/tier-retire": ({"programId": world.program_id, "slug": "gold"}, "slug"),
        "staff/points-adjust": ({"memberId": nobody, "points": 1, **words}, "memberId"),
        "staff/tier-override": (
            {"memberId": world.member_id(), "tier": "gold", "reason": "Why"},
            "tier",
        ),
        "staff/member-erase": ({"id": nobody, "reason": "Why"}, "id"),
        "staff/order-settle": ({"orderId": gid("Order", missing_key())}, "orderId"),
        "staff/sale-record": ({"input": sale(world, channel="nowhere")}, "channel"),
    }
    found = {
        path: manager.refused(operation(path), **variables)
        for path, (variables, _) in expected.items()
    }
    goods = manager.refused(
        operation("staff/program-update"),
        id=world.program_id,
        input={"rules": {"multipliers": [{"name": "Day", "factor": 2, "select": gone}]}},
    )

    assert found == {path: [(field, "NOT_FOUND")] for path, (_, field) in expected.items()}
    assert goods == [("rules.multipliers.0.select.products.0", "NOT_FOUND")]


def test_an_update_can_clash_with_rules_that_it_leaves_alone(manager: Actor) -> None:
    """The problem is then named by its place in the rules."""
    world = open_shop()

    refusals = manager.refused(
        operation("staff/tier-create"),
        programId=world.program_id,
        input={"slug": "vip", "name": "VIP", "threshold": 700},
    )
    equal = manager.refused(
        operation("staff/tier-update"),
        programId=world.program_id,
        slug="vip",
        input={"threshold": 0},
    )

    assert refusals == [("slug", "UNIQUE")]
    assert equal == [("threshold", "INVALID")]


def test_a_retired_program_is_not_changed(world: World, manager: Actor) -> None:
    """It has ended for good, also for a dry run."""
    manager.do(operation("staff/program-retire"), id=world.program_id)
    query = operation("staff/program-update")

    for dry_run in (False, True):
        refusals = manager.refused(
            query, id=world.program_id, input={"name": "Again"}, dryRun=dry_run
        )
        assert refusals == [("program", "INVALID")]


# --- members --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"points": 0}, "points", "INVALID"),
        ({"points": 0.5}, "points", "INVALID"),
        ({"points": ENORMOUS}, "points", "INVALID"),
        ({"points": 10_001}, "points", "LIMIT_REACHED"),
        ({"points": -101}, "points", "NOT_ENOUGH_POINTS"),
        ({"reason": " "}, "reason", "REQUIRED"),
        ({"key": ""}, "key", "REQUIRED"),
        ({"reason": "x" * 5000}, "reason", "INVALID"),
    ],
)
def test_points_by_hand(
    world: World, manager: Actor, changes: dict[str, Any], field: str, code: str
) -> None:
    """Zero, fractions, too many, and changes without a reason or a key."""
    given = {"memberId": world.member_id(), "points": 10, "reason": "Why", "key": "k", **changes}

    assert manager.refused(operation("staff/points-adjust"), **given) == [(field, code)]


def test_a_key_that_was_used_for_something_else(world: World, manager: Actor) -> None:
    """The first stays."""
    given = {"memberId": world.member_id(), "reason": "Why", "key": "k"}
    manager.do(operation("staff/points-adjust"), points=10, **given)

    refusals = manager.refused(operation("staff/points-adjust"), points=11, **given)

    assert refusals == [("key", "KEY_REUSED")]


def test_a_tier_until_a_time_that_is_over(world: World, manager: Actor) -> None:
    """And one that was not set by hand cannot be ended."""
    query = operation("staff/tier-override")
    given = {"memberId": world.member_id(), "reason": "Why"}

    past = manager.refused(query, tier="vip", validUntil="2001-01-01T00:00:00+00:00", **given)
    end = manager.refused(query, **given)

    assert past == [("validUntil", "INVALID")]
    assert end == [("memberId", "INVALID")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "either a `first` or a `last`"),
        ({"first": 101}, "exceeds the `first` limit of 100"),
        ({"last": 101}, "exceeds the `last` limit of 100"),
        ({"first": 0}, "`first` must be a positive integer"),
        ({"last": -1}, "`last` must be a positive integer"),
        ({"first": 1, "last": 1}, "either a `first` or a `last`"),
        ({"first": 1, "before": "x"}, "`first` cannot be combined with `before`"),
        ({"first": 1, "after": "x"}, "cursor is invalid"),
        ({"first": 1, "after": "WzFd"}, "cursor is invalid"),
        ({"first": 1, "after": "WyJub3QgYSBkYXRlIiwxXQ=="}, "cursor is invalid"),
        ({"first": 1, "filter": {"channel": "nowhere"}}, "no channel"),
        ({"first": 1, "filter": {"program": "nonsense"}}, "no such program"),
        ({"first": 1, "filter": {"availableMin": 1.5}}, "1.5 is not a whole number"),
    ],
)
def test_pages_have_limits(
    world: World, manager: Actor, arguments: dict[str, Any], says: str
) -> None:
    """A query that asks for too much, or for nothing that is, says so."""
    world.account()

    answer = manager.post(operation("staff/members"), **arguments)

    assert answer["data"]["retentionMembers"] is None
    assert says in answer["errors"][0]["message"]


def test_a_search_that_matches_too_many(
    world: World, manager: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never cut without a word."""
    world.account()
    world.account(world.other)
    monkeypatch.setattr(members, "SEARCH_USERS_MAX", 1)

    answer = manager.post(operation("staff/members"), first=10, filter={"search": "shop.example"})

    assert "More than 1 customers match" in answer["errors"][0]["message"]


@pytest.mark.parametrize("first", [0, -1, 101])
def test_lots_have_a_limit(world: World, first: int) -> None:
    """As the pages of a connection."""
    answer = world.owner.post(
        "query ($n: Int) { me { retention { lots(first: $n) { points } } } }", n=first
    )

    assert answer["data"]["me"]["retention"] is None
    assert f"from 1 to 100, not {first}" in answer["errors"][0]["message"]


# --- point of sale --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "refusals"),
    [
        ({"source": "a till"}, [("source", "INVALID")]),
        ({"receipt": ""}, [("receipt", "REQUIRED")]),
        ({"lines": []}, [("lines", "REQUIRED")]),
        ({"member": {}}, [("member", "REQUIRED")]),
        ({"member": {"number": "nobody"}}, [("member", "NOT_FOUND")]),
        ({"soldAt": "2999-01-01T00:00:00+00:00"}, [("soldAt", "INVALID")]),
        ({"currency": "JPY"}, [("currency", "CURRENCY_WITHOUT_RATE")]),
        (
            {
                "lines": [
                    {"quantity": 1.5, "gross": 10},
                    {"quantity": 0, "gross": -1},
                    {"quantity": 1, "gross": "0.001"},
                    {"quantity": 1, "gross": ENORMOUS},
                    {"ref": "1", "quantity": 1, "gross": 1, "net": 2},
                ]
            },
            [
                ("lines.0.quantity", "INVALID"),
                ("lines.1.quantity", "INVALID"),
                ("lines.1.gross", "INVALID"),
                ("lines.2.gross", "INVALID"),
                ("lines.3.gross", "INVALID"),
                ("lines.4.ref", "UNIQUE"),
                ("lines.4.net", "INVALID"),
            ],
        ),
    ],
)
def test_sales(world: World, changes: dict[str, Any], refusals: list[tuple[str, str]]) -> None:
    """Everything that is wrong with a receipt, at once."""
    till = app("manage_orders")

    assert till.refused(operation("staff/sale-record"), input=sale(world, **changes)) == refusals


def test_reversals(world: World) -> None:
    """Unknown lines, more than was sold, a line twice, and another content under one name."""
    till = app("manage_orders")
    till.do(operation("staff/sale-record"), input=sale(world))
    query = operation("staff/sale-reverse")
    receipt = {"source": "till-1", "receipt": "R-1", "reversalId": "back-1"}

    def refused(*lines: tuple[str, Any]) -> list[tuple[str | None, str]]:
        given = [{"ref": ref, "quantity": quantity} for ref, quantity in lines]
        return till.refused(query, input={**receipt, "lines": given})

    assert refused(("a", 1), ("z", 1)) == [("lines.1.ref", "NOT_FOUND")]
    assert refused(("b", 1), ("a", 3)) == [("lines.1.quantity", "INVALID")]
    assert refused(("a", 1), ("a", 1)) == [("lines.1.ref", "UNIQUE")]
    assert refused(("a", -1)) == [("lines.0.quantity", "INVALID")]
    till.do(query, input={**receipt, "lines": [{"ref": "a", "quantity": 1}]})
    assert refused(("b", 1)) == [("reversalId", "KEY_REUSED")]


# --- helpers --------------------------------------------------------------------------------------


def a_checkout(world: World) -> str:
    """Return a checkout of the owner, who has 1000 points."""
    world.give(900)
    return world.checkout({factories().make_product("40.00"): 1})


def missing_key() -> str:
    """Return a key that no row of the shop has, of the kind that its rows have."""
    from saleor.order.models import Order

    is_uuid = Order._meta.pk.get_internal_type() == "UUIDField"
    return "3f0c1c9e-2b0e-4b5c-9f39-5f3d0f7c1a11" if is_uuid else "999999"


# --- liability ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"to": "2025-12-31"}, "The last day comes before the first."),
        ({"to": "2999-01-01"}, "The last day is still to come"),
        ({"from": "0001-01-01"}, "There is nothing before 1970-01-01."),
        ({"from": "2024-01-01"}, "These are 732 periods; a report has at most 366."),
        ({"expectedRedemptionRate": 0}, "above 0 and at most 1"),
        ({"expectedRedemptionRate": 85}, "above 0 and at most 1"),
        ({"expectedRedemptionRate": "NaN"}, ""),
        ({"expectedRedemptionRate": 1e-300}, "more than 6 decimals"),
        ({"programId": "UmV0ZW50aW9uUHJvZ3JhbTow"}, "There is no such program."),
        ({"from": "1 May"}, ""),
        ({"by": "WEEK"}, ""),
    ],
)
def test_a_report_of_liability(
    world: World, manager: Actor, changes: dict[str, Any], says: str
) -> None:
    """Days, periods, rate and program: each refusal says the rule (or GraphQL's own does)."""
    asked = {"programId": world.program_id, "from": "2026-01-01", "to": "2026-01-01", **changes}

    answer = manager.post(operation("staff/liability"), **asked)

    (error,) = answer["errors"]
    assert says in error["message"]
    assert "Internal Server Error" not in error["message"]
    assert not (answer.get("data") or {}).get("retentionLiability")
