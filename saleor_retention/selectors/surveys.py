"""What customers answered to the survey of a program, and what it comes to."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from saleor_retention.engine.questions import FieldType
from saleor_retention.engine.surveys import Figures, figures_of
from saleor_retention.models import Program, SurveyAnswer
from saleor_retention.selectors.programs import rules_of

COUNTED = """
SELECT entry.key, entry.value, count(*)
FROM saleor_retention_surveyanswer AS answer
CROSS JOIN LATERAL (
    SELECT key, CASE WHEN key = ANY(%(free)s::text[]) THEN 'null' ELSE value::text END AS value
    FROM jsonb_each(answer.answers)
) AS entry
WHERE answer.program_id = %(program_id)s AND answer.survey = %(survey)s
  AND (%(since)s::timestamptz IS NULL OR answer.answered_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR answer.answered_at < %(until)s)
GROUP BY entry.key, entry.value
"""
"""How many gave each answer to each question; what was typed freely is one and the same."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How many answered, and what the answers come to, question by question."""

    count: int
    figures: tuple[Figures, ...]


def answers_between(since: dt.datetime | None, until: dt.datetime | None) -> Q:
    """Return the condition on answers given from an instant on and before another."""
    condition = Q()
    if since is not None:
        condition &= Q(answered_at__gte=since)
    if until is not None:
        condition &= Q(answered_at__lt=until)
    return condition


def answers_of(program: Program, survey: str = "") -> QuerySet[SurveyAnswer]:
    """Return the answers to a program's survey about orders, or to one of its questionnaires."""
    return SurveyAnswer.objects.filter(program=program, survey=survey)


def summary(
    program: Program,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    survey: str = "",
) -> Summary:
    """Return what the answers of a period come to, by the questions as they are now.

    Two statements. ``engine.surveys.figures_of`` has the definitions; nothing is rounded here.
    """
    asked = rules_of(program.current_version_id).asked(survey)
    free = [
        question.key
        for question in asked.questions
        if question.field.type in (FieldType.TEXT, FieldType.DATE)
    ]
    counted: dict[str, list[tuple[Any, int]]] = defaultdict(list)
    parameters = {
        "program_id": program.pk,
        "survey": survey,
        "free": free,
        "since": since,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, parameters)
        for key, value, count in cursor.fetchall():
            counted[key].append((json.loads(value), count))
    return Summary(
        count=answers_of(program, survey).filter(answers_between(since, until)).count(),
        figures=tuple(figures_of(each, counted[each.key]) for each in asked.questions),
    )
