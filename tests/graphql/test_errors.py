"""How missing permissions, refusals and faults look; no fault of ours breaks a shop's query."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from saleor_retention import host
from saleor_retention.selectors import balances
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import granting
from tests.factories.current import factories
from tests.graphql.world import (
    ANONYMOUS,
    IS_SALEOR_3,
    World,
    bought,
    gid,
    operation,
    rows,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")

SECRET = "password=hunter2"


def broken(*_args: Any, **_kwargs: Any) -> Any:
    """Fail with words that no client may read."""
    raise RuntimeError(SECRET)


def test_a_missing_permission_is_an_error_of_the_query(world: World) -> None:
    """With Saleor's own code, naming the permission, and nothing in the data."""
    answer = staff("manage_users").post(operation("staff/programs"))

    (error,) = answer["errors"]
    assert answer["data"] == {"retentionPrograms": None}
    assert error["extensions"]["exception"]["code"] == "PermissionDenied"
    assert error["message"] == (
        "To access this path, you need the following permissions: MANAGE_DISCOUNTS"
    )
    assert world.program.slug == "club"


def test_a_mutation_without_permission_reads_nothing_of_its_input(world: World) -> None:
    """A missing permission and an unknown id look the same to who may not ask."""
    before = rows()
    answers = [
        world.owner.post(operation("staff/program-retire"), id=key)
        for key in (world.program_id, "nonsense")
    ]

    assert answers[0] == answers[1]
    assert answers[0]["data"] == {"retentionProgramRetire": None}
    assert rows() == before


def test_a_refusal_is_an_answer(world: World) -> None:
    """Field, whole sentence and code; the rest of the payload is null."""
    payload = world.owner.ask(operation("storefront/enrol"), channel="nowhere")["retentionEnrol"]

    assert payload == {
        "member": None,
        "errors": [
            {
                "field": "channel",
                "message": 'There is no channel "nowhere".',
                "code": "NOT_FOUND",
            }
        ],
    }


def test_nobody_logged_in_is_told_to_log_in(world: World) -> None:
    """Not that the channel is wrong: who asks is settled first."""
    payload = ANONYMOUS.ask(operation("storefront/enrol"), channel="nowhere")["retentionEnrol"]

    assert [(error["field"], error["code"]) for error in payload["errors"]] == [
        (None, "LOGIN_REQUIRED")
    ]
    assert world.program.accounts.count() == 0


@pytest.mark.parametrize("kind", ["User", "Checkout", "Order", "Product", "ProductVariant"])
def test_a_fault_leaves_the_query_around_it_whole(
    kind: str, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The shop's fields are there, ours is null, the log has the fault, the client has nothing."""
    query, variables = shop_query(kind, world)
    whole = world.owner.ask(query, **variables)
    monkeypatch.setattr("saleor_retention.graphql.dataloaders.base.Loader.batch_load_fn", broken)
    monkeypatch.setattr(type(host.current()), "checkout_prices", staticmethod(broken))

    with caplog.at_level(logging.ERROR, "saleor_retention"):
        answer = world.owner.post(query, **variables)

    assert "errors" not in answer
    assert ours(whole) is not None
    assert answer["data"] == json.loads(json.dumps(whole), object_hook=without_ours)
    assert f"{kind}.retention failed" in caplog.text
    assert SECRET not in json.dumps(answer)


def test_a_fault_deeper_inside_ends_at_our_field(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop's part is whole; the error says that there was a fault and nothing of it."""
    world.account()
    monkeypatch.setattr(balances, "balances_of", broken)

    answer = world.owner.post("{ me { email retention { number balance { available } } } }")

    (error,) = answer["errors"]
    assert answer["data"] == {"me": {"email": world.owner.user.email, "retention": None}}
    assert error["message"] == "Internal Server Error"
    assert error["path"][:2] == ["me", "retention"]
    assert SECRET not in json.dumps(answer)


@pytest.mark.parametrize(
    ("module", "function", "send"),
    [
        (
            redeeming,
            "set_redemption",
            lambda world: world.owner.post(
                operation("storefront/redemption-set"),
                checkoutId=world.checkout({factories().make_product("40.00"): 1}),
                points=100,
            ),
        ),
        (
            granting,
            "adjust",
            lambda world: staff("manage_users").post(
                operation("staff/points-adjust"),
                memberId=world.member_id(),
                points=1,
                reason="Why",
                key="k",
            ),
        ),
    ],
)
def test_a_fault_of_a_mutation_says_nothing_of_itself(
    module: Any,
    function: str,
    send: Callable[[World], dict[str, Any]],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged in full and answered with two words."""
    monkeypatch.setattr(module, function, broken)

    answer = send(world)

    (error,) = answer["errors"]
    assert error["message"] == "Internal Server Error"
    assert SECRET not in json.dumps(answer)
    assert SECRET in caplog.text


def test_staff_who_look_make_nobody_a_member(world: World) -> None:
    """Only the customer himself opens his account by looking."""
    before = rows()
    query = "query ($id: ID!) { user(id: $id) { retention { number } } }"

    seen = staff("manage_users").ask(query, id=gid("User", world.owner.user))
    unchanged = rows()
    own = world.owner.ask("{ me { retention { number } } }")

    assert seen["user"]["retention"] is None
    assert unchanged == before
    assert own["me"]["retention"]["number"] == world.account().member_number


def test_two_mutations_in_one_request_each_answer_what_they_did(world: World) -> None:
    """What the first has read is forgotten before the second answers."""
    adjust = 'retentionPointsAdjust(memberId: $id, points: 10, reason: "Why", key: '
    query = (
        "mutation ($id: ID!) {"
        f' a: {adjust} "a") {{ member {{ balance {{ available }} lots {{ points }} }} }}'
        f' b: {adjust} "b") {{ member {{ balance {{ available }} lots {{ points }} }} }}'
        "}"
    )

    answer = staff("manage_users").ask(query, id=world.member_id())

    found = [answer[name]["member"] for name in ("a", "b")]
    assert [member["balance"]["available"] for member in found] == [110, 120]
    assert [len(member["lots"]) for member in found] == [2, 3]


def test_pages_of_a_history_fit_together(world: World) -> None:
    """Forward and backward pages give every movement once, in one order."""
    for _ in range(4):
        world.give(10)
    query = """query ($first: Int, $after: String, $last: Int, $before: String) {
      me { retention { history(first: $first, after: $after, last: $last, before: $before) {
        totalCount edges { node { id } } pageInfo { hasNextPage hasPreviousPage startCursor
        endCursor } } } } }"""

    def page(**arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = world.owner.ask(query, **arguments)["me"]["retention"]["history"]
        return found

    def ids(found: dict[str, Any]) -> list[str]:
        return [edge["node"]["id"] for edge in found["edges"]]

    everything = page(first=100)
    head = page(first=2)
    middle = page(first=2, after=head["pageInfo"]["endCursor"])
    tail = page(first=2, after=middle["pageInfo"]["endCursor"])
    end = page(last=2)
    before_end = page(last=2, before=end["pageInfo"]["startCursor"])

    assert everything["totalCount"] == 5
    assert [*ids(head), *ids(middle), *ids(tail)] == ids(everything)
    assert [*ids(before_end), *ids(end)] == ids(everything)[1:]
    assert [p["pageInfo"]["hasNextPage"] for p in (head, middle, tail)] == [True, True, False]
    assert [p["pageInfo"]["hasPreviousPage"] for p in (end, before_end)] == [True, True]
    assert page(last=100)["pageInfo"]["hasPreviousPage"] is False
    assert ids(page(last=100)) == ids(everything)


@pytest.mark.parametrize("field", ["JOINED_AT", "LAST_ACTIVITY_AT", "AVAILABLE", "NUMBER"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_pages_of_members_fit_together(world: World, field: str, direction: str) -> None:
    """Also where many have the same value: the id decides."""
    from tests.graphql.world import customer

    for _ in range(5):
        world.account(customer())
    manager = staff("manage_users")
    sort_by = {"field": field, "direction": direction}

    def page(**arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = manager.ask(
            operation("staff/members"), sortBy=sort_by, **arguments
        )["retentionMembers"]
        return found

    def numbers(found: dict[str, Any]) -> list[str]:
        return [edge["node"]["number"] for edge in found["edges"]]

    everything = numbers(page(first=10))
    head = page(first=2)
    rest = page(first=10, after=head["pageInfo"]["endCursor"])
    end = page(last=2)
    start = page(last=10, before=end["pageInfo"]["startCursor"])

    assert len(set(everything)) == 5
    assert [*numbers(head), *numbers(rest)] == everything
    assert [*numbers(start), *numbers(end)] == everything


def test_members_are_filtered(world: World) -> None:
    """By program, channel, tier, state, points and when they joined."""
    world.give(50)
    world.account(world.other)
    world.other.do(operation("storefront/leave"))
    manager = staff("manage_users")

    def found(**given: Any) -> list[int]:
        edges = manager.ask(operation("staff/members"), first=10, filter=given)["retentionMembers"][
            "edges"
        ]
        return [edge["node"]["balance"]["available"] for edge in edges]

    assert found() == [150]
    assert sorted(found(states=["MEMBER", "LEFT"])) == [100, 150]
    assert found(states=["LEFT"]) == [100]
    assert found(program=world.program_id, channel=world.channel) == [150]
    assert (found(tiers=["regular"]), found(tiers=["vip"])) == ([150], [])
    assert (found(availableMin=150, availableMax=150), found(availableMin=151)) == ([150], [])
    assert (found(hasDeficit=False), found(hasDeficit=True)) == ([150], [])
    assert found(joinedAfter="2001-01-01T00:00:00+00:00") == [150]
    assert found(joinedBefore="2001-01-01T00:00:00+00:00") == []
    assert found(search=world.account().member_number) == [150]
    assert found(search="nobody@nowhere.example") == []


# --- helpers --------------------------------------------------------------------------------------


def shop_query(kind: str, world: World) -> tuple[str, dict[str, Any]]:
    """Return a query of the shop that asks for our field too."""
    variant = factories().make_product("40.00")
    place = f', channel: "{world.channel}"' if IS_SALEOR_3 else ""
    world.account()
    match kind:
        case "User":
            return "{ me { email retention { number } } }", {}
        case "Checkout":
            key = world.checkout({variant: 1})
            if IS_SALEOR_3:
                query = "query ($id: ID!) { checkout(id: $id) { id retention { earns } } }"
                return query, {"id": key}
            query = "query ($id: UUID!) { checkout(token: $id) { id retention { earns } } }"
            return query, {"id": factories().pk_of(key)}
        case "Order":
            bought(world, {variant: 1})
            query = "{ me { orders(first: 1) { edges { node { id retention { earned } } } } } }"
            return query, {}
        case "Product":
            query = (
                f"query ($id: ID!) {{ product(id: $id {place}) {{ id retention {{ earns }} }} }}"
            )
            return query, {"id": gid("Product", variant.product)}
    query = f"query ($id: ID!) {{ productVariant(id: $id {place}) {{ id retention {{ earns }} }} }}"
    return query, {"id": gid("ProductVariant", variant)}


def without_ours(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object of an answer with our field empty."""
    return {name: None if name == "retention" else value for name, value in found.items()}


def ours(found: Any) -> Any:
    """Return our field, wherever it is in an answer."""
    if isinstance(found, dict):
        return found.get("retention") or next(filter(None, map(ours, found.values())), None)
    if isinstance(found, list):
        return next(filter(None, map(ours, found)), None)
    return None
