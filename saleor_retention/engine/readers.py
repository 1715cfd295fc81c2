"""Readers of what several documents have in common: amounts by currency, goods, weekdays.

A program's rules and its offers say these things in one way, so that there is one reader of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from saleor_retention.engine.dumping import WEEKDAYS
from saleor_retention.engine.fields import Fields, decimal_text, did_you_mean, shown
from saleor_retention.engine.rules import Selection

GOODS_KINDS = ("variants", "products", "categories", "collections")
"""The fields of a selection."""

REFS_MAX = 10_000
PERCENT_DECIMALS_MAX = 3

_LONG_WEEKDAYS = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


def by_currency(fields: Fields, key: str, exponents: Mapping[str, int]) -> list[tuple[str, Any]]:
    """Return the entries of a mapping by currency, less those of currencies unknown here."""
    entries = []
    for currency, value in fields.keyed(key):
        if currency in exponents:
            entries.append((currency, value))
            continue
        hint = did_you_mean(currency, exponents)
        rule = f"is of no currency that this shop sells in{hint}"
        fields.note(f"{key}.{currency}", "UNKNOWN_CURRENCY", rule)
    return entries


def amounts_in(
    fields: Fields, key: str, exponents: Mapping[str, int], *, low_minor: int = 0
) -> tuple[tuple[str, int], ...]:
    """Read amounts by currency as minor units; nothing is rounded, and an empty mapping refused."""
    amounts = []
    for currency, value in by_currency(fields, key, exponents):
        path = f"{key}.{currency}"
        if value is None:
            fields.note(path, "REQUIRED", f"is required: an amount in {currency}.")
        minor = fields.money(path, value, exponents[currency], low_minor=low_minor)
        if minor is not None:
            amounts.append((currency, minor))
    if fields.take(key) == {}:
        fields.note(key, "EMPTY", "must name at least one currency.")
    return tuple(sorted(amounts))


def percent_in(fields: Fields) -> Decimal | None:
    """Read ``percent``: more than 0, 100 at most, with few decimals."""
    number = fields.number("percent", fields.take("percent"))
    if number is None:
        return None
    if not fields.is_within("percent", number, Fraction(0), Fraction(100), is_low_open=True):
        return None
    if 10**PERCENT_DECIMALS_MAX % number.denominator:
        rule = f"may have {PERCENT_DECIMALS_MAX} decimals at most; it is {decimal_text(number)}."
        fields.note("percent", "TOO_MANY_DECIMALS", rule, max=PERCENT_DECIMALS_MAX)
        return None
    return Decimal(decimal_text(number))


def selection_in(fields: Fields) -> Selection:
    """Read ``select``. It must name goods: an empty one could mean all of them or none."""
    content = fields.take("select")
    if content is None:
        return Selection()
    select = Fields(content, fields.at("select"), fields.problems)
    kinds = {kind: refs_in(select, kind) for kind in GOODS_KINDS}
    select.close()
    if content == {}:
        fields.note("select", "EMPTY", "names no goods: leave the key out to mean all goods.")
    return Selection(**kinds)


def refs_in(select: Fields, kind: str) -> frozenset[str]:
    """Read a list of references; an absent one reads as empty, one that is empty is refused."""
    if select.take(kind) is None:
        return frozenset()
    refs = set()
    for index, ref in enumerate(select.rows(kind, REFS_MAX)):
        if isinstance(ref, int) and not isinstance(ref, bool):
            refs.add(str(ref))
        elif isinstance(ref, str) and ref.strip():
            refs.add(ref)
        else:
            rule = f"must be a reference as text; it is {shown(ref)}."
            select.note(f"{kind}.{index}", "NOT_A_REFERENCE", rule)
    if select.take(kind) in ([], ()):
        select.note(kind, "EMPTY", f"names no {kind}: leave the key out, or name some.")
    return frozenset(refs)


def weekdays_in(fields: Fields) -> frozenset[int]:
    """Read ``weekdays`` by their English names, short or long; 0 is Monday."""
    if fields.take("weekdays") is None:
        return frozenset()
    days = set()
    for index, name in enumerate(fields.rows("weekdays", 7)):
        word = name.lower() if isinstance(name, str) else name
        if word in WEEKDAYS:
            days.add(WEEKDAYS.index(word))
        elif word in _LONG_WEEKDAYS:
            days.add(_LONG_WEEKDAYS.index(word))
        else:
            hint = did_you_mean(word, (*WEEKDAYS, *_LONG_WEEKDAYS))
            rule = f"must be one of {', '.join(WEEKDAYS)}; it is {shown(name)}{hint}"
            fields.note(f"weekdays.{index}", "UNKNOWN_WEEKDAY", rule)
    if fields.take("weekdays") in ([], ()):
        fields.note("weekdays", "EMPTY", "names no day: leave the key out to mean every day.")
    return frozenset(days)
