"""What a program asks, for the forms of storefronts, and for staff who set it."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.engine.questions import Open, Questions
from saleor_retention.graphql.enums_consents import RetentionConsentChannel, RetentionFieldType


class RetentionFieldQuestion(graphene.ObjectType):
    """A question of the merchant's own."""

    key = graphene.String(description="A stable name.", required=True)
    label = graphene.String(description="What customers read.", required=True)
    type = graphene.Field(RetentionFieldType, description="What the answer is.", required=True)
    options = graphene.List(
        graphene.NonNull(graphene.String), description="What may be chosen.", required=True
    )


class RetentionConsentQuestion(graphene.ObjectType):
    """Something that a customer may agree to. Never check its box beforehand."""

    channel = graphene.Field(
        RetentionConsentChannel, description="What it is a consent to.", required=True
    )
    purpose = graphene.String(description="What it is for, a stable name.", required=True)
    version = graphene.String(
        description="The version of these words; send it with the answer.", required=True
    )
    text = graphene.String(description="What the customer agrees to.", required=True)
    motive = graphene.String(description='Why it is asked; "" for nothing said.', required=True)
    double_opt_in = graphene.Boolean(
        description="Whether it counts only once a link in a mail was followed.", required=True
    )


class RetentionQuestions(graphene.ObjectType):
    """What a program asks its customers."""

    motive = graphene.String(
        description='Why the facts are asked for; "" for nothing said.', required=True
    )
    asks_birthday = graphene.Boolean(
        description="Whether the birthday is to be asked for.", required=True
    )
    asks_gender = graphene.Boolean(
        description="Whether the gender is to be asked for.", required=True
    )
    interests = graphene.List(
        graphene.NonNull(graphene.String),
        description="Interests that may be chosen.",
        required=True,
    )
    fields = graphene.List(
        graphene.NonNull(RetentionFieldQuestion),
        description="Questions of the merchant's own.",
        required=True,
    )
    consents = graphene.List(
        graphene.NonNull(RetentionConsentQuestion), description="Consents.", required=True
    )


def questions_type(open_now: Open) -> RetentionQuestions:
    """Return questions as GraphQL gives them out."""
    questions = open_now.questions
    return RetentionQuestions(
        motive=questions.motive,
        asks_birthday=open_now.asks_birthday,
        asks_gender=open_now.asks_gender,
        interests=list(questions.interests),
        fields=field_types(questions),
        consents=consent_types(questions),
    )


def field_types(questions: Questions) -> list[Any]:
    """Return the merchant's own questions."""
    return [
        RetentionFieldQuestion(
            key=field.key, label=field.label, type=field.type.value, options=list(field.options)
        )
        for field in questions.fields
    ]


def consent_types(questions: Questions) -> list[Any]:
    """Return the consents that are asked for."""
    return [
        RetentionConsentQuestion(
            channel=consent.channel.value,
            purpose=consent.purpose,
            version=consent.version,
            text=consent.text,
            motive=consent.motive,
            double_opt_in=consent.is_double,
        )
        for consent in questions.consents
    ]
