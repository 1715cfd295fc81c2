"""What is set of a survey, and which answers staff ask for."""

from __future__ import annotations

import graphene

from saleor_retention.graphql.enums_consents import RetentionFieldType
from saleor_retention.graphql.enums_feedback import RetentionFeedbackPer
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.scalars import RetentionWholeNumber


class RetentionWordsInput(graphene.InputObjectType):
    """A text in one language."""

    language = graphene.String(description="Such as en or zh-hant.", required=True)
    text = graphene.String(description="The text.", required=True)


class RetentionSurveyQuestionInput(graphene.InputObjectType):
    """A question of a survey."""

    key = graphene.String(description="A stable name.", required=True)
    label = graphene.String(description="What customers read.", required=True)
    labels = graphene.List(
        graphene.NonNull(RetentionWordsInput), description="What they read in other languages."
    )
    type = RetentionFieldType(
        description="What the answer is; text when left out. A number is a rating."
    )
    options = graphene.List(
        graphene.NonNull(graphene.String), description="What may be chosen, of a choice."
    )
    low = graphene.InputField(
        RetentionWholeNumber, description="The lowest rating; 1 when left out."
    )
    high = graphene.InputField(
        RetentionWholeNumber, description="The highest rating, 10 at most; 5 when left out."
    )
    required = graphene.Boolean(description="Whether it has to be answered.")


class RetentionSurveyInput(graphene.InputObjectType):
    """What is asked about an order. Lists are replaced as a whole."""

    intro = graphene.String(description="What stands before the questions.")
    intros = graphene.List(
        graphene.NonNull(RetentionWordsInput), description="The same in other languages."
    )
    questions = graphene.List(
        graphene.NonNull(RetentionSurveyQuestionInput), description="The questions, 20 at most."
    )


class RetentionFeedbackInput(graphene.InputObjectType):
    """A questionnaire without an order. Lists are replaced as a whole."""

    survey = graphene.String(description="A stable name.", required=True)
    per = RetentionFeedbackPer(
        description="How often a member may answer it; once a year when left out."
    )
    intro = graphene.String(description="What stands before the questions.")
    intros = graphene.List(
        graphene.NonNull(RetentionWordsInput), description="The same in other languages."
    )
    questions = graphene.List(
        graphene.NonNull(RetentionSurveyQuestionInput), description="The questions, 20 at most."
    )


class RetentionSurveyAnswerFilterInput(graphene.InputObjectType):
    """Which answers; all conditions hold together."""

    survey = graphene.String(description="To this questionnaire; about orders when left out.")
    member = graphene.ID(description="Of this member.")
    since = graphene.InputField(DateTime, description="At this time or later.")
    until = graphene.InputField(DateTime, description="Before this time.")
