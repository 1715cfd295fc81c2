"""Questionnaires without an order: read, written back, and their periods."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saleor_retention.engine.feedback import Feedback, Per, period_of
from saleor_retention.engine.parsing import dump_program, parse_program
from saleor_retention.engine.questions import FieldQuestion, FieldType
from saleor_retention.engine.surveys import NO_SURVEY, Survey, SurveyQuestion
from tests.unit.builders import EXPONENTS

BASE: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}
STARS = {"key": "stars", "label": "How is it?", "type": "number"}
ASKED: dict[str, Any] = {
    "program": {"intro": "Tell us.", "questions": [STARS], "per": "quarter"},
    "lost-reason": {"questions": [{"key": "why", "label": "Why?"}]},
}


def problems_of(feedback: Any) -> list[tuple[str, str]]:
    """Return what is wrong, by field and code."""
    _rules, problems = parse_program({**BASE, "feedback": feedback}, EXPONENTS)
    return [(problem.field, problem.code) for problem in problems]


def test_each_has_a_name_questions_and_a_period() -> None:
    """Once a year where nothing is said; written as it is read."""
    rules, problems = parse_program({**BASE, "feedback": ASKED}, EXPONENTS)

    assert (problems, rules is not None) == ([], True)
    assert rules is not None
    stars = SurveyQuestion(FieldQuestion("stars", "How is it?", FieldType.NUMBER))
    why = SurveyQuestion(FieldQuestion("why", "Why?"))
    assert rules.feedback == (
        Feedback("lost-reason", Survey(questions=(why,)), Per.YEAR),
        Feedback("program", Survey("Tell us.", questions=(stars,)), Per.QUARTER),
    )
    assert rules.asked("program") == rules.feedback[1].survey
    assert (rules.asked(""), rules.asked("other")) == (NO_SURVEY, NO_SURVEY)
    again, _problems = parse_program(dump_program(rules, EXPONENTS), EXPONENTS)
    assert again == rules


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ({"Lost Reason": {"questions": [STARS]}}, [("feedback.Lost Reason", "NOT_A_SLUG")]),
        ({"program": {}}, [("feedback.program.questions", "REQUIRED")]),
        (
            {"program": {"questions": [STARS], "per": "week"}},
            [("feedback.program.per", "UNKNOWN_CHOICE")],
        ),
        (
            {"program": {"questions": [{"key": "a", "label": "A", "type": "choice"}]}},
            [("feedback.program.questions.0.options", "REQUIRED")],
        ),
        (
            {"program": {"questions": [STARS], "order": 1}},
            [("feedback.program.order", "UNKNOWN_KEY")],
        ),
        ({f"q{n}": {"questions": [STARS]} for n in range(11)}, [("feedback", "TOO_MANY")]),
        (["program"], [("feedback", "NOT_A_MAPPING")]),
    ],
)
def test_what_is_refused(feedback: Any, expected: list[tuple[str, str]]) -> None:
    """Each by its field."""
    assert problems_of(feedback) == expected


def test_periods_follow_the_calendar() -> None:
    """The first and last days of each."""
    days = (dt.date(2026, 1, 1), dt.date(2026, 3, 31), dt.date(2026, 4, 1), dt.date(2027, 1, 1))

    assert [period_of(Per.QUARTER, day) for day in days] == [
        "2026-q1",
        "2026-q1",
        "2026-q2",
        "2027-q1",
    ]
    assert [period_of(Per.MONTH, day) for day in days] == [
        "2026-01",
        "2026-03",
        "2026-04",
        "2027-01",
    ]
    assert {period_of(Per.EVER, day) for day in days} == {"ever"}
