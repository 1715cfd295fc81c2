"""Answers that come with a registration: a JSON text that a storefront sends with the account.

``{"channel", "enrol", "profile", "consents"}``, each of which may be left out. ``profile`` has the
shape of ``engine.profiles.read_changes``; a consent names its channel, purpose and the version of
the words that were shown. A registration is over when this is read, so nobody can be told of a
problem: what is wrong is left out and stays an open question, and the rest is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from saleor_retention.engine.fields import Fields
from saleor_retention.engine.question_documents import (
    CONSENTS_MAX,
    KEY_LENGTH_MAX,
    VERSION_LENGTH_MAX,
)
from saleor_retention.engine.questions import ConsentChannel
from saleor_retention.engine.rules import RuleProblem

LENGTH_MAX = 20_000
CHANNEL_LENGTH_MAX = 255
NUL = "\0"
"""A character that no database keeps."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A consent whose box was checked."""

    channel: ConsentChannel
    purpose: str
    text_version: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a form of registration brought."""

    channel: str = ""  # the slug of a sales channel; "" for the only program
    enrols: bool = False
    profile: Mapping[str, Any] = field(default_factory=dict)
    consents: tuple[Agreed, ...] = ()


def read_answers(text: Any) -> tuple[Answers, list[RuleProblem]]:
    """Return what can be understood of the answers, and every problem found in them.

    >>> answers, problems = read_answers('{"enrol": true, "consents": [{"channel": "email"}]}')
    >>> answers.enrols, [problem.field for problem in problems]
    (True, ['consents.0.purpose', 'consents.0.text_version'])
    """
    problems: list[RuleProblem] = []
    top = Fields(_decoded(text, problems), "", problems, what="the answers")
    profile = top.take("profile")
    answers = Answers(
        channel=top.text("channel", CHANNEL_LENGTH_MAX),
        enrols=top.flag("enrol", default=False),
        profile=profile if isinstance(profile, Mapping) else {},
        consents=tuple(_consents(top)),
    )
    if profile is not None and not isinstance(profile, Mapping):
        top.note("profile", "NOT_A_MAPPING", "must be a mapping of keys.")
    top.close()
    return answers, problems


def _decoded(text: Any, problems: list[RuleProblem]) -> Any:
    """Return the content of the JSON where all of it can be stored; else None, with a problem."""
    try:
        content = json.loads(text) if isinstance(text, str) and len(text) <= LENGTH_MAX else NUL
        json.dumps(content, ensure_ascii=False).encode()  # refuses half of a surrogate pair
    except (ValueError, RecursionError):
        content = NUL
    if "\\u0000" not in json.dumps(content):
        return content
    message = f"The answers must be JSON of {LENGTH_MAX} characters at most."
    problems.append(RuleProblem("", "NOT_JSON", message))
    return None


def _consents(top: Fields) -> list[Agreed]:
    found = []
    for index, item in enumerate(top.rows("consents", CONSENTS_MAX)):
        count = len(top.problems)
        fields = Fields(item, top.at(f"consents.{index}"), top.problems)
        fields.require("channel", "email, sms or profiling")
        fields.require("purpose", "what it is for")
        fields.require("text_version", "the version of the words that were shown")
        agreed = Agreed(
            channel=fields.choice("channel", ConsentChannel.EMAIL),
            purpose=fields.slug("purpose", KEY_LENGTH_MAX),
            text_version=fields.text("text_version", VERSION_LENGTH_MAX),
        )
        fields.close()
        if len(top.problems) == count:
            found.append(agreed)
    return found
