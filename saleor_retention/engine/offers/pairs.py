"""Pairs of units: bounds that the linear relaxation does not see.

The relaxation may take half of a way: of three equal units 'any two' it takes one and a half times.
Whole ways cannot: of so many units of some rows there are half as many pairs, rounded down, and a
way that takes units of these rows uses up as many pairs as it takes, rounded down. Such a set of
rows is one more resource, and its price lowers the bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import lcm

from saleor_retention.engine.offers.packing import Column

SETS_MAX = 16  # that one look at the relaxation brings up

Rows = tuple[int, ...]  # one row, or two


def pairs_of(units: Iterable[tuple[int, int]], rows: Rows) -> int:
    """Return how many pairs (row, units) take of a set."""
    return sum([count for row, count in units if row in rows]) // 2


def broken_sets(
    amounts: Sequence[tuple[int, int, int]],
    columns: Sequence[Column],
    caps: Sequence[int],
    rows_count: int,
) -> list[Rows]:
    """Return sets of which the relaxation takes more pairs than there are, the worst first.

    ``amounts`` are what it chooses: (column, amount, denominator of the amount).
    """
    scale = lcm(*[denominator for _position, _amount, denominator in amounts])
    users: dict[int, list[tuple[int, Column]]] = {}
    near: dict[Rows, None] = {}
    for position, amount, denominator in amounts:
        column = columns[position]
        rows = [row for row, _taken in column.pairs if row < rows_count]
        for row in rows:
            users.setdefault(row, []).append((amount * scale // denominator, column))
        near |= dict.fromkeys([(row,) for row in rows])
        near |= dict.fromkeys(combinations(sorted(rows), 2))
    found = []
    for some in near:
        there = sum(caps[row] for row in some)
        if not there % 2:
            continue  # the rows' own bounds say as much
        takers = {id(column): (amount, column) for row in some for amount, column in users[row]}
        taken = sum(amount * pairs_of(column.pairs, some) for amount, column in takers.values())
        if taken > there // 2 * scale:
            found.append((there // 2 * scale - taken, some))
    return [some for _excess, some in sorted(found)[:SETS_MAX]]


def with_sets(columns: Sequence[Column], sets: Sequence[Rows], first: int) -> list[Column]:
    """Return the columns with the pairs they take of each set, a resource from ``first`` on."""
    by_row: dict[int, list[tuple[int, Rows]]] = {}
    for resource, some in enumerate(sets, start=first):
        for row in some:
            by_row.setdefault(row, []).append((resource, some))
    extended = []
    for column in columns:
        touched = {each: None for row, _taken in column.pairs for each in by_row.get(row, ())}
        own = [(resource, pairs_of(column.pairs, some)) for resource, some in touched]
        more = tuple([pair for pair in own if pair[1]])
        extended.append(column._replace(pairs=column.pairs + more) if more else column)
    return extended
