"""What a program asks its customers: facts about themselves, and consents. Declared in its rules.

Each question carries the merchant's own motive, the sentence that says why it is asked. The words
of a consent have a version of the merchant's, which the consent log keeps beside the program's: so
it can be shown later what exactly somebody agreed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

FACTS = ("birthday", "gender", "interests", "time_zone", "language")
"""What every program may know of a customer, by name; fields of the merchant's own come besides."""

CUSTOM = "custom."
"""What the name of a fact begins with that is the answer to a field of the merchant's own."""


class FieldType(StrEnum):
    """What the answer to a question of the merchant's own is."""

    TEXT = "text"
    NUMBER = "number"  # a whole one
    YES_NO = "yes_no"
    DATE = "date"
    CHOICE = "choice"  # one of the options
    CHOICES = "choices"  # any of the options


TYPES_WITH_OPTIONS = (FieldType.CHOICE, FieldType.CHOICES)


class ConsentChannel(StrEnum):
    """What is agreed to: messages of a kind, or the evaluation of what is known."""

    EMAIL = "email"
    SMS = "sms"
    PROFILING = "profiling"


MESSAGE_CHANNELS = (ConsentChannel.EMAIL, ConsentChannel.SMS)


@dataclass(frozen=True, slots=True)
class FieldQuestion:
    """A fact that the merchant asks for besides birthday, gender and interests."""

    key: str
    label: str
    type: FieldType = FieldType.TEXT
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """One thing that a customer may agree to."""

    channel: ConsentChannel
    purpose: str
    version: str  # the merchant's name for these words
    text: str
    motive: str = ""
    is_double: bool = False  # counts once a link in a mail was followed


@dataclass(frozen=True, slots=True)
class AttributeCopy:
    """A fact that the shop's own customer attribute of that slug is to hold as well."""

    fact: str  # as ``engine.profiles`` names it
    attribute: str


@dataclass(frozen=True, slots=True)
class Questions:
    """Everything that a program asks."""

    motive: str = ""
    interests: tuple[str, ...] = ()
    fields: tuple[FieldQuestion, ...] = ()
    consents: tuple[ConsentQuestion, ...] = ()
    enrolment: str = ""  # the merchant's own words of the reminder to enrol
    attributes: tuple[AttributeCopy, ...] = ()
    enrolment_orders: int = 1  # who placed fewer is not reminded

    def consent(self, channel: str, purpose: str) -> ConsentQuestion | None:
        """Return the question of a channel and purpose, or None where it is not asked."""
        same = (one for one in self.consents if (one.channel, one.purpose) == (channel, purpose))
        return next(same, None)

    def field(self, key: str) -> FieldQuestion | None:
        """Return the merchant's own field of that key, or None."""
        return next((field for field in self.fields if field.key == key), None)


NOTHING = Questions()


@dataclass(frozen=True, slots=True)
class Open:
    """What is still to be asked of a customer."""

    questions: Questions
    asks_birthday: bool = True
    asks_gender: bool = True


def still_open(
    questions: Questions, known: frozenset[str], answered: Mapping[tuple[str, str], str | None]
) -> Open:
    """Return what a customer was not asked yet.

    ``known`` are the names of facts (``engine.profiles``). ``answered`` has, by channel and
    purpose, the version of the words that were agreed to, and None for who did not agree: nobody
    is asked again for that. Who agreed to other words is.
    """
    fields = tuple(field for field in questions.fields if f"custom.{field.key}" not in known)
    consents = tuple(
        consent
        for consent in questions.consents
        if answered.get((consent.channel, consent.purpose), "") not in (None, consent.version)
    )
    interests = () if "interests" in known else questions.interests
    return Open(
        questions=replace(questions, fields=fields, consents=consents, interests=interests),
        asks_birthday="birthday" not in known,
        asks_gender="gender" not in known,
    )
