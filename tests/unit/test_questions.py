"""What a program asks, what customers answer, and when a birthday counts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saleor_retention.engine.birthdays import counts_in, kept_on, next_counting
from saleor_retention.engine.parsing import dump_program, parse_program
from saleor_retention.engine.profiles import read_changes
from saleor_retention.engine.questions import (
    AttributeCopy,
    ConsentChannel,
    ConsentQuestion,
    FieldQuestion,
    FieldType,
    Questions,
    still_open,
)

EXPONENTS = {"USD": 2}
TODAY = dt.date(2026, 3, 10)
BASE: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}
NEWS = {
    "channel": "email",
    "purpose": "news",
    "version": "2026-01",
    "text": "Send me news by e-mail.",
    "motive": "We write once a month.",
    "double_opt_in": True,
}
ASKED = {
    "motive": "So that we can greet you.",
    "enrolment": "Members earn points.",
    "enrolment_orders": 2,
    "interests": ["coffee", "tea"],
    "fields": [
        {"key": "shoe-size", "label": "Shoe size", "type": "number"},
        {"key": "roast", "label": "Roast", "type": "choice", "options": ["dark", "light"]},
        {"key": "cups", "label": "Cups", "type": "choices", "options": ["small", "large"]},
        {"key": "since", "label": "Customer since", "type": "date"},
        {"key": "dog", "label": "A dog?", "type": "yes_no"},
        {"key": "note", "label": "Note"},
    ],
    "consents": [NEWS],
    "attributes": [
        {"fact": "birthday", "attribute": "birth-date"},
        {"fact": "gender", "attribute": "Geschlecht-ä"},
    ],
}


def questions(**changes: Any) -> Questions:
    """Return the questions that a document asks."""
    rules, problems = parse_program({**BASE, "questions": {**ASKED, **changes}}, EXPONENTS)
    assert problems == []
    assert rules is not None
    return rules.questions


def problems_of(**changes: Any) -> list[tuple[str, str, str]]:
    """Return (field, code, message) of everything wrong with a document."""
    rules, problems = parse_program({**BASE, "questions": {**ASKED, **changes}}, EXPONENTS)
    assert rules is None
    return [(problem.field, problem.code, problem.message) for problem in problems]


def test_questions_are_read_as_they_are_written() -> None:
    """Each with its type, options, motive and version."""
    found = questions()

    assert found.motive == "So that we can greet you."
    assert found.enrolment == "Members earn points."
    assert found.interests == ("coffee", "tea")
    assert found.fields[:2] == (
        FieldQuestion("shoe-size", "Shoe size", FieldType.NUMBER),
        FieldQuestion("roast", "Roast", FieldType.CHOICE, ("dark", "light")),
    )
    assert found.consents == (
        ConsentQuestion(
            ConsentChannel.EMAIL,
            "news",
            "2026-01",
            "Send me news by e-mail.",
            "We write once a month.",
            is_double=True,
        ),
    )
    assert found.attributes == (
        AttributeCopy("birthday", "birth-date"),
        AttributeCopy("gender", "Geschlecht-ä"),
    )


def test_answers_to_own_questions_are_copied_by_their_key() -> None:
    """As long as the question is asked."""
    copies = [{"fact": "custom.roast", "attribute": "roast"}]

    assert questions(attributes=copies).attributes == (AttributeCopy("custom.roast", "roast"),)
    assert problems_of(attributes=copies, fields=[])[0][:2] == (
        "questions.attributes.0.fact",
        "UNKNOWN_CHOICE",
    )


def test_questions_survive_being_written_and_read() -> None:
    """The stored document means the same; one without questions has no such section."""
    rules, _ = parse_program({**BASE, "questions": ASKED}, EXPONENTS)
    plain, _ = parse_program(BASE, EXPONENTS)
    assert rules is not None
    assert plain is not None

    again, problems = parse_program(dump_program(rules, EXPONENTS), EXPONENTS)

    assert problems == []
    assert again == rules
    assert "questions" not in dump_program(plain, EXPONENTS)


@pytest.mark.parametrize(
    ("changes", "field", "code", "message"),
    [
        (
            {"fields": [{"key": "size", "label": "Size", "type": "choice"}]},
            "questions.fields.0.options",
            "REQUIRED",
            "questions.fields.0.options is required of the type choice: what may be chosen.",
        ),
        (
            {"fields": [{"key": "size", "label": "Size", "options": ["s"]}]},
            "questions.fields.0.options",
            "NO_EFFECT",
            "questions.fields.0.options has no effect with the type text: leave it out.",
        ),
        (
            {"fields": [{"key": "size", "label": "Size"}, {"key": "size", "label": "Again"}]},
            "questions.fields.1.key",
            "DUPLICATE",
            "questions.fields.1.key is there twice: size.",
        ),
        (
            {"consents": [NEWS, NEWS]},
            "questions.consents.1.purpose",
            "DUPLICATE",
            "questions.consents.1.purpose is asked for twice by email: news.",
        ),
        (
            {"consents": [{**NEWS, "channel": "sms"}]},
            "questions.consents.0.double_opt_in",
            "NO_EFFECT",
            "questions.consents.0.double_opt_in works by e-mail only: leave it out.",
        ),
        (
            {"attributes": [{"fact": "custom.hat", "attribute": "hat"}]},
            "questions.attributes.0.fact",
            "UNKNOWN_CHOICE",
            (
                "questions.attributes.0.fact must be one of birthday, gender, interests, "
                "time_zone, language, custom.shoe-size, custom.roast, custom.cups, custom.since, "
                "custom.dog, custom.note; did you mean custom.roast?"
            ),
        ),
        (
            {
                "attributes": [
                    {"fact": "gender", "attribute": "x"},
                    {"fact": "language", "attribute": "x"},
                ]
            },
            "questions.attributes.1.attribute",
            "DUPLICATE",
            "questions.attributes.1.attribute is there twice: x.",
        ),
        (
            {"interests": ["tea", "tea"]},
            "questions.interests.1",
            "DUPLICATE",
            "questions.interests.1 is there twice: tea.",
        ),
    ],
)
def test_questions_that_make_no_sense_are_refused(
    changes: dict[str, Any], field: str, code: str, message: str
) -> None:
    """By field, with the rule that they break."""
    assert problems_of(**changes) == [(field, code, message)]


def test_a_consent_needs_its_words_and_their_version() -> None:
    """A log that says yes, and not to what, proves nothing."""
    found = problems_of(consents=[{"channel": "email", "purpose": "news"}])

    assert [(field, code) for field, code, _ in found] == [
        ("questions.consents.0.version", "REQUIRED"),
        ("questions.consents.0.text", "REQUIRED"),
    ]


def test_answers_are_typed() -> None:
    """Each fact as its question wants it; what is not named is not touched, null clears."""
    facts, problems = read_changes(
        {
            "birthday": {"month": 2, "day": 29},
            "gender": "female",
            "interests": ["tea", "coffee"],
            "language": "zh-hant",
            "time_zone": None,
            "custom": {
                "shoe-size": 42,
                "roast": "dark",
                "cups": ["large", "small"],
                "since": "2020-05-01",
                "dog": False,
                "note": None,
            },
        },
        questions(),
        TODAY,
    )

    assert problems == []
    assert facts == {
        "birthday": {"month": 2, "day": 29},
        "gender": "female",
        "interests": ["coffee", "tea"],
        "language": "zh-hant",
        "time_zone": None,
        "custom.shoe-size": 42,
        "custom.roast": "dark",
        "custom.cups": ["small", "large"],
        "custom.since": "2020-05-01",
        "custom.dog": False,
        "custom.note": None,
    }


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        (
            {"birthday": {"month": 2, "day": 30}},
            "birthday.day",
            "birthday.day must be a day of the month; it is 30.",
        ),
        (
            {"birthday": {"month": 2, "day": 29, "year": 2001}},
            "birthday.year",
            "birthday.year must make a day that was; it is 2001.",
        ),
        (
            {"birthday": {"month": 3, "day": 11, "year": 2026}},
            "birthday.year",
            "birthday.year must make a day that was; it is 2026.",
        ),
        ({"birthday": {"month": 5}}, "birthday.day", "birthday.day is required: 1 to 31."),
        (
            {"gender": "femal"},
            "gender",
            "gender must be one of female, male, other; it is 'femal'; did you mean female?",
        ),
        (
            {"interests": ["cofee"]},
            "interests.0",
            "interests.0 must be one of coffee, tea; it is 'cofee'; did you mean coffee?",
        ),
        (
            {"time_zone": "Europe/Pariss"},
            "time_zone",
            (
                "time_zone must be a time zone such as Europe/Paris; it is 'Europe/Pariss'; did "
                "you mean Europe/Paris?"
            ),
        ),
        (
            {"language": "?"},
            "language",
            "language must be a language code such as en or zh-hant; it is '?'.",
        ),
        (
            {"custom": {"roast": "medium"}},
            "custom.roast",
            "custom.roast must be one of dark, light; it is 'medium'.",
        ),
        (
            {"custom": {"shoe-size": "1.5"}},
            "custom.shoe-size",
            "custom.shoe-size must be a whole number; it is 1.5.",
        ),
        (
            {"custom": {"shoesize": 4}},
            "custom.shoesize",
            "custom.shoesize is not a field that this program asks for; did you mean shoe-size?",
        ),
        (
            {"birthdy": {}},
            "birthdy",
            "birthdy is not a known key of the profile; did you mean birthday?",
        ),
    ],
)
def test_answers_that_cannot_be_are_refused(
    changes: dict[str, Any], field: str, message: str
) -> None:
    """By field, with the rule that they break."""
    _, problems = read_changes(changes, questions(), TODAY)

    assert [(problem.field, problem.message) for problem in problems] == [(field, message)]


@pytest.mark.parametrize(
    ("answer", "is_asked"),
    [
        ({}, True),
        ({("email", "news"): "2026-01"}, False),
        ({("email", "news"): "2025-01"}, True),  # other words
        ({("email", "news"): None}, False),  # who said no is not asked again
        ({("sms", "news"): "2026-01"}, True),
    ],
)
def test_a_consent_is_asked_for_until_it_is_answered(
    answer: dict[tuple[str, str], str | None],
    is_asked: bool,  # noqa: FBT001
) -> None:
    """To the words of now."""
    found = still_open(questions(), frozenset(), answer)

    assert [consent.purpose for consent in found.questions.consents] == ["news"] * is_asked


def test_facts_are_asked_for_until_they_are_known() -> None:
    """Each by itself."""
    known = frozenset({"birthday", "interests", "custom.roast", "custom.dog"})
    found = still_open(questions(), known, {})

    assert (found.asks_birthday, found.asks_gender) == (False, True)
    assert found.questions.interests == ()
    assert [field.key for field in found.questions.fields] == [
        "shoe-size",
        "cups",
        "since",
        "note",
    ]
    assert found.questions.motive == "So that we can greet you."


def test_a_leap_birthday_is_kept_a_day_earlier_in_other_years() -> None:
    """29 February is 28 February where there is none."""
    assert kept_on(2, 29, 2027) == dt.date(2027, 2, 28)
    assert kept_on(2, 29, 2028) == dt.date(2028, 2, 29)


@pytest.mark.parametrize(
    ("known_since", "counts"),
    [
        ("2025-12-04", True),
        ("2025-12-05", True),
        ("2025-12-06", False),  # 30 days before, across the turn of the year
        ("2026-01-05", False),
        ("2026-01-06", False),
    ],
)
def test_a_birthday_counts_when_it_was_known_for_more_than_30_days(
    known_since: str,
    counts: bool,  # noqa: FBT001
) -> None:
    """Of 5 January 2026; one that was entered after it is late for that year as well."""
    since = dt.date.fromisoformat(known_since)

    assert counts_in(2026, month=1, day=5, known_since=since) is counts
    assert counts_in(2027, month=1, day=5, known_since=since)


def test_the_next_birthday_that_counts_is_today_at_the_earliest() -> None:
    """One that was entered too late is next year's."""
    since = dt.date(2026, 1, 1)

    assert next_counting(TODAY, month=3, day=10, known_since=since) == TODAY
    assert next_counting(TODAY, month=3, day=9, known_since=since) == dt.date(2027, 3, 9)
    assert next_counting(TODAY, month=3, day=20, known_since=TODAY) == dt.date(2027, 3, 20)


@pytest.mark.parametrize("orders", [0, 101, "many", True])
def test_a_reminder_waits_for_a_number_of_orders(orders: Any) -> None:
    """From 1 to 100, a whole one."""
    document = {**BASE, "questions": {"enrolment_orders": orders}}
    rules, problems = parse_program(document, EXPONENTS)

    assert (rules, [problem.field for problem in problems]) == (
        None,
        ["questions.enrolment_orders"],
    )
