"""The document of a rule: the inverse of ``parsing.parse_rule``."""

from __future__ import annotations

import json
from typing import Any

from saleor_retention.engine.money import from_minor
from saleor_retention.engine.readers import GOODS_KINDS
from saleor_retention.engine.segments.parsing import ALL, ANY, BOUGHT, CONSENT, FIELD, NOT
from saleor_retention.engine.segments.rules import (
    Agreed,
    All,
    Answered,
    AnyOf,
    Between,
    Bought,
    Condition,
    Not,
    Number,
    OneOf,
    Rule,
    Within,
    Word,
)


def dump_rule(rule: Rule, exponent: int) -> dict[str, Any]:
    """Return the document that means the rule; ``exponent`` is that of the reference currency."""
    if isinstance(rule, All):
        return {ALL: [dump_rule(each, exponent) for each in rule.rules]}
    if isinstance(rule, AnyOf):
        return {ANY: [dump_rule(each, exponent) for each in rule.rules]}
    if isinstance(rule, Not):
        return {NOT: dump_rule(rule.rule, exponent)}
    return _condition(rule, exponent)


def _condition(rule: Condition, exponent: int) -> dict[str, Any]:
    if isinstance(rule, OneOf):
        if rule.of is Word.BIRTH_MONTH:
            return {rule.of.value: sorted(int(name) for name in rule.names)}
        return {rule.of.value: sorted(rule.names)}
    if isinstance(rule, Agreed):
        return {CONSENT: {"channel": rule.channel, "purpose": rule.purpose}}
    if isinstance(rule, Answered):
        values = [json.loads(value) for value in sorted(rule.values)]
        return {FIELD: {"key": rule.key, "values": values}}
    if isinstance(rule, Bought):
        named = {kind: sorted(getattr(rule.selection, kind)) for kind in GOODS_KINDS}
        select = {kind: refs for kind, refs in named.items() if refs}
        days = {} if rule.days is None else {"days": rule.days}
        return {BOUGHT: {"select": select, **days}}
    return {rule.of.value: _ends(rule, exponent)}


def _ends(rule: Between | Within, exponent: int) -> dict[str, Any]:
    values: dict[str, Any]
    if isinstance(rule, Within):
        days = {"from": rule.since, "before": rule.before}
        values = {key: day and day.isoformat() for key, day in days.items()}
    else:
        values = {"from": rule.low, "to": rule.high}
        if rule.of is Number.SPEND:
            values = {
                key: None if minor is None else f"{from_minor(minor, exponent):f}"
                for key, minor in values.items()
            }
    return {key: value for key, value in values.items() if value is not None}
