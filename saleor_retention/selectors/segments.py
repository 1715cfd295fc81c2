"""Segments as they are set up, and what the rest of the plugin asks about an account's.

Members are those of the last refresh (``services.membership.segments``); a rule is read as it is
stored, also where it names a tier or a list that is gone, which nobody is in.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from saleor_retention import host
from saleor_retention.engine.goods_names import GoodsNames, spoken
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.phrases import Phrase
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.engine.segments.bands import Limits
from saleor_retention.engine.segments.customers import Rollup
from saleor_retention.engine.segments.parsing import Surroundings, parse_rule
from saleor_retention.engine.segments.rules import Rule, Setting, goods_in
from saleor_retention.engine.segments.words import ON_A_LIST, sentence
from saleor_retention.models import BandLimits, CustomerRollup, Program, Segment
from saleor_retention.selectors.programs import rules_of


@dataclass(frozen=True, slots=True)
class Money:
    """The currency in which a program counts spend; "" where it has no one for all orders."""

    currency: str
    exponent: int


def segments_and_tags_of(account_id: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the slugs of the account's active segments and its tags, in one statement.

    Among the tags is the 5A stage, such as ``stage:aware`` or ``stage:act``.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT saleor_retention_segments_of(%s)", [account_id])
        found = cursor.fetchone()[0]
    facts = json.loads(found) if isinstance(found, str) else found
    return frozenset(facts["segments"]), frozenset(facts["tags"])


def rollup_in(row: CustomerRollup) -> Rollup:
    """Return a stored row as frozen data."""
    return Rollup(
        orders=row.orders,
        order_days=row.order_days,
        first_order_at=row.first_order_at,
        second_order_at=row.second_order_at,
        last_order_at=row.last_order_at,
        first_on=row.first_on,
        last_on=row.last_on,
        spend_minor=row.spend_minor,
        first_day_minor=row.first_day_minor,
    )


def money_of(rules: ProgramRules) -> Money:
    """Return the reference currency, or the one currency of a program that has no other."""
    currency = rules.reference_currency
    if not currency and len(rules.earn_rates) == 1:
        (currency,) = rules.earn_rates
    exponent = host.current().currency_exponent(currency) if currency else 0
    return Money(currency, exponent)


def limits_of(program: Program) -> Limits:
    """Return the program's recency bands."""
    return limits_of_programs([program.pk])[program.pk]


def limits_of_programs(program_ids: Collection[int]) -> dict[int, Limits]:
    """Return the recency bands of programs in one statement."""
    found = dict.fromkeys(program_ids, Limits())
    for row in BandLimits.objects.filter(program__in=list(program_ids)):
        found[row.pk] = Limits(row.best, row.active, row.sleeping, row.at_risk)
    return found


def setting_of(program: Program, at: dt.datetime) -> Setting:
    """Return the program's day, bands and time zone for rules to be asked in."""
    zone = rules_of(program.current_version_id).time_zone
    return Setting(local_date(at, zone), limits_of(program), zone, host.current().sold())


def rule_of(segment: Segment, money: Money) -> Rule:
    """Return what a segment's stored document means.

    Raises ``ValueError`` where it cannot be read any more (a fault: it was valid when stored).
    """
    rule, problems = parse_rule(segment.document, Surroundings(money.currency, money.exponent))
    if rule is None:
        raise ValueError(f"Segment {segment.pk}: {problems[0].message}")
    return rule


def goods_said_of(segment: Segment) -> list[tuple[str, str]]:
    """Return the goods that the sentence of a segment names, by kind and reference."""
    if segment.document is None:
        return []
    rule = rule_of(segment, money_of(rules_of(segment.program.current_version_id)))
    return sorted({each for selection in goods_in(rule) for each in spoken(selection)})


def sentence_of(segment: Segment, limits: Limits, goods: GoodsNames) -> Phrase:
    """Say in words who is in a segment; ``limits`` are the bands of its program."""
    if segment.document is None:
        return ON_A_LIST
    money = money_of(rules_of(segment.program.current_version_id))
    rule = rule_of(segment, money)
    return sentence(rule, money.currency, money.exponent, limits, goods)
