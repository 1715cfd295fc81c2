"""Surveys about orders through GraphQL, as customers answer them and staff read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.models import SurveyAnswer
from tests.factories.current import factories
from tests.graphql.world import ANONYMOUS, World, app, bought, gid, open_shop, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

SURVEY: dict[str, Any] = {
    "intro": "Two minutes.",
    "intros": {"zh-hant": "兩分鐘。"},
    "questions": [
        {
            "key": "stars",
            "label": "How was it?",
            "labels": {"zh-hant": "滿意嗎"},
            "type": "number",
            "required": True,
        },
        {"key": "found", "label": "Found by", "type": "choice", "options": ["friend", "ad"]},
        {"key": "more", "label": "Anything else?"},
    ],
}
GOOD = [
    {"key": "stars", "number": 5},
    {"key": "found", "choices": ["ad"]},
    {"key": "more", "text": "Thank you"},
]
SUBMIT = "storefront/survey-submit"


@pytest.fixture
def world() -> World:
    """A shop that asks about orders."""
    return open_shop(survey=SURVEY, events={"survey": {"points": 20}}, welcome_points=0)


def order_of(world: World, actor: Any = None) -> Any:
    """Return a customer's paid order."""
    return bought(world, {factories().make_product("30.00"): 1}, actor)


def asked(actor: Any) -> Any:
    """Return what a customer is asked about the only order."""
    (edge,) = actor.ask(operation("storefront/survey"))["me"]["orders"]["edges"]
    return edge["node"]["retention"]["survey"]


def test_a_customer_is_asked_and_answers(world: World) -> None:
    """From the questions to the points; once."""
    world.account()
    order = order_of(world)
    before = asked(world.owner)

    given = {"orderId": gid("Order", order), "answers": GOOD}
    done = world.owner.do(operation(SUBMIT), **given)
    again = world.owner.do(operation(SUBMIT), **given)

    assert (before["intro"], before["points"], before["answer"]) == ("Two minutes.", 20, None)
    assert before["questions"][:2] == [
        {
            "key": "stars",
            "label": "How was it?",
            "type": "NUMBER",
            "options": [],
            "low": 1,
            "high": 5,
            "required": True,
        },
        {
            "key": "found",
            "label": "Found by",
            "type": "CHOICE",
            "options": ["friend", "ad"],
            "low": None,
            "high": None,
            "required": False,
        },
    ]
    assert (done["isNew"], again["isNew"], again["answer"]) == (True, False, done["answer"])
    assert (done["answer"]["orderId"], done["answer"]["points"]) == (gid("Order", order), 20)
    assert done["member"]["balance"] == {"available": 50}
    nothing = {"text": None, "number": None, "yesNo": None, "date": None, "choices": None}
    assert asked(world.owner)["answer"]["answers"] == [
        nothing | {"key": "stars", "number": 5},
        nothing | {"key": "found", "choices": ["ad"]},
        nothing | {"key": "more", "text": "Thank you"},
    ]
    other_answers = given | {"answers": [{"key": "stars", "number": 1}]}
    assert world.owner.refused(operation(SUBMIT), **other_answers) == [("orderId", "UNIQUE")]


def test_questions_are_in_the_customers_language(world: World) -> None:
    """As far as they have words in it."""
    world.account()
    order_of(world)

    found = asked(replace(world.owner, languages="zh-TW,zh;q=0.9"))

    assert found["intro"] == "兩分鐘。"
    assert [question["label"] for question in found["questions"]] == [
        "滿意嗎",
        "Found by",
        "Anything else?",
    ]


def test_what_is_refused(world: World) -> None:
    """Each by its field; an order of somebody else looks like none."""
    world.account()
    world.account(world.other)
    order = gid("Order", order_of(world))
    for actor, order_id, answers, expected in (
        (ANONYMOUS, order, GOOD, [(None, "LOGIN_REQUIRED")]),
        (app("manage_users"), order, GOOD, [(None, "LOGIN_REQUIRED")]),
        (world.other, order, GOOD, [("orderId", "NOT_FOUND")]),
        (world.other, "nothing", GOOD, [("orderId", "NOT_FOUND")]),
        (world.owner, world.program_id, GOOD, [("orderId", "NOT_FOUND")]),
        (world.owner, order, [], [("answers.stars", "REQUIRED")]),
        (world.owner, order, [{"key": "stars", "number": 6}], [("answers.stars", "INVALID")]),
        (world.owner, order, [{"key": "stars", "text": "5 stars"}], [("answers.stars", "INVALID")]),
        (
            world.owner,
            order,
            [{"key": "stars", "number": 5}, {"key": "found", "choices": ["friend", "ad"]}],
            [("answers.found", "INVALID")],
        ),
    ):
        assert actor.refused(operation(SUBMIT), orderId=order_id, answers=answers) == expected


def test_staff_read_answers_page_by_page_and_their_sum(world: World) -> None:
    """Newest first, of a member, of a period, with what they come to."""
    for actor, stars in ((world.owner, 5), (world.other, 4), (world.owner, 4)):
        world.account(actor)
        answers = [{"key": "stars", "number": stars}, {"key": "found", "choices": ["ad"]}]
        order = gid("Order", order_of(world, actor))
        actor.do(operation(SUBMIT), orderId=order, answers=answers)
    service = staff("manage_users")

    def page(**more: Any) -> Any:
        query = operation("staff/survey-answers")
        return service.ask(query, programId=world.program_id, **more)["retentionSurveyAnswers"]

    first = page(first=2)
    second = page(first=2, after=first["pageInfo"]["endCursor"])
    newest = SurveyAnswer.objects.order_by("-pk").first()
    assert newest is not None
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    shown = [edge["node"] for edge in first["edges"] + second["edges"]]
    assert [node["answers"][0]["number"] for node in shown] == [4, 4, 5]
    assert shown[0]["id"] == gid("RetentionSurveyAnswer", newest)
    assert shown[1]["memberId"] == world.member_id(world.other)
    assert page(filter={"member": world.member_id()})["totalCount"] == 2
    assert page(filter={"until": newest.answered_at.isoformat()})["totalCount"] == 2
    assert page(filter={"since": newest.answered_at.isoformat()})["totalCount"] == 1

    query = operation("staff/survey-summary")
    found = service.ask(query, programId=world.program_id)["retentionSurveySummary"]
    stars, by, more = found["questions"]
    assert (found["count"], stars["count"], stars["average"]) == (3, 3, 4.333333)
    assert stars["shares"][3:] == [
        {"value": "4", "count": 2, "share": 0.666667},
        {"value": "5", "count": 1, "share": 0.333333},
    ]
    assert by["shares"] == [
        {"value": "friend", "count": 0, "share": 0.0},
        {"value": "ad", "count": 3, "share": 1.0},
    ]
    assert (more["count"], more["average"], more["shares"]) == (0, None, [])
    nothing = service.ask(query, programId=world.program_id, since=timezone.now().isoformat())
    assert nothing["retentionSurveySummary"]["count"] == 0


def test_rules_are_set_and_read_back(world: World) -> None:
    """In typed form; a problem names the field of the input."""
    manager = staff("manage_discounts")
    survey: dict[str, Any] = {
        "intro": "Hello.",
        "intros": [{"language": "de", "text": "Hallo."}],
        "questions": [
            {
                "key": "advise",
                "label": "Advise us?",
                "labels": [{"language": "de", "text": "Empfehlen?"}],
                "type": "NUMBER",
                "low": 0,
                "high": 10,
                "required": True,
            }
        ],
    }
    update = operation("staff/program-update")
    manager.do(update, id=world.program_id, input={"rules": {"survey": survey}})

    query = """query ($id: ID!) { retentionProgram(id: $id) { rules { survey {
        intro intros { language text }
        questions { key label labels { language text } type options low high required }
    } } } }"""
    found = manager.ask(query, id=world.program_id)["retentionProgram"]["rules"]["survey"]
    survey["questions"][0]["options"] = []
    assert found == survey
    survey["questions"] = [{"key": "advise", "label": "Advise us?", "type": "CHOICE"}]
    bad = {"rules": {"survey": survey}}
    assert manager.refused(update, id=world.program_id, input=bad) == [
        ("rules.survey.questions.0.options", "REQUIRED")
    ]
