"""The rule of a segment: a small tree of conditions on what is known of a customer.

A tree, not code: it can be checked, said in words, decided here (``matching``) and in the database
(``statement``), and a test holds those two equal. A customer without orders has none in number and
spend, and meets no condition on days, dates, bands, scores or goods of orders.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.engine.rules import Selection
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
class Bought:
    """Some of these goods in an order that counts, made so many days ago at most; None: ever."""

    selection: Selection
    days: int | None = None


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


Condition = Between | Within | OneOf | Agreed | Answered | Bought
Rule = Condition | All | AnyOf | Not


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
class Purchase:
    """Goods of an order that counts, at a price above zero, and the day on which it was made."""

    goods: GoodsFacts
    on: dt.date


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
    purchases: tuple[Purchase, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """When and where a rule is asked: the program's day, its bands, its time zone.

    ``sold`` is how the database tells whether an order has some goods (``Host.sold``), and
    ``account_ids`` are those that the rule is asked of, None of all: only to look at fewer orders.
    """

    today: dt.date
    limits: Limits = field(default_factory=Limits)
    time_zone: str = "UTC"
    sold: str = ""
    account_ids: tuple[int, ...] | None = None


def answer_text(value: Any) -> str:
    """Return an answer as text of JSON.

    >>> answer_text("dark"), answer_text(42), answer_text(True)
    ('"dark"', '42', 'true')
    """
    return json.dumps(value, ensure_ascii=False, default=str)


def words_in(rule: Rule, word: Word) -> frozenset[str]:
    """Return all names that a rule asks of one thing, wherever they stand in the tree."""
    asked = (each for each in conditions_in(rule) if isinstance(each, OneOf) and each.of is word)
    return frozenset().union(*(each.names for each in asked))


def goods_in(rule: Rule) -> tuple[Selection, ...]:
    """Return all goods that a rule asks for, wherever they stand in the tree."""
    return tuple(each.selection for each in conditions_in(rule) if isinstance(each, Bought))


def conditions_in(rule: Rule) -> Iterator[Condition]:
    """Yield the conditions of a tree, from left to right."""
    if isinstance(rule, All | AnyOf):
        for each in rule.rules:
            yield from conditions_in(each)
    elif isinstance(rule, Not):
        yield from conditions_in(rule.rule)
    else:
        yield rule
