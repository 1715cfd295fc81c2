"""Says a segment's rule in one English sentence, so that nobody has to read a tree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from saleor_retention.engine.money import money_text
from saleor_retention.engine.questions import ConsentChannel
from saleor_retention.engine.segments.bands import Band, Limits
from saleor_retention.engine.segments.rules import (
    Agreed,
    All,
    Answered,
    AnyOf,
    Between,
    Day,
    Not,
    Novelty,
    Number,
    OneOf,
    Rule,
    Within,
    Word,
)

DAYS: Mapping[Day, str] = {
    Day.FIRST_ORDER: "first ordered",
    Day.LAST_ORDER: "last ordered",
    Day.JOINED: "joined",
}
SINCE: Mapping[Number, str] = {
    Number.DAYS_SINCE_LAST_ORDER: "last ordered",
    Number.DAYS_SINCE_FIRST_ORDER: "first ordered",
}
SCORES: Mapping[Number, str] = {
    Number.RECENCY: "recency",
    Number.FREQUENCY: "frequency",
    Number.MONETARY: "monetary",
}
NAMED: Mapping[Word, str] = {
    Word.TIER: "are in the tier",
    Word.TAG: "bear the tag",
    Word.SEGMENT: "are on the list",
    Word.STAGE: "are at the stage",
    Word.GENDER: "said that their gender is",
    Word.INTEREST: "are interested in",
    Word.BIRTH_MONTH: "were born in",
    Word.LANGUAGE: "read the language",
}
AGREED: Mapping[str, str] = {
    ConsentChannel.EMAIL: "agreed to messages by e-mail",
    ConsentChannel.SMS: "agreed to text messages",
    ConsentChannel.PROFILING: "agreed to profiling",
}
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def sentence(rule: Rule, currency: str, exponent: int, limits: Limits | None = None) -> str:
    """Return who is in the segment.

    >>> rule = All((Between(Number.ORDERS, 2), Not(OneOf(Word.TIER, frozenset({"vip"})))))
    >>> sentence(rule, "USD", 2)
    'Customers who have 2 orders or more, and who are none of those who are in the tier vip.'
    """
    said = _Words(currency, exponent, limits or Limits()).clause(rule, is_inner=False)
    return f"Customers who {said}."


class _Words:
    def __init__(self, currency: str, exponent: int, limits: Limits) -> None:
        self.currency = currency
        self.exponent = exponent
        self.limits = limits

    def clause(self, rule: Rule, *, is_inner: bool = True) -> str:
        """Return what follows "customers who"; an inner list of several stands in brackets."""
        if isinstance(rule, Not):
            return f"are none of those who {self.clause(rule.rule)}"
        if isinstance(rule, All | AnyOf):
            joint = ", and who " if isinstance(rule, All) else ", or who "
            text = joint.join(self.clause(each) for each in rule.rules)
            return f"({text})" if is_inner and len(rule.rules) > 1 else text
        return self._condition(rule)

    def _condition(self, rule: Between | Within | OneOf | Agreed | Answered) -> str:
        if isinstance(rule, Between):
            return self._between(rule)
        if isinstance(rule, Within):
            return f"{DAYS[rule.of]} {_dates(rule.since, rule.before)}"
        if isinstance(rule, Agreed):
            return f"{AGREED[rule.channel]} for {rule.purpose}"
        if isinstance(rule, Answered):
            return f"answered {_or(sorted(rule.values))} to the question {rule.key}"
        return self._one_of(rule)

    def _between(self, rule: Between) -> str:
        if rule.of in SINCE:
            return f"{SINCE[rule.of]} {_range(rule.low, rule.high, 'day', 'days')} ago"
        if rule.of is Number.ORDERS:
            return f"have {_range(rule.low, rule.high, 'order', 'orders')}"
        if rule.of is Number.POINTS:
            return f"have {_range(rule.low, rule.high, 'point', 'points')} to spend"
        if rule.of in SCORES:
            return f"have a {SCORES[rule.of]} score of {_range(rule.low, rule.high, '', '')}"
        low, high = (
            None if each is None else money_text(each, self.currency, self.exponent)
            for each in (rule.low, rule.high)
        )
        if low is not None and high is not None:
            return f"spent from {low} to {high}"
        return f"spent {low} or more" if low is not None else f"spent {high} or less"

    def _one_of(self, rule: OneOf) -> str:
        names = sorted(rule.names)
        if rule.of is Word.BAND:
            return _or([self._band(Band(name)) for name in Band if name in rule.names])
        if rule.of is Word.NOVELTY:
            said = {Novelty.NEW: "ordered once", Novelty.RETURNING: "ordered again"}
            return _or([said[Novelty(name)] for name in names])
        if rule.of is Word.BIRTH_MONTH:
            names = [MONTHS[month - 1] for month in sorted(map(int, rule.names))]
        return f"{NAMED[rule.of]} {_or(names)}"

    def _band(self, band: Band) -> str:
        months = self.limits
        return {
            Band.BEST: f"ordered within {_months(months.best)}",
            Band.ACTIVE: f"ordered within {_months(months.active)}",
            Band.SLEEPING: f"last ordered {months.active} to {_months(months.sleeping)} ago",
            Band.AT_RISK: f"last ordered {months.sleeping} to {_months(months.at_risk)} ago",
            Band.LOST: f"last ordered more than {_months(months.at_risk)} ago",
        }[band]


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"


def _or(parts: list[str]) -> str:
    return " or ".join(parts)


def _range(low: int | None, high: int | None, one: str, many: str) -> str:
    def unit(count: int | None) -> str:
        return f" {one if count == 1 else many}".rstrip()

    if low is not None and low == high:
        return f"{low}{unit(low)}"
    if low is not None and high is not None:
        return f"{low} to {high}{unit(high)}"
    return f"{low}{unit(low)} or more" if low is not None else f"{high}{unit(high)} or less"


def _dates(since: dt.date | None, before: dt.date | None) -> str:
    parts = []
    if since is not None:
        parts.append(f"on or after {since.isoformat()}")
    if before is not None:
        parts.append(f"before {before.isoformat()}")
    return " and ".join(parts)
