"""What customers answer: facts about themselves, and consents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from graphene.utils.str_converters import to_camel_case

from saleor_retention.engine.questions import FieldQuestion, FieldType, Questions
from saleor_retention.errors import Refusal
from saleor_retention.graphql.enums_consents import RetentionConsentChannel, RetentionGender
from saleor_retention.graphql.host_types import Date
from saleor_retention.graphql.scalars import RetentionWholeNumber

ANSWERS = "answers"
CUSTOM = "custom"
VALUES = ("text", "number", "yes_no", "date", "choices")


class RetentionBirthdayInput(graphene.InputObjectType):
    """A birthday; the year need not be given."""

    month = graphene.InputField(RetentionWholeNumber, description="1 to 12.", required=True)
    day = graphene.InputField(RetentionWholeNumber, description="1 to 31.", required=True)
    year = graphene.InputField(RetentionWholeNumber, description="The year of birth.")


class RetentionAnswerInput(graphene.InputObjectType):
    """The answer to a question of the merchant's own; without a value it is cleared."""

    key = graphene.String(description="The question.", required=True)
    text = graphene.String(description="Of a text.")
    number = graphene.InputField(RetentionWholeNumber, description="Of a number.")
    yes_no = graphene.Boolean(description="Of yes or no.")
    date = graphene.InputField(Date, description="Of a day.")
    choices = graphene.List(
        graphene.NonNull(graphene.String), description="Of one or several options."
    )


class RetentionProfileInput(graphene.InputObjectType):
    """Facts to keep. What is left out stays as it is, null clears it."""

    birthday = graphene.InputField(RetentionBirthdayInput, description="The birthday.")
    gender = RetentionGender(description="The gender.")
    interests = graphene.List(
        graphene.NonNull(graphene.String), description="The interests; replaces all of them."
    )
    answers = graphene.List(
        graphene.NonNull(RetentionAnswerInput), description="Answers to some of the questions."
    )
    time_zone = graphene.String(description="The time zone, such as Europe/Paris.")
    language = graphene.String(description="The language, such as en or zh-hant.")


class RetentionConsentInput(graphene.InputObjectType):
    """Something that a customer agrees to."""

    channel = RetentionConsentChannel(description="What it is a consent to.", required=True)
    purpose = graphene.String(description="What it is for.", required=True)
    text_version = graphene.String(
        description="The version of the words that were shown.", required=True
    )


def changes_in(given: Mapping[str, Any], questions: Questions) -> dict[str, Any]:
    """Return the facts of an input in the shape of ``engine.profiles.read_changes``."""
    changes = {name: value for name, value in given.items() if name != ANSWERS}
    if changes.get("birthday") is not None:
        changes["birthday"] = {
            name: value if isinstance(value, int) else str(value)
            for name, value in changes["birthday"].items()
            if value is not None
        }
    answers = given.get(ANSWERS) or ()
    if answers:
        changes[CUSTOM] = {
            answer["key"]: _single(plain_value(answer), questions.field(answer["key"]))
            for answer in answers
        }
    return changes


def in_terms_of_input(refusal: Refusal) -> Refusal:
    """Return a refusal of a profile with the name that the input has."""
    if refusal.field is None:
        return refusal
    head, dot, rest = refusal.field.partition(".")
    field = f"{ANSWERS}.{rest}" if head == CUSTOM else f"{to_camel_case(head)}{dot}{rest}"
    return Refusal(refusal.code, refusal.message, field)


def plain_value(answer: Mapping[str, Any]) -> Any:
    """Return what an answer says, as JSON holds it; of one option or several: a list of them."""
    found = next((answer[name] for name in VALUES if answer.get(name) is not None), None)
    return found if isinstance(found, bool | int | str | list | None) else str(found)


def _single(value: Any, field: FieldQuestion | None) -> Any:
    """Return the option where one is to be chosen; anything else as it is."""
    takes_one = field is not None and field.type is FieldType.CHOICE
    return value[0] if takes_one and isinstance(value, list) and len(value) == 1 else value
