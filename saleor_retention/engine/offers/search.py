"""Depth first over what choices give away against the dual bound, with a memo and a node budget.

Every choice falls short of the bound by its slack: what its columns save less than their resources
are worth, and what unused resources are worth. A choice that beats the incumbent has less slack
than the incumbent, so a branch ends as soon as its slack reaches that. Columns that have more slack
than is left are dropped on the way down (reduced-cost pruning), and what no column wants any more
stays unused at once: its price is slack too, which drops further columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import ge, mul, sub

from saleor_retention.engine.offers.components import components
from saleor_retention.engine.offers.packing import Column, Pairs, take, times_max

COLUMNS_EACH = 8  # columns looked at count as one more node
DEPTH_MAX = 250  # branches on the way down, far from where Python's own limit is

Way = tuple[int, int, Pairs]  # cost, position among the columns, what it takes


class OutOfBudget(Exception):
    """The search may not look at more nodes."""


class Search:
    """Looks for a choice of less than ``limit`` slack; each that it finds lowers the limit."""

    def __init__(
        self,
        columns: Sequence[Column],
        caps: Sequence[int],
        costs: Sequence[int],
        prices: Sequence[int],
        limit: int,
        nodes_max: int,
        counted: int,
    ) -> None:
        self.columns, self.caps, self.costs, self.prices = columns, caps, costs, prices
        self.counted = counted  # so many resources come in units, the ones after them in money
        self.limit, self.nodes_max, self.nodes = limit, nodes_max, 0
        self.found: dict[int, int] | None = None
        self._place = self._places()
        self._done: dict[tuple[int, ...], list[tuple[list[int], int]]] = {}

    def run(self) -> bool:
        """Search; False when the budget ran out before everything was looked at."""
        ways = sorted(
            (cost, position, self.columns[position].pairs)
            for position, cost in enumerate(self.costs)
            if cost < self.limit
        )
        try:
            self._explore(list(self.caps), 0, ways, ())
        except OutOfBudget:
            return False
        return True

    def _places(self) -> list[int]:
        place = [0] * len(self.caps)
        if self.counted == len(self.caps):
            return place
        place[self.counted :] = [len(self.columns)] * (len(self.caps) - self.counted)
        stripped = [
            column._replace(pairs=tuple([pair for pair in column.pairs if pair[0] < self.counted]))
            for column in self.columns
        ]
        grouped = components(self.counted, stripped, range(len(stripped)))
        for index, group in enumerate(sorted(grouped, key=len)):
            for position in group:
                for resource, _taken in stripped[position].pairs:
                    place[resource] = index
        return place

    def _explore(
        self, left: list[int], slack: int, ways: list[Way], path: tuple[tuple[int, int], ...]
    ) -> None:
        """Look at every completion of a partial choice.

        ``_done`` holds, for what is left, up to which further slack it is known that no completion
        is of use; coming back with no more to spend is pointless.
        """
        key, money, before = tuple(left[: self.counted]), left[self.counted :], slack
        known = self._done.setdefault(key, [])
        if known and self._is_in_vain(known, money, self.limit - slack):
            return
        slack, ways, wanted = self._drop(left, slack, ways)
        if slack < self.limit and not ways:
            self.limit, self.found = slack, {}
            for position, times in path:
                self.found[position] = self.found.get(position, 0) + times
        elif slack < self.limit:
            if len(path) >= DEPTH_MAX:
                raise OutOfBudget
            self._branch(left, slack, ways, path, self._scarcest(wanted))
        known.append((money, self.limit - before))

    def _is_in_vain(
        self, known: list[tuple[list[int], int]], money: list[int], spare: int
    ) -> bool:
        """Return whether as much slack was tried in vain with the same units and no less money.

        With more money left the same completion has more slack: what the additional money is worth.
        """
        prices = self.prices[self.counted :]
        return any(
            tried - sum(map(mul, prices, map(sub, more, money))) >= spare
            for more, tried in known
            if all(map(ge, more, money))
        )

    def _branch(
        self,
        left: list[int],
        slack: int,
        ways: list[Way],
        path: tuple[tuple[int, int], ...],
        resource: int,
    ) -> None:
        """Take each column that wants the resource, as often as it fits; then leave it unused."""
        others = []
        for way in ways:
            cost, position, pairs = way
            if all([wanted != resource for wanted, _taken in pairs]):
                others.append(way)
                continue
            if slack + cost >= self.limit:
                continue
            for times in range(times_max(pairs, left), 0, -1):
                if slack + cost * times < self.limit:  # which may have fallen meanwhile
                    rest = left.copy()
                    take(pairs, rest, times)
                    self._explore(rest, slack + cost * times, ways, (*path, (position, times)))
        slack += self.prices[resource] * left[resource]
        if slack < self.limit:
            rest = left.copy()
            rest[resource] = 0
            self._explore(rest, slack, others, path)

    def _drop(
        self, left: list[int], slack: int, ways: list[Way]
    ) -> tuple[int, list[Way], dict[int, int]]:
        """Drop what no longer fits, give up what is no longer wanted, until nothing changes.

        Return the slack, the columns that remain and by how many of them each resource is wanted.
        """
        while True:
            self.nodes += 1 + len(ways) // COLUMNS_EACH
            if self.nodes > self.nodes_max:
                raise OutOfBudget
            spare, fitting = self.limit - slack, []
            wanted: dict[int, int] = {}
            for way in ways:
                if way[0] >= spare:
                    break  # sorted by cost
                for resource, taken in way[2]:
                    if left[resource] < taken:
                        break
                else:
                    fitting.append(way)
                    for resource, _taken in way[2]:
                        wanted[resource] = wanted.get(resource, 0) + 1
            unused = 0
            for resource, count in enumerate(left):
                if count and resource not in wanted:
                    unused += self.prices[resource] * count
                    left[resource] = 0
            ways = fitting
            slack += unused
            if not unused or slack >= self.limit:
                return slack, ways, wanted

    def _scarcest(self, wanted: dict[int, int]) -> int:
        """Return the resource with a price that the fewest columns want, the dearest of these."""
        prices, place = self.prices, self._place
        return min(
            wanted,
            key=lambda each: (place[each], not prices[each], wanted[each], -prices[each], each),
        )
