"""Reads and writes what a program asks: the section ``questions`` of a rules document."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from saleor_retention.engine.fields import Fields, did_you_mean
from saleor_retention.engine.questions import (
    CUSTOM,
    FACTS,
    TYPES_WITH_OPTIONS,
    AttributeCopy,
    ConsentChannel,
    ConsentQuestion,
    FieldQuestion,
    FieldType,
    Questions,
)

MOTIVE_LENGTH_MAX = 500
TEXT_LENGTH_MAX = 2000
LABEL_LENGTH_MAX = 100
KEY_LENGTH_MAX = 48
VERSION_LENGTH_MAX = 64
INTERESTS_MAX = 100
FIELDS_MAX = 50
OPTIONS_MAX = 100
CONSENTS_MAX = 30
ORDERS_MAX = 100
ATTRIBUTE_LENGTH_MAX = 255  # of the slug of an attribute, as Saleor has it


def read_questions(top: Fields) -> Questions:
    """Read the section ``questions`` of a rules document; problems are noted."""
    section = top.section("questions")
    questions = Questions(
        motive=section.text("motive", MOTIVE_LENGTH_MAX),
        interests=_slugs(section, "interests", INTERESTS_MAX),
        fields=tuple(_fields(section)),
        consents=tuple(_consents(section)),
        enrolment=section.text("enrolment", MOTIVE_LENGTH_MAX),
        enrolment_orders=section.whole("enrolment_orders", 1, low=1, high=ORDERS_MAX),
    )
    questions = replace(questions, attributes=tuple(_attributes(section, questions)))
    section.close()
    return questions


def questions_document(questions: Questions) -> dict[str, Any]:
    """Return the section that ``read_questions`` reads equal questions from."""
    document: dict[str, Any] = {
        key: value
        for key, value in (("motive", questions.motive), ("enrolment", questions.enrolment))
        if value
    }
    if questions.enrolment_orders > 1:
        document["enrolment_orders"] = questions.enrolment_orders
    if questions.interests:
        document["interests"] = list(questions.interests)
    if questions.fields:
        document["fields"] = [field_document(field) for field in questions.fields]
    if questions.consents:
        document["consents"] = [_consent_document(consent) for consent in questions.consents]
    if questions.attributes:
        document["attributes"] = [
            {"fact": copy.fact, "attribute": copy.attribute} for copy in questions.attributes
        ]
    return document


def read_field(fields: Fields, taken: Collection[str]) -> FieldQuestion:
    """Read what any question of the merchant's own has; ``taken`` are the keys of others."""
    fields.require("key", "a short name that never changes")
    fields.require("label", "what customers read")
    field = FieldQuestion(
        key=fields.slug("key", KEY_LENGTH_MAX),
        label=fields.text("label", LABEL_LENGTH_MAX),
        type=fields.choice("type", FieldType.TEXT),
        options=_slugs(fields, "options", OPTIONS_MAX),
    )
    if field.key and field.key in taken:
        fields.note("key", "DUPLICATE", f"is there twice: {field.key}.")
    takes_options = field.type in TYPES_WITH_OPTIONS
    if takes_options and not field.options and fields.is_clean("options"):
        rule = f"is required of the type {field.type.value}: what may be chosen."
        fields.note("options", "REQUIRED", rule)
    if field.options and not takes_options and fields.is_clean("type"):
        rule = f"has no effect with the type {field.type.value}: leave it out."
        fields.note("options", "NO_EFFECT", rule)
    return field


def field_document(field: FieldQuestion) -> dict[str, Any]:
    """Return the mapping that ``read_field`` reads an equal question from."""
    document: dict[str, Any] = {"key": field.key, "label": field.label, "type": field.type.value}
    return document | ({"options": list(field.options)} if field.options else {})


def _fields(section: Fields) -> list[FieldQuestion]:
    found: list[FieldQuestion] = []
    for index, item in enumerate(section.rows("fields", FIELDS_MAX)):
        fields = Fields(item, section.at(f"fields.{index}"), section.problems)
        found.append(read_field(fields, {other.key for other in found}))
        fields.close()
    return found


def _attributes(section: Fields, questions: Questions) -> list[AttributeCopy]:
    known = [*FACTS, *(f"{CUSTOM}{field.key}" for field in questions.fields)]
    found: list[AttributeCopy] = []
    for index, item in enumerate(section.rows("attributes", FIELDS_MAX)):
        fields = Fields(item, section.at(f"attributes.{index}"), section.problems)
        fields.require("fact", "what is copied")
        fields.require("attribute", "the slug of a customer attribute of the shop")
        copy = AttributeCopy(
            fact=fields.text("fact", LABEL_LENGTH_MAX),
            attribute=fields.text("attribute", ATTRIBUTE_LENGTH_MAX),
        )
        if copy.fact and copy.fact not in known:
            rule = f"must be one of {', '.join(known)}{did_you_mean(copy.fact, known)}"
            fields.note("fact", "UNKNOWN_CHOICE", rule)
        for name in ("fact", "attribute"):
            value = getattr(copy, name)
            if value and value in {getattr(other, name) for other in found}:
                fields.note(name, "DUPLICATE", f"is there twice: {value}.")
        fields.close()
        found.append(copy)
    return found


def _consents(section: Fields) -> list[ConsentQuestion]:
    found: list[ConsentQuestion] = []
    for index, item in enumerate(section.rows("consents", CONSENTS_MAX)):
        fields = Fields(item, section.at(f"consents.{index}"), section.problems)
        fields.require("channel", "email, sms or profiling")
        fields.require("purpose", "a short name of what it is for")
        fields.require("version", "your name for these words, new with each change of them")
        fields.require("text", "what the customer agrees to")
        consent = ConsentQuestion(
            channel=fields.choice("channel", ConsentChannel.EMAIL),
            purpose=fields.slug("purpose", KEY_LENGTH_MAX),
            version=fields.text("version", VERSION_LENGTH_MAX),
            text=fields.text("text", TEXT_LENGTH_MAX),
            motive=fields.text("motive", MOTIVE_LENGTH_MAX),
            is_double=fields.flag("double_opt_in", default=False),
        )
        if consent.is_double and consent.channel is not ConsentChannel.EMAIL:
            rule = "works by e-mail only: leave it out."
            fields.note("double_opt_in", "NO_EFFECT", rule)
        if (consent.channel, consent.purpose) in {(one.channel, one.purpose) for one in found}:
            rule = f"is asked for twice by {consent.channel.value}: {consent.purpose}."
            fields.note("purpose", "DUPLICATE", rule)
        fields.close()
        found.append(consent)
    return found


def _slugs(section: Fields, key: str, count_max: int) -> tuple[str, ...]:
    found: list[str] = []
    for index, value in enumerate(section.rows(key, count_max)):
        slug = section.slug_of(f"{key}.{index}", value, KEY_LENGTH_MAX)
        if slug and slug in found:
            section.note(f"{key}.{index}", "DUPLICATE", f"is there twice: {slug}.")
        found.append(slug)
    return tuple(found)


def _consent_document(consent: ConsentQuestion) -> dict[str, Any]:
    document: dict[str, Any] = {
        "channel": consent.channel.value,
        "purpose": consent.purpose,
        "version": consent.version,
        "text": consent.text,
        "double_opt_in": consent.is_double,
    }
    return document | ({"motive": consent.motive} if consent.motive else {})
