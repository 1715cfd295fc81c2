"""Reads and writes the section ``feedback`` of a rules document: questionnaires by their slug."""

from __future__ import annotations

from typing import Any

from saleor_retention.engine.feedback import Feedback, Per
from saleor_retention.engine.fields import Fields
from saleor_retention.engine.question_documents import KEY_LENGTH_MAX
from saleor_retention.engine.survey_documents import read_content, survey_document

FEEDBACK_MAX = 10


def read_feedback(top: Fields) -> tuple[Feedback, ...]:
    """Read the section ``feedback`` of a rules document, by slug; problems are noted."""
    entries = top.keyed("feedback")
    if len(entries) > FEEDBACK_MAX:
        rule = f"must have at most {FEEDBACK_MAX} questionnaires; it has {len(entries)}."
        top.note("feedback", "TOO_MANY", rule, max=FEEDBACK_MAX)
        return ()
    return tuple(sorted((_feedback(top, *entry) for entry in entries), key=lambda one: one.slug))


def feedback_document(feedback: tuple[Feedback, ...]) -> dict[str, Any]:
    """Return the section that ``read_feedback`` reads equal questionnaires from."""
    return {each.slug: {"per": each.per.value, **survey_document(each.survey)} for each in feedback}


def _feedback(top: Fields, slug: str, value: Any) -> Feedback:
    path = f"feedback.{slug}"
    top.slug_of(path, slug, KEY_LENGTH_MAX)
    fields = Fields(value, top.at(path), top.problems)
    per = fields.choice("per", Per.YEAR)
    survey = read_content(fields)
    if not survey.is_on and fields.is_clean("questions"):
        fields.note("questions", "REQUIRED", "is required: what is asked.")
    fields.close()
    return Feedback(slug, survey, per)
