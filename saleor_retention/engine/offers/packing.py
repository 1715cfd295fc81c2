"""The problem that every search here solves: which ways to use up scarce resources save most.

A resource is a row of units, what is left of a limit, or what may come off before a spend threshold
is lost. A column is one way in which an offer can be applied: what it saves, and how much it
takes of each resource. Any column may be taken any number of times while the resources last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

Pairs = tuple[tuple[int, int], ...]


class Column(NamedTuple):
    """One way to apply an offer."""

    value: int
    pairs: Pairs  # (resource, how much of it); never empty
    tie: int  # cost between equal savings: limited uses first, then rank


@dataclass(slots=True)
class Packing:
    """Chosen columns, and what bounds every other choice."""

    chosen: dict[int, int] = field(default_factory=dict)  # column -> times
    value: int = 0
    bound: int = 0
    prices: list[Fraction] = field(default_factory=list)  # by resource
    sets: list[tuple[tuple[int, ...], Fraction]] = field(default_factory=list)  # rows, of a pair
    nodes: int = 0


def times_max(pairs: Pairs, left: Sequence[int]) -> int:
    """Return how often the resources that are left bear a column."""
    return min([left[resource] // taken for resource, taken in pairs])


def take(pairs: Pairs, left: list[int], times: int) -> None:
    """Take a column's resources so many times, in place."""
    for resource, taken in pairs:
        left[resource] -= taken * times
