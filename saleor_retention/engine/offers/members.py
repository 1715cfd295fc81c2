"""The member lane: the best member price of each unit, on what the goods lane left of it."""

from __future__ import annotations

from saleor_retention.engine.offers.kinds import Cut, MemberPrice
from saleor_retention.engine.offers.live import Live

Terms = tuple[Cut, int]  # what comes off, and the floor


class MemberLane:
    """Answers for each row what comes off a unit; ``rows`` are those that any member price touches.

    A unit serves one member price, the one that takes most off; between equal ones one without
    limits, and then the rank decides. What is left of a unit never falls when more of it comes in:
    no goods-lane offer can make a unit dearer through this lane.
    """

    def __init__(self, live: list[Live], rows_count: int) -> None:
        self._prices: list[list[tuple[Cut, int, Live]]] = [[] for _row in range(rows_count)]
        found = [
            (each, each.offer.benefit.cut)
            for each in live
            if isinstance(each.offer.benefit, MemberPrice)
        ]
        for each, cut in sorted(found, key=lambda pair: pair[0].is_limited):
            for row in each.rows[0]:
                self._prices[row].append((cut, each.offer.floor_minor, each))
        self.rows = frozenset([row for row, prices in enumerate(self._prices) if prices])
        self._known: dict[tuple[int, int, int], tuple[int, Live | None]] = {}

    @property
    def all_terms(self) -> tuple[frozenset[Terms], ...]:
        """Return by row what decides how much comes off its units."""
        return tuple([frozenset(self.terms(row)) for row in range(len(self._prices))])

    def terms(self, row: int) -> tuple[Terms, ...]:
        """Return all that decides what comes off a unit, and by which offer, in order."""
        return tuple([(cut, floor) for cut, floor, _live in self._prices[row]])

    def off(self, row: int, left_minor: int, floor_minor: int = 0) -> int:
        """Return what comes off a unit of which so much is left, not below the floor."""
        if not self._prices[row]:
            return 0
        found = self._known.get((row, left_minor, floor_minor))
        return self.best(row, left_minor, floor_minor)[0] if found is None else found[0]

    def best(self, row: int, left_minor: int, floor_minor: int = 0) -> tuple[int, Live | None]:
        """Return what comes off a unit, and by which offer."""
        if not self._prices[row]:
            return 0, None
        key = (row, left_minor, floor_minor)
        found = self._known.get(key)
        if found is None:
            found = (0, None)
            for cut, own_floor, live in self._prices[row]:
                room = left_minor - max(floor_minor, own_floor)
                off = min(cut.off(left_minor), room)
                if off > found[0]:
                    found = (off, live)
            self._known[key] = found
        return found
