"""What customers are asked, tell and agree to, through GraphQL."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.periods import anniversary
from saleor_retention.models import Account, ConsentEntry, ProfileEntry
from saleor_retention.services.consenting import consent_links
from tests.factories.current import factories
from tests.graphql.world import (
    ANONYMOUS,
    Actor,
    World,
    app,
    bought,
    gid,
    open_shop,
    operation,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")

NEWS = {"channel": "email", "purpose": "news", "version": "v1", "text": "Write to me."}
HABITS = {"channel": "profiling", "purpose": "habits", "version": "v1", "text": "Look at it."}
QUESTIONS: dict[str, Any] = {
    "motive": "So that we can greet you.",
    "enrolment": "Members earn points with every order.",
    "interests": ["coffee", "tea"],
    "fields": [
        {"key": "size", "label": "Size", "type": "number"},
        {"key": "roast", "label": "Roast", "type": "choice", "options": ["dark", "light"]},
        {"key": "cups", "label": "Cups", "type": "choices", "options": ["small", "large"]},
        {"key": "dog", "label": "A dog?", "type": "yes_no"},
        {"key": "since", "label": "Since", "type": "date"},
        {"key": "note", "label": "Note"},
    ],
    "consents": [{**NEWS, "motive": "Once a month.", "double_opt_in": True}, HABITS],
}
TO_NEWS = {"channel": "EMAIL", "purpose": "news", "textVersion": "v1"}
TO_HABITS = {"channel": "PROFILING", "purpose": "habits", "textVersion": "v1"}


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop whose program asks a lot."""
    return open_shop(questions=QUESTIONS)


def of_owner(world: World) -> dict[str, Any]:
    """Return what the owner sees of himself."""
    answer = world.owner.ask(operation("storefront/profile"), channel=world.channel)
    found: dict[str, Any] = answer["me"]["retention"]
    return found


def tell(actor: Actor, **given: Any) -> dict[str, Any]:
    """Have a customer tell something, and return the profile."""
    done = actor.do(operation("storefront/profile-update"), input=given)
    found: dict[str, Any] = done["member"]["profile"]
    return found


def refused(actor: Actor, **given: Any) -> list[tuple[str | None, str]]:
    """Return how an answer is refused."""
    return actor.refused(operation("storefront/profile-update"), input=given)


def test_registration_shows_what_is_asked(world: World) -> None:
    """To everybody, with the merchant's motive and words."""
    answer = ANONYMOUS.ask(operation("storefront/registration-questions"), channel=world.channel)

    questions = answer["retentionProgram"]["questions"]
    assert questions["motive"] == "So that we can greet you."
    assert (questions["asksBirthday"], questions["asksGender"]) == (True, True)
    assert questions["interests"] == ["coffee", "tea"]
    assert questions["fields"][1] == {
        "key": "roast",
        "label": "Roast",
        "type": "CHOICE",
        "options": ["dark", "light"],
    }
    assert questions["consents"] == [
        {
            "channel": "EMAIL",
            "purpose": "news",
            "version": "v1",
            "text": "Write to me.",
            "motive": "Once a month.",
            "doubleOptIn": True,
        },
        {
            "channel": "PROFILING",
            "purpose": "habits",
            "version": "v1",
            "text": "Look at it.",
            "motive": "",
            "doubleOptIn": False,
        },
    ]


def test_a_customer_tells_bit_by_bit(world: World) -> None:
    """What was told is shown, and no longer asked."""
    world.account()
    tell(world.owner, gender="FEMALE", interests=["tea"])
    told = tell(
        world.owner,
        answers=[
            {"key": "size", "number": 42},
            {"key": "roast", "choices": ["dark"]},
            {"key": "cups", "choices": ["large", "small"]},
            {"key": "dog", "yesNo": False},
            {"key": "since", "date": "2020-05-01"},
        ],
        language="zh-hant",
        timeZone="Asia/Taipei",
    )

    nothing = {"text": None, "number": None, "yesNo": None, "date": None, "choices": None}
    assert told == {
        "birthday": None,
        "gender": "FEMALE",
        "interests": ["tea"],
        "answers": [
            {**nothing, "key": "size", "number": 42},
            {**nothing, "key": "roast", "choices": ["dark"]},
            {**nothing, "key": "cups", "choices": ["small", "large"]},
            {**nothing, "key": "dog", "yesNo": False},
            {**nothing, "key": "since", "date": "2020-05-01"},
        ],
        "timeZone": "Asia/Taipei",
        "language": "zh-hant",
    }
    questions = of_owner(world)["questions"]
    assert (questions["asksBirthday"], questions["asksGender"]) == (True, False)
    assert questions["interests"] == []
    assert [field["key"] for field in questions["fields"]] == ["note"]


def test_a_birthday_says_from_when_on_it_counts(world: World) -> None:
    """One of tomorrow is next year's; null takes it back."""
    world.account()
    day = timezone.now().date() + dt.timedelta(days=40)
    soon = timezone.now().date() + dt.timedelta(days=1)

    counted = tell(world.owner, birthday={"month": day.month, "day": day.day, "year": 1990})
    late = tell(world.owner, birthday={"month": soon.month, "day": soon.day})

    assert counted["birthday"] == {
        "month": day.month,
        "day": day.day,
        "year": 1990,
        "next": day.isoformat(),
    }
    assert late["birthday"]["year"] is None
    assert late["birthday"]["next"] == anniversary(soon, soon.year + 1).isoformat()
    assert tell(world.owner, birthday=None)["birthday"] is None


def test_wrong_answers_are_named_by_their_field(world: World) -> None:
    """All at once; nothing of them is kept."""
    world.account()

    assert refused(
        world.owner,
        birthday={"month": 2, "day": 30},
        interests=["cocoa"],
        timeZone="Mars",
        answers=[
            {"key": "size", "number": 1.5},
            {"key": "cups", "text": "x"},
            {"key": "hat", "text": "x"},
        ],
    ) == [
        ("birthday.day", "INVALID"),
        ("interests.0", "INVALID"),
        ("timeZone", "INVALID"),
        ("answers.size", "INVALID"),
        ("answers.cups", "INVALID"),
        ("answers.hat", "INVALID"),
    ]


def test_a_consent_with_a_double_opt_in(world: World) -> None:
    """It is requested, then confirmed without a login, then withdrawn."""
    world.account()
    give = operation("storefront/consent-give")
    asked = world.owner.do(give, input=TO_NEWS)["consent"]
    token = consent_links.confirmation_token(ConsentEntry.objects.get())
    confirmed = ANONYMOUS.do(operation("storefront/consent-confirm"), token=token)["consent"]

    assert (asked["state"], asked["source"]) == ("REQUESTED", "STOREFRONT")
    assert (confirmed["state"], confirmed["source"]) == ("GIVEN", "CONFIRMATION")
    assert confirmed["text"] == "Write to me."
    assert confirmed["textVersion"] == "v1"
    seen = of_owner(world)
    assert seen["consents"] == [confirmed]
    assert [row["purpose"] for row in seen["questions"]["consents"]] == ["habits"]

    withdrawn = world.owner.do(
        operation("storefront/consent-withdraw"), consentChannel="EMAIL", purpose="news"
    )["consent"]

    assert (withdrawn["state"], withdrawn["text"]) == ("WITHDRAWN", None)
    assert [row["purpose"] for row in of_owner(world)["questions"]["consents"]] == ["habits"]


def test_refused_consents(world: World) -> None:
    """Words that were not shown, nothing that is asked, a link of nobody, an order of another."""
    world.account()
    variant = factories().make_product("40.00")
    order = bought(world, {variant: 1}, world.other)
    give, confirm = operation("storefront/consent-give"), operation("storefront/consent-confirm")

    assert world.owner.refused(give, input={**TO_NEWS, "textVersion": "v0"}) == [
        ("textVersion", "INVALID")
    ]
    assert world.owner.refused(give, input={**TO_NEWS, "purpose": "gossip"}) == [
        ("purpose", "NOT_FOUND")
    ]
    assert world.owner.refused(give, input=TO_HABITS, orderId=gid("Order", order)) == [
        ("orderId", "NOT_FOUND")
    ]
    assert ANONYMOUS.refused(confirm, token="1.x") == [("token", "INVALID")]


def test_a_refused_answer_makes_nobody_a_member(world: World) -> None:
    """Whoever answers becomes a member by it; a refusal takes that back with the rest."""
    give, news = operation("storefront/consent-give"), {**TO_NEWS, "textVersion": "v0"}

    assert world.owner.refused(give, input=news) == [("textVersion", "INVALID")]
    assert refused(world.owner, interests=["coal"]) == [("interests.0", "INVALID")]
    assert not Account.objects.exists()

    world.owner.do(give, input=TO_NEWS)
    assert Account.objects.get().user_id == int(world.owner.user.pk)


def test_an_order_asks_its_customer_and_is_no_consent(world: World) -> None:
    """The confirmation page shows what is open; the answer keeps the order it was asked on."""
    world.account()
    order = bought(world, {factories().make_product("40.00"): 1})

    answer = world.owner.ask(operation("storefront/order-questions"))

    (edge,) = answer["me"]["orders"]["edges"]
    shown = edge["node"]["retention"]
    assert shown["enrolment"] is None
    assert [row["purpose"] for row in shown["questions"]["consents"]] == ["news", "habits"]
    assert not ConsentEntry.objects.exists()

    given = world.owner.do(
        operation("storefront/consent-give"), input=TO_HABITS, orderId=gid("Order", order)
    )["consent"]

    assert (given["state"], given["source"]) == ("GIVEN", "ORDER")
    assert ConsentEntry.objects.get().order_ref == str(order.pk)


def test_an_answer_keeps_the_form_it_was_given_on(world: World) -> None:
    """Of registration, or of the customer's own order; staff's is theirs whatever they say."""
    world.account()
    variant = factories().make_product("40.00")
    own, of_another = bought(world, {variant: 1}), bought(world, {variant: 1}, world.other)
    update = operation("storefront/profile-update")
    give = operation("storefront/consent-give")
    staff_update = operation("staff/member-profile-update")

    world.owner.do(update, input={"gender": "FEMALE"}, atRegistration=True)
    world.owner.do(update, input={"interests": ["tea"]}, orderId=gid("Order", own))
    world.owner.do(update, input={"language": "en"}, atRegistration=None)
    given = world.owner.do(give, input=TO_HABITS, atRegistration=True)["consent"]
    staff("manage_users").do(staff_update, memberId=world.member_id(), input={"language": "fr"})

    assert world.owner.refused(
        update, input={"gender": "MALE"}, orderId=gid("Order", of_another)
    ) == [("orderId", "NOT_FOUND")]
    assert given["source"] == "REGISTRATION"
    assert list(ProfileEntry.objects.order_by("id").values_list("fact", "source")) == [
        ("gender", "registration"),
        ("interests", "order"),
        ("language", "storefront"),
        ("language", "staff"),
    ]


def test_who_did_not_enrol_is_reminded_on_the_order() -> None:
    """With the shop's own words and the points of joining."""
    world = open_shop(questions=QUESTIONS, enrolment="opt_in")
    bought(world, {factories().make_product("40.00"): 1})
    query = operation("storefront/order-questions")

    (edge,) = world.owner.ask(query)["me"]["orders"]["edges"]

    assert edge["node"]["retention"]["enrolment"] == {
        "text": "Members earn points with every order.",
        "needsAccount": False,
        "orders": 1,
        "welcomePoints": 100,
        "points": 0,
    }
    assert len(edge["node"]["retention"]["questions"]["consents"]) == 2

    world.owner.do(operation("storefront/enrol"), channel=world.channel)
    (edge,) = world.owner.ask(query)["me"]["orders"]["edges"]
    assert edge["node"]["retention"] is None or edge["node"]["retention"]["enrolment"] is None


def test_who_buys_again_is_led_to_membership() -> None:
    """From as many orders on as the merchant says; a canceled one is none, nor one of others."""
    words = {**QUESTIONS, "enrolment_orders": 2}
    world = open_shop(questions=words, enrolment="opt_in")
    goods = factories().make_product("40.00")
    query = operation("storefront/order-questions")

    def reminded() -> list[Any]:
        found = world.owner.ask(query, first=9)["me"]["orders"]["edges"]
        return [edge["node"]["retention"] for edge in found]

    bought(world, {goods: 1}, world.other)
    canceled = bought(world, {goods: 1})
    type(canceled).objects.filter(pk=canceled.pk).update(status="canceled")
    bought(world, {goods: 1})
    once = reminded()
    bought(world, {goods: 1})
    twice = reminded()

    assert once == [None, None]
    assert [each["enrolment"]["orders"] for each in twice] == [2, 2, 2]
    assert twice[0]["enrolment"]["text"] == "Members earn points with every order."


def test_others_learn_nothing_of_the_customer_from_an_order(world: World) -> None:
    """Staff who may see the order see its points, and not what its customer answered."""
    world.account()
    order = bought(world, {factories().make_product("40.00"): 1})
    query = (
        "query ($id: ID!) { order(id: $id) "
        "{ retention { earned enrolment { text } questions { motive } } } }"
    )

    answer = staff("manage_orders").ask(query, id=gid("Order", order))

    assert answer["order"]["retention"] == {
        "earned": 40,
        "enrolment": None,
        "questions": None,
    }


def test_staff_write_down_what_a_member_says(world: World) -> None:
    """As theirs, with their name in the log."""
    manager = staff("manage_users")
    member = {"memberId": world.member_id()}
    manager.do(operation("staff/member-profile-update"), **member, input={"gender": "MALE"})
    given = manager.do(operation("staff/member-consent-give"), **member, input=TO_HABITS)
    seen = manager.ask(operation("staff/member-profile"), id=world.member_id())["retentionMember"]
    gone = manager.do(
        operation("staff/member-consent-withdraw"),
        **member,
        consentChannel="PROFILING",
        purpose="habits",
    )

    assert seen["profile"]["gender"] == "MALE"
    assert seen["consents"] == [given["consent"]]
    assert (given["consent"]["source"], gone["consent"]["state"]) == ("STAFF", "WITHDRAWN")
    actor = f"user:{manager.user.pk}"
    assert set(ProfileEntry.objects.values_list("actor_ref", "source")) == {(actor, "staff")}
    assert set(ConsentEntry.objects.values_list("actor_ref", flat=True)) == {actor}


def test_each_fact_names_its_source_and_each_answer_stays(world: World) -> None:
    """What is known now, by where it came from; the log has what no longer holds."""
    manager = staff("manage_users")
    member = {"memberId": world.member_id()}
    began = timezone.now()
    tell(world.owner, gender="FEMALE", interests=["tea"], language="en")
    tell(world.owner, language=None)
    manager.do(operation("staff/member-profile-update"), **member, input={"gender": "MALE"})
    world.owner.do(operation("storefront/consent-give"), input=TO_HABITS)
    manager.do(
        operation("staff/member-consent-withdraw"),
        **member,
        consentChannel="PROFILING",
        purpose="habits",
    )

    own = world.owner.ask(operation("storefront/facts"), channel=world.channel)["me"]["retention"]
    page = manager.ask(operation("staff/member-facts"), id=world.member_id(), first=1)
    seen = page["retentionMember"]

    facts = own["profile"]["facts"]
    assert [(fact["name"], fact["source"]) for fact in facts] == [
        ("gender", "STAFF"),
        ("interests", "STOREFRONT"),
    ]
    times = [dt.datetime.fromisoformat(fact["at"]) for fact in facts]
    assert began < times[1] < times[0] < timezone.now()
    assert own["consentLog"]["totalCount"] == 2
    answers = [edge["node"] for edge in own["consentLog"]["edges"]]
    assert [(answer["state"], answer["source"], answer["text"]) for answer in answers] == [
        ("WITHDRAWN", "STAFF", None),
        ("GIVEN", "STOREFRONT", "Look at it."),
    ]
    assert seen["profile"]["facts"] == facts
    assert [edge["node"] for edge in seen["consentLog"]["edges"]] == answers[:1]
    following = manager.ask(
        operation("staff/member-facts"),
        id=world.member_id(),
        after=seen["consentLog"]["pageInfo"]["endCursor"],
    )["retentionMember"]["consentLog"]
    assert [edge["node"] for edge in following["edges"]] == answers[1:]


def test_the_questions_are_set_through_the_api(world: World) -> None:
    """What staff send is what they read back; what is wrong is named by its input field."""
    manager = staff("manage_discounts")
    update = operation("staff/program-update")
    fields = [{"key": "size", "label": "Size", "type": "CHOICE", "options": ["s", "l"]}]
    consents = [{"channel": "SMS", "purpose": "sales", "version": "1", "text": "Text me."}]
    manager.do(
        update,
        id=world.program_id,
        input={"rules": {"questions": {"fields": fields, "consents": consents}}},
    )

    answer = manager.ask(
        "{ retentionProgram { rules { questions { motive fields { key type options } "
        "consents { channel purpose doubleOptIn } } } } }"
    )

    questions = answer["retentionProgram"]["rules"]["questions"]
    assert questions["motive"] == "So that we can greet you."
    assert questions["fields"] == [{"key": "size", "type": "CHOICE", "options": ["s", "l"]}]
    assert questions["consents"] == [{"channel": "SMS", "purpose": "sales", "doubleOptIn": False}]
    wrong = [{"key": "size", "label": "Size", "type": "CHOICE"}]
    given = {"rules": {"questions": {"fields": wrong}}}
    assert manager.refused(update, id=world.program_id, input=given) == [
        ("rules.questions.fields.0.options", "REQUIRED")
    ]


def test_an_app_answers_for_members_only(world: World) -> None:
    """It is no customer itself."""
    robot = app("manage_users")

    assert robot.refused(operation("storefront/profile-update"), input={"gender": "MALE"}) == [
        (None, "LOGIN_REQUIRED")
    ]
    robot.do(
        operation("staff/member-profile-update"),
        memberId=world.member_id(),
        input={"gender": "MALE"},
    )
    entry = ProfileEntry.objects.get()
    assert entry.actor_ref.startswith("app:")
    assert entry.source == "staff"


def test_attributes_that_are_not_there_are_refused_by_field(world: World) -> None:
    """From Saleor 3.23 on by their place; before, all of them with the reason."""
    copies = [{"fact": "gender", "attribute": "no-such-attribute"}]

    refused = staff("manage_discounts").refused(
        operation("staff/program-update"),
        id=world.program_id,
        input={"rules": {"questions": {"attributes": copies}}},
    )

    path = "rules.questions.attributes"
    if host.current().refusal_of("customer_attributes") is None:
        assert refused == [(f"{path}.0.attribute", "NOT_FOUND")]
    else:
        assert refused == [(path, "NOT_SUPPORTED")]
