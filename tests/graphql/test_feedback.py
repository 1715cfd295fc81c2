"""Questionnaires without an order through GraphQL, as members answer and staff read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.graphql.world import ANONYMOUS, World, app, open_shop, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

FEEDBACK: dict[str, Any] = {
    "program": {
        "intro": "Tell us.",
        "questions": [
            {
                "key": "stars",
                "label": "How do you like it?",
                "labels": {"zh-hant": "滿意嗎"},
                "type": "number",
                "required": True,
            },
        ],
    },
}
GOOD = [{"key": "stars", "number": 4}]
SUBMIT = "storefront/feedback-submit"


@pytest.fixture
def world() -> World:
    """A shop that asks about its program."""
    return open_shop(feedback=FEEDBACK)


def asked(actor: Any) -> Any:
    """Return the only questionnaire of a customer."""
    (found,) = actor.ask(operation("storefront/feedback"))["me"]["retention"]["feedback"]
    return found


def test_a_member_is_asked_and_answers(world: World) -> None:
    """Once a year, in the customer's language."""
    world.account()
    before = asked(replace(world.owner, languages="zh-TW,zh;q=0.9"))

    done = world.owner.do(operation(SUBMIT), survey="program", answers=GOOD)
    again = world.owner.do(operation(SUBMIT), survey="program", answers=GOOD)

    assert (before["survey"], before["per"], before["answer"]) == ("program", "YEAR", None)
    assert [question["label"] for question in before["questions"]] == ["滿意嗎"]
    assert (done["isNew"], again["isNew"], again["answer"]) == (True, False, done["answer"])
    assert done["answer"]["survey"] == "program"
    nothing = {"text": None, "number": None, "yesNo": None, "date": None, "choices": None}
    assert asked(world.owner)["answer"]["answers"] == [nothing | {"key": "stars", "number": 4}]


def test_what_is_refused(world: World) -> None:
    """Each by its field."""
    world.account()
    world.owner.do(operation(SUBMIT), survey="program", answers=GOOD)
    other = [{"key": "stars", "number": 1}]
    for actor, survey, answers, expected in (
        (ANONYMOUS, "program", GOOD, [(None, "LOGIN_REQUIRED")]),
        (app("manage_users"), "program", GOOD, [(None, "LOGIN_REQUIRED")]),
        (world.owner, "nothing", GOOD, [("survey", "NOT_FOUND")]),
        (world.owner, "", GOOD, [("survey", "NOT_FOUND")]),
        (world.owner, "program", other, [("survey", "UNIQUE")]),
        (world.other, "program", [], [("answers.stars", "REQUIRED")]),
        (world.other, "program", [{"key": "stars", "number": 6}], [("answers.stars", "INVALID")]),
    ):
        assert actor.refused(operation(SUBMIT), survey=survey, answers=answers) == expected


def test_staff_read_the_answers_and_their_sum(world: World) -> None:
    """By the questionnaire; the survey about orders has none of them."""
    for actor, stars in ((world.owner, 5), (world.other, 4)):
        world.account(actor)
        actor.do(operation(SUBMIT), survey="program", answers=[{"key": "stars", "number": stars}])
    service = staff("manage_users")

    def page(**more: Any) -> Any:
        found = service.ask(operation("staff/survey-answers"), programId=world.program_id, **more)
        return found["retentionSurveyAnswers"]

    answered = page(filter={"survey": "program"})
    assert [edge["node"]["answers"][0]["number"] for edge in answered["edges"]] == [4, 5]
    assert {edge["node"]["survey"] for edge in answered["edges"]} == {"program"}
    assert {edge["node"]["orderId"] for edge in answered["edges"]} == {None}
    assert page()["totalCount"] == 0
    query = operation("staff/survey-summary")
    found = service.ask(query, programId=world.program_id, survey="program")
    assert found["retentionSurveySummary"]["count"] == 2
    assert found["retentionSurveySummary"]["questions"][0]["average"] == 4.5
    orders = service.ask(query, programId=world.program_id)["retentionSurveySummary"]
    assert (orders["count"], orders["questions"]) == (0, [])


def test_rules_are_set_and_read_back(world: World) -> None:
    """In typed form; a problem names the field of the input."""
    manager = staff("manage_discounts")
    feedback: list[dict[str, Any]] = [
        {
            "survey": "lost-reason",
            "per": "MONTH",
            "intro": "Hello.",
            "intros": [{"language": "de", "text": "Hallo."}],
            "questions": [{"key": "why", "label": "Why?", "type": "TEXT"}],
        }
    ]
    update = operation("staff/program-update")
    manager.do(update, id=world.program_id, input={"rules": {"feedback": feedback}})

    query = """query ($id: ID!) { retentionProgram(id: $id) { rules { feedback {
        survey per intro intros { language text } questions { key label type }
    } } } }"""
    found = manager.ask(query, id=world.program_id)["retentionProgram"]["rules"]["feedback"]
    assert found == feedback
    feedback[0]["questions"][0]["type"] = "CHOICE"
    bad = {"rules": {"feedback": feedback}}
    assert manager.refused(update, id=world.program_id, input=bad) == [
        ("rules.feedback.0.questions.0.options", "REQUIRED")
    ]
    twice = {"rules": {"feedback": feedback * 2}}
    assert ("rules.feedback.1.survey", "UNIQUE") in manager.refused(
        update, id=world.program_id, input=twice
    )
