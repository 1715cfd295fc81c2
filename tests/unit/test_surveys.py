"""Surveys about orders: read, written, answered, and summed up."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from saleor_retention.engine.parsing import dump_program, parse_program
from saleor_retention.engine.phrases import render
from saleor_retention.engine.questions import FieldQuestion, FieldType
from saleor_retention.engine.sentences import sentences
from saleor_retention.engine.survey_answers import read_answers
from saleor_retention.engine.surveys import NO_SURVEY, Survey, SurveyQuestion, figures_of
from tests.unit.builders import EXPONENTS

BASE: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}
STARS = {"key": "stars", "label": "How was it?", "type": "number", "required": True}
ASKED: dict[str, Any] = {
    "intro": "Two minutes.",
    "intros": {"zh-hant": "兩分鐘。"},
    "questions": [
        STARS | {"labels": {"zh-hant": "滿意嗎", "de": "Wie war es?"}},
        {"key": "advise", "label": "Advise us?", "type": "number", "low": 0, "high": 10},
        {"key": "found", "label": "Found us by", "type": "choice", "options": ["friend", "ad"]},
        {"key": "likes", "label": "Likes", "type": "choices", "options": ["taste", "price"]},
        {"key": "again", "label": "Again?", "type": "yes_no"},
        {"key": "more", "label": "Anything else?"},
    ],
}


def survey_of(**changes: Any) -> Survey:
    """Return the survey that a document asks."""
    rules, problems = parse_program({**BASE, "survey": {**ASKED, **changes}}, EXPONENTS)
    assert problems == []
    assert rules is not None
    return rules.survey


def test_a_survey_is_read_with_its_scales_and_languages() -> None:
    """A rating is from 1 to 5 unless said; words are those of the language, else the plain ones."""
    survey = survey_of()

    assert survey.questions[:2] == (
        SurveyQuestion(
            FieldQuestion("stars", "How was it?", FieldType.NUMBER),
            is_required=True,
            labels=(("de", "Wie war es?"), ("zh-hant", "滿意嗎")),
        ),
        SurveyQuestion(FieldQuestion("advise", "Advise us?", FieldType.NUMBER), low=0, high=10),
    )
    assert survey.questions[0].label_in("de-at") == "Wie war es?"
    assert survey.questions[0].label_in("fr") == "How was it?"
    assert (survey.intro_in("zh-hant"), survey.intro_in("")) == ("兩分鐘。", "Two minutes.")


def test_a_survey_survives_being_written_and_read() -> None:
    """A program without one has no such section."""
    rules, _ = parse_program({**BASE, "survey": ASKED}, EXPONENTS)
    plain, _ = parse_program(BASE, EXPONENTS)

    assert rules is not None
    assert plain is not None
    assert parse_program(dump_program(rules, EXPONENTS), EXPONENTS) == (rules, [])
    assert plain.survey == NO_SURVEY
    assert "survey" not in dump_program(plain, EXPONENTS)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"questions": []}, "survey.questions", "REQUIRED"),
        ({"questions": [STARS, STARS]}, "survey.questions.1.key", "DUPLICATE"),
        ({"questions": [STARS | {"low": 5}]}, "survey.questions.0.high", "TOO_SMALL"),
        ({"questions": [STARS | {"high": 11}]}, "survey.questions.0.high", "TOO_LARGE"),
        (
            {"questions": [{"key": "a", "label": "A", "low": 1}]},
            "survey.questions.0.low",
            "NO_EFFECT",
        ),
        (
            {"questions": [{"key": "a", "label": "A", "type": "choice"}]},
            "survey.questions.0.options",
            "REQUIRED",
        ),
        (
            {"questions": [STARS | {"labels": {"zh_TW": "x"}}]},
            "survey.questions.0.labels.zh_TW",
            "NOT_A_LANGUAGE",
        ),
        ({"questions": [STARS] * 21}, "survey.questions", "TOO_MANY"),
        ({"question": []}, "survey.question", "UNKNOWN_KEY"),
    ],
)
def test_what_cannot_be_asked_is_named_by_its_field(
    changes: dict[str, Any], field: str, code: str
) -> None:
    """Each problem once."""
    rules, problems = parse_program({**BASE, "survey": {**ASKED, **changes}}, EXPONENTS)

    assert rules is None
    assert [(problem.field, problem.code) for problem in problems] == [(field, code)]


def test_answers_are_read_by_their_questions() -> None:
    """Options in the order of the question; what is empty was not answered."""
    given = {
        "stars": 4,
        "advise": 0,
        "found": "ad",
        "likes": ["price", "taste"],
        "again": False,
        "more": None,
    }

    answers, problems = read_answers(given, survey_of())

    assert problems == []
    assert answers == {
        "stars": 4,
        "advise": 0,
        "found": "ad",
        "likes": ["taste", "price"],
        "again": False,
    }


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({}, "answers.stars", "REQUIRED"),
        ({"stars": 6}, "answers.stars", "TOO_LARGE"),
        ({"stars": 0}, "answers.stars", "TOO_SMALL"),
        ({"stars": "many"}, "answers.stars", "NOT_A_NUMBER"),
        ({"stars": 5, "found": "radio"}, "answers.found", "UNKNOWN_CHOICE"),
        ({"stars": 5, "likes": ["smell"]}, "answers.likes.0", "UNKNOWN_CHOICE"),
        ({"stars": 5, "more": "x" * 2001}, "answers.more", "TOO_LONG"),
        ({"stars": 5, "star": 5}, "answers.star", "UNKNOWN_KEY"),
    ],
)
def test_what_is_no_answer_is_named(given: dict[str, Any], field: str, code: str) -> None:
    """By its question."""
    _answers, problems = read_answers(given, survey_of())

    assert [(problem.field, problem.code) for problem in problems] == [(field, code)]


def test_something_has_to_be_answered() -> None:
    """Also where no question is required."""
    survey = survey_of(questions=[{"key": "more", "label": "More?"}])

    assert [problem.field for problem in read_answers({}, survey)[1]] == ["answers"]
    assert [problem.field for problem in read_answers({"more": None}, survey)[1]] == ["answers"]


def test_ratings_have_an_average_and_shares() -> None:
    """Exact; what the scale does not have any more is left out."""
    question = survey_of().questions[0]

    figures = figures_of(question, [(5, 3), (2, 1), (9, 7), ("5", 1), (True, 1)])

    assert (figures.count, figures.average) == (4, Fraction(17, 4))
    assert [(each.value, each.count, each.share) for each in figures.shares] == [
        ("1", 0, 0),
        ("2", 1, Fraction(1, 4)),
        ("3", 0, 0),
        ("4", 0, 0),
        ("5", 3, Fraction(3, 4)),
    ]


def test_choices_have_shares_of_those_who_answered() -> None:
    """Who chose two counts once in each; an option that went is left out."""
    _stars, _advise, found, likes, again, more = survey_of().questions

    one = figures_of(found, [("ad", 1), ("friend", 2), ("radio", 5)])
    several = figures_of(likes, [(["taste"], 1), (["taste", "price"], 2), (["smell"], 9)])
    asked_again = figures_of(again, [(True, 3), (False, 1)])
    typed = figures_of(more, [(None, 6)])

    assert [(each.value, each.count) for each in one.shares] == [("friend", 2), ("ad", 1)]
    assert (several.count, [each.share for each in several.shares]) == (3, [1, Fraction(2, 3)])
    assert [(each.value, each.share) for each in asked_again.shares] == [
        ("yes", Fraction(3, 4)),
        ("no", Fraction(1, 4)),
    ]
    assert (typed.count, typed.average, typed.shares) == (6, None, ())
    assert figures_of(found, []).shares == ()


def test_points_for_answering_are_told() -> None:
    """As a rule of the program."""
    rules, _ = parse_program({**BASE, "events": {"survey": {"points": 20}}}, EXPONENTS)

    assert rules is not None
    told = [render(sentence) for sentence in sentences(rules, EXPONENTS)]
    assert "Answering the survey about an order earns 20 points." in told
