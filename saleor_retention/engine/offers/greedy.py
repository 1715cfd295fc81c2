"""A good choice without search: where the search begins, and what remains if it may not go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from saleor_retention.engine.offers.packing import Column, take, times_max


def fill(order: Iterable[int], columns: Sequence[Column], caps: Sequence[int]) -> dict[int, int]:
    """Take columns in this order, each as often as the resources bear it."""
    left, chosen = list(caps), {}
    for position in order:
        pairs = columns[position].pairs
        times = times_max(pairs, left)
        if times > 0:
            take(pairs, left, times)
            chosen[position] = times
    return chosen


def by_density(columns: Sequence[Column]) -> list[int]:
    """Return the columns by what they save for each unit they take, best first."""
    keys = [
        -column.value * 1_000 // sum([taken for _, taken in column.pairs]) for column in columns
    ]
    return sorted(range(len(columns)), key=keys.__getitem__)


def value_of(chosen: dict[int, int], columns: Sequence[Column]) -> int:
    """Return what a choice saves."""
    return sum(columns[position].value * times for position, times in chosen.items())


def tie_of(chosen: dict[int, int], columns: Sequence[Column]) -> int:
    """Return what a choice costs between equal savings."""
    return sum(columns[position].tie * times for position, times in chosen.items())
