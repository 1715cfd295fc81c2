"""Rewarded events and referrals through GraphQL, as storefronts, apps and staff use them."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention import tasks
from saleor_retention.models import Referral
from tests.factories.current import factories
from tests.graphql.world import World, app, bought, customer, gid, open_shop, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

EVENTS = {"review": {"points": 50, "per_day_max": 2}, "app": {"points": 5, "name": "The app"}}
REFERRAL = {"advocate_points": 500, "friend_points": 200, "window_days": 0}


@pytest.fixture
def world() -> World:
    """A shop whose program rewards reviews and referrals."""
    return open_shop(events=EVENTS, referral=REFERRAL, welcome_points=0)


def told(**changes: Any) -> dict[str, Any]:
    """Return the input of a review."""
    given = {"source": "reviews", "reference": "r1", "kind": "review", "object": "p-1"}
    return given | changes


def test_an_app_tells_of_a_review_and_of_its_end(world: World) -> None:
    """By e-mail, sent twice, listed for staff, read by the member, and taken back."""
    reviews = app("manage_users")
    given = told(member={"email": world.owner.user.email}, at="2999-01-01T00:00:00Z")
    assert reviews.refused(operation("staff/event-record"), input=given) == [("at", "INVALID")]
    del given["at"]

    first = reviews.do(operation("staff/event-record"), input=given)
    again = reviews.do(operation("staff/event-record"), input=given)

    assert (first["isNew"], again["isNew"], again["event"]) == (True, False, first["event"])
    assert (first["event"]["outcome"], first["event"]["points"]) == ("REWARDED", 50)
    assert first["member"]["balance"] == {"available": 50, "pending": 0}
    assert history(world) == [("BONUS", 50, "For a review.")]
    listed = staff("manage_users").ask(
        operation("staff/events"),
        programId=world.program_id,
        filter={
            "member": world.member_id(),
            "kinds": ["review"],
            "source": "reviews",
            "reference": "r1",
        },
    )["retentionEvents"]
    (edge,) = listed["edges"]
    assert (listed["totalCount"], edge["node"]["id"]) == (1, first["event"]["id"])
    assert (edge["node"]["object"], edge["node"]["memberId"]) == ("p-1", world.member_id())

    ended = reviews.do(operation("staff/event-reverse"), source="reviews", reference="r1")
    assert ended["event"]["reversedAt"] is not None
    assert ended["member"]["balance"] == {"available": 0, "deficit": 0}
    assert history(world)[0] == (
        "CLAWBACK",
        -50,
        "Taken back: what they were given for was undone.",
    )


def history(world: World) -> list[tuple[str, int, str]]:
    """Return what the owner reads of the points, newest first."""
    answer = world.owner.ask(operation("storefront/history"), channel=world.channel, first=10)
    edges = answer["me"]["retention"]["history"]["edges"]
    return [(row["node"]["kind"], row["node"]["points"], row["node"]["text"]) for row in edges]


def test_members_are_named_in_one_way(world: World) -> None:
    """By member, customer, number, phone or address; everything else is refused by field."""
    service = staff("manage_users")
    user_id = gid("User", world.owner.user)
    number = world.account().member_number
    ways: list[dict[str, Any]] = [
        {"memberId": world.member_id()},
        {"userId": user_id},
        {"member": {"number": number}},
    ]
    found = [
        service.do(operation("staff/event-record"), input=told(reference=f"r{place}", **way))
        for place, way in enumerate(ways)
    ]
    assert {payload["member"]["number"] for payload in found} == {number}

    for way, field, code in (
        ({}, "memberId", "REQUIRED"),
        ({"userId": user_id, "memberId": world.member_id()}, "memberId", "REQUIRED"),
        ({"userId": "nobody"}, "userId", "NOT_FOUND"),
        ({"userId": world.program_id}, "userId", "NOT_FOUND"),
        ({"member": {}}, "member", "REQUIRED"),
        ({"member": {"number": "nobody"}}, "member", "NOT_FOUND"),
        ({"memberId": "nobody"}, "memberId", "NOT_FOUND"),
        ({"memberId": world.member_id(), "kind": "revue"}, "kind", "NOT_FOUND"),
    ):
        given = told(reference="bad", **way)
        refused = service.refused(operation("staff/event-record"), input=given)
        assert refused == [(field, code)]


def test_a_friend_comes_and_both_are_rewarded(world: World) -> None:
    """From the code to the points, on a shop as it is."""
    friend = customer()
    code = world.owner.do(operation("storefront/referral-code"), channel=world.channel)["code"]
    claimed = friend.do(operation("storefront/referral-claim"), code=code, channel=world.channel)
    assert claimed["member"]["referral"] == {"claimed": "CLAIMED"}
    assert standing(world)["waiting"] == 1

    order = bought(world, {factories().make_product("30.00"): 1}, friend)
    tasks.advance_referrals.run()

    assert standing(world) == {
        "code": code,
        "waiting": 0,
        "pending": 0,
        "rewarded": 1,
        "points": 500,
        "claimed": None,
        "claimedPoints": 0,
    }
    assert history(world)[-1] == ("BONUS", 500, "For referring a friend.")
    theirs = friend.ask(operation("storefront/referral"), channel=world.channel)
    own = theirs["me"]["retention"]["referral"]
    assert (own["code"], own["claimed"], own["claimedPoints"]) == (None, "REWARDED", 200)
    listed = staff("manage_users").ask(
        operation("staff/referrals"),
        programId=world.program_id,
        filter={"advocate": world.member_id(), "states": ["REWARDED"]},
    )["retentionReferrals"]
    (edge,) = listed["edges"]
    assert edge["node"]["orderId"] == gid("Order", order)
    assert edge["node"]["friendId"] == world.member_id(friend)
    assert (edge["node"]["advocatePoints"], edge["node"]["reason"]) == (500, None)


def standing(world: World) -> dict[str, Any]:
    """Return the owner's part in referrals."""
    answer = world.owner.ask(operation("storefront/referral"), channel=world.channel)
    found: dict[str, Any] = answer["me"]["retention"]["referral"]
    return found


def test_who_has_ordered_cannot_be_referred(world: World) -> None:
    """Nor can one with a wrong code; in the shopper's language."""
    code = staff("manage_users").do(
        operation("staff/member-referral-code"), memberId=world.member_id()
    )["code"]
    bought(world, {factories().make_product("30.00"): 1}, world.other)

    for actor, typed, expected in (
        (world.other, code, ("code", "INVALID")),
        (customer(), "wrong", ("code", "NOT_FOUND")),
        (world.owner, code, ("code", "INVALID")),
    ):
        refused = actor.refused(
            operation("storefront/referral-claim"), code=typed, channel=world.channel
        )
        assert refused == [expected]
    assert not Referral.objects.exists()


def test_rules_are_set_and_read_back(world: World) -> None:
    """In typed form; a problem names the field of the input."""
    manager = staff("manage_discounts")
    rules = {
        "events": [
            {"kind": "favorite", "points": 3, "perMonthMax": 9},
            {"kind": "visit", "points": 1, "name": "A visit", "maturingDays": 2},
        ],
        "referral": {"advocatePoints": 7, "perMonthMax": 4},
    }
    manager.do(operation("staff/program-update"), id=world.program_id, input={"rules": rules})

    query = """query ($id: ID!) { retentionProgram(id: $id) { rules {
        events { kind points name maturingDays perObjectMax perDayMax perMonthMax perMemberMax }
        referral { advocatePoints friendPoints windowDays perMonthMax } } } }"""
    found = manager.ask(query, id=world.program_id)["retentionProgram"]["rules"]
    plain = {"maturingDays": 0, "perObjectMax": 1, "perDayMax": None, "perMemberMax": None}
    assert found["events"] == [
        {**plain, "kind": "favorite", "points": 3, "name": "", "perMonthMax": 9},
        {
            **plain,
            "kind": "visit",
            "points": 1,
            "name": "A visit",
            "maturingDays": 2,
            "perMonthMax": None,
        },
    ]
    assert found["referral"] == {
        "advocatePoints": 7,
        "friendPoints": 200,
        "windowDays": 0,
        "perMonthMax": 4,
    }
    bad = {"rules": {"events": [{"kind": "favorite", "points": -3}]}}
    assert manager.refused(operation("staff/program-update"), id=world.program_id, input=bad) == [
        ("rules.events.0.points", "INVALID")
    ]
