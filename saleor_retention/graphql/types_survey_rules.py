"""A program's surveys as staff set them, with its words in every language."""

from __future__ import annotations

import graphene

from saleor_retention.engine.feedback import Feedback
from saleor_retention.engine.surveys import Survey, SurveyQuestion, Words
from saleor_retention.graphql.enums_consents import RetentionFieldType
from saleor_retention.graphql.enums_feedback import RetentionFeedbackPer


class RetentionWords(graphene.ObjectType):
    """A text in one language."""

    language = graphene.String(description="Such as en or zh-hant.", required=True)
    text = graphene.String(description="The text.", required=True)


class RetentionSurveyQuestionRules(graphene.ObjectType):
    """A question of a survey, as it is set."""

    key = graphene.String(description="A stable name.", required=True)
    label = graphene.String(description="What customers read.", required=True)
    labels = graphene.List(
        graphene.NonNull(RetentionWords),
        description="What they read in other languages.",
        required=True,
    )
    type = graphene.Field(RetentionFieldType, description="What the answer is.", required=True)
    options = graphene.List(
        graphene.NonNull(graphene.String), description="What may be chosen.", required=True
    )
    low = graphene.Int(description="The lowest rating; null of what is none.")
    high = graphene.Int(description="The highest rating; null of what is none.")
    required = graphene.Boolean(description="Whether it has to be answered.", required=True)


class RetentionSurveyRules(graphene.ObjectType):
    """What is asked about an order; without a question nothing is."""

    intro = graphene.String(description="What stands before the questions.", required=True)
    intros = graphene.List(
        graphene.NonNull(RetentionWords),
        description="The same in other languages.",
        required=True,
    )
    questions = graphene.List(
        graphene.NonNull(RetentionSurveyQuestionRules),
        description="The questions.",
        required=True,
    )


class RetentionFeedbackRules(graphene.ObjectType):
    """A questionnaire without an order, as it is set."""

    survey = graphene.String(description="A stable name.", required=True)
    per = RetentionFeedbackPer(description="How often it may be answered.", required=True)
    intro = graphene.String(description="What stands before the questions.", required=True)
    intros = graphene.List(
        graphene.NonNull(RetentionWords),
        description="The same in other languages.",
        required=True,
    )
    questions = graphene.List(
        graphene.NonNull(RetentionSurveyQuestionRules),
        description="The questions.",
        required=True,
    )


def survey_rules(survey: Survey) -> RetentionSurveyRules:
    """Return the survey as GraphQL gives it out to those who set it."""
    return RetentionSurveyRules(
        intro=survey.intro,
        intros=_words(survey.intros),
        questions=[_question(question) for question in survey.questions],
    )


def feedback_rules(feedback: Feedback) -> RetentionFeedbackRules:
    """Return a questionnaire as GraphQL gives it out to those who set it."""
    content = survey_rules(feedback.survey)
    return RetentionFeedbackRules(
        survey=feedback.slug,
        per=feedback.per.value,
        intro=content.intro,
        intros=content.intros,
        questions=content.questions,
    )


def _question(question: SurveyQuestion) -> RetentionSurveyQuestionRules:
    return RetentionSurveyQuestionRules(
        key=question.key,
        label=question.field.label,
        labels=_words(question.labels),
        type=question.field.type.value,
        options=list(question.field.options),
        low=question.low if question.is_rating else None,
        high=question.high if question.is_rating else None,
        required=question.is_required,
    )


def _words(words: Words) -> list[RetentionWords]:
    return [RetentionWords(language=language, text=text) for language, text in words]
