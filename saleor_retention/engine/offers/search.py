"""Depth first over what choices give away against the dual bound, with a memo and a node budget.

Every choice falls short of the bound by its slack: what its columns save less than their resources
are worth, and what unused resources are worth. A choice that beats the incumbent has less slack
than the incumbent, so a branch ends as soon as its slack reaches that. Columns that have more slack
than is left are dropped on the way down (reduced-cost pruning), and what no column wants any more
stays unused at once: its price is slack too, which drops further columns.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import ge, itemgetter, mul
from typing import NamedTuple

from saleor_retention.engine.offers.components import components
from saleor_retention.engine.offers.packing import Column, Pairs, take, times_max
from saleor_retention.engine.offers.pairs import Rows

LOOKS_EACH = 8  # columns looked at count as one node
COST = itemgetter(0)  # of a way
DEPTH_MAX = 250  # branches on the way down, far from where Python's own limit is

Path = tuple[tuple[int, int], ...]  # (column, times)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a search looks at; the first ``rows_count`` resources are rows of units."""

    columns: Sequence[Column]
    caps: Sequence[int]
    rows_count: int
    costs: Sequence[int]  # of a column: what it falls short of its resources' prices
    prices: Sequence[int]
    sets: Sequence[tuple[int, Rows]] = ()  # price of a pair of units, of these rows


class Way(NamedTuple):
    """A column as the search uses it; by position where it looks at all of them."""

    cost: int
    needs: int  # a bit for each resource, by how much must be left of it
    position: int
    resources: tuple[int, ...]
    pairs: Pairs
    bare_cost: int  # without what it pays for pairs of units ...
    sets: tuple[tuple[int, int], ...]  # ... of these sets, of which it takes so many units


class OutOfBudget(Exception):
    """The search may not look at more nodes."""


class Search:
    """Looks for a choice of less than ``limit`` slack; each that it finds lowers the limit."""

    def __init__(self, problem: Problem, most: int, nodes_max: int) -> None:
        self.problem, self.prices, self.sets = problem, problem.prices, problem.sets
        self.limit, self.nodes_max, self.nodes = most, nodes_max, 0
        self.found: dict[int, int] | None = None
        self._done: dict[tuple[int, ...], list[tuple[int, list[int]]]] = {}
        self.costs = sorted(
            (cost, position) for position, cost in enumerate(problem.costs) if cost < most
        )
        self._levels, self._reached = _levels(problem, [position for _cost, position in self.costs])
        self._ways: list[Way] = []  # of the first of these costs, as many as a run asked for
        self._by_price, self._ranks = _ranks(problem, len(self.costs))
        self._sets_of: list[list[int]] = [[] for _cap in problem.caps]
        for index, (_price, rows) in enumerate(problem.sets):
            for row in rows:
                self._sets_of[row].append(index)

    def run(self, limit: int, left: Sequence[int] | None = None) -> bool:
        """Search; False when the budget ran out before everything was looked at.

        Of all resources, or of so much of them. May run again with another limit, up to the most
        that was said; nodes add up.
        """
        self.limit = limit
        self._done.clear()
        count = self.usable(limit)
        self._ways += [
            self._way(position) for _cost, position in self.costs[len(self._ways) : count]
        ]
        start = list(self.problem.caps if left is None else left)
        try:
            self._explore(
                start, self._reach(0, start, range(len(start))), 0, self._ways[:count], ()
            )
        except OutOfBudget:
            return False
        return True

    def usable(self, limit: int) -> int:
        """Return how many columns alone have less slack than this."""
        return bisect_left(self.costs, (limit, -1))

    def _way(self, position: int) -> Way:
        cost, pairs = self.problem.costs[position], self.problem.columns[position].pairs
        needs, bare_cost = 0, cost
        for resource, taken in pairs:
            index = bisect_left(self._levels[resource], taken)
            needs |= self._reached[resource][index + 1] ^ self._reached[resource][index]
        of_sets: dict[int, int] = {}
        for resource, taken in pairs:
            for index in self._sets_of[resource]:
                of_sets[index] = of_sets.get(index, 0) + taken
        for index, units in of_sets.items():
            bare_cost -= self.sets[index][0] * (units // 2)
        resources = tuple([resource for resource, _taken in pairs])
        return Way(cost, needs, position, resources, pairs, bare_cost, tuple(of_sets.items()))

    def _reach(self, reached: int, left: Sequence[int], resources: Iterable[int]) -> int:
        """Return the bits of what can be taken, where what is left of these has changed."""
        for resource in resources:
            bits = self._reached[resource]
            index = bisect_right(self._levels[resource], left[resource])
            reached = reached & ~bits[-1] | bits[index]
        return reached

    def _explore(
        self, left: list[int], reached: int, slack: int, ways: list[Way], path: Path
    ) -> None:
        """Look at every completion of a partial choice.

        ``_done`` holds, for what is left, up to which further slack it is known that no completion
        is of use; coming back with no more to spend is pointless.
        """
        rows_count, before = self.problem.rows_count, slack
        rest = left[rows_count:]
        worth = sum(map(mul, self.prices[rows_count:], rest))
        known = self._done.setdefault(tuple(left[:rows_count]), [])
        if known and self._is_in_vain(known, rest, self.limit - slack - worth):
            return
        slack, ways, wanted = self._drop(left, reached, slack, ways)
        if slack < self.limit and not ways:
            self.limit, self.found = slack, {}
            for position, times in path:
                self.found[position] = self.found.get(position, 0) + times
        elif slack < self.limit:
            if len(path) >= DEPTH_MAX:
                raise OutOfBudget
            self._branch(left, reached, slack, ways, path, self._scarcest(wanted))
        known.append((self.limit - before - worth, rest))

    def _is_in_vain(self, known: list[tuple[int, list[int]]], rest: list[int], spare: int) -> bool:
        """Return whether as much slack was tried in vain with the same units and no less else.

        With more left the same completion has more slack: what the difference is worth.
        """
        self.nodes += len(known) // (8 * LOOKS_EACH)
        for tried, more in known:  # noqa: SIM110 - a generator costs twice as much
            if tried >= spare and all(map(ge, more, rest)):
                return True
        return False

    def _branch(
        self,
        left: list[int],
        reached: int,
        slack: int,
        ways: list[Way],
        path: Path,
        resource: int,
    ) -> None:
        """Take each column that wants the resource, as often as it fits; then leave it unused.

        What takes a column again after that was already looked at, in another order.
        """
        units: dict[int, int] = {}  # that are left of a set
        for way in [way for way in ways if resource in way[3]]:
            if slack + way.cost >= self.limit:
                break  # columns come by their costs
            ways.remove(way)
            for index, _taken in way.sets:
                if index not in units:
                    units[index] = sum([left[row] for row in self.sets[index][1]])
            for times in range(times_max(way.pairs, left), 0, -1):
                then = slack + way.bare_cost * times
                for index, taken in way.sets:
                    pairs = units[index] // 2 - (units[index] - taken * times) // 2
                    then += self.sets[index][0] * pairs
                if then >= self.limit:  # which may have fallen meanwhile
                    continue
                rest = left.copy()
                take(way.pairs, rest, times)
                still = self._reach(reached, rest, way.resources)
                self._explore(rest, still, then, ways, (*path, (way.position, times)))
        slack += self.lost(left, [resource])
        rest = left.copy()
        rest[resource] = 0
        if slack < self.limit:
            others = [way for way in ways if resource not in way[3]]
            self._explore(rest, reached, slack, others, path)

    def lost(self, left: list[int], resources: Sequence[int]) -> int:
        """Return what is given up where these stay unused: their worth, and that of their pairs."""
        prices = self.prices
        lost = sum([prices[resource] * left[resource] for resource in resources])
        gone: dict[int, int] = {}  # by set
        for resource in resources:
            for index in self._sets_of[resource]:
                gone[index] = gone.get(index, 0) + left[resource]
        for index, count in gone.items():
            price, rows = self.sets[index]
            units = sum([left[row] for row in rows])
            lost += price * (units // 2 - (units - count) // 2)
        return lost

    def _drop(
        self, left: list[int], reached: int, slack: int, ways: list[Way]
    ) -> tuple[int, list[Way], Counter[int]]:
        """Drop what no longer fits, give up what is no longer wanted, until nothing changes.

        Return the slack, the columns that remain and by how many of them each resource is wanted.
        """
        while True:
            self.nodes += 1 + len(ways) // LOOKS_EACH
            if self.nodes > self.nodes_max:
                raise OutOfBudget
            spare = self.limit - slack
            ways = ways[: bisect_left(ways, spare, key=COST)]
            ways = [way for way in ways if way[1] & reached == way[1]]
            wanted = Counter(chain.from_iterable([way[3] for way in ways]))
            unused = [place for place, count in enumerate(left) if count and place not in wanted]
            if not unused:
                return slack, ways, wanted
            lost = self.lost(left, unused)
            for resource in unused:
                left[resource] = 0
            slack += lost
            if not lost or slack >= self.limit:
                return slack, ways, wanted

    def _scarcest(self, wanted: Counter[int]) -> int:
        """Return the resource with a price that the fewest columns want, the dearest of these."""
        ranks, size = self._ranks, len(self._ranks)
        least = min([ranks[each] + count * size for each, count in wanted.items()])
        return self._by_price[least % size]


def _levels(problem: Problem, usable: Sequence[int]) -> tuple[list[list[int]], list[list[int]]]:
    """Return by resource the amounts that columns take of it, and the bits of what is in reach.

    A column fits when its bits are among those of all resources: one operation for all of it.
    """
    amounts: list[set[int]] = [set() for _cap in problem.caps]
    for position in usable:
        for resource, taken in problem.columns[position].pairs:
            amounts[resource].add(taken)
    levels = [sorted(some) for some in amounts]
    reached, first = [], 0
    for some in levels:
        reached.append([((1 << index) - 1) << first for index in range(len(some) + 1)])
        first += len(some)
    return levels, reached


def _places(problem: Problem) -> list[int]:
    """Return by resource which part it is of, where only limits or money hold parts together.

    It is easier to finish one part after the other; limits and money come last.
    """
    rows_count, columns = problem.rows_count, problem.columns
    place = [0] * len(problem.caps)
    if rows_count == len(place):
        return place
    place[rows_count:] = [len(columns)] * (len(place) - rows_count)
    bare = [
        column._replace(pairs=tuple([pair for pair in column.pairs if pair[0] < rows_count]))
        for column in columns
    ]
    grouped = components(rows_count, bare, range(len(bare)))
    for index, group in enumerate(sorted(grouped, key=len)):
        for position in group:
            for resource, _taken in bare[position].pairs:
                place[resource] = index
    return place


def _ranks(problem: Problem, ways_max: int) -> tuple[list[int], list[int]]:
    """Return the resources, dearest first, and by resource a number that says which comes first.

    How many columns want the resource is to be added, times the number of resources: it counts less
    than the part and whether there is a price at all, and more than the price.
    """
    prices, place = problem.prices, _places(problem)
    size = len(place)
    by_price = sorted(range(size), key=lambda each: (-prices[each], each))
    ranks = [0] * size
    for rank, each in enumerate(by_price):
        ranks[each] = (2 * place[each] + (not prices[each])) * (ways_max + 1) * size + rank
    return by_price, ranks
