"""Greedy, bound, search: the best choice of columns, component by component, with its proof."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.offers.bound import Simplex
from saleor_retention.engine.offers.components import components
from saleor_retention.engine.offers.greedy import by_density, fill, tie_of, value_of
from saleor_retention.engine.offers.packing import Column, Packing, Pairs
from saleor_retention.engine.offers.search import Search

FIRST_SHIFT = 5  # the first search allows a 32nd of the slack that there is
TIE_NODES_MAX = 1_000  # looking for an equal saving that is preferred is a courtesy, no promise


@dataclass(slots=True)
class _Part:
    """A component with its bound, and the best choice so far."""

    caps: list[int]
    columns: list[Column]
    origin: list[int]  # its columns' positions in the whole
    resources: list[int]
    simplex: Simplex
    costs: list[int]  # what a column falls short of its resources' prices, over the denominator
    dual: int  # what the resources are worth, over the denominator
    incumbent: dict[int, int]
    bound: int
    counted: int  # so many of the resources come in units, the ones after them in money

    @property
    def value(self) -> int:
        """Return what the best choice so far saves."""
        return value_of(self.incumbent, self.columns)


def solve(
    caps: Sequence[int],
    columns: Sequence[Column],
    nodes_max: int,
    required: int = 0,
    counted: int | None = None,
) -> Packing:
    """Return the best choice of columns; the budget of nodes is shared by the components.

    The first ``counted`` resources come in units (all, unless said), the ones after them in money.

    Choices that save less than ``required`` are of no use: where it is proved that none saves as
    much, the bound may stay anywhere below that.
    """
    counted = len(caps) if counted is None else counted
    grouped = components(len(caps), columns, _best(columns))
    parts = [_part(caps, columns, own, counted) for own in grouped]
    parts.sort(key=lambda part: len(part.columns))
    result = Packing(prices=[Fraction(0)] * len(caps))
    for part in parts:
        rest = sum(other.bound for other in parts if other is not part)
        result.nodes += _search(part, nodes_max - result.nodes, required - rest)
        denominator = part.simplex.denominator
        for resource, price in zip(part.resources, part.simplex.prices, strict=True):
            result.prices[resource] = Fraction(price, denominator)
        for index, times in part.incumbent.items():
            result.chosen[part.origin[index]] = times
    result.value = sum(part.value for part in parts)
    result.bound = sum(part.bound for part in parts)
    return result


def _best(columns: Sequence[Column]) -> list[int]:
    """Return the positions of the columns that no other of the same resources beats."""
    best: dict[Pairs, int] = {}
    for position, (value, pairs, tie) in enumerate(columns):
        other = best.setdefault(pairs, position)
        if (value, -tie) > (columns[other].value, -columns[other].tie):
            best[pairs] = position
    return sorted(best.values())


def _part(
    caps: Sequence[int], columns: Sequence[Column], origin: list[int], counted: int
) -> _Part:
    """Bound a component, and choose greedily: by density, and by what the prices say."""
    resources = sorted({r for position in origin for r, _ in columns[position].pairs})
    place = {resource: index for index, resource in enumerate(resources)}
    own = [
        Column(value, tuple([(place[r], n) for r, n in pairs]), tie)
        for value, pairs, tie in [columns[position] for position in origin]
    ]
    own_caps = [caps[resource] for resource in resources]
    incumbent = fill(by_density(own), own, own_caps)
    simplex = Simplex(own_caps, own)
    simplex.run(list(incumbent))
    prices, denominator = simplex.prices, simplex.denominator
    costs = [
        sum([prices[r] * n for r, n in pairs]) - value * denominator for value, pairs, _tie in own
    ]
    keys = [(cost, -column.value) for cost, column in zip(costs, own, strict=True)]
    other = fill(sorted(range(len(own)), key=keys.__getitem__), own, own_caps)
    if _rank(other, own) < _rank(incumbent, own):
        incumbent = other
    dual = sum([price * cap for price, cap in zip(prices, own_caps, strict=True)])
    bound = dual // denominator
    units = sum(resource < counted for resource in resources)
    return _Part(own_caps, own, origin, resources, simplex, costs, dual, incumbent, bound, units)


def _search(part: _Part, nodes_max: int, required: int) -> int:
    """Improve a component's choice until it is proved or the budget is used; return the nodes.

    Little slack is allowed first: such a search is short, finds the best choices, and what it does
    not find lowers the bound.
    """
    nodes, denominator = 0, part.simplex.denominator
    wanted = max(part.value + 1, required)
    most = part.dual - wanted * denominator + 1
    costs = sorted([cost for cost in part.costs if cost < most])
    limit = max(1, most >> FIRST_SHIFT)
    while part.bound >= wanted:
        usable = bisect_left(costs, limit)
        limit = min(limit, most) if usable < len(costs) else most
        prices, left = part.simplex.prices, nodes_max - nodes
        search = Search(part.columns, part.caps, part.costs, prices, limit, left, part.counted)
        is_proved = search.run()
        nodes += search.nodes
        part.incumbent = search.found or part.incumbent
        if not is_proved:
            break
        part.bound = part.value if search.found else (part.dual - limit) // denominator
        if search.found:
            break
        while bisect_left(costs, limit) == usable and limit < most:
            limit *= 2
    if part.bound == part.value:
        part.incumbent, more = _preferred(part)
        nodes += more
    return nodes


def _preferred(part: _Part) -> tuple[dict[int, int], int]:
    """Return, of choices that save the same, the one of fewest limited uses and best ranks."""
    columns, caps, incumbent = part.columns, part.caps, part.incumbent
    scale = 1 + max(column.tie for column in columns) * sum(caps)  # no tie outweighs one unit
    slack = part.dual - part.value * part.simplex.denominator
    limit = slack * scale + tie_of(incumbent, columns)
    tied = [
        cost * scale + column.tie if cost <= slack else limit
        for cost, column in zip(part.costs, columns, strict=True)
    ]
    scaled = [price * scale for price in part.simplex.prices]
    search = Search(columns, caps, tied, scaled, limit, TIE_NODES_MAX, part.counted)
    search.run()
    return search.found or incumbent, search.nodes


def _rank(chosen: dict[int, int], columns: Sequence[Column]) -> tuple[int, int]:
    return (-value_of(chosen, columns), tie_of(chosen, columns))
