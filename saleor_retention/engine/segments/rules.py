"""The rule of a segment: a small tree of conditions on what is known of a customer.

A tree, not code: it can be checked, said in words, decided here (``matching``) and in the database
(``statement``), and a test holds those two equal. A customer without orders has none in number and
spend, and meets no condition on days, dates, bands or scores of orders.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from saleor_retention.engine.segments.bands import Limits
from saleor_retention.engine.segments.customers import Rollup
from saleor_retention.engine.segments.rfm import Scores
from saleor_retention.engine.segments.stages import NO_DEEDS, Deeds


class Number(StrEnum):
    """What a number is asked of; the names are the document's keys."""

    DAYS_SINCE_LAST_ORDER = "days_since_last_order"
    DAYS_SINCE_FIRST_ORDER = "days_since_first_order"
    ORDERS = "orders"
    SPEND = "spend"
    RECENCY = "recency_score"
    FREQUENCY = "frequency_score"
    MONETARY = "monetary_score"
    POINTS = "points"  # that can be spent now


class Day(StrEnum):
    """What a day is asked of; the names are the document's keys."""

    FIRST_ORDER = "first_order"
    LAST_ORDER = "last_order"
    JOINED = "joined"


class Word(StrEnum):
    """What names are asked of; the names are the document's keys."""

    BAND = "band"
    STAGE = "stage"
    NOVELTY = "novelty"
    TIER = "tier"
    TAG = "tag"
    SEGMENT = "segment"  # an explicit list of the program
    GENDER = "gender"
    INTEREST = "interest"
    BIRTH_MONTH = "birth_month"  # "1" to "12"
    LANGUAGE = "language"  # in lower case


class Novelty(StrEnum):
    """Whether a customer has bought once, or again."""

    NEW = "new"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True)
class Between:
    """A number from ``low`` to ``high``, both included; None is open."""

    of: Number
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """A day on or after ``since`` and before ``before``; None is open."""

    of: Day
    since: dt.date | None = None
    before: dt.date | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of the names."""

    of: Word
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Agreed:
    """A consent that is given, and neither waits to be confirmed nor was withdrawn."""

    channel: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Any of these answers to a question of the merchant's own; of several choices, one of them.

    Answers are texts of JSON, as the profile holds them.
    """

    key: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the rules."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the rules."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not the rule."""

    rule: Rule


Rule = Between | Within | OneOf | Agreed | Answered | All | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody told of himself; nothing of it has to be known."""

    gender: str = ""
    interests: frozenset[str] = frozenset()
    birth_month: int | None = None
    language: str = ""
    consents: frozenset[tuple[str, str]] = frozenset()  # (channel, purpose) of those given
    answers: Mapping[str, Any] = field(default_factory=dict)  # by key, as the profile holds them


NOTHING_TOLD = Told()


@dataclass(frozen=True, slots=True)
class Customer:
    """All that a rule looks at of one account."""

    joined_on: dt.date
    tier: str = ""
    rollup: Rollup | None = None
    scores: Scores = field(default_factory=Scores)
    tags: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()  # slugs of explicit lists that the account is in
    deeds: Deeds = NO_DEEDS
    told: Told = NOTHING_TOLD
    points: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """When and where a rule is asked: the program's day, its bands, its time zone."""

    today: dt.date
    limits: Limits = field(default_factory=Limits)
    time_zone: str = "UTC"


def answer_text(value: Any) -> str:
    """Return an answer as text of JSON.

    >>> answer_text("dark"), answer_text(42), answer_text(True)
    ('"dark"', '42', 'true')
    """
    return json.dumps(value, ensure_ascii=False, default=str)


def words_in(rule: Rule, word: Word) -> frozenset[str]:
    """Return all names that a rule asks of one thing, wherever they stand in the tree."""
    if isinstance(rule, OneOf):
        return rule.names if rule.of is word else frozenset()
    if isinstance(rule, Not):
        return words_in(rule.rule, word)
    if isinstance(rule, All | AnyOf):
        return frozenset().union(*(words_in(each, word) for each in rule.rules))
    return frozenset()
