"""What a storefront sends with a registration, read as far as it can be understood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from saleor_retention.engine.questions import ConsentChannel
from saleor_retention.engine.registrations import LENGTH_MAX, Agreed, Answers, read_answers

NEWS = {"channel": "email", "purpose": "news", "text_version": "v1"}


def problems_of(content: Any) -> list[tuple[str, str]]:
    """Return where the problems are and what they are."""
    text = content if isinstance(content, str) else json.dumps(content)
    return [(problem.field, problem.code) for problem in read_answers(text)[1]]


def test_everything_that_can_be_answered() -> None:
    """The profile is left to whoever knows the questions."""
    profile = {"birthday": {"month": 5, "day": 4}, "custom": {"roast": "dark"}}
    content = {"channel": "main", "enrol": True, "profile": profile, "consents": [NEWS]}

    answers, problems = read_answers(json.dumps(content))

    assert problems == []
    assert answers == Answers(
        channel="main",
        enrols=True,
        profile=profile,
        consents=(Agreed(ConsentChannel.EMAIL, "news", "v1"),),
    )


def test_nothing_has_to_be_there() -> None:
    """An empty form says nothing, and agrees to nothing."""
    assert read_answers("{}") == (Answers(), [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        '{"a": 1',
        None,
        {"enrol": True},
        "9" * 5000,
        "[" * 15_000,
        "{" + " " * LENGTH_MAX + "}",
        '{"profile": {"custom": {"note": "a\\u0000"}}}',
        '{"profile": {"custom": {"note": "\\ud800"}}}',
    ],
)
def test_what_is_no_json_that_can_be_kept(text: Any) -> None:
    """Whatever a browser sends: nothing is taken of it, and nothing is raised."""
    answers, problems = read_answers(text)

    assert answers == Answers()
    assert [problem.code for problem in problems] == ["NOT_JSON"]


def test_what_is_wrong_is_left_out_and_the_rest_kept() -> None:
    """A consent to words without a version is none; nobody is enrolled by a word."""
    content = {
        "enrol": "yes",
        "profile": ["tea"],
        "consents": [{"channel": "email", "purpose": "news"}, {**NEWS, "purpose": "sales"}, 7],
        "given": True,
    }

    answers, problems = read_answers(json.dumps(content))

    assert answers == Answers(consents=(Agreed(ConsentChannel.EMAIL, "sales", "v1"),))
    assert {problem.field for problem in problems} >= {
        "enrol",
        "profile",
        "consents.0.text_version",
        "consents.2",
        "given",
    }


def test_a_list_is_no_form() -> None:
    """It is said once."""
    assert problems_of([NEWS]) == [("", "NOT_A_MAPPING")]
    assert problems_of("7") == [("", "NOT_A_MAPPING")]
    assert problems_of("null") == []


def test_an_emoji_is_text_like_any_other() -> None:
    """Its two halves may be spelt apart in JSON; together they are a character."""
    answers, problems = read_answers('{"profile": {"custom": {"note": "\\ud83d\\ude00"}}}')

    assert problems == []
    assert answers.profile == {"custom": {"note": "\U0001f600"}}
