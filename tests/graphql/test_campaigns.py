"""Campaigns as staff set them up, try them out and follow them through GraphQL."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import mail
from django.test import Client, override_settings

from saleor_retention.models import Campaign, CampaignState, Coupon, Dispatch
from saleor_retention.services.campaigning import campaign_planning, sending
from saleor_retention.services.consenting import consents
from saleor_retention.services.setting_up import programs
from tests import mails
from tests.campaigns import PURPOSE, QUESTIONS
from tests.factories.current import factories
from tests.graphql import test_unsubscribing
from tests.graphql.world import IS_SALEOR_3, Actor, World, customer, gid, operation, rows, staff

pytestmark = pytest.mark.django_db(databases="__all__")

LONG_AGO = "2020-01-01T00:00:00+00:00"
WELCOME = {"kind": "WELCOME"}
MESSAGE: dict[str, Any] = {
    "channel": "EMAIL",
    "texts": [
        {"language": "en", "subject": "Hello {{ first_name }}", "text": "{{ coupon }}"},
        {"language": "zh-hant", "subject": "您好", "text": "{{ coupon }}", "html": "<b>好</b>"},
    ],
}
COUPON: dict[str, Any] = {
    "kind": "PERSONAL",
    "terms": {"name": "Five off", "amounts": [{"currency": "USD", "amount": "5.00"}]},
    "validForDays": 14,
}


@pytest.fixture(autouse=True)
def asking(world: World, settings: Any) -> None:
    """A program that asks for consents, and a shop that mails can link to."""
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"
    programs.update_program(program=world.program, changes={"questions": QUESTIONS})


@pytest.fixture
def marketer() -> Actor:
    """Staff who manage discounts and customers."""
    return staff("manage_discounts", "manage_users")


def reader(world: World, *, agrees: bool = True) -> Actor:
    """Add a member, who agrees to be written to."""
    actor = customer()
    account = world.account(actor)
    if agrees:
        consents.give(account, channel="email", purpose=PURPOSE, text_version="1")
    return actor


def create(actor: Actor, world: World, slug: str = "hello", **campaign: Any) -> dict[str, Any]:
    """Create a campaign that welcomes, or what is given."""
    content = {"trigger": WELCOME, "message": MESSAGE, **campaign}
    done = actor.do(
        operation("staff/campaign-create"),
        programId=world.program_id,
        input={"slug": slug, "name": slug.title(), "campaign": content},
    )
    made: dict[str, Any] = done["campaign"]
    return made


def begun(campaign: dict[str, Any]) -> Campaign:
    """Have a campaign begun long ago, so that its members have all joined since; return it."""
    found = Campaign.objects.get(slug=campaign["slug"])
    Campaign.objects.filter(pk=found.pk).update(starts_at=LONG_AGO)
    found.refresh_from_db()
    return found


def test_the_playbook_can_be_sent_as_it_is(world: World, marketer: Actor) -> None:
    """A valid draft for each band, whose messages read well in every language."""
    shown = marketer.ask(operation("staff/campaign-templates"), program=world.program_id)
    plays = {each["name"]: each for each in shown["retentionCampaignTemplates"]}
    for name, play in plays.items():
        if play["segment"]:
            segment = json.loads(play["segment"])
            marketer.do(
                operation("staff/segment-create"), programId=world.program_id, input=segment
            )
        if play["feedback"]:
            rules = {"feedback": [json.loads(play["feedback"])]}
            update = operation("staff/program-update")
            marketer.do(update, id=world.program_id, input={"rules": rules})
        done = marketer.do(
            operation("staff/campaign-create"),
            programId=world.program_id,
            input={"slug": name, "name": play["title"], "campaign": json.loads(play["input"])},
        )
        assert done["campaign"]["state"] == "DRAFT"
        assert [each["language"] for each in done["words"]] == ["en", "zh-hant", "zh-hans"]
        assert all(each["text"] and each["subject"] for each in done["words"])
        assert ("?survey=lost-reason" in done["words"][0]["text"]) == (name == "lost_reason")
        assert ("SAMPLE-CODE" in done["words"][1]["text"]) == (name == "at_risk_offer")
        marketer.do(operation("staff/campaign-start"), id=done["campaign"]["id"])

    assert {each["band"] for each in plays.values()} == {"ACTIVE", "SLEEPING", "AT_RISK", "LOST"}


def test_the_life_of_a_campaign(world: World, marketer: Actor) -> None:
    """Written, tried, started, sent, followed, paused and ended, by ready operations."""
    reader(world)
    reader(world, agrees=False)
    made = create(marketer, world, benefit={"coupon": COUPON})
    assert (made["state"], made["version"], made["counts"]) == ("DRAFT", 1, [])
    assert json.loads(made["document"])["benefit"]["coupon"] == {
        "kind": "personal",
        "terms": {"name": "Five off", "uses": 1, "amounts": {"USD": 500}},
        "valid_for_days": 14,
    }

    tried = marketer.do(
        operation("staff/campaign-test"), id=made["id"], to="me@example.com", language="zh-TW"
    )
    assert tried["words"] == {
        "language": "zh-hant",
        "subject": "您好",
        "text": "SAMPLE-CODE",
        "html": "<b>好</b>",
    }
    assert [message.to for message in mail.outbox] == [["me@example.com"]]

    started = marketer.do(operation("staff/campaign-start"), id=made["id"])["campaign"]
    campaign = begun(started)
    campaign_planning.plan(campaign)
    assert sending.send_due() == 2

    shown = marketer.ask(operation("staff/campaign"), id=made["id"])["retentionCampaign"]
    assert shown["counts"] == [{"state": "SENT", "count": 1}, {"state": "SKIPPED", "count": 1}]
    assert shown["skips"] == [{"reason": "CONSENT", "count": 1}]
    assert shown["words"]["subject"] == "Hello Ada"
    (listed,) = marketer.ask(
        operation("staff/campaigns"), programId=world.program_id, states=["RUNNING"]
    )["retentionCampaigns"]["edges"]
    assert listed["node"]["counts"] == shown["counts"]
    code = Dispatch.objects.get(state="sent").benefit_ref
    assert [message.body for message in mail.outbox[1:]] == [code]
    assert Coupon.objects.filter(campaign="hello").count() == 2  # consent is about messages

    paused = marketer.do(operation("staff/campaign-pause"), id=made["id"])["campaign"]
    ended = marketer.do(operation("staff/campaign-end"), id=made["id"])["campaign"]
    assert (paused["state"], ended["state"]) == ("PAUSED", "ENDED")
    assert marketer.refused(operation("staff/campaign-start"), id=made["id"]) == [("id", "INVALID")]


def test_the_link_of_a_mail_ends_such_mails(world: World, marketer: Actor, settings: Any) -> None:
    """Over real SMTP: the header's address takes the one click, and the next campaign is quiet."""
    pytest.importorskip("aiosmtpd")
    reader(world)
    with mails.catching() as (catcher, port):
        mails.use(settings, port)
        for slug in ("first", "second"):
            made = create(marketer, world, slug)
            marketer.do(operation("staff/campaign-start"), id=made["id"])
            campaign_planning.plan(begun(made))
            sending.send_due()
            url = catcher.mails[0]["List-Unsubscribe"].strip().strip("<>")
            path = url.removeprefix("https://api.example.com")
            body = {"List-Unsubscribe": "One-Click"}
            urls = {} if IS_SALEOR_3 else {"ROOT_URLCONF": test_unsubscribing.__name__}
            with override_settings(**urls):  # as a shop on Saleor 2.10 adds them
                assert Client(enforce_csrf_checks=True).post(path, body).status_code == 200

    assert len(catcher.mails) == 1
    assert catcher.mails[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    shown = marketer.ask(operation("staff/campaign"), id=made["id"])["retentionCampaign"]
    assert shown["skips"] == [{"reason": "SUPPRESSED", "count": 1}]


def test_who_got_it_and_who_not(world: World, marketer: Actor) -> None:
    """Member by member, in pages, by state, reason and member."""
    agreed, silent = reader(world), reader(world, agrees=False)
    made = create(marketer, world)
    marketer.do(operation("staff/campaign-start"), id=made["id"])
    campaign_planning.plan(begun(made))
    sending.send_due()

    def asked(**more: Any) -> list[tuple[str, str, str | None]]:
        answer = marketer.ask(operation("staff/campaign-dispatches"), campaignId=made["id"], **more)
        nodes = [edge["node"] for edge in answer["retentionDispatches"]["edges"]]
        return [(node["member"]["id"], node["state"], node["reason"]) for node in nodes]

    sent = (world.member_id(agreed), "SENT", None)
    left_out = (world.member_id(silent), "SKIPPED", "CONSENT")
    assert asked() == [sent, left_out]
    assert asked(first=1) == [sent]
    assert asked(filter={"states": ["SENT"]}) == [sent]
    assert asked(filter={"reasons": ["CONSENT", "CAP"]}) == [left_out]
    assert asked(filter={"member": world.member_id(silent)}) == [left_out]


def test_the_dry_run_in_pages(world: World, marketer: Actor) -> None:
    """Everybody once over three pages, with the budget and the same counts on each of them."""
    people = [reader(world, agrees=number != 1) for number in range(5)]
    made = create(marketer, world, benefit={"points": 10}, limits={"pointsMax": 30})
    begun(made)
    before = rows()

    pages: list[Any] = []
    given: dict[str, Any] = {"id": made["id"], "first": 2}
    while True:
        answer = marketer.ask(operation("staff/campaign-dry-run"), **given)
        pages.append(answer["retentionCampaignDryRun"])
        info = pages[-1]["members"]["pageInfo"]
        if not info["hasNextPage"]:
            break
        given |= {"after": info["endCursor"], "at": pages[0]["at"]}

    (last,) = marketer.ask(
        "query ($id: ID!, $at: DateTime) { retentionCampaignDryRun(id: $id, at: $at) "
        "{ members(last: 1) { edges { node { cycle reason } } pageInfo { hasPreviousPage } } } }",
        id=made["id"],
        at=pages[0]["at"],
    )["retentionCampaignDryRun"]["members"]["edges"]
    assert last["node"] == {"cycle": "welcome", "reason": "BUDGET"}
    nodes = [edge["node"] for page in pages for edge in page["members"]["edges"]]
    assert [(node["member"]["id"], node["reason"]) for node in nodes] == [
        (world.member_id(person), reason)
        for person, reason in zip(people, (None, "CONSENT", None, "BUDGET", "BUDGET"), strict=True)
    ]
    assert [node["benefitAlone"] for node in nodes] == [False, True, False, False, False]
    assert [len(page["members"]["edges"]) for page in pages] == [2, 2, 1]
    for page in pages:
        assert (page["would"], page["later"], page["members"]["totalCount"]) == (2, 0, 5)
        assert page["benefitAlone"] == 1
        assert page["wouldNot"] == [
            {"reason": "BUDGET", "count": 2},
            {"reason": "CONSENT", "count": 1},
        ]
    assert rows() == before


def test_a_change_keeps_what_it_does_not_name(world: World, marketer: Actor) -> None:
    """A new version with another text; null takes the limits away; a dry run saves nothing."""
    made = create(
        marketer, world, limits={"sendAt": "08:30", "quiet": {"start": "21:00", "end": "09:00"}}
    )
    change = {
        "message": {"texts": [{"language": "en", "subject": "New", "text": "New {{ program }}"}]},
        "limits": None,
    }
    before = rows()

    tried = marketer.do(
        operation("staff/campaign-update"), id=made["id"], input={"campaign": change}, dryRun=True
    )
    assert [words["text"] for words in tried["words"]] == ["New Club"]
    assert (tried["campaign"]["version"], rows()) == (1, before)
    done = marketer.do(
        operation("staff/campaign-update"),
        id=made["id"],
        input={"name": "Other", "campaign": change},
    )["campaign"]

    assert (done["name"], done["version"]) == ("Other", 2)
    assert json.loads(done["document"]) == {
        "trigger": {"kind": "welcome"},
        "message": {
            "channel": "email",
            "texts": {"en": {"subject": "New", "text": "New {{ program }}"}},
        },
    }
    assert json.loads(made["document"])["limits"] == {
        "send_at": "08:30",
        "quiet": {"from": "21:00", "to": "09:00"},
    }


def test_scheduling_in_the_programs_time_zone(world: World, marketer: Actor) -> None:
    """A time without an offset is the program's; the end comes after the beginning."""
    made = create(marketer, world)
    when = {"startsAt": "2999-01-01T10:00:00", "endsAt": "2999-01-02T10:00:00+00:00"}

    done = marketer.do(operation("staff/campaign-schedule"), id=made["id"], **when)["campaign"]

    assert done["state"] == "SCHEDULED"
    campaign = Campaign.objects.get(state=CampaignState.SCHEDULED)
    assert campaign.starts_at.isoformat() == "2999-01-01T10:00:00+00:00"  # the program is in UTC
    wrong = when | {"endsAt": "2998-01-01T10:00:00+00:00"}
    assert marketer.refused(operation("staff/campaign-schedule"), id=made["id"], **wrong) == [
        ("endsAt", "INVALID")
    ]


@pytest.mark.parametrize(
    ("campaign", "field"),
    [
        ({"trigger": {"kind": "HOLIDAY", "holiday": "xmas"}}, "trigger.holiday"),
        ({"trigger": {"kind": "WELCOME", "daysBefore": 3}}, "trigger.daysBefore"),
        ({"trigger": {"kind": "BIRTHDAY", "daysBefore": 1.5}}, "trigger.daysBefore"),
        (
            {"trigger": {"kind": "POINTS_EXPIRING", "eachDaysBefore": [7, 0.5]}},
            "trigger.eachDaysBefore.1",
        ),
        ({"audience": {"segments": ["nobody"]}}, "audience.segments"),
        (
            {"message": {"channel": "EMAIL", "texts": [{"language": "en", "subject": "Hi"}]}},
            "message.texts.0.text",
        ),
        (
            {"message": {"channel": "EMAIL", "texts": [{"language": "de", "text": "Hallo"}]}},
            "message.texts.0",
        ),
        ({"limits": {"quiet": {"start": "9 pm", "end": "09:00"}}}, "limits.quiet.start"),
        ({"limits": {"cap": {"messages": 2}}}, "limits.cap.days"),
        (
            {"benefit": {"coupon": COUPON | {"terms": {"name": "Ten", "percent": "101"}}}},
            "benefit.coupon.terms.percent",
        ),
        (
            {
                "benefit": {
                    "coupon": COUPON
                    | {"terms": {"name": "T", "amounts": [{"currency": "JPY", "amount": "5"}]}}
                }
            },
            "benefit.coupon.terms.amounts",
        ),
        ({"holdoutPerMille": 1000}, "holdoutPerMille"),
    ],
)
def test_what_cannot_be_is_named_by_its_field(
    world: World, marketer: Actor, campaign: dict[str, Any], field: str
) -> None:
    """In the words of the input; nothing is saved."""
    content = {"trigger": WELCOME, "message": MESSAGE, **campaign}

    refused = marketer.refused(
        operation("staff/campaign-create"),
        programId=world.program_id,
        input={"slug": "hello", "name": "Hello", "campaign": content},
    )

    assert (f"campaign.{field}", "INVALID") in refused


def test_variants_are_named_by_their_ids(world: World, marketer: Actor) -> None:
    """Of a campaign for what runs out; an id of something else is not found."""
    variant = factories().make_product("20.00")
    trigger = {"kind": "RUN_OUT", "daysBefore": 5, "variants": [gid("ProductVariant", variant)]}

    made = create(marketer, world, trigger=trigger)
    refused = marketer.refused(
        operation("staff/campaign-update"),
        id=made["id"],
        input={"campaign": {"trigger": {"variants": [gid("Product", variant.product)]}}},
    )

    assert json.loads(made["document"])["trigger"] == {
        "kind": "run_out",
        "days_before": 5,
        "variants": [str(variant.pk)],
    }
    assert refused == [("campaign.trigger.variants.0", "NOT_FOUND")]


def test_a_wrong_template_is_refused_with_its_line(world: World, marketer: Actor) -> None:
    """Name, slug and every template at once; the sentence says which line."""
    texts = [
        {"language": "en", "subject": "Hi {{ frist_name }}", "text": "one\n{% load static %}"},
    ]
    answer = marketer.ask(
        operation("staff/campaign-create"),
        programId=world.program_id,
        input={
            "slug": "No!",
            "name": "",
            "campaign": {"trigger": WELCOME, "message": {"channel": "EMAIL", "texts": texts}},
        },
    )
    dry = marketer.refused(
        operation("staff/campaign-create"),
        programId=world.program_id,
        input={
            "slug": "yes",
            "name": "Yes",
            "campaign": {"trigger": WELCOME, "message": {"channel": "EMAIL", "texts": texts}},
        },
        dryRun=True,
    )

    errors = {
        error["field"]: error["message"] for error in answer["retentionCampaignCreate"]["errors"]
    }
    assert set(errors) == {
        "name",
        "slug",
        "campaign.message.texts.0.subject",
        "campaign.message.texts.0.text",
    }
    assert errors["campaign.message.texts.0.text"].startswith(
        "campaign.message.texts.0.text, line 2: "
    )
    assert dry == [
        ("campaign.message.texts.0.subject", "INVALID"),
        ("campaign.message.texts.0.text", "INVALID"),
    ]
    assert not Campaign.objects.exists()


def test_what_is_not_there_is_not_found(world: World, marketer: Actor) -> None:
    """An id of something else is no campaign."""
    for name in ("start", "pause", "end"):
        assert marketer.refused(
            operation(f"staff/campaign-{name}"), id=gid("RetentionProgram", world.program)
        ) == [("id", "NOT_FOUND")]
    answer = marketer.post(operation("staff/campaign"), id="abc")
    assert answer["errors"][0]["message"] == "There is no such campaign."


def test_what_is_announced_is_named_by_its_id(world: World, marketer: Actor) -> None:
    """A product, a variant or an offer; what is none of them is refused by its field."""
    variant = factories().make_product("5.00")
    trigger = {
        "kind": "ANNOUNCE",
        "product": gid("Product", variant.product),
        "on": "2030-01-01",
    }
    made = create(marketer, world, trigger=trigger)
    assert json.loads(made["document"])["trigger"] == {
        "kind": "announce",
        "product": str(variant.product_id),
        "on": "2030-01-01",
    }
    for wrong, field in (
        ({"product": gid("ProductVariant", variant)}, "product"),
        ({"product": None, "variant": gid("Product", variant.product)}, "variant"),
        ({"product": None, "offer": "nothing"}, "offer"),
    ):
        given = {
            "slug": "more",
            "name": "More",
            "campaign": {"message": MESSAGE, "trigger": trigger | wrong},
        }
        refused = marketer.refused(
            operation("staff/campaign-create"), programId=world.program_id, input=given
        )
        assert [where for where, _code in refused] == [f"campaign.trigger.{field}"]
