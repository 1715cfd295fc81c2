"""Questionnaires without an order: what a member is asked now, and has answered."""

from __future__ import annotations

import datetime as dt
from typing import Any

import graphene

from saleor_retention.engine.feedback import Feedback, period_of
from saleor_retention.engine.periods import local_date
from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.feedback import FeedbackOf
from saleor_retention.graphql.dataloaders.programs import ProgramById
from saleor_retention.graphql.enums_feedback import RetentionFeedbackPer
from saleor_retention.graphql.types_program import Terms
from saleor_retention.graphql.types_surveys import (
    RetentionSurveyAnswer,
    RetentionSurveyQuestion,
    language_asked,
    question_type,
)
from saleor_retention.models import Account, Program, SurveyAnswer


class RetentionFeedback(graphene.ObjectType):
    """What a member is asked without an order, and has answered in this period."""

    survey = graphene.String(description="The questionnaire's stable name.", required=True)
    intro = graphene.String(
        description='What to show before the questions; "" for nothing.', required=True
    )
    questions = graphene.List(
        graphene.NonNull(RetentionSurveyQuestion), description="The questions.", required=True
    )
    per = RetentionFeedbackPer(description="How often it may be answered.", required=True)
    answer = graphene.Field(
        RetentionSurveyAnswer,
        description="What was answered in this period; null as long as it is open.",
    )


def resolve_feedback(info: Any, account: Account) -> Any:
    """Promise what a member is asked without an order."""

    def made(program: Program) -> Any:
        rules = Terms.of(program).rules
        if not rules.feedback:
            return []
        today = local_date(moment(info), rules.time_zone)
        loaded = FeedbackOf.of(info).load(account.pk)
        return loaded.then(lambda answers: _all(rules.feedback, answers or [], today))

    return ProgramById.of(info).load(account.program_id).then(made)


def _all(
    feedback: tuple[Feedback, ...], answers: list[SurveyAnswer], today: dt.date
) -> list[RetentionFeedback]:
    given = {(answer.survey, answer.period): answer for answer in answers}
    language = language_asked()
    return [
        RetentionFeedback(
            survey=each.slug,
            intro=each.survey.intro_in(language),
            questions=[question_type(one, one.label_in(language)) for one in each.survey.questions],
            per=each.per.value,
            answer=given.get((each.slug, period_of(each.per, today))),
        )
        for each in feedback
    ]
