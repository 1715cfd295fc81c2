"""Greedy, bound, search: the best choice of columns, component by component, with its proof."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from saleor_retention.engine.offers.bound import Simplex
from saleor_retention.engine.offers.components import components
from saleor_retention.engine.offers.greedy import by_density, fill, tie_of, value_of
from saleor_retention.engine.offers.packing import Column, Packing
from saleor_retention.engine.offers.search import Search

TIE_NODES_MAX = 200  # looking for an equal saving that is preferred is a courtesy, not a promise


def solve(caps: Sequence[int], columns: Sequence[Column], nodes_max: int) -> Packing:
    """Return the best choice of columns; the budget of nodes is shared by the components."""
    result = Packing(prices=[Fraction(0)] * len(caps))
    for part in components(len(caps), columns):
        resources = sorted({r for position in part for r, _ in columns[position].pairs})
        place = {resource: index for index, resource in enumerate(resources)}
        own = [
            columns[position]._replace(
                pairs=tuple([(place[r], n) for r, n in columns[position].pairs])
            )
            for position in part
        ]
        solved = _solve_component([caps[each] for each in resources], own, nodes_max - result.nodes)
        for index, times in solved.chosen.items():
            result.chosen[part[index]] = times
        result.value += solved.value
        result.bound += solved.bound
        result.nodes += solved.nodes
        for resource, price in zip(resources, solved.prices, strict=True):
            result.prices[resource] = price
    return result


def _solve_component(caps: list[int], columns: list[Column], nodes_max: int) -> Packing:
    incumbent = fill(by_density(columns), columns, caps)
    simplex = Simplex(caps, columns)
    simplex.run(list(incumbent))
    prices, denominator = simplex.prices, simplex.denominator
    costs = [
        sum([prices[r] * n for r, n in pairs]) - value * denominator
        for value, pairs, _tie in columns
    ]
    dual = sum(price * cap for price, cap in zip(prices, caps, strict=True))
    keys = [(cost, -column.value) for cost, column in zip(costs, columns, strict=True)]
    other = fill(sorted(range(len(columns)), key=keys.__getitem__), columns, caps)
    if _rank(other, columns) < _rank(incumbent, columns):
        incumbent = other
    bound, value, nodes = dual // denominator, value_of(incumbent, columns), 0
    if bound > value:
        # Only a choice that saves at least one unit more is of use here.
        limit = dual - (value + 1) * denominator + 1
        search = Search(columns, caps, costs, prices, limit, nodes_max)
        is_proved = search.run()
        incumbent, nodes = search.found or incumbent, search.nodes
        value = value_of(incumbent, columns)
        if is_proved:
            bound = value
    if bound == value:
        incumbent, more = _preferred(incumbent, columns, caps, costs, simplex, dual)
        nodes += more
    exact = [Fraction(price, denominator) for price in prices]
    return Packing(incumbent, value, bound, exact, nodes)


def _preferred(
    incumbent: dict[int, int],
    columns: list[Column],
    caps: list[int],
    costs: list[int],
    simplex: Simplex,
    dual: int,
) -> tuple[dict[int, int], int]:
    """Return, of choices that save the same, the one of fewest limited uses and best ranks."""
    scale = 1 + max(column.tie for column in columns) * sum(caps)  # no tie outweighs one unit
    slack = dual - value_of(incumbent, columns) * simplex.denominator
    limit = slack * scale + tie_of(incumbent, columns)
    tied = [
        cost * scale + column.tie if cost <= slack else limit
        for cost, column in zip(costs, columns, strict=True)
    ]
    scaled = [price * scale for price in simplex.prices]
    search = Search(columns, caps, tied, scaled, limit, TIE_NODES_MAX)
    search.run()
    return search.found or incumbent, search.nodes


def _rank(chosen: dict[int, int], columns: Sequence[Column]) -> tuple[int, int]:
    return (-value_of(chosen, columns), tie_of(chosen, columns))
