"""Turns a rule into a condition of SQL: ``matching`` for all customers at once.

The condition stands in a query over ``saleor_retention_account AS account`` with its rollup, where
there is one, joined as ``rollup``. It is never NULL: a condition on what a customer does not have
is false, so that its opposite is true, as in ``matching``. Values are parameters, in order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from saleor_retention.engine.periods import start_of_local_day
from saleor_retention.engine.readers import GOODS_KINDS
from saleor_retention.engine.segments.bands import Band, edges
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
    Setting,
    Within,
    Word,
)
from saleor_retention.engine.segments.rules import Condition as Leaf
from saleor_retention.engine.segments.stages import ADVOCATING, APPEALING, ASKING

NUMBERS: Mapping[Number, str] = {
    Number.ORDERS: "COALESCE(rollup.orders, 0)",
    Number.SPEND: "COALESCE(rollup.spend_minor, 0)",
    Number.RECENCY: "NULLIF(rollup.recency_score, 0)",
    Number.FREQUENCY: "NULLIF(rollup.frequency_score, 0)",
    Number.MONETARY: "NULLIF(rollup.monetary_score, 0)",
    Number.POINTS: "account.available",
}
ORDERS_OF: Mapping[str, str] = {
    Novelty.NEW: "COALESCE(rollup.orders, 0) = 1",
    Novelty.RETURNING: "COALESCE(rollup.orders, 0) > 1",
}
HAS_DONE = (
    "EXISTS (SELECT 1 FROM saleor_retention_memberevent AS event"
    " WHERE event.account_id = account.id AND event.kind = ANY(%s::text[])"
    " AND event.reversed_at IS NULL)"
)
HAS_REFERRED = (
    "EXISTS (SELECT 1 FROM saleor_retention_referral AS referral"
    " WHERE referral.advocate_id = account.id AND referral.state = 'rewarded')"
)
AT_STAGE = (
    f"(CASE WHEN COALESCE(rollup.orders, 0) > 1 OR {HAS_DONE} OR {HAS_REFERRED} THEN 'advocate'"
    f" WHEN rollup.orders = 1 THEN 'act' WHEN {HAS_DONE} THEN 'ask'"
    f" WHEN {HAS_DONE} THEN 'appeal' ELSE 'aware' END = ANY(%s::text[]))"
)
HAS_TOLD = (
    "EXISTS (SELECT 1 FROM saleor_retention_profile AS told WHERE told.account_id = account.id AND "
)
HAS_ANSWERED = f"{HAS_TOLD}(told.custom -> %s::text) @> ANY(%s::text[]::jsonb[]))"
HAS_AGREED = (
    "((SELECT entry.state FROM saleor_retention_consententry AS entry"
    " WHERE entry.account_id = account.id AND entry.channel = %s AND entry.purpose = %s"
    " ORDER BY entry.id DESC LIMIT 1) IS NOT DISTINCT FROM 'given')"
)
HAS_TAG = (
    "EXISTS (SELECT 1 FROM saleor_retention_customertag AS tag"
    " WHERE tag.account_id = account.id AND tag.tag = ANY(%s::text[]))"
)
IN_LIST = (
    "EXISTS (SELECT 1 FROM saleor_retention_segmentmember AS listed"
    " JOIN saleor_retention_segment AS list ON list.id = listed.segment_id"
    " WHERE listed.account_id = account.id AND list.program_id = account.program_id"
    " AND list.document IS NULL AND list.slug = ANY(%s::text[]))"
)
HAS_BOUGHT = (
    "account.id IN (SELECT DISTINCT record.account_id FROM saleor_retention_orderrecord AS record"
    " WHERE record.account_id IS NOT NULL AND record.is_counted{restricted} AND {sold})"
)
NAMED: Mapping[Word, str] = {
    Word.TIER: "(account.tier <> '' AND account.tier = ANY(%s::text[]))",
    Word.TAG: HAS_TAG,
    Word.SEGMENT: IN_LIST,
    Word.GENDER: f"{HAS_TOLD}told.gender = ANY(%s::text[]))",
    Word.INTEREST: f"{HAS_TOLD}jsonb_exists_any(told.interests, %s::text[]))",
    Word.BIRTH_MONTH: f"{HAS_TOLD}told.birth_month::text = ANY(%s::text[]))",
    Word.LANGUAGE: f"{HAS_TOLD}lower(told.language) = ANY(%s::text[]))",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


def to_sql(rule: Rule, setting: Setting) -> Condition:
    """Return the condition of a rule on the setting's day."""
    if isinstance(rule, Not):
        inner = to_sql(rule.rule, setting)
        return Condition(f"NOT {inner.text}", inner.parameters)
    if isinstance(rule, All | AnyOf):
        joint = " AND " if isinstance(rule, All) else " OR "
        return _joined([to_sql(each, setting) for each in rule.rules], joint)
    return _condition(rule, setting)


def _condition(rule: Leaf, setting: Setting) -> Condition:
    if isinstance(rule, Between):
        return _between(rule, setting)
    if isinstance(rule, Answered):
        return Condition(HAS_ANSWERED, (rule.key, sorted(rule.values)))
    if isinstance(rule, Agreed):
        return Condition(HAS_AGREED, (rule.channel, rule.purpose))
    if isinstance(rule, Bought):
        return _bought(rule, setting)
    if isinstance(rule, Within):
        return _bounded(_day(rule.of, setting), [(">=", rule.since), ("<", rule.before)])
    return _one_of(rule, setting)


def _bought(rule: Bought, setting: Setting) -> Condition:
    """Return that a customer is among the buyers, who are found once for all customers."""
    restricted = ""
    parameters: list[Any] = []
    first_day = _back(setting.today, rule.days)
    if first_day is not None:
        restricted += " AND record.created_at >= %s::timestamptz"
        parameters.append(start_of_local_day(first_day, setting.time_zone))
    if setting.account_ids is not None:
        restricted += " AND record.account_id = ANY(%s::bigint[])"
        parameters.append(list(setting.account_ids))
    parameters += [sorted(getattr(rule.selection, kind)) for kind in GOODS_KINDS]
    text = HAS_BOUGHT.replace("{restricted}", restricted).replace("{sold}", setting.sold)
    return Condition(text, tuple(parameters))


def _joined(conditions: list[Condition], joint: str) -> Condition:
    text = joint.join(condition.text for condition in conditions)
    parameters = tuple(value for condition in conditions for value in condition.parameters)
    return Condition(f"({text})", parameters)


def _between(rule: Between, setting: Setting) -> Condition:
    column = NUMBERS.get(rule.of)
    if column is not None:
        return _bounded(Condition(column), [(">=", rule.low), ("<=", rule.high)])
    is_last = rule.of is Number.DAYS_SINCE_LAST_ORDER
    days = Condition("rollup.last_on" if is_last else "rollup.first_on")
    return _bounded(
        days, [("<=", _back(setting.today, rule.low)), (">=", _back(setting.today, rule.high))]
    )


def _back(today: dt.date, days: int | None) -> dt.date | None:
    if days is None:
        return None
    return today - dt.timedelta(days=days) if days < today.toordinal() else dt.date.min


def _day(of: Day, setting: Setting) -> Condition:
    if of is Day.JOINED:
        return Condition("(account.joined_at AT TIME ZONE %s)::date", (setting.time_zone,))
    return Condition("rollup.first_on" if of is Day.FIRST_ORDER else "rollup.last_on")


def _bounded(value: Condition, bounds: list[tuple[str, Any]]) -> Condition:
    """Return that a value is there and keeps the bounds that are given."""
    kept = [
        Condition(f"{value.text} {sign} {_placeholder(bound)}", (*value.parameters, bound))
        for sign, bound in bounds
        if bound is not None
    ]
    there = Condition(f"{value.text} IS NOT NULL", value.parameters)
    inner = _joined(kept or [there], " AND ")
    return Condition(f"({inner.text} IS TRUE)", inner.parameters)


def _placeholder(value: Any) -> str:
    return "%s::date" if isinstance(value, dt.date) else "%s::bigint"


def _one_of(rule: OneOf, setting: Setting) -> Condition:
    names = sorted(rule.names)
    if rule.of in NAMED:
        return Condition(NAMED[rule.of], (names,))
    if rule.of is Word.STAGE:
        deeds = (list(kinds) for kinds in (ADVOCATING, ASKING, APPEALING))
        return Condition(AT_STAGE, (*deeds, names))
    if rule.of is Word.BAND:
        return _joined([_band(Band(name), setting) for name in names], " OR ")
    return _joined([Condition(ORDERS_OF[name]) for name in names], " OR ")


def _band(band: Band, setting: Setting) -> Condition:
    first = edges(setting.today, setting.limits)
    spans: Mapping[Band, tuple[Any, Any]] = {
        Band.BEST: (first.best, None),
        Band.ACTIVE: (first.active, None),
        Band.SLEEPING: (first.sleeping, first.active),
        Band.AT_RISK: (first.at_risk, first.sleeping),
        Band.LOST: (None, first.at_risk),
    }
    since, before = spans[band]
    return _bounded(Condition("rollup.last_on"), [(">=", since), ("<", before)])
