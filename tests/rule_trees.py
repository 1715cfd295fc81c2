"""Random rules of segments: for what the engine and the database must decide alike."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

from saleor_retention.engine.profiles import Gender
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.segments.bands import Band
from saleor_retention.engine.segments.rules import (
    Agreed,
    All,
    Answered,
    AnyOf,
    Between,
    Bought,
    Day,
    Not,
    Novelty,
    Number,
    OneOf,
    Rule,
    Within,
    Word,
    answer_text,
)
from saleor_retention.engine.segments.stages import Stage

NAMES: dict[Word, tuple[str, ...]] = {
    Word.BAND: tuple(Band),
    Word.STAGE: tuple(Stage),
    Word.NOVELTY: tuple(Novelty),
    Word.TIER: ("regular", "vip", "gone"),
    Word.TAG: ("dog", "cat", "gone"),
    Word.SEGMENT: ("friends", "press", "gone"),
    Word.GENDER: tuple(Gender),
    Word.INTEREST: ("coffee", "tea", "gone"),
    Word.BIRTH_MONTH: ("1", "5", "12"),
    Word.LANGUAGE: ("en", "zh-hant", "fr"),
}
CONSENTS = (("email", "news"), ("email", "sales"), ("sms", "news"))
ANSWERS: dict[str, list[Any]] = {
    "size": [1, 42, 43],
    "dog": [True, False],
    "roast": ["dark", "doux", "42"],
    "cups": ["small", "large"],
}
GOODS = ("7", "8", "9")
KINDS = ("variants", "products", "categories", "collections")
HIGHEST = {
    Number.DAYS_SINCE_LAST_ORDER: 500,
    Number.DAYS_SINCE_FIRST_ORDER: 700,
    Number.ORDERS: 6,
    Number.SPEND: 3000,
    Number.RECENCY: 5,
    Number.FREQUENCY: 5,
    Number.MONETARY: 5,
    Number.POINTS: 300,
}


def rule_tree(draw: Random, today: dt.date, depth: int = 3) -> Rule:
    """Return a rule of at most ``depth`` levels."""
    if depth > 1 and draw.random() < 0.6:
        if draw.random() < 0.3:
            return Not(rule_tree(draw, today, depth - 1))
        rules = tuple(rule_tree(draw, today, depth - 1) for _ in range(draw.randint(1, 3)))
        return All(rules) if draw.random() < 0.5 else AnyOf(rules)
    return condition(draw, today)


def condition(draw: Random, today: dt.date) -> Rule:
    """Return a rule that holds no other."""
    match draw.randrange(6):
        case 0:
            number = draw.choice(list(Number))
            low, high = sorted(draw.randint(0, HIGHEST[number]) for _ in range(2))
            return Between(number, *draw.choice([(low, None), (None, high), (low, high)]))
        case 1:
            early, late = sorted(today - dt.timedelta(draw.randint(0, 700)) for _ in range(2))
            bounds = draw.choice([(early, None), (None, late), (early, late + dt.timedelta(1))])
            return Within(draw.choice(list(Day)), *bounds)
        case 2:
            return Agreed(*draw.choice(CONSENTS))
        case 3:
            key = draw.choice(list(ANSWERS))
            values = draw.sample(ANSWERS[key], draw.randint(1, 2))
            return Answered(key, frozenset(answer_text(value) for value in values))
        case 4:
            refs = {kind: frozenset(draw.sample(GOODS, 2)) for kind in draw.sample(KINDS, 2)}
            return Bought(Selection(**refs), draw.choice([None, 30, 365]))
        case _:
            word = draw.choice(list(Word))
            count = draw.randint(1, 2)
            return OneOf(word, frozenset(draw.sample(NAMES[word], count)))
