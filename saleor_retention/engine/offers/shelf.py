"""The basket as the search sees it: lines that no offer can tell apart become one row.

Two lines with the same unit price that are matched by the same selections are interchangeable,
whatever they hold; six lines of one unit are then as easy as one line of six.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from saleor_retention.engine.facts import BasketFacts, BasketLine
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.selections import is_everything


class Row(NamedTuple):
    """Interchangeable units."""

    unit_minor: int
    quantity: int
    spare_minor: int  # cents of the lines' totals that no whole unit price holds
    lines: tuple[tuple[str, int], ...]  # (line reference, units), by reference

    @property
    def total_minor(self) -> int:
        """Return what all its units cost."""
        return self.unit_minor * self.quantity + self.spare_minor


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rows, and which of them each selection matches (in the order the selections came)."""

    rows: tuple[Row, ...]
    matched: tuple[tuple[int, ...], ...]


def shelve(basket: BasketFacts, selections: Sequence[Selection]) -> Shelf:
    """Return the basket's rows, dearest first; gifts and gift cards are left out.

    The order of lines is of no use. A unit's price is the line's total over its quantity, rounded
    down, as for member prices. Two lines of one reference raise ``ValueError``.
    """
    if len({line.ref for line in basket.lines}) != len(basket.lines):
        raise ValueError("Two basket lines have the same reference.")
    lines = [
        line
        for line in sorted(basket.lines, key=attrgetter("ref"))
        if line.quantity > 0 and not line.is_gift and not line.is_gift_card
    ]
    touched: list[list[int]] = [[] for _line in lines]  # by line: positions of the selections
    for position, hits in enumerate(_hits(lines, selections)):
        for index in hits:
            touched[index].append(position)
    alike: dict[tuple[int, tuple[int, ...], str], list[BasketLine]] = {}
    for line, positions in zip(lines, touched, strict=True):
        unit_minor, spare_minor = divmod(max(0, line.total_minor), line.quantity)
        alone = line.ref if spare_minor else ""  # a line with odd cents keeps them to itself
        alike.setdefault((unit_minor, tuple(positions), alone), []).append(line)
    by_price = sorted(alike.items(), key=lambda each: -each[0][0])
    matched: list[list[int]] = [[] for _selection in selections]
    for row, ((_unit_minor, selected, _alone), _lines) in enumerate(by_price):
        for position in selected:
            matched[position].append(row)
    rows = tuple([_row(unit_minor, own) for (unit_minor, _, _), own in by_price])
    return Shelf(rows, tuple(map(tuple, matched)))


def merged(shelf: Shelf) -> Shelf:
    """Return the shelf with rows as one that its selections do not tell apart.

    For a shelf of which some selections are of no interest any more.
    """
    touched: list[list[int]] = [[] for _row in shelf.rows]
    for position, rows in enumerate(shelf.matched):
        for index in rows:
            touched[index].append(position)
    alike: dict[tuple[int, tuple[int, ...], str], list[Row]] = {}
    for row, positions in zip(shelf.rows, touched, strict=True):
        alone = row.lines[0][0] if row.spare_minor else ""
        alike.setdefault((row.unit_minor, tuple(positions), alone), []).append(row)
    if len(alike) == len(shelf.rows):
        return shelf
    place = {row.lines[0][0]: index for index, rows in enumerate(alike.values()) for row in rows}
    places = [place[row.lines[0][0]] for row in shelf.rows]
    matched = [tuple(sorted({places[index] for index in rows})) for rows in shelf.matched]
    return Shelf(tuple(map(_united, alike.values())), tuple(matched))


def _united(rows: list[Row]) -> Row:
    if len(rows) == 1:
        return rows[0]
    lines = tuple(sorted(line for row in rows for line in row.lines))
    return Row(rows[0].unit_minor, sum(row.quantity for row in rows), 0, lines)


def _hits(lines: Sequence[BasketLine], selections: Sequence[Selection]) -> Iterator[Iterable[int]]:
    """Yield for each selection the lines it matches; of no matter is how much else it names."""
    variants: dict[str, list[int]] = {}
    products: dict[str, list[int]] = {}
    categories: dict[str, list[int]] = {}
    collections: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        goods = line.goods
        variants.setdefault(goods.variant_ref, []).append(index)
        products.setdefault(goods.product_ref, []).append(index)
        for reference in goods.category_refs:
            categories.setdefault(reference, []).append(index)
        for reference in goods.collection_refs:
            collections.setdefault(reference, []).append(index)
    for selection in selections:
        if is_everything(selection):
            yield range(len(lines))
            continue
        found: list[int] = []
        for there, named in (
            (variants, selection.variants),
            (products, selection.products),
            (categories, selection.categories),
            (collections, selection.collections),
        ):
            if named:
                for reference in there.keys() & named:
                    found += there[reference]
        yield set(found)


def _row(unit_minor: int, lines: list[BasketLine]) -> Row:
    quantity = sum([line.quantity for line in lines])
    spare_minor = sum([max(0, line.total_minor) for line in lines]) - unit_minor * quantity
    return Row(
        unit_minor, quantity, spare_minor, tuple([(line.ref, line.quantity) for line in lines])
    )
