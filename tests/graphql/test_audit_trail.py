"""Who did what: one entry for each action, none for what was not done, shown to whom it may be."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from saleor_retention.models import AuditAction, AuditEntry, Campaign, CampaignState, Note
from saleor_retention.services.campaigning import campaigns
from saleor_retention.services.setting_up import program_files
from saleor_retention.services.setting_up.auditing import note_down
from tests.campaigns import QUESTIONS
from tests.factories.current import factories
from tests.graphql.world import Actor, World, app, bought, gid, operation, sale, staff
from tests.ledger import add_version

pytestmark = pytest.mark.django_db(databases="__all__")

TRAIL = operation("staff/audit-trail")
Entry = dict[str, Any]


@pytest.fixture
def manager(world: World) -> Actor:  # noqa: ARG001
    """Staff who may do everything, in a shop whose trail begins now."""
    return staff("manage_discounts", "manage_users", "manage_orders")


def trail(actor: Actor, first: int = 100, **given: Any) -> list[Entry]:
    """Return the entries that somebody is shown, newest first."""
    answer = actor.ask(TRAIL, first=first, **given)
    return [edge["node"] for edge in answer["retentionAuditTrail"]["edges"]]


def newest(actor: Actor) -> Entry:
    """Return the last entry."""
    return trail(actor, 1)[0]


# --- what is written ------------------------------------------------------------------------------


def test_programs_tell_what_changed(world: World, manager: Actor) -> None:
    """By value, with who did it; switching on or off alone is an action of its own."""
    query = operation("staff/program-update")
    given = {"id": world.program_id}
    manager.do(query, **given, input={"name": "Circle", "rules": {"welcomePoints": 7}})
    changed = newest(manager)
    manager.do(query, **given, input={"isActive": False})
    off = newest(manager)
    manager.do(query, **given, input={"isActive": True})
    manager.do(
        operation("staff/tier-update"),
        programId=world.program_id,
        slug="vip",
        input={"threshold": 600},
    )
    tier = newest(manager)
    manager.do(operation("staff/program-retire"), id=world.program_id)

    assert changed["changes"] == [
        "name changes from Club to Circle",
        "rules.welcome_points changes from 100 to 7",
    ]
    assert changed["actorId"] == gid("User", manager.user)
    assert (changed["programId"], changed["memberId"]) == (world.program_id, None)
    assert (off["action"], off["changes"]) == (
        "PROGRAM_DEACTIVATE",
        ["active changes from true to false"],
    )
    assert tier["changes"] == ["rules.tiers.ladder.vip.threshold changes from 500.00 to 600.00"]
    assert [entry["action"] for entry in trail(manager)] == [
        "PROGRAM_RETIRE",
        "PROGRAM_UPDATE",
        "PROGRAM_ACTIVATE",
        "PROGRAM_DEACTIVATE",
        "PROGRAM_UPDATE",
        "PROGRAM_CREATE",
    ]


def test_members_points_and_tiers(world: World, manager: Actor) -> None:
    """With the typed reason, which can be redacted."""
    member = world.member_id()
    robot = app("manage_users")
    given = {"memberId": member, "reason": "Broken cup"}
    robot.do(operation("staff/points-adjust"), **given, points=30, key="k1")
    manager.do(operation("staff/points-adjust"), **given, points=-10, key="k2")
    manager.do(operation("staff/tier-override"), **given, tier="vip")
    manager.do(operation("staff/tier-override"), **given)

    ended, given_tier, taken, granted = trail(manager)[:4]
    Note.objects.update(redacted_at=timezone.now())

    assert granted["changes"] == ["30 points are granted"]
    assert granted["actorId"].startswith("QXBw")  # an app's
    assert (taken["action"], taken["changes"]) == ("POINTS_TAKE", ["10 points are taken"])
    assert given_tier["changes"] == ["tier changes from regular to vip"]
    assert (ended["action"], ended["changes"]) == (
        "TIER_OVERRIDE_END",
        ["tier changes from vip to regular"],
    )
    found = (ended, given_tier, taken, granted)
    assert {entry["memberId"] for entry in found} == {member}
    assert {entry["note"] for entry in found} == {"Broken cup"}
    assert {entry["note"] for entry in trail(manager)[:4]} == {None}


def test_orders_and_receipts(world: World, manager: Actor) -> None:
    """An order that was settled on request, a sale and its reversal."""
    world.account()
    order = bought(world, {factories().make_product("30.00"): 1})
    manager.do(operation("staff/order-settle"), orderId=gid("Order", order))
    manager.do(operation("staff/sale-record"), input=sale(world))
    back = {"source": "till-1", "receipt": "R-1", "reversalId": "back-1"}
    manager.do(operation("staff/sale-reverse"), input=back)

    reversal, recorded, settled = trail(manager)[:3]

    assert (settled["orderId"], settled["changes"]) == (gid("Order", order), [])
    assert (recorded["receipt"], recorded["orderId"]) == ("till-1:R-1", None)
    assert recorded["changes"] == ["30 points earned, 0 taken back"]
    assert reversal["changes"] == ["reversal back-1", "30 points earned, 30 taken back"]
    assert {entry["memberId"] for entry in (reversal, recorded)} == {world.member_id()}


def test_campaigns_tell_what_was_done(world: World, manager: Actor, settings: Any) -> None:
    """Saved, scheduled, started, paused, ended, and by whom; none of the words that are sent."""
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"
    ask_for_consents(world)
    robot = app("manage_discounts")
    given = {"id": campaign_of(manager, world)}
    message = {"channel": "EMAIL", "texts": [{"language": "en", "subject": "Hi", "text": "Dear"}]}
    change = {"name": "Welcome", "campaign": {"benefit": {"points": 7}, "message": message}}
    times = {"startsAt": "2099-01-01T00:00:00+01:00", "endsAt": "2099-02-01T00:00:00+00:00"}
    for _ in range(2):  # sent twice, done once
        robot.do(operation("staff/campaign-update"), **given, input=change)
        manager.do(operation("staff/campaign-schedule"), **given, **times)
    for action in ("start", "pause", "start", "end"):
        for _ in range(2):
            manager.do(operation(f"staff/campaign-{action}"), **given)

    *entries, _program = trail(manager)

    assert [(entry["action"], entry["changes"]) for entry in reversed(entries)] == [
        ("CAMPAIGN_CREATE", ["hello"]),
        (
            "CAMPAIGN_UPDATE",
            [
                "hello.name changes from Hello to Welcome",
                "hello.benefit.points changes from 5 to 7",
                "hello.message is new: {channel: email}",
                "hello.message.texts.en.subject is new",
                "hello.message.texts.en.text is new",
            ],
        ),
        (
            "CAMPAIGN_SCHEDULE",
            [
                "hello.starts_at is new: 2098-12-31T23:00:00+00:00",
                "hello.ends_at is new: 2099-02-01T00:00:00+00:00",
            ],
        ),
        ("CAMPAIGN_START", ["hello"]),
        ("CAMPAIGN_PAUSE", ["hello"]),
        ("CAMPAIGN_START", ["hello"]),
        ("CAMPAIGN_END", ["hello"]),
    ]
    assert {entry["programId"] for entry in entries} == {world.program_id}
    (by_app,) = trail(manager, filter={"actions": ["CAMPAIGN_UPDATE"]})
    assert by_app["actorId"].startswith("QXBw")  # an app's
    by_staff = trail(manager, filter={"actor": gid("User", manager.user)})
    assert len(by_staff) == len(entries) - 1


def test_campaigns_by_command_and_by_time(world: World, manager: Actor, tmp_path: Path) -> None:
    """A command has no actor; a time that comes was set before, and is told no more."""
    file = tmp_path / "hello.json"
    document = {"trigger": {"kind": "welcome"}, "benefit": {"points": 5}}
    where = {"program": world.program.slug, "campaign": "hello"}
    for points in (5, 5, 6):
        document["benefit"]["points"] = points
        file.write_text(json.dumps(document))
        call_command("retention_campaign", "save", file=str(file), **where)
    call_command("retention_campaign", "start", **where)
    call_command("retention_campaign", "pause", **where)
    told = trail(manager)[:-1]
    hello = Campaign.objects.get()
    begin = timezone.now()
    campaigns.schedule_campaign(hello, starts_at=begin, ends_at=begin + dt.timedelta(days=1))

    turned = campaigns.turn_campaigns(begin), campaigns.turn_campaigns(begin + dt.timedelta(days=1))

    assert turned == (1, 1)
    assert Campaign.objects.get().state == CampaignState.ENDED
    assert [(entry["action"], entry["actorId"]) for entry in reversed(told)] == [
        ("CAMPAIGN_CREATE", None),
        ("CAMPAIGN_UPDATE", None),
        ("CAMPAIGN_START", None),
        ("CAMPAIGN_PAUSE", None),
    ]
    assert told[2]["changes"] == ["hello.benefit.points changes from 5 to 6"]
    assert [entry["action"] for entry in trail(manager)[:-1]] == [
        "CAMPAIGN_SCHEDULE",
        *(entry["action"] for entry in told),
    ]


def test_a_campaign_that_is_not_saved_leaves_no_entry(world: World, manager: Actor) -> None:
    """Refused, tried out, or with a message that could not be sent when it was to start."""
    ask_for_consents(world)
    text = {"language": "en", "subject": "Hi", "text": "Dear"}
    message = {"channel": "EMAIL", "texts": [text]}
    campaign = campaign_of(manager, world, message=message)
    broken = {"channel": "EMAIL", "texts": [{**text, "text": "{% if %}"}]}
    before = list(AuditEntry.objects.values())
    update = operation("staff/campaign-update")

    manager.do(update, id=campaign, input={"name": "Other"}, dryRun=True)
    manager.refused(update, id=campaign, input={"campaign": {"message": broken}})
    manager.refused(operation("staff/campaign-start"), id=campaign)
    manager.refused(operation("staff/campaign-pause"), id=campaign)

    assert list(AuditEntry.objects.values()) == before


def ask_for_consents(world: World) -> None:
    """Have the program ask for the consent to messages, which the trail is not told of."""
    document = {**world.program.current_version.document, "questions": QUESTIONS}
    add_version(world.program, document, timezone.now())


def campaign_of(actor: Actor, world: World, **more: Any) -> str:
    """Create a campaign that gives new members five points, or more; return its id."""
    content = {"trigger": {"kind": "WELCOME"}, "benefit": {"points": 5}, **more}
    done = actor.do(
        operation("staff/campaign-create"),
        programId=world.program_id,
        input={"slug": "hello", "name": "Hello", "campaign": content},
    )
    made: str = done["campaign"]["id"]
    return made


def test_a_file_is_told_without_an_actor(world: World, manager: Actor) -> None:
    """Whoever runs a command on the server has no user."""
    text = program_files.export().replace("welcome_points: 100", "welcome_points: 5")
    program_files.apply(text)
    program_files.apply(text)  # is so already

    entry, created = trail(manager)
    assert entry["actorId"] is None
    assert entry["changes"] == ["rules.welcome_points changes from 100 to 5"]
    assert (created["action"], created["programId"]) == ("PROGRAM_CREATE", world.program_id)


def test_what_was_not_done_leaves_none(world: World, manager: Actor) -> None:
    """Refused, denied, only tried out, or sent before."""
    adjust, update = operation("staff/points-adjust"), operation("staff/program-update")
    given = {"memberId": world.member_id(), "reason": "Sorry", "key": "k1"}
    manager.do(adjust, **given, points=30)
    before = list(AuditEntry.objects.values())

    manager.do(adjust, **given, points=30)
    manager.refused(adjust, **{**given, "key": "k2"}, points=10**6)
    staff("manage_discounts").post(adjust, **{**given, "key": "k3"}, points=5)
    manager.do(update, id=world.program_id, input={"rules": {"welcomePoints": 7}}, dryRun=True)
    manager.do(update, id=world.program_id, input={"rules": {"welcomePoints": 100}})
    manager.refused(update, id=world.program_id, input={"rules": {"welcomePoints": -1}})

    assert list(AuditEntry.objects.values()) == before


# --- who sees it ----------------------------------------------------------------------------------


def test_each_permission_shows_its_part(world: World, manager: Actor) -> None:
    """Neither pages nor counts nor filters tell of the other."""
    given = {"memberId": world.member_id(), "reason": "Sorry"}
    manager.do(operation("staff/points-adjust"), **given, points=30, key="k1")
    count = "query ($filter: RetentionAuditFilterInput) { retentionAuditTrail(first: 5, filter: $filter) { totalCount } }"  # noqa: E501

    for permission, action in (
        ("manage_discounts", "PROGRAM_CREATE"),
        ("manage_users", "POINTS_GRANT"),
    ):
        some = staff(permission)
        assert [entry["action"] for entry in trail(some)] == [action]
        assert some.ask(count)["retentionAuditTrail"]["totalCount"] == 1
    by_member = {"subject": world.member_id()}
    assert trail(staff("manage_discounts"), filter=by_member) == []
    assert len(trail(staff("manage_users"), filter=by_member)) == 1
    assert len(trail(manager, filter={"subject": world.program_id})) == 2


def test_filters_and_pages(world: World, manager: Actor) -> None:
    """By actor, action, subject and time; a page goes on where the last one ended."""
    other = staff("manage_users")
    query = operation("staff/points-adjust")
    for number in range(5):
        actor, member = (
            (manager, world.member_id()) if number % 2 else (other, world.member_id(world.other))
        )
        actor.do(query, memberId=member, points=number + 1, reason="Sorry", key=f"k{number}")

    def points(**given: Any) -> list[str]:
        found = trail(manager, filter={"actions": ["POINTS_GRANT"], **given})
        return [entry["changes"][0].split()[0] for entry in found]

    assert points() == ["5", "4", "3", "2", "1"]
    assert points(actor=gid("User", other.user)) == ["5", "3", "1"]
    assert points(subject=world.member_id()) == ["4", "2"]
    third = AuditEntry.objects.filter(action="points_grant").order_by("pk")[2].at.isoformat()
    assert points(since=third) == ["5", "4", "3"]
    assert points(until=third) == ["2", "1"]

    seen, after = [], None
    while True:
        page = manager.ask(TRAIL, first=2, after=after)["retentionAuditTrail"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == [entry["id"] for entry in trail(manager)]
    assert len(set(seen)) == 6


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"actor": "nonsense"}, "must be the id of a user or an app"),
        ({"subject": "nonsense"}, "must be the id of a program, a member or an order"),
    ],
)
def test_a_filter_that_names_nothing(manager: Actor, given: dict[str, str], says: str) -> None:
    """Is an error and not an empty list."""
    answer = manager.post(TRAIL, first=1, filter=given)

    assert says in answer["errors"][0]["message"]


def test_nobody_else_sees_any(world: World) -> None:
    """Customers, and staff with other permissions."""
    for actor in (world.owner, staff("manage_orders"), app("manage_orders")):
        (error,) = actor.post(TRAIL, first=1)["errors"]
        assert error["extensions"]["exception"]["code"] == "PermissionDenied"
        assert (
            "one of the following permissions: MANAGE_DISCOUNTS, MANAGE_USERS" in error["message"]
        )


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_no_entry_without_the_action() -> None:
    """Written outside of a transaction it could stand alone."""
    with pytest.raises(RuntimeError, match="in the transaction"):
        note_down(AuditAction.PROGRAM_CREATE, actor_ref="", at=timezone.now())
