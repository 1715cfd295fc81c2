"""The dual bound: a price for each resource such that no column saves more than it takes.

Then no choice of columns saves more than all resources are worth. The prices come from the simplex
method on the linear relaxation, in whole numbers over a denominator for each line of the tableau,
so that the bound is exact and the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from math import gcd

from saleor_retention.engine.offers.packing import Column, Pairs

BLOCK = 300  # columns looked at together
CANDIDATES = 12  # columns that such a look brings up for the next pivots
PIVOTS_EACH = 12  # pivots allowed for each resource; then the prices are repaired and used

Line = tuple[list[int], int]  # whole numbers, and the denominator of them all


class Simplex:
    """Prices of resources, improved pivot by pivot; they are numbers over ``denominator``."""

    def __init__(self, caps: Sequence[int], columns: Sequence[Column]) -> None:
        size = len(caps)
        self.columns = columns
        self.denominator = 1
        self.prices = [0] * size
        # The inverse of the basis, and behind each line the amount of what is in the basis.
        self._lines: list[Line] = [
            ([*[int(i == j) for j in range(size)], cap], 1) for i, cap in enumerate(caps)
        ]
        self._basis = [-1] * size  # by line: a column, or -1 for what is left of a resource
        self._next = 0  # column to look at
        self.pivots_left = PIVOTS_EACH * size + len(columns) // 4

    @property
    def amounts(self) -> list[tuple[int, int, int]]:
        """Return what the relaxation chooses: (column, amount, its denominator)."""
        return [
            (position, numbers[-1], denominator)
            for position, (numbers, denominator) in zip(self._basis, self._lines, strict=True)
            if position >= 0 and numbers[-1]
        ]

    def run(self, first: Sequence[int]) -> int:
        """Pivot until the prices cover every column; return how many pivots that took.

        ``first`` are columns to begin with.
        """
        candidates, allowed = list(first), self.pivots_left
        while True:
            while candidates and self.pivots_left:
                gains = [(self._gain(position), position) for position in candidates]
                gain, position = max(gains, key=lambda each: (each[0], -each[1]))
                if gain <= 0:
                    break
                candidates = [each for value, each in gains if value > 0 and each != position]
                self._pivot(self.columns[position].pairs, gain, position)
            if not self.pivots_left or not self._release():
                gains = self._next_gains()
                if not gains or not self.pivots_left:
                    break
                candidates = [position for _gain, position in nlargest(CANDIDATES, gains)]
        self._repair()
        return allowed - self.pivots_left

    def _gain(self, position: int) -> int:
        column, prices = self.columns[position], self.prices
        return column.value * self.denominator - sum([prices[r] * n for r, n in column.pairs])

    def _next_gains(self) -> list[tuple[int, int]]:
        """Return (gain, column) of the next columns among which any is not covered."""
        count = len(self.columns)
        for _block in range(0, count, BLOCK):
            gains = self._gains(range(self._next, min(self._next + BLOCK, count)))
            self._next = self._next + BLOCK if self._next + BLOCK < count else 0
            if gains:
                return gains
        return []

    def _gains(self, positions: range) -> list[tuple[int, int]]:
        prices, denominator = self.prices, self.denominator
        gains = []
        for position in positions:
            value, pairs, _tie = self.columns[position]
            gain = value * denominator
            for resource, taken in pairs:
                gain -= prices[resource] * taken
            if gain > 0:
                gains.append((gain, position))
        return gains

    def _release(self) -> bool:
        """Leave some of a resource unused whose price fell below zero; False if there is none."""
        lowest = min(self.prices)
        if lowest >= 0:
            return False
        self._pivot(((self.prices.index(lowest), 1),), -lowest, -1)
        return True

    def _pivot(self, pairs: Pairs, gain: int, position: int) -> None:
        """Bring a column into the basis, for the one that runs out first."""
        self.pivots_left -= 1
        tops = [sum([numbers[r] * n for r, n in pairs]) for numbers, _denominator in self._lines]
        leaving = -1
        for index, top in enumerate(tops):
            if top > 0 and (
                leaving < 0
                or self._lines[index][0][-1] * tops[leaving] < self._lines[leaving][0][-1] * top
            ):
                leaving = index
        pivot, new = self._lines[leaving][0], tops[leaving]
        for index, top in enumerate(tops):
            if top and index != leaving:
                self._lines[index] = _less(self._lines[index], top, pivot, new)
        worth = ([*self.prices, 0], self.denominator)
        prices, self.denominator = _less(worth, -gain, pivot, new)
        self.prices = prices[:-1]
        self._lines[leaving] = _reduced(pivot, new)
        self._basis[leaving] = position

    def _repair(self) -> None:
        """Raise prices where pivots ran out before they covered everything."""
        self.prices = prices = [max(0, price) for price in self.prices]
        for _gain, position in self._gains(range(len(self.columns))):  # prices rise on the way
            missing = self._gain(position)
            if missing > 0:
                resource, taken = max(self.columns[position].pairs, key=lambda pair: pair[1])
                prices[resource] += -(-missing // taken)


def _less(line: Line, top: int, pivot: list[int], new: int) -> Line:
    """Return the line less so much of the pivot's as makes the entering column's number zero."""
    numbers, denominator = line
    return _reduced(
        [a * new - top * b for a, b in zip(numbers, pivot, strict=True)], denominator * new
    )


def _reduced(numbers: list[int], denominator: int) -> Line:
    common = gcd(denominator, *numbers)
    if common == 1:
        return numbers, denominator
    return [number // common for number in numbers], denominator // common
