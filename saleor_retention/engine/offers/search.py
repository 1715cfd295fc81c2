"""Depth first over what choices give away against the dual bound, with a memo and a node budget.

Every choice falls short of the bound by its slack: what its columns save less than their resources
are worth, and what unused resources are worth. A choice that beats the incumbent has less slack
than the incumbent, so a branch ends as soon as its slack reaches that. Columns that alone have too
much slack are never looked at (reduced-cost pruning).
"""

from __future__ import annotations

from collections.abc import Sequence

from saleor_retention.engine.offers.packing import Column, take, times_max


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
    ) -> None:
        self.columns, self.caps, self.costs, self.prices = columns, caps, costs, prices
        self.limit, self.nodes_max, self.nodes = limit, nodes_max, 0
        self.found: dict[int, int] | None = None
        self._done: dict[tuple[int, int, tuple[int, ...]], int] = {}
        self._order, self._by_resource = self._scarcest_first()

    def run(self) -> bool:
        """Search; False when the budget ran out before everything was looked at."""
        try:
            self._explore(0, 0, list(self.caps), 0, ())
        except OutOfBudget:
            return False
        return True

    def _scarcest_first(self) -> tuple[list[int], list[list[int]]]:
        """Order the resources by how few columns want them; put each column to its first one."""
        usable = [position for position, cost in enumerate(self.costs) if cost < self.limit]
        wanted: dict[int, int] = {}
        for position in usable:
            for resource, _taken in self.columns[position].pairs:
                wanted[resource] = wanted.get(resource, 0) + 1
        order = sorted(wanted, key=lambda each: (not self.prices[each], wanted[each], each))
        place = {resource: index for index, resource in enumerate(order)}
        grouped: list[list[int]] = [[] for _resource in order]
        for position in sorted(usable, key=lambda each: (self.costs[each], each)):
            first = min(place[resource] for resource, _taken in self.columns[position].pairs)
            grouped[first].append(position)
        unwanted = [each for each in range(len(self.caps)) if each not in place]
        return [*order, *unwanted], [*grouped, *([] for _resource in unwanted)]

    def _explore(
        self,
        place: int,
        index: int,
        left: list[int],
        slack: int,
        path: tuple[tuple[int, int], ...],
    ) -> None:
        """Look at every completion of a partial choice.

        ``_done`` holds, for what is left at a place, up to which further slack it is known that
        no completion is of use; coming back with no more to spend is pointless.
        """
        self.nodes += 1
        if self.nodes > self.nodes_max:
            raise OutOfBudget
        key = (place, index, tuple(left))
        if self._done.get(key, -1) >= self.limit - slack:
            return
        entry_slack = slack
        while place < len(self._order):
            resource = self._order[place]
            if left[resource]:
                group = self._by_resource[place]
                for here in range(index, len(group)):
                    position = group[here]
                    cost = self.costs[position]
                    if slack + cost >= self.limit:
                        break  # sorted by cost
                    self.nodes += 1
                    pairs = self.columns[position].pairs
                    for times in range(times_max(pairs, left), 0, -1):
                        if slack + cost * times < self.limit:  # which may have fallen meanwhile
                            rest = left.copy()
                            take(pairs, rest, times)
                            step = (position, times)
                            self._explore(
                                place, here + 1, rest, slack + cost * times, (*path, step)
                            )
                slack += self.prices[resource] * left[resource]
                if slack >= self.limit:
                    break
                left[resource] = 0
            place, index = place + 1, 0
        else:
            self.limit, self.found = slack, dict(path)
        self._done[key] = self.limit - entry_slack
