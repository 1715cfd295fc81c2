"""Decides whether a customer is in a segment: what ``statement`` asks of the database."""

from __future__ import annotations

import datetime as dt
from typing import Any

from saleor_retention.engine.segments.bands import Band, band_of
from saleor_retention.engine.segments.rules import (
    Agreed,
    All,
    Answered,
    AnyOf,
    Between,
    Bought,
    Condition,
    Customer,
    Day,
    Not,
    Novelty,
    Number,
    OneOf,
    Rule,
    Setting,
    Within,
    Word,
    answer_text,
)
from saleor_retention.engine.segments.stages import stage_of
from saleor_retention.engine.selections import matches as is_of


def matches(rule: Rule, customer: Customer, setting: Setting) -> bool:
    """Tell whether the customer meets the rule on the setting's day."""
    if isinstance(rule, All):
        return all(matches(each, customer, setting) for each in rule.rules)
    if isinstance(rule, AnyOf):
        return any(matches(each, customer, setting) for each in rule.rules)
    if isinstance(rule, Not):
        return not matches(rule.rule, customer, setting)
    return _meets(rule, customer, setting)


def _meets(rule: Condition, customer: Customer, setting: Setting) -> bool:
    """Tell whether the customer meets one condition."""
    if isinstance(rule, OneOf):
        return not rule.names.isdisjoint(_words(rule, customer, setting))
    if isinstance(rule, Agreed):
        return (rule.channel, rule.purpose) in customer.told.consents
    if isinstance(rule, Answered):
        return not rule.values.isdisjoint(_answers(customer.told.answers.get(rule.key)))
    if isinstance(rule, Bought):
        return any(
            is_of(rule.selection, each.goods)
            and (rule.days is None or (setting.today - each.on).days <= rule.days)
            for each in customer.purchases
        )
    return _is_bounded(rule, customer, setting)


def _answers(value: Any) -> set[str]:
    """Return an answer, or each of several choices, as text of JSON."""
    several = value if isinstance(value, list) else [] if value is None else [value]
    return {answer_text(each) for each in several}


def _is_bounded(rule: Between | Within, customer: Customer, setting: Setting) -> bool:
    """Tell whether what is asked of is there and keeps the bounds."""
    if isinstance(rule, Between):
        value = _number(rule.of, customer, setting)
        return (
            value is not None
            and (rule.low is None or value >= rule.low)
            and (rule.high is None or value <= rule.high)
        )
    day = _day(rule.of, customer)
    return (
        day is not None
        and (rule.since is None or day >= rule.since)
        and (rule.before is None or day < rule.before)
    )


def _number(of: Number, customer: Customer, setting: Setting) -> int | None:
    rollup, scores = customer.rollup, customer.scores
    counted = {
        Number.POINTS: customer.points,
        Number.ORDERS: 0 if rollup is None else rollup.orders,
        Number.SPEND: 0 if rollup is None else rollup.spend_minor,
    }
    if of in counted:
        return counted[of]
    if rollup is None:
        return None
    if of is Number.DAYS_SINCE_LAST_ORDER:
        return (setting.today - rollup.last_on).days
    if of is Number.DAYS_SINCE_FIRST_ORDER:
        return rollup.age_days(setting.today)
    score = {
        Number.RECENCY: scores.recency,
        Number.FREQUENCY: scores.frequency,
        Number.MONETARY: scores.monetary,
    }[of]
    return score or None


def _day(of: Day, customer: Customer) -> dt.date | None:
    if of is Day.JOINED:
        return customer.joined_on
    if customer.rollup is None:
        return None
    return customer.rollup.first_on if of is Day.FIRST_ORDER else customer.rollup.last_on


def _words(rule: OneOf, customer: Customer, setting: Setting) -> frozenset[str]:
    """Return what the customer is, in the words of one condition."""
    rollup, told = customer.rollup, customer.told
    borne = {
        Word.TIER: frozenset({customer.tier} - {""}),
        Word.TAG: customer.tags,
        Word.SEGMENT: customer.lists,
        Word.GENDER: frozenset({told.gender} - {""}),
        Word.INTEREST: told.interests,
        Word.BIRTH_MONTH: frozenset({str(told.birth_month)}),
        Word.LANGUAGE: frozenset({told.language.lower()} - {""}),
        Word.STAGE: frozenset({stage_of(rollup, customer.deeds).value}),
    }
    if rule.of in borne:
        return borne[rule.of]
    if rollup is None:
        return frozenset()
    if rule.of is Word.NOVELTY:
        return frozenset({Novelty.NEW if rollup.orders == 1 else Novelty.RETURNING})
    band = band_of(rollup.last_on, setting.today, setting.limits)
    return frozenset({band, Band.ACTIVE} if band is Band.BEST else {band})
