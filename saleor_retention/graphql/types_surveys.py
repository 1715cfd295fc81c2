"""Surveys: what is asked about an order, what a customer answered, and what it comes to."""

from __future__ import annotations

from typing import Any

import graphene
from django.utils import translation

from saleor_retention import host
from saleor_retention.engine.engagement import SURVEY
from saleor_retention.engine.measures.sheet import rounded
from saleor_retention.engine.questions import FieldQuestion
from saleor_retention.engine.surveys import Figures, Survey, SurveyQuestion
from saleor_retention.graphql import paging
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.order_questions import OrderAsker
from saleor_retention.graphql.dataloaders.orders import OrderPoints
from saleor_retention.graphql.dataloaders.surveys import AnswerAbout
from saleor_retention.graphql.enums_consents import RetentionFieldType
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime, Decimal
from saleor_retention.graphql.languages import reading
from saleor_retention.graphql.lookups import account_of, program_of
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_history import order_id
from saleor_retention.graphql.types_order_questions import asker
from saleor_retention.graphql.types_profile import RetentionAnswer, answer_type
from saleor_retention.graphql.types_program import Terms
from saleor_retention.models import SurveyAnswer
from saleor_retention.selectors import surveys
from saleor_retention.selectors.programs import rules_of


class RetentionSurveyQuestion(graphene.ObjectType):
    """A question of a survey."""

    key = graphene.String(description="A stable name.", required=True)
    label = graphene.String(description="What to show, in the request's language.", required=True)
    type = graphene.Field(RetentionFieldType, description="What the answer is.", required=True)
    options = graphene.List(
        graphene.NonNull(graphene.String), description="What may be chosen.", required=True
    )
    low = graphene.Int(description="The lowest rating; null of what is none.")
    high = graphene.Int(description="The highest rating; null of what is none.")
    required = graphene.Boolean(description="Whether it has to be answered.", required=True)


class RetentionSurveyAnswer(graphene.ObjectType):
    """What a customer answered about an order, or to a questionnaire without one."""

    id = graphene.ID(description="The id of these answers.", required=True)
    member_id = graphene.ID(description="Who answered.", required=True)
    order_id = graphene.ID(description="The order; null of a questionnaire without one.")
    survey = graphene.String(
        description="The questionnaire's stable name; null of an answer about an order."
    )
    answered_at = graphene.Field(DateTime, description="When it was answered.", required=True)
    answers = graphene.List(
        graphene.NonNull(RetentionAnswer),
        description="The answers, in the order of the questions as they were asked.",
        required=True,
    )
    points = graphene.Field(
        RetentionPoints, description="Points that answering brought.", required=True
    )

    @staticmethod
    def resolve_id(root: SurveyAnswer, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionSurveyAnswer", str(root.pk))

    @staticmethod
    def resolve_member_id(root: SurveyAnswer, _info: Any) -> str:
        """Return who answered."""
        return host.current().to_global_id("RetentionMember", str(root.account_id))

    @staticmethod
    def resolve_order_id(root: SurveyAnswer, _info: Any) -> str | None:
        """Return the order."""
        return order_id(root.order_ref or "")

    @staticmethod
    def resolve_survey(root: SurveyAnswer, _info: Any) -> str | None:
        """Return which questionnaire it is."""
        return root.survey or None

    @staticmethod
    def resolve_answers(root: SurveyAnswer, _info: Any) -> list[RetentionAnswer]:
        """Return the answers in the shape of the questions that were asked."""
        asked = rules_of(root.version_id).asked(root.survey)
        fields = [question.field for question in asked.questions]
        return [
            answer_type(field, root.answers[field.key])
            for field in fields
            if field.key in root.answers
        ]


class RetentionSurveyAnswerConnection(paging.Connection):
    """Answers to a survey, newest first, a page at a time."""

    class Meta:
        """Of answers."""

        node = RetentionSurveyAnswer


class RetentionOrderSurvey(graphene.ObjectType):
    """What an order's customer is asked about it, and has answered."""

    intro = graphene.String(
        description='What to show before the questions; "" for nothing.', required=True
    )
    questions = graphene.List(
        graphene.NonNull(RetentionSurveyQuestion), description="The questions.", required=True
    )
    points = graphene.Field(
        RetentionPoints,
        description="Points that answering brings, within the limits of the program.",
        required=True,
    )
    answer = graphene.Field(
        RetentionSurveyAnswer, description="What was answered; null as long as it is open."
    )


class RetentionSurveyShare(graphene.ObjectType):
    """One possible answer, and how many gave it."""

    value = graphene.String(
        description="A rating, an option, `yes` or `no`, as it is answered.", required=True
    )
    count = graphene.Int(description="How many gave it.", required=True)
    share = graphene.Field(
        Decimal,
        description="Those / all who answered the question, with six decimals.",
        required=True,
    )


class RetentionSurveyFigures(graphene.ObjectType):
    """What the answers to a question come to."""

    question = graphene.Field(RetentionSurveyQuestion, description="The question.", required=True)
    count = graphene.Int(description="How many answered it.", required=True)
    average = graphene.Field(Decimal, description="The mean of ratings; null of anything else.")
    shares = graphene.List(
        graphene.NonNull(RetentionSurveyShare),
        description="Every possible answer; none of a text, and where nobody answered.",
        required=True,
    )


class RetentionSurveySummary(graphene.ObjectType):
    """What the answers of a period come to, by the questions as they are now."""

    count = graphene.Int(
        description="For how many orders it was answered, or how often in a period.",
        required=True,
    )
    questions = graphene.List(
        graphene.NonNull(RetentionSurveyFigures), description="By question.", required=True
    )


def resolve_order_survey(info: Any, root: OrderPoints) -> Any:
    """Promise what an order's customer is asked about it; null to others and of guests."""

    def made(found: OrderAsker | None) -> Any:
        if found is None or found.user_ref is None:
            return None
        rules = Terms.of(found.program).rules
        if not rules.survey.is_on:
            return None
        rule = rules.event(SURVEY)
        points = 0 if rule is None else rule.points
        loaded = AnswerAbout.of(info).load(root.order_ref)
        return loaded.then(lambda answer: _asked(rules.survey, points, answer))

    return asker(info, root).then(made)


@discreet
def resolve_survey_answers(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of what was answered, for those who manage customers."""
    require(info, "users")
    given = arguments.pop("filter", None) or {}
    window = paging.Window.of("retentionSurveyAnswers", arguments, paging.instant, paging.row_id)
    program = program_of(program_id, "programId")
    found = surveys.answers_of(program, given.get("survey") or "").filter(
        surveys.answers_between(given.get("since"), given.get("until"))
    )
    if given.get("member") is not None:
        found = found.filter(account=account_of(given["member"], "filter.member"))
    order = paging.Order("answered_at", is_descending=True)
    return paging.page(RetentionSurveyAnswerConnection, found, order, window)


@discreet
def resolve_survey_summary(
    _root: Any,
    info: Any,
    *,
    program_id: str,
    since: Any = None,
    until: Any = None,
    survey: str | None = None,
) -> RetentionSurveySummary:
    """Return what the answers of a period come to, for those who manage customers."""
    require(info, "users")
    found = surveys.summary(program_of(program_id, "programId"), since, until, survey or "")
    return RetentionSurveySummary(
        count=found.count, questions=[_figures(figures) for figures in found.figures]
    )


def question_type(question: SurveyQuestion, label: str) -> RetentionSurveyQuestion:
    """Return a question as GraphQL gives it out, under a label."""
    field: FieldQuestion = question.field
    return RetentionSurveyQuestion(
        key=field.key,
        label=label,
        type=field.type.value,
        options=list(field.options),
        low=question.low if question.is_rating else None,
        high=question.high if question.is_rating else None,
        required=question.is_required,
    )


def _asked(survey: Survey, points: int, answer: SurveyAnswer | None) -> RetentionOrderSurvey:
    language = language_asked()
    return RetentionOrderSurvey(
        intro=survey.intro_in(language),
        questions=[question_type(each, each.label_in(language)) for each in survey.questions],
        points=points,
        answer=answer,
    )


def _figures(figures: Figures) -> RetentionSurveyFigures:
    question = figures.question
    return RetentionSurveyFigures(
        question=question_type(question, question.label_in(language_asked())),
        count=figures.count,
        average=rounded(figures.average),
        shares=[
            RetentionSurveyShare(value=each.value, count=each.count, share=rounded(each.share))
            for each in figures.shares
        ],
    )


def language_asked() -> str:
    """Return the language of the request."""
    with reading():
        return translation.get_language() or ""
