"""Turns a quote into prices per unit, which is all that 2.10.1 can keep, and a remainder.

An order line there is a quantity and a unit price in whole minor units. A discount on a line of
three that does not divide by three cannot be expressed; what is left of it, the remainder, is taken
off the total instead and recorded as the order's discount. A line of one unit takes any amount, so
lines with few units are made to take what others could not. Nor can a unit cost nothing, because
2.10.1 divides by its price when it makes an order line. So the remainder is at most one minor unit
for each unit of goods, and nothing in most carts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.money import from_minor
from saleor_retention.engine.pricing import POINTS_RULE
from saleor_retention.engine.quote import Allocation, AppliedOffer, Quote

UNIT_MINOR_MIN = 1
RESTS = ("member", "offer", POINTS_RULE)
"""What the remainder is named for: the last of these that the quote has."""
WHOLE_ORDER = ""
"""The line reference of the remainder, which belongs to no line."""


@dataclass(frozen=True, slots=True)
class LinePrice:
    """What a checkout line costs before our discounts and, per unit, after them."""

    quantity: int
    total_minor: int  # before, of all units
    unit_minor: int  # after, of each


@dataclass(frozen=True, slots=True)
class UnitQuote:
    """A quote whose allocations are exactly what units and remainder take off."""

    quote: Quote
    lines: Mapping[str, LinePrice]  # those that the quote touches
    remainder_minor: int


def in_units(quote: Quote, basket: BasketFacts) -> UnitQuote:
    """Return the quote with each line's allocations moved to what its unit price can express.

    Units are rounded up, so that no line gives more than the quote, to one minor unit at least. Of
    what is missing, lines that points are on take whole minor units per unit, those with the fewest
    units first, and the rest is the remainder. The sum of all allocations is that of ``quote``; a
    quote that went through here comes back as it is.
    """
    parts = _by_line(quote.allocations)
    units: dict[str, int] = {}
    missing = sum(item.amount_minor for item in parts.get(WHOLE_ORDER, ()))
    lines = [line for line in basket.lines if line.ref in parts and line.quantity > 0]
    for line in lines:
        after = line.total_minor - sum(item.amount_minor for item in parts[line.ref])
        units[line.ref] = max(UNIT_MINOR_MIN, -(-after // line.quantity))
        missing += units[line.ref] * line.quantity - after
    for line in sorted(lines, key=lambda line: (line.quantity, line.ref)):
        if any(item.rule_key == POINTS_RULE for item in parts[line.ref]):
            more = min(missing // line.quantity, units[line.ref] - UNIT_MINOR_MIN)
            units[line.ref] -= more
            missing -= more * line.quantity
    prices = {
        line.ref: LinePrice(line.quantity, line.total_minor, units[line.ref]) for line in lines
    }
    touched = {
        ref: price
        for ref, price in prices.items()
        if price.quantity * price.unit_minor != price.total_minor
    }
    return UnitQuote(_adjusted(quote, parts, prices, missing, basket.exponent), touched, missing)


def _by_line(allocations: Iterable[Allocation]) -> dict[str, list[Allocation]]:
    found: dict[str, list[Allocation]] = {}
    for item in allocations:
        found.setdefault(item.line_ref, []).append(item)
    return found


def _adjusted(
    quote: Quote,
    parts: Mapping[str, list[Allocation]],
    prices: Mapping[str, LinePrice],
    remainder: int,
    exponent: int,
) -> Quote:
    """Return the quote with the last allocations of each line saying what the units really give."""
    allocations: list[Allocation] = []
    for ref, price in prices.items():
        left = price.total_minor - price.quantity * price.unit_minor
        for item in parts[ref]:
            amount = left if item is parts[ref][-1] else min(left, item.amount_minor)
            left -= amount
            if amount:
                allocations.append(_of_amount(item, amount, exponent))
    if remainder:
        pattern = max(quote.allocations, key=lambda item: RESTS.index(_origin(item)))
        allocations.append(_of_amount(replace(pattern, line_ref=WHOLE_ORDER), remainder, exponent))
    return replace(
        quote, allocations=tuple(allocations), applied=_applied(quote.applied, allocations)
    )


def _applied(
    applied: Iterable[AppliedOffer], allocations: Iterable[Allocation]
) -> tuple[AppliedOffer, ...]:
    """Return the offers with what they take off in units; what one does for shipping stays."""
    off: dict[str, int] = {}
    for item in allocations:
        off[item.rule_key] = off.get(item.rule_key, 0) + item.amount_minor
    return tuple(
        replace(item, amount_minor=off.get(item.rule_key, item.amount_minor)) for item in applied
    )


def _origin(item: Allocation) -> str:
    return item.rule_key.partition(":")[0]


def _of_amount(item: Allocation, amount_minor: int, exponent: int) -> Allocation:
    if item.amount_minor == amount_minor and item.line_ref != WHOLE_ORDER:
        return item
    value = item.value if item.value_type != "fixed" else f"{from_minor(amount_minor, exponent):f}"
    return replace(item, amount_minor=amount_minor, value=value)
