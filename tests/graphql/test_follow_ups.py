"""Tasks of staff about members, through GraphQL."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.models import FollowUp
from tests.graphql.world import Actor, World, gid, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

DAY = dt.timedelta(days=1)


def day(ahead: int) -> str:
    """Return a day from today on, on the program's clock."""
    return (timezone.now() + ahead * DAY).date().isoformat()


def opened(world: World, service: Actor, ahead: int, **changes: Any) -> dict[str, Any]:
    """Return a new task about the owner, or about whom it is said."""
    given = {"memberId": world.member_id(), "reason": "Call", "dueOn": day(ahead), **changes}
    payload = service.do(operation("staff/follow-up-create"), input=given)
    task: dict[str, Any] = payload["followUp"]
    return task


def test_staff_open_change_and_close_tasks(world: World) -> None:
    """What is left out stays, null takes it from whoever had it."""
    service = staff("manage_users")
    clerk = gid("User", service.user)
    task = opened(world, service, 1, assigneeId=clerk)
    assert (task["state"], task["memberId"], task["outcome"]) == ("OPEN", world.member_id(), None)
    assert (task["dueOn"], task["assigneeId"], task["note"]) == (day(1), clerk, "")

    update = operation("staff/follow-up-update")
    put_off = service.do(update, id=task["id"], input={"dueOn": day(3)})["followUp"]
    given_up = service.do(update, id=task["id"], input={"assigneeId": None})["followUp"]
    assert (put_off["dueOn"], put_off["assigneeId"], put_off["reason"]) == (day(3), clerk, "Call")
    assert (given_up["dueOn"], given_up["assigneeId"]) == (day(3), None)

    done = service.do(
        operation("staff/follow-up-complete"), id=task["id"], outcome="NOT_REACHED", note="Busy"
    )["followUp"]
    assert (done["state"], done["outcome"], done["note"]) == ("DONE", "NOT_REACHED", "Busy")
    dropped = service.do(operation("staff/follow-up-drop"), id=opened(world, service, 1)["id"])
    assert (dropped["followUp"]["state"], dropped["followUp"]["outcome"]) == ("DROPPED", None)

    trail = service.ask(
        operation("staff/audit-trail"), first=10, filter={"subject": world.member_id()}
    )["retentionAuditTrail"]["edges"]
    assert [edge["node"]["action"] for edge in trail] == [
        "FOLLOW_UP_CLOSE",
        "FOLLOW_UP_OPEN",
        "FOLLOW_UP_CLOSE",
        "FOLLOW_UP_CHANGE",
        "FOLLOW_UP_CHANGE",
        "FOLLOW_UP_OPEN",
    ]


def test_what_is_refused_is_named_by_its_field(world: World) -> None:
    """A customer is no staff, and no other id is a task."""
    service = staff("manage_users")
    task = opened(world, service, 1)
    service.do(operation("staff/follow-up-drop"), id=task["id"])
    create, update = operation("staff/follow-up-create"), operation("staff/follow-up-update")
    right = {"memberId": world.member_id(), "reason": "Call", "dueOn": day(1)}
    for changes, expected in (
        ({"memberId": "nobody"}, ("memberId", "NOT_FOUND")),
        ({"reason": " "}, ("reason", "REQUIRED")),
        ({"dueOn": "2020-01-01"}, ("dueOn", "INVALID")),
        ({"assigneeId": gid("User", world.owner.user)}, ("assigneeId", "NOT_FOUND")),
        ({"assigneeId": world.program_id}, ("assigneeId", "NOT_FOUND")),
    ):
        assert service.refused(create, input=right | changes) == [expected]
    assert service.refused(update, id=task["id"], input={"reason": "x"}) == [("id", "INVALID")]
    assert service.refused(update, id=world.program_id, input={}) == [("id", "NOT_FOUND")]
    close = operation("staff/follow-up-complete")
    assert service.refused(close, id=task["id"], outcome="REACHED") == [("id", "INVALID")]


def test_tasks_are_listed_by_day_and_filtered(world: World) -> None:
    """Page by page, also where two are due on one day."""
    service = staff("manage_users")
    clerk = gid("User", service.user)
    later = opened(world, service, 5, assigneeId=clerk)
    soon = [opened(world, service, 1), opened(world, service, 1)]
    other = opened(world, service, 2, memberId=world.member_id(world.other))
    service.do(operation("staff/follow-up-drop"), id=other["id"])

    def listed(first: int = 10, after: str | None = None, **given: Any) -> Any:
        query = operation("staff/follow-ups")
        return service.ask(query, first=first, after=after, filter=given)["retentionFollowUps"]

    def ids(**given: Any) -> list[str]:
        return [edge["node"]["id"] for edge in listed(**given)["edges"]]

    in_order = [soon[0]["id"], soon[1]["id"], other["id"], later["id"]]
    first = listed(first=1)
    second = listed(first=3, after=first["pageInfo"]["endCursor"])
    assert first["totalCount"] == 4
    assert [edge["node"]["id"] for edge in first["edges"] + second["edges"]] == in_order
    assert ids(states=["OPEN"]) == [soon[0]["id"], soon[1]["id"], later["id"]]
    assert ids(states=["DROPPED"], program=world.program_id) == [other["id"]]
    assert ids(dueUntil=day(1)) == in_order[:2]
    assert ids(assignee=clerk) == [later["id"]]
    assert ids(unassigned=True, member=world.member_id()) == in_order[:2]
    node = listed(states=["DROPPED"])["edges"][0]["node"]
    assert (node["createdById"], node["closedById"]) == (clerk, clerk)
    assert (node["programId"], node["segmentId"]) == (world.program_id, None)


def test_a_segment_asks_for_tasks(world: World) -> None:
    """About whom is put into it, as it is set, changed and switched off."""
    service = staff("manage_users")
    made = service.do(
        operation("staff/segment-create"),
        programId=world.program_id,
        input={"slug": "asleep", "name": "Asleep", "followUp": {"reason": "Ask why"}},
    )["segment"]
    assert made["followUp"] == {"reason": "Ask why", "days": 3}

    update = operation("staff/segment-update")
    changed = service.do(
        update,
        id=made["id"],
        input={"followUp": {"reason": "Write", "days": 1}, "addMembers": [world.member_id()]},
    )["segment"]
    assert changed["followUp"] == {"reason": "Write", "days": 1}
    (edge,) = service.ask(operation("staff/follow-ups"))["retentionFollowUps"]["edges"]
    task = edge["node"]
    assert (task["reason"], task["dueOn"], task["segmentId"]) == ("Write", day(1), made["id"])
    assert (task["createdById"], task["memberId"]) == (None, world.member_id())

    off = service.do(
        update,
        id=made["id"],
        input={"followUp": {"reason": ""}, "addMembers": [world.member_id(world.other)]},
    )["segment"]
    assert (off["followUp"], FollowUp.objects.count()) == (None, 1)
    too_late = {"followUp": {"reason": "x", "days": 366}}
    assert service.refused(update, id=made["id"], input=too_late) == [("followUp.days", "INVALID")]
