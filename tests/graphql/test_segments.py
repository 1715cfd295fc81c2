"""Segments and measures as staff see them through GraphQL."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.models import Account, AuditAction, AuditEntry, BandLimits, SegmentMember
from saleor_retention.services.ordering import settling
from tests.customers import record_order
from tests.factories.current import factories
from tests.fakes import at
from tests.graphql.world import Actor, World, customer, gid, open_shop, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

RULE = {
    "all": [
        {"orders": {"from": 2}},
        {"not": {"tier": ["vip"]}},
        {"spend": {"from": "20.00"}},
        {"band": ["BEST", "ACTIVE"]},
        {"firstOrder": {"from": "2020-01-01"}},
    ]
}
SENTENCE = (
    "Customers who have 2 orders or more, and who are none of those who are in the tier vip, and "
    "who spent 20.00 USD or more, and who ordered within 1 month or ordered within 3 months, and "
    "who first ordered on or after 2020-01-01."
)


@pytest.fixture
def manager() -> Actor:
    """Staff who manage members."""
    return staff("manage_users")


def create(actor: Actor, world: World, **given: Any) -> dict[str, Any]:
    """Create a segment, or see what it would be."""
    dry_run = given.pop("dry_run", False)
    segment = {"slug": "again", "name": "Again", **given}
    return actor.do(
        operation("staff/segment-create"),
        programId=world.program_id,
        input=segment,
        dryRun=dry_run,
    )


def set_bands(actor: Actor, world: World, **bands: Any) -> dict[str, Any]:
    """Set these limits."""
    return actor.do(operation("staff/recency-bands-set"), programId=world.program_id, bands=bands)


def buyer(world: World, *amounts: int, ago: timedelta = timedelta(0)) -> str:
    """Make a member who has just bought for these minor units; return the member's id."""
    from saleor_retention.services.membership import customers

    actor = customer()
    for minor in amounts:
        record_order(world.account(actor), timezone.now() - ago, minor)
    customers.mend(world.program)
    return world.member_id(actor)


def test_a_segment_from_rule_to_members(world: World, manager: Actor) -> None:
    """Looked at first, made, read in words and as a rule that can be sent back, and listed."""
    inside = buyer(world, 1000, 1500)
    buyer(world, 5000)

    dry = create(manager, world, rule=RULE, dry_run=True)
    made = create(manager, world, rule=RULE)

    assert (dry["segment"], dry["size"]) == (None, 1)
    segment = made["segment"]
    assert (made["size"], segment["size"], segment["sentence"]) == (1, 1, SENTENCE)
    rule = json.loads(segment["rule"])
    assert rule["all"][4] == {"firstOrder": {"from": "2020-01-01"}}
    read = manager.ask(operation("staff/segment"), id=segment["id"])["retentionSegment"]
    assert [edge["node"]["id"] for edge in read["members"]["edges"]] == [inside]
    listed = manager.ask(operation("staff/segments"), programId=world.program_id)
    (edge,) = listed["retentionSegments"]["edges"]
    assert edge["node"]["slug"] == "again"


@pytest.mark.parametrize(
    ("languages", "listed", "ruled"),
    [
        ("en", "Customers whom the shop has put on this list.", "Customers who have 2 orders."),
        ("zh-TW", "由商店列入此名單的顧客。", "符合以下條件的顧客\uff1a有 2 筆訂單。"),
        ("zh-CN", "由商店列入此名单的顾客。", "符合以下条件的顾客\uff1a有 2 笔订单。"),
    ],
)
def test_a_segment_is_said_in_the_readers_language(
    world: World, manager: Actor, languages: str, listed: str, ruled: str
) -> None:
    """A list and a rule alike, also after what a batch of other fields hands on."""
    create(manager, world)
    create(manager, world, slug="twice", rule={"orders": {"from": 2, "to": 2}})
    asks = replace(manager, languages=languages)

    found = asks.ask(operation("staff/segments"), programId=world.program_id)["retentionSegments"]

    said = {edge["node"]["slug"]: edge["node"]["sentence"] for edge in found["edges"]}
    assert said == {"again": listed, "twice": ruled}


@pytest.mark.usefixtures("db")
def test_what_members_told_makes_segments(manager: Actor) -> None:
    """Gender, birth month, language and points; the rule that is shown can be sent back."""
    asked = {"channel": "email", "purpose": "news", "version": "v1", "text": "Write to me."}
    fields = [{"key": "size", "label": "Size", "type": "number"}]
    world = open_shop(questions={"consents": [asked], "fields": fields})
    profile = {
        "gender": "FEMALE",
        "birthday": {"month": 5, "day": 4},
        "language": "zh-Hant",
        "answers": [{"key": "size", "number": 42}],
    }
    world.give(100)
    world.account(world.other)
    world.owner.do(operation("storefront/profile-update"), input=profile)
    rule = {
        "all": [
            {"gender": ["FEMALE", "OTHER"]},
            {"birthMonth": [5]},
            {"language": ["zh-hant"]},
            {"points": {"from": 150}},
            {"field": {"key": "size", "values": ["42", "43"]}},
            {"not": {"consent": {"channel": "EMAIL", "purpose": "news"}}},
            {"stage": ["AWARE", "ASK"]},
        ]
    }

    segment = create(manager, world, rule=rule)["segment"]
    shown = json.loads(segment["rule"])
    again = create(manager, world, slug="same", rule=shown)["segment"]

    assert segment["size"] == 1
    assert segment["sentence"] == (
        "Customers who said that their gender is female or other, and who were born in May, and "
        "who read the language zh-hant, and who have 150 points or more to spend, and who "
        "answered 42 or 43 to the question size, and who are none of those who agreed to messages "
        "by e-mail for news, and who are at the stage ask or aware."
    )
    assert shown["all"][5]["not"]["consent"] == {"channel": "EMAIL", "purpose": "news"}
    assert shown["all"][0] == {"gender": ["FEMALE", "OTHER"]}
    assert (again["rule"], again["size"]) == (segment["rule"], 1)


def test_a_segment_of_who_bought_some_goods(world: World, manager: Actor) -> None:
    """Goods by their ids, said by their names, and shown as they can be sent back."""
    make = factories()
    tea, cup = make.make_product("10.00"), make.make_product("5.00")
    ids = [gid("Product", each.product) for each in (tea, cup)]
    bought = {"select": {"products": ids[:1], "variants": [gid("ProductVariant", cup)]}, "days": 30}
    first = buyer(world)
    order = make.complete(make.make_checkout(Account.objects.get().user, {tea: 1}))
    settling.settle(order_ref=str(order.pk))
    rule = {"any": [{"bought": bought}, {"points": {"from": 10**6}}]}

    segment = create(manager, world, rule=rule)["segment"]
    again = create(manager, world, slug="same", rule=json.loads(segment["rule"]))["segment"]
    refused = manager.refused(
        operation("staff/segment-create"),
        programId=world.program_id,
        input={
            "slug": "no",
            "name": "No",
            "rule": {"all": [{"bought": {"select": {"products": [*ids, gid("Category", tea)]}}}]},
        },
    )

    goods = f"{cup.product.name} ({cup.name}), {tea.product.name}"
    assert segment["sentence"] == (
        f"Customers who bought any of {goods} within 30 days, or who have 1000000 points or more "
        "to spend."
    )
    assert json.loads(segment["rule"])["any"][0] == {"bought": bought}
    assert (again["rule"], again["size"]) == (segment["rule"], 1)
    read = manager.ask(operation("staff/segment"), id=segment["id"])["retentionSegment"]
    assert [edge["node"]["id"] for edge in read["members"]["edges"]] == [first]
    assert refused == [("rule.all.0.bought.select.products.2", "NOT_FOUND")]


def test_an_interest_that_is_not_asked_is_refused_by_field(world: World, manager: Actor) -> None:
    """As is a month that there is not; nothing is made."""
    rule = {"any": [{"interest": ["tea"]}, {"birthMonth": [13]}, {"points": {"from": -1}}]}
    refused = manager.refused(
        operation("staff/segment-create"),
        programId=world.program_id,
        input={"slug": "no", "name": "No", "rule": rule},
    )

    assert refused == [
        ("rule.any.0.interest.0", "INVALID"),
        ("rule.any.1.birthMonth.0", "INVALID"),
        ("rule.any.2.points.from", "INVALID"),
    ]


def test_a_segment_is_changed_and_retired(world: World, manager: Actor) -> None:
    """What is left out stays; a retired one is empty."""
    buyer(world, 1000)
    segment = create(manager, world, rule={"orders": {"from": 2}})["segment"]

    dry = manager.do(
        operation("staff/segment-update"),
        id=segment["id"],
        input={"rule": {"orders": {"to": 1}}},
        dryRun=True,
    )
    manager.do(
        operation("staff/segment-update"),
        id=segment["id"],
        input={"name": "Once", "tag": "once", "rule": {"orders": {"from": 1, "to": 1}}},
    )
    renamed = manager.do(
        operation("staff/segment-update"), id=segment["id"], input={"isActive": True}
    )["segment"]
    retired = manager.do(operation("staff/segment-retire"), id=segment["id"])["segment"]

    assert dry["size"] == 1
    assert (renamed["name"], renamed["tag"], renamed["size"]) == ("Once", "once", 1)
    assert renamed["sentence"] == "Customers who have 1 order."
    assert (retired["size"], retired["isActive"]) == (0, False)
    assert retired["retiredAt"] is not None


def test_a_list_is_filled_by_id(world: World, manager: Actor) -> None:
    """Without a rule it is a list."""
    ann, bob = buyer(world), buyer(world)

    made = create(manager, world, slug="friends", members=[ann])
    changed = manager.do(
        operation("staff/segment-update"),
        id=made["segment"]["id"],
        input={"addMembers": [bob], "removeMembers": [ann]},
    )

    assert (made["size"], made["segment"]["size"], made["segment"]["rule"]) == (None, 1, None)
    assert changed["segment"]["size"] == 1
    assert gid("RetentionMember", SegmentMember.objects.get().account) == bob


@pytest.mark.parametrize(
    ("given", "refusals"),
    [
        (
            {"rule": {"any": [{"daysSinceLastOrder": {"from": 3, "to": 2}}]}},
            [("rule.any.0.daysSinceLastOrder.to", "INVALID")],
        ),
        (
            {"rule": {"orders": {"from": 1}, "tier": ["vip"]}},
            [("rule", "INVALID")],
        ),
        ({"rule": {"orders": {"from": 1.5}}}, [("rule.orders.from", "INVALID")]),
        (
            {"rule": {"tier": ["gold"]}, "name": " "},
            [("name", "REQUIRED"), ("rule.tier.0", "INVALID")],
        ),
        ({"members": ["bm9uZQ=="]}, [("members", "NOT_FOUND")]),
    ],
)
def test_what_is_wrong_is_named_in_terms_of_the_input(
    world: World, manager: Actor, given: dict[str, Any], refusals: list[tuple[str, str]]
) -> None:
    """And nothing is made."""
    found = manager.refused(
        operation("staff/segment-create"),
        programId=world.program_id,
        input={"slug": "some", "name": "Some", **given},
    )

    assert found == refusals


def test_measures_by_period_with_csv(world: World, manager: Actor) -> None:
    """Two customers in January, one of whom comes back in February."""
    ann, bob = world.account(), world.account(world.other)
    record_order(ann, at("2026-01-10 12:00"), 1000)
    record_order(bob, at("2026-01-11 12:00"), 2000)
    record_order(ann, at("2026-02-20 12:00"), 501)

    found = manager.ask(
        operation("staff/measures"),
        programId=world.program_id,
        since="2026-01-01",
        until="2026-02-28",
    )["retentionMeasures"]

    january, february = found["rows"]
    assert (january["customers"], january["newOrders"], january["repurchaseRate"]) == (2, 2, 0)
    assert january["averageOrderValue"] == {"amount": 15.0, "currency": "USD"}
    assert (february["returningCustomers"], february["repurchaseRate"]) == (1, 1)
    total = found["total"]
    assert (total["customers"], total["orders"]) == (2, 3)
    assert float(total["ordersPerCustomer"]) == 1.5
    assert float(total["returningOrderShare"]) == 0.333333
    assert total["averageOrderValue"]["amount"] == 11.67
    cells = [(cell["month"], cell["offset"], cell["customers"]) for cell in found["cohorts"]]
    assert cells == [("2026-01-01", 0, 2), ("2026-01-01", 1, 1)]
    assert (found["secondOrders"]["again"], found["secondOrders"]["medianDays"]) == (1, 41)
    assert found["comparison"] is None
    table = list(csv.DictReader(io.StringIO(found["csv"])))
    assert [row["orders"] for row in table] == ["2", "1", "3"]
    assert (table[2]["first_day"], table[2]["revenue"]) == ("total", "35.01")

    def sheet(which: str) -> list[str]:
        asked = {
            "programId": world.program_id,
            "since": "2026-01-01",
            "until": "2026-02-28",
            "sheet": which,
        }
        answer = manager.ask(operation("staff/measures"), **asked)["retentionMeasures"]
        return answer["csv"].splitlines()

    assert sheet("COHORTS")[1:] == ["2026-01-01,0,2,2,30.00,USD", "2026-01-01,1,1,1,5.01,USD"]
    assert sheet("SECOND_ORDERS")[1:] == ["2,1,0.500000,41,41.000000,0,1,1,1,1"]
    assert len(sheet("COMPARISON")) == 1
    assert sheet("PERIODS") == found["csv"].splitlines()


def test_measures_refuse_what_makes_no_table(world: World, manager: Actor) -> None:
    """Days, a channel and a segment that are not there."""
    asked = {"programId": world.program_id, "since": "2026-01-01", "until": "2026-02-28"}
    for wrong, message in (
        ({"until": "2025-01-01"}, "The last day lies before the first one."),
        ({"channel": "nowhere"}, 'There is no channel "nowhere".'),
        ({"segmentId": world.program_id}, "There is no such segment."),
    ):
        answer = manager.post(operation("staff/measures"), **{**asked, **wrong})

        assert [error["message"] for error in answer["errors"]] == [message]


def test_staff_set_the_recency_bands_and_segments_follow(world: World) -> None:
    """What is left out stays; who did it is told; who bought ten weeks ago falls asleep."""
    buyer(world, 1000, ago=timedelta(weeks=10))
    owner = staff("manage_discounts", "manage_users")
    segment = create(owner, world, rule={"band": ["SLEEPING"]})["segment"]
    assert segment["size"] == 0

    done = set_bands(owner, world, active=2, atRisk=24)
    again = set_bands(owner, world, active=2)

    bands = {"best": 1, "active": 2, "sleeping": 6, "atRisk": 24}
    assert done["program"]["recencyBands"] == again["program"]["recencyBands"] == bands
    assert SegmentMember.objects.count() == 1
    entry = AuditEntry.objects.get(action=AuditAction.PROGRAM_UPDATE)
    assert entry.actor_ref == f"user:{owner.user.pk}"
    assert entry.changes == [
        "recency_bands.active changes from 3 to 2",
        "recency_bands.at_risk changes from 12 to 24",
    ]


@pytest.mark.parametrize(
    ("bands", "field", "message"),
    [
        ({"best": 4}, "bands", "best must not reach further back than active."),
        ({"atRisk": 0}, "bands", "Each band reaches back from 1 to 120 months."),
        ({"atRisk": 121}, "bands", "Each band reaches back from 1 to 120 months."),
        ({"atRisk": 1.5}, "bands.atRisk", "1.5 is not a whole number of at most 2147483647."),
    ],
)
def test_bands_that_make_no_sense_are_refused(
    world: World, bands: dict[str, Any], field: str, message: str
) -> None:
    """By field, and nothing is changed."""
    owner = staff("manage_discounts")

    answer = owner.ask(
        operation("staff/recency-bands-set"), programId=world.program_id, bands=bands
    )

    assert answer["retentionRecencyBandsSet"] == {
        "program": None,
        "errors": [{"field": field, "message": message, "code": "INVALID"}],
    }
    assert not BandLimits.objects.exists()
    assert not AuditEntry.objects.filter(action=AuditAction.PROGRAM_UPDATE).exists()


def test_the_bands_of_a_retired_program_stay(world: World) -> None:
    """As all of its settings do."""
    owner = staff("manage_discounts")
    owner.do(operation("staff/program-retire"), id=world.program_id)

    answer = owner.ask(
        operation("staff/recency-bands-set"), programId=world.program_id, bands={"active": 4}
    )

    (error,) = answer["retentionRecencyBandsSet"]["errors"]
    assert error == {"field": "program", "message": 'Program "club" is retired.', "code": "INVALID"}
    assert not BandLimits.objects.exists()
