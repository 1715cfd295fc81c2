"""The basket as the search sees it: lines that no offer can tell apart become one row.

Two lines with the same unit price that are matched by the same selections are interchangeable,
whatever they hold; six lines of one unit are then as easy as one line of six.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saleor_retention.engine.facts import BasketFacts, BasketLine
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.selections import matches


@dataclass(frozen=True, slots=True)
class Row:
    """Interchangeable units."""

    unit_minor: int
    quantity: int
    spare_minor: int  # cents of the lines' totals that no whole unit price holds
    lines: tuple[tuple[str, int], ...]  # (line reference, units), by reference


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rows, and which of them each selection matches (in the order the selections came)."""

    rows: tuple[Row, ...]
    matched: tuple[tuple[int, ...], ...]


def shelve(basket: BasketFacts, selections: Sequence[Selection]) -> Shelf:
    """Return the basket's rows; gifts and gift cards are left out. The order of lines is of no use.

    A unit's price is the line's total over its quantity, rounded down, as for member prices. Two
    lines of one reference raise ``ValueError``.
    """
    if len({line.ref for line in basket.lines}) != len(basket.lines):
        raise ValueError("Two basket lines have the same reference.")
    alike: dict[tuple[int, int, str], list[BasketLine]] = {}
    for line in sorted(basket.lines, key=lambda each: each.ref):
        if line.quantity <= 0 or line.is_gift or line.is_gift_card:
            continue
        bits, bit = 0, 1
        for selection in selections:
            if matches(selection, line.goods):
                bits |= bit
            bit <<= 1
        unit_minor, spare_minor = divmod(max(0, line.total_minor), line.quantity)
        alone = line.ref if spare_minor else ""  # a line with odd cents keeps them to itself
        alike.setdefault((unit_minor, bits, alone), []).append(line)
    rows = tuple(_row(unit_minor, lines) for (unit_minor, _, _), lines in alike.items())
    every = [bits for _unit, bits, _alone in alike]
    matched = tuple(
        tuple(index for index, bits in enumerate(every) if bits >> position & 1)
        for position in range(len(selections))
    )
    return Shelf(rows, matched)


def _row(unit_minor: int, lines: list[BasketLine]) -> Row:
    quantity = sum(line.quantity for line in lines)
    return Row(
        unit_minor=unit_minor,
        quantity=quantity,
        spare_minor=sum(max(0, line.total_minor) for line in lines) - unit_minor * quantity,
        lines=tuple((line.ref, line.quantity) for line in lines),
    )
