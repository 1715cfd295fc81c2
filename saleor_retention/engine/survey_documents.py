"""Reads and writes the survey of a program: the section ``survey`` of a rules document."""

from __future__ import annotations

import re
from typing import Any

from saleor_retention.engine.fields import Fields, shown
from saleor_retention.engine.question_documents import (
    MOTIVE_LENGTH_MAX,
    field_document,
    read_field,
)
from saleor_retention.engine.questions import FieldType
from saleor_retention.engine.surveys import Survey, SurveyQuestion, Words

QUESTIONS_MAX = 20
LANGUAGES_MAX = 30
SCALE_MAX = 10

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*\Z")


def read_survey(top: Fields) -> Survey:
    """Read the section ``survey`` of a rules document; problems are noted."""
    section = top.section("survey")
    survey = read_content(section)
    if (survey.intro or survey.intros) and not survey.questions and section.is_clean("questions"):
        section.note("questions", "REQUIRED", "is required: what is asked about an order.")
    section.close()
    return survey


def read_content(section: Fields) -> Survey:
    """Read what is asked from the mapping that has it; whose it is closes it."""
    return Survey(
        intro=section.text("intro", MOTIVE_LENGTH_MAX),
        intros=_words(section, "intros"),
        questions=tuple(_questions(section)),
    )


def survey_document(survey: Survey) -> dict[str, Any]:
    """Return the section that ``read_survey`` reads an equal survey from."""
    document: dict[str, Any] = {"questions": [_document(each) for each in survey.questions]}
    if survey.intro:
        document["intro"] = survey.intro
    if survey.intros:
        document["intros"] = dict(survey.intros)
    return document


def _questions(section: Fields) -> list[SurveyQuestion]:
    found: list[SurveyQuestion] = []
    for index, item in enumerate(section.rows("questions", QUESTIONS_MAX)):
        fields = Fields(item, section.at(f"questions.{index}"), section.problems)
        field = read_field(fields, {question.key for question in found})
        low, high = _scale(fields, is_rating=field.type is FieldType.NUMBER)
        question = SurveyQuestion(
            field=field,
            low=low,
            high=high,
            is_required=fields.flag("required", default=False),
            labels=_words(fields, "labels"),
        )
        fields.close()
        found.append(question)
    return found


def _scale(fields: Fields, *, is_rating: bool) -> tuple[int, int]:
    low = fields.whole("low", 1, high=SCALE_MAX)
    high = fields.whole("high", 5, low=1, high=SCALE_MAX)
    for key in ("low", "high"):
        if fields.has(key) and not is_rating and fields.is_clean("type"):
            rule = f"goes with the type {FieldType.NUMBER.value} alone: leave it out."
            fields.note(key, "NO_EFFECT", rule)
    if low >= high and fields.is_clean("low") and fields.is_clean("high"):
        fields.note("high", "TOO_SMALL", f"must be more than {low}, the lowest; it is {high}.")
    return low, high


def _words(fields: Fields, key: str) -> Words:
    entries = fields.keyed(key)
    if len(entries) > LANGUAGES_MAX:
        rule = f"must have at most {LANGUAGES_MAX} languages; it has {len(entries)}."
        fields.note(key, "TOO_MANY", rule, max=LANGUAGES_MAX)
        return ()
    found: list[tuple[str, str]] = []
    for language, text in entries:
        if not _LANGUAGE.match(language):
            rule = f"must be a language code such as en or zh-hant; it is {shown(language)}."
            fields.note(f"{key}.{language}", "NOT_A_LANGUAGE", rule)
        words = fields.text_of(f"{key}.{language}", text, MOTIVE_LENGTH_MAX)
        found += [(language, words)] if words else []
    return tuple(sorted(found))


def _document(question: SurveyQuestion) -> dict[str, Any]:
    document = field_document(question.field)
    if question.is_rating:
        document |= {"low": question.low, "high": question.high}
    if question.is_required:
        document["required"] = True
    if question.labels:
        document["labels"] = dict(question.labels)
    return document
