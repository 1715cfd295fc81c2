"""Checks what a customer answers to the survey about an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saleor_retention.engine.fields import Fields
from saleor_retention.engine.profiles import read_answer
from saleor_retention.engine.questions import FieldType
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.engine.surveys import Survey, SurveyQuestion

TEXT_LENGTH_MAX = 2000
ANSWERS = "answers"


def read_answers(
    given: Mapping[str, Any], survey: Survey
) -> tuple[dict[str, Any], list[RuleProblem]]:
    """Return the answers by key, as JSON holds them, and every problem found in them.

    A question may be left out where the survey does not require it, but not all of them.
    """
    problems: list[RuleProblem] = []
    top = Fields(given, ANSWERS, problems)
    answers: dict[str, Any] = {}
    for question in survey.questions:
        answer = _answer(top, question) if top.has(question.key) else None
        if answer not in (None, "", []):
            answers[question.key] = answer
        elif question.is_required and top.is_clean(question.key):
            top.note(question.key, "REQUIRED", f"is required: {question.field.label}")
    top.close()
    if not answers and not problems:
        problems.append(RuleProblem(ANSWERS, "REQUIRED", f"{ANSWERS} must answer something."))
    return answers, problems


def _answer(top: Fields, question: SurveyQuestion) -> Any:
    match question.field.type:
        case FieldType.TEXT:
            return top.text(question.key, TEXT_LENGTH_MAX)
        case FieldType.NUMBER:
            low, high = question.low, question.high
            number = top.whole(question.key, low, low=low, high=high)
            return number if top.is_clean(question.key) else None
        case _:
            return read_answer(top, question.key, question.field, _single(top, question))


def _single(top: Fields, question: SurveyQuestion) -> Any:
    """Return what is given; the one option that is chosen may come in a list of its own."""
    value = top.take(question.key)
    is_one = question.field.type is FieldType.CHOICE and isinstance(value, list | tuple)
    return value[0] if is_one and len(value) == 1 else value
