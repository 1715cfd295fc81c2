"""A better choice near a good one: give up some of it, and fill what that leaves as well as can be.

Around each row in turn: the columns of the choice that take of the row, or of rows that share a
cheap column with it, are given up, and the search that proves the whole looks at that part alone.
"""

from __future__ import annotations

from saleor_retention.engine.offers.packing import take
from saleor_retention.engine.offers.search import LOOKS_EACH, Problem, Search

NEAR = 24  # cheapest columns of a row whose other rows are near
NODES_EACH = 300  # for one part


def mended(
    problem: Problem, chosen: dict[int, int], denominator: int, most: int, nodes_max: int
) -> tuple[dict[int, int], int]:
    """Return a choice that saves at least as much as a given one, and the nodes that were used.

    ``most`` is the slack of the given one.
    """
    columns, search = problem.columns, Search(problem, most, 0)
    near, each = _near(search), NODES_EACH + len(search.costs) // LOOKS_EACH
    row = since = 0
    while since < problem.rows_count and search.nodes < nodes_max:
        kept = {
            position: times
            for position, times in chosen.items()
            if all(resource not in near[row] for resource, _taken in columns[position].pairs)
        }
        left = list(problem.caps)
        for position, times in kept.items():
            take(columns[position].pairs, left, times)
        given_up = sum(
            columns[position].value * times
            for position, times in chosen.items()
            if position not in kept
        )
        search.nodes_max, search.found = min(nodes_max, search.nodes + each), None
        search.run(search.lost(left, range(len(left))) - given_up * denominator, left)
        since += 1
        if search.found:
            since = 0
            chosen = {**kept, **search.found}
        row = (row + 1) % problem.rows_count
    return chosen, search.nodes


def _near(search: Search) -> list[set[int]]:
    """Return by row the rows that its cheapest columns take of."""
    rows_count = search.problem.rows_count
    near: list[set[int]] = [{row} for row in range(rows_count)]
    seen = [0] * rows_count
    for _cost, position in search.costs:
        pairs = search.problem.columns[position].pairs
        rows = [row for row, _taken in pairs if row < rows_count]
        for row in rows:
            if seen[row] < NEAR:
                seen[row] += 1
                near[row].update(rows)
    return near
