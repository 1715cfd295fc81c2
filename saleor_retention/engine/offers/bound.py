"""The dual bound: a price for each resource such that no column saves more than it takes.

Then no choice of columns saves more than all resources are worth. The prices come from the simplex
method on the linear relaxation, in whole numbers over one common denominator (each pivot divides
without remainder), so that the bound is exact and the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

from saleor_retention.engine.offers.packing import Column

CANDIDATES = 12  # columns that a look at all of them brings up for the next pivots
PIVOTS_EACH = 12  # pivots allowed for each resource; then the prices are repaired and used


class Simplex:
    """Prices of resources, improved pivot by pivot; all numbers are over ``denominator``."""

    def __init__(self, caps: Sequence[int], columns: Sequence[Column]) -> None:
        size = len(caps)
        self.columns = columns
        self.denominator = 1
        self.prices = [0] * size
        self.amounts = list(caps)  # of what is in the basis; at first what is left of each resource
        self.inverse = [[int(i == j) for j in range(size)] for i in range(size)]
        self.pivots_left = PIVOTS_EACH * size + len(columns) // 4

    def run(self, first: Sequence[int]) -> None:
        """Pivot until the prices cover every column; ``first`` are columns to begin with."""
        candidates = list(first)
        while True:
            while candidates and self.pivots_left:
                gains = [(self._gain(position), position) for position in candidates]
                gain, position = max(gains, key=lambda each: (each[0], -each[1]))
                if gain <= 0:
                    break
                candidates = [each for value, each in gains if value > 0 and each != position]
                self._pivot([*self.columns[position].pairs], gain)
            if not self.pivots_left or not self._release():
                gains = self._all_gains()
                if not gains or not self.pivots_left:
                    break
                candidates = [position for _gain, position in nlargest(CANDIDATES, gains)]
        self._repair()

    def _gain(self, position: int) -> int:
        column, prices = self.columns[position], self.prices
        return column.value * self.denominator - sum([prices[r] * n for r, n in column.pairs])

    def _all_gains(self) -> list[tuple[int, int]]:
        prices, denominator = self.prices, self.denominator
        gains = []
        for position, (value, pairs, _tie) in enumerate(self.columns):
            gain = value * denominator
            for resource, taken in pairs:
                gain -= prices[resource] * taken
            if gain > 0:
                gains.append((gain, -position))
        return [(gain, -position) for gain, position in gains]

    def _release(self) -> bool:
        """Leave some of a resource unused whose price fell below zero; False if there is none."""
        lowest = min(self.prices)
        if lowest >= 0:
            return False
        self._pivot([(self.prices.index(lowest), 1)], -lowest)
        return True

    def _pivot(self, pairs: list[tuple[int, int]], gain: int) -> None:
        """Bring a column into the basis, for the one that runs out first."""
        self.pivots_left -= 1
        alphas = [sum([line[r] * n for r, n in pairs]) for line in self.inverse]
        leaving = -1
        for index, alpha in enumerate(alphas):
            if alpha > 0 and (
                leaving < 0 or self.amounts[index] * alphas[leaving] < self.amounts[leaving] * alpha
            ):
                leaving = index
        old, new = self.denominator, alphas[leaving]
        row, amount = self.inverse[leaving], self.amounts[leaving]
        for index, alpha in enumerate(alphas):
            if index == leaving or (not alpha and new == old):
                continue
            self.inverse[index] = [
                (a * new - alpha * b) // old for a, b in zip(self.inverse[index], row, strict=True)
            ]
            self.amounts[index] = (self.amounts[index] * new - alpha * amount) // old
        self.prices = [
            (price * new + gain * b) // old for price, b in zip(self.prices, row, strict=True)
        ]
        self.denominator = new

    def _repair(self) -> None:
        """Raise prices where pivots ran out before they covered everything."""
        self.prices = prices = [max(0, price) for price in self.prices]
        for gain, position in self._all_gains():
            del gain  # prices rise on the way
            missing = self._gain(position)
            if missing > 0:
                resource, taken = max(self.columns[position].pairs, key=lambda pair: pair[1])
                prices[resource] += -(-missing // taken)
