"""Says a segment's rule in one sentence, so that nobody has to read a tree.

``engine.phrases`` says how a sentence is put together and translated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from saleor_retention.engine.goods_names import GoodsNames, names_of
from saleor_retention.engine.money import money_text
from saleor_retention.engine.phrases import Phrase, Value, _, counted, ngettext, phrase
from saleor_retention.engine.profiles import Gender
from saleor_retention.engine.questions import ConsentChannel
from saleor_retention.engine.segments.bands import Band, Limits
from saleor_retention.engine.segments.rules import (
    Agreed,
    All,
    Answered,
    AnyOf,
    Between,
    Bought,
    Condition,
    Day,
    Not,
    Novelty,
    Number,
    OneOf,
    Rule,
    Within,
    Word,
)
from saleor_retention.engine.segments.stages import Stage

DAYS: Mapping[Day, str] = {
    Day.FIRST_ORDER: _("first ordered %(when)s"),
    Day.LAST_ORDER: _("last ordered %(when)s"),
    Day.JOINED: _("joined %(when)s"),
}
NUMBERS: Mapping[Number, str] = {
    Number.DAYS_SINCE_LAST_ORDER: _("last ordered %(range)s ago"),
    Number.DAYS_SINCE_FIRST_ORDER: _("first ordered %(range)s ago"),
    Number.ORDERS: _("have %(range)s"),
    Number.POINTS: _("have %(range)s to spend"),
    Number.RECENCY: _("have a recency score of %(range)s"),
    Number.FREQUENCY: _("have a frequency score of %(range)s"),
    Number.MONETARY: _("have a monetary score of %(range)s"),
}
NAMED: Mapping[Word, str] = {
    Word.TIER: _("are in the tier %(names)s"),
    Word.TAG: _("bear the tag %(names)s"),
    Word.SEGMENT: _("are on the list %(names)s"),
    Word.STAGE: _("are at the stage %(names)s"),
    Word.GENDER: _("said that their gender is %(names)s"),
    Word.INTEREST: _("are interested in %(names)s"),
    Word.BIRTH_MONTH: _("were born in %(names)s"),
    Word.LANGUAGE: _("read the language %(names)s"),
}
SAID_OF: Mapping[str, str] = {
    Stage.AWARE: _("aware"),
    Stage.APPEAL: _("appeal"),
    Stage.ASK: _("ask"),
    Stage.ACT: _("act"),
    Stage.ADVOCATE: _("advocate"),
    Gender.FEMALE: _("female"),
    Gender.MALE: _("male"),
    Gender.OTHER: _("other"),
}
NOVELTIES: Mapping[str, str] = {
    Novelty.NEW: _("ordered once"),
    Novelty.RETURNING: _("ordered again"),
}
AGREED: Mapping[str, str] = {
    ConsentChannel.EMAIL: _("agreed to messages by e-mail for %(purpose)s"),
    ConsentChannel.SMS: _("agreed to text messages for %(purpose)s"),
    ConsentChannel.PROFILING: _("agreed to profiling for %(purpose)s"),
}
MONTHS = (
    _("January"),
    _("February"),
    _("March"),
    _("April"),
    _("May"),
    _("June"),
    _("July"),
    _("August"),
    _("September"),
    _("October"),
    _("November"),
    _("December"),
)
ON_A_LIST = phrase(_("Customers whom the shop has put on this list."))


def sentence(
    rule: Rule,
    currency: str,
    exponent: int,
    limits: Limits | None = None,
    goods: GoodsNames | None = None,
) -> Phrase:
    """Return who is in the segment; ``goods`` are names by kind and reference.

    >>> from saleor_retention.engine.phrases import render
    >>> rule = All((Between(Number.ORDERS, 2), Not(OneOf(Word.TIER, frozenset({"vip"})))))
    >>> render(sentence(rule, "USD", 2))
    'Customers who have 2 orders or more, and who are none of those who are in the tier vip.'
    """
    said = _Words(currency, exponent, limits or Limits(), goods or {}).clause(rule, is_inner=False)
    return phrase(_("Customers who %(rule)s."), rule=said)


class _Words:
    def __init__(self, currency: str, exponent: int, limits: Limits, goods: GoodsNames) -> None:
        self.currency = currency
        self.exponent = exponent
        self.limits = limits
        self.goods = goods

    def clause(self, rule: Rule, *, is_inner: bool = True) -> Value:
        """Return what follows "customers who"; an inner list of several stands in brackets."""
        if isinstance(rule, Not):
            return phrase(_("are none of those who %(rule)s"), rule=self.clause(rule.rule))
        if isinstance(rule, All | AnyOf):
            is_all = isinstance(rule, All)
            joint = _("%(first)s, and who %(rest)s") if is_all else _("%(first)s, or who %(rest)s")
            text = _joined([self.clause(each) for each in rule.rules], joint)
            return phrase(_("(%(rule)s)"), rule=text) if is_inner and len(rule.rules) > 1 else text
        return self._condition(rule)

    def _condition(self, rule: Condition) -> Value:
        if isinstance(rule, Between):
            return self._between(rule)
        if isinstance(rule, Within):
            return phrase(DAYS[rule.of], when=_dates(rule.since, rule.before))
        if isinstance(rule, Agreed):
            return phrase(AGREED[rule.channel], purpose=rule.purpose)
        if isinstance(rule, Answered):
            return phrase(
                _("answered %(answers)s to the question %(question)s"),
                answers=_or(sorted(rule.values)),
                question=rule.key,
            )
        if isinstance(rule, Bought):
            return self._bought(rule)
        return self._one_of(rule)

    def _bought(self, rule: Bought) -> Phrase:
        goods = names_of(rule.selection, self.goods)
        if rule.days is None:
            return phrase(_("bought any of %(goods)s"), goods=goods)
        days = _days(rule.days)
        return phrase(_("bought any of %(goods)s within %(days)s"), goods=goods, days=days)

    def _between(self, rule: Between) -> Phrase:
        if rule.of is not Number.SPEND:
            units = {Number.ORDERS: _orders, Number.POINTS: _points}
            unit = _days if rule.of in SINCE else units.get(rule.of, str)
            return phrase(NUMBERS[rule.of], range=_range(rule.low, rule.high, unit))
        low, high = (
            None if each is None else money_text(each, self.currency, self.exponent)
            for each in (rule.low, rule.high)
        )
        if low is not None and high is not None:
            return phrase(_("spent from %(low)s to %(high)s"), low=low, high=high)
        if low is not None:
            return phrase(_("spent %(low)s or more"), low=low)
        return phrase(_("spent %(high)s or less"), high=f"{high}")

    def _one_of(self, rule: OneOf) -> Value:
        names: list[Value] = [
            phrase(SAID_OF[name]) if rule.of in FIXED else name for name in sorted(rule.names)
        ]
        if rule.of is Word.BAND:
            return _or([self._band(band) for band in Band if band in rule.names])
        if rule.of is Word.NOVELTY:
            return _or([phrase(NOVELTIES[name]) for name in sorted(rule.names)])
        if rule.of is Word.BIRTH_MONTH:
            names = [phrase(MONTHS[month - 1]) for month in sorted(map(int, rule.names))]
        return phrase(NAMED[rule.of], names=_or(names))

    def _band(self, band: Band) -> Phrase:
        limits = self.limits
        ordered, ago = _("ordered within %(months)s"), _("last ordered %(range)s ago")
        match band:
            case Band.BEST:
                return phrase(ordered, months=_months(limits.best))
            case Band.ACTIVE:
                return phrase(ordered, months=_months(limits.active))
            case Band.SLEEPING:
                return phrase(ago, range=_range(limits.active, limits.sleeping, _months))
            case Band.AT_RISK:
                return phrase(ago, range=_range(limits.sleeping, limits.at_risk, _months))
        months = _months(limits.at_risk)
        return phrase(_("last ordered more than %(months)s ago"), months=months)


SINCE = (Number.DAYS_SINCE_LAST_ORDER, Number.DAYS_SINCE_FIRST_ORDER)
FIXED = (Word.STAGE, Word.GENDER)


def _days(count: int) -> Phrase:
    return counted(count, ngettext("%(number)s day", "%(number)s days", count))


def _months(count: int) -> Phrase:
    return counted(count, ngettext("%(number)s month", "%(number)s months", count))


def _orders(count: int) -> Phrase:
    return counted(count, ngettext("%(number)s order", "%(number)s orders", count))


def _points(count: int) -> Phrase:
    return counted(count, ngettext("%(number)s point", "%(number)s points", count))


def _or(parts: Sequence[Value]) -> Value:
    return _joined(parts, _("%(first)s or %(rest)s"))


def _joined(parts: Sequence[Value], joint: str) -> Value:
    """Return one part and the rest, and so on; the last one by itself."""
    *before, text = parts
    for part in reversed(before):
        text = phrase(joint, first=part, rest=text)
    return text


def _range(low: int | None, high: int | None, unit: Callable[[int], Value]) -> Value:
    if high is None:
        return phrase(_("%(low)s or more"), low=unit(low or 0))
    if low is None:
        return phrase(_("%(high)s or less"), high=unit(high))
    if low == high:
        return unit(low)
    return phrase(_("%(low)s to %(high)s"), low=f"{low}", high=unit(high))


def _dates(since: dt.date | None, before: dt.date | None) -> Phrase:
    if since is None:
        return phrase(_("before %(end)s"), end=f"{before}")
    if before is None:
        return phrase(_("on or after %(first)s"), first=f"{since}")
    return phrase(_("on or after %(first)s and before %(end)s"), first=f"{since}", end=f"{before}")
