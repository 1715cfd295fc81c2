"""Greedy, bound, search: the best choice of columns, component by component, with its proof.

A change of a cart leaves most components as they were. What a component comes to follows from its
columns and resources alone, so that those a process found last are kept (``_settled``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm

from saleor_retention.engine.offers.bound import Simplex
from saleor_retention.engine.offers.components import components
from saleor_retention.engine.offers.greedy import by_density, fill, tie_of, value_of
from saleor_retention.engine.offers.mending import mended
from saleor_retention.engine.offers.packing import Column, Packing, Pairs, times_max
from saleor_retention.engine.offers.pairs import Rows, broken_sets, with_sets
from saleor_retention.engine.offers.search import Problem, Search

FEW = 40  # columns that need no first search
FIRST_SHIFT = 5  # the first search allows a 32nd of the slack that there is
FIRST_NODES = 200  # after so many nodes the bound is worth tightening
NUMBERS_EACH = 16  # lines of a tableau that a pivot looks at count as one node
TIGHTER_MAX = 4  # times that the bound is tightened
SETTLED_MAX = 1_000  # components kept ...
SETTLED_COLUMNS_MAX = 200  # ... of so many columns at most
TIE_NODES_MAX = 300  # looking for an equal saving that is preferred is a courtesy, no promise


_Key = tuple[tuple[Column, ...], tuple[int, ...], int]


@dataclass(slots=True)
class _Case:
    """A component by itself: its columns name its own resources."""

    caps: tuple[int, ...]
    columns: tuple[Column, ...]
    rows_count: int  # so many of the resources are rows of units, limits and money come after
    origin: list[int]  # its columns' positions in the whole
    resources: list[int]

    @property
    def key(self) -> _Key:
        """Return all that decides what it comes to."""
        return self.columns, self.caps, self.rows_count


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a component comes to, by its own columns and resources."""

    chosen: tuple[tuple[int, int], ...]  # (column, times)
    value: int
    bound: int
    prices: tuple[tuple[int, Fraction], ...]  # (resource, price), those above zero
    sets: tuple[tuple[Rows, Fraction], ...]
    nodes: int


_settled: dict[_Key, _Answer] = {}


@dataclass(slots=True)
class _Part:
    """A component with its bound, and the best choice so far."""

    case: _Case
    caps: Sequence[int]
    columns: Sequence[Column]
    rows_count: int
    simplex: Simplex
    incumbent: dict[int, int]
    sets: list[Rows] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)  # see ``Problem``; over the denominator
    dual: int = 0  # what the resources are worth, over the denominator
    bound: int = 0
    is_settled: bool = False  # the first search proved the choice

    @property
    def value(self) -> int:
        """Return what the best choice so far saves."""
        return value_of(self.incumbent, self.columns)

    @property
    def denominator(self) -> int:
        """Return what prices, costs and the dual are over."""
        return self.simplex.denominator

    def bounded_by(self, simplex: Simplex, caps: Sequence[int]) -> None:
        """Take over prices, of resources that the columns of the relaxation name."""
        self.simplex, prices = simplex, simplex.prices
        self.costs = [
            sum([prices[resource] * taken for resource, taken in column.pairs])
            - column.value * simplex.denominator
            for column in simplex.columns
        ]
        self.dual = sum([price * cap for price, cap in zip(prices, caps, strict=True)])
        self.bound = self.dual // simplex.denominator

    def fill_by_cost(self) -> None:
        """Choose once more greedily, by what the prices say; keep the better choice."""
        columns = self.columns
        keys = [(cost, -column.value) for cost, column in zip(self.costs, columns, strict=True)]
        other = fill(sorted(range(len(keys)), key=keys.__getitem__), columns, self.caps)
        if _rank(other, columns) < _rank(self.incumbent, columns):
            self.incumbent = other

    def problem(self, scale: int = 1) -> Problem:
        """Return what is to be searched; with a scale prices and costs leave room for ties."""
        prices = [price * scale for price in self.simplex.prices]
        return Problem(
            columns=self.columns,
            caps=self.caps,
            rows_count=self.rows_count,
            costs=[cost * scale for cost in self.costs],
            prices=prices[: len(self.caps)],
            sets=list(zip(prices[len(self.caps) :], self.sets, strict=True)),
        )


def solve(
    caps: Sequence[int],
    columns: Sequence[Column],
    rows_count: int,
    nodes_max: int,
    required: int = 0,
) -> Packing:
    """Return the best choice of columns; the budget of nodes is shared by the components.

    The first ``rows_count`` resources are rows of units. Choices that save less than ``required``
    are of no use: where it is proved that none saves as much, the bound may stay anywhere below.
    """
    grouped = components(len(caps), columns, _unbeaten(columns))
    cases = [_case(caps, columns, own, rows_count) for own in grouped]
    cases.sort(key=lambda case: len(case.columns))
    result = Packing(prices=[Fraction(0)] * len(caps))
    if required > 0:
        _solve_together([_part(case) for case in cases], result, nodes_max, required)
        return result
    for case in cases:
        _add(result, case, _answer_of(case, nodes_max - result.nodes))
    return result


def forget() -> None:
    """Forget the components found last (tests start from nothing)."""
    _settled.clear()


def _solve_together(parts: list[_Part], result: Packing, nodes_max: int, required: int) -> None:
    """Search each part for what the bounds of the others leave of what is required."""
    for part in parts:
        rest = sum(other.bound for other in parts if other is not part)
        nodes = _search(part, nodes_max - result.nodes, required - rest)
        _add(result, part.case, _answer(part, nodes))


def _answer_of(case: _Case, nodes_max: int) -> _Answer:
    """Return what a component comes to, known or found.

    Kept is what the first search proved: it follows from the component, whatever the budget is as
    long as it bears such a search.
    """
    if nodes_max < FIRST_NODES or len(case.columns) > SETTLED_COLUMNS_MAX:
        part = _part(case)
        return _answer(part, _search(part, nodes_max, 0))
    known = _settled.get(case.key)
    if known is not None:
        return known
    part = _part(case)
    found = _answer(part, _search(part, nodes_max, 0))
    if part.is_settled:
        if len(_settled) >= SETTLED_MAX:
            _settled.clear()
        _settled[case.key] = found
    return found


def _answer(part: _Part, nodes: int) -> _Answer:
    prices, denominator = part.simplex.prices, part.denominator
    first = len(part.caps)
    return _Answer(
        chosen=tuple(part.incumbent.items()),
        value=part.value,
        bound=part.bound,
        prices=tuple(
            [
                (resource, Fraction(price, denominator))
                for resource, price in enumerate(prices[:first])
                if price
            ]
        ),
        sets=tuple(
            [
                (some, Fraction(price, denominator))
                for some, price in zip(part.sets, prices[first:], strict=True)
                if price
            ]
        ),
        nodes=nodes,
    )


def _add(result: Packing, case: _Case, answer: _Answer) -> None:
    """Add what a component comes to, under the names of the whole."""
    result.nodes += answer.nodes
    result.value += answer.value
    result.bound += answer.bound
    for index, times in answer.chosen:
        result.chosen[case.origin[index]] = times
    for resource, price in answer.prices:
        result.prices[case.resources[resource]] = price
    for some, price in answer.sets:
        result.sets.append((tuple([case.resources[row] for row in some]), price))


def _unbeaten(columns: Sequence[Column]) -> list[int]:
    """Return the positions of the columns that no other of the same resources beats."""
    best: dict[Pairs, int] = {}
    for position, (value, pairs, tie) in enumerate(columns):
        other = best.setdefault(pairs, position)
        if (value, -tie) > (columns[other].value, -columns[other].tie):
            best[pairs] = position
    return sorted(best.values())


def _case(
    caps: Sequence[int], columns: Sequence[Column], origin: list[int], rows_count: int
) -> _Case:
    """Return a component by itself; its resources in the order of the whole."""
    whole = [columns[position] for position in origin]
    resources = sorted({resource for column in whole for resource, _taken in column.pairs})
    place = {resource: index for index, resource in enumerate(resources)}
    return _Case(
        caps=tuple([caps[resource] for resource in resources]),
        columns=tuple(
            [
                Column(value, tuple([(place[r], n) for r, n in pairs]), tie)
                for value, pairs, tie in whole
            ]
        ),
        rows_count=bisect_left(resources, rows_count),
        origin=origin,
        resources=resources,
    )


def _part(case: _Case) -> _Part:
    """Bound a component, and choose greedily: by density, and by what the prices say."""
    caps, columns = case.caps, case.columns
    incumbent = fill(by_density(columns), columns, caps)
    simplex = Simplex(caps, columns)
    simplex.run(list(incumbent))
    part = _Part(case, caps, columns, case.rows_count, simplex, incumbent)
    part.bounded_by(simplex, caps)
    part.fill_by_cost()
    return part


def _search(part: _Part, nodes_max: int, required: int) -> int:
    """Improve a component's choice until it is proved or the budget is used; return the nodes."""
    nodes = _widen(part, min(nodes_max, FIRST_NODES), required)
    part.is_settled = part.bound == part.value
    if part.bound >= max(part.value + 1, required) and nodes < nodes_max:
        nodes += _tighten(part, (nodes_max - nodes) // 2)
        if part.bound > part.value:
            most = part.dual - part.value * part.denominator
            part.incumbent, more = mended(
                part.problem(), part.incumbent, part.denominator, most, (nodes_max - nodes) // 2
            )
            nodes += more
        nodes += _widen(part, nodes_max - nodes, required)
    if part.bound == part.value >= required:
        part.incumbent, more = _preferred(part)
        nodes += more
    return nodes


def _widen(part: _Part, nodes_max: int, required: int) -> int:
    """Search with little slack first, then with more.

    Such a search is short, finds the best choices, and what it does not find lowers the bound.
    """
    wanted = max(part.value + 1, required)
    if part.bound < wanted:
        return 0
    most = part.dual - wanted * part.denominator + 1
    search = Search(part.problem(), most, nodes_max)
    limit = max(1, most >> FIRST_SHIFT) if len(search.costs) > FEW else most
    while part.bound >= wanted:
        usable = search.usable(limit)
        limit = min(limit, most) if usable < len(search.costs) else most
        is_proved = search.run(limit)
        part.incumbent = search.found or part.incumbent
        if not is_proved:
            break
        part.bound = part.value if search.found else (part.dual - limit) // part.denominator
        if search.found:
            break
        while search.usable(limit) == usable and limit < most:
            limit *= 2
    return search.nodes


def _tighten(part: _Part, nodes_max: int) -> int:
    """Lower the bound by what pairs of units do not allow, and choose again by the new prices.

    Return nodes for the work of it.
    """
    simplex, caps, nodes = part.simplex, list(part.caps), 0
    for _time in range(TIGHTER_MAX):
        broken = broken_sets(simplex.amounts, part.columns, part.caps, part.rows_count)
        new = [some for some in broken if some not in part.sets]
        expected = len(caps) ** 2 // NUMBERS_EACH  # as many pivots as resources
        if not new or nodes + expected > nodes_max:
            break
        first, columns = simplex.amounts, with_sets(simplex.columns, new, len(caps))
        caps += [sum(part.caps[row] for row in some) // 2 for some in new]
        part.sets += new
        simplex = Simplex(caps, columns)
        pivots = simplex.run([position for position, _amount, _over in first])
        nodes += pivots * len(caps) // NUMBERS_EACH
    bound = part.bound
    part.bounded_by(simplex, caps)
    part.bound = min(bound, part.bound)
    part.fill_by_cost()
    return nodes


def _preferred(part: _Part) -> tuple[dict[int, int], int]:
    """Return, of choices that save the same, the one of fewest limited uses and best ranks."""
    columns, incumbent = part.columns, part.incumbent
    slack = part.dual - part.value * part.denominator
    usable = [position for position, cost in enumerate(part.costs) if cost <= slack]
    if all(
        times_max(columns[position].pairs, part.caps) <= incumbent.get(position, 0)
        for position in usable
    ):
        return incumbent, 0  # there is nothing else to take
    if not _may_be_less(part, usable, slack):
        return incumbent, 0
    scale = 1 + max(column.tie for column in columns) * sum(part.caps)  # no tie outweighs one unit
    limit = slack * scale + tie_of(incumbent, columns)
    problem = part.problem(scale)
    tied = [
        cost + column.tie if cost <= slack * scale else limit
        for cost, column in zip(problem.costs, columns, strict=True)
    ]
    search = Search(replace(problem, costs=tied), limit, TIE_NODES_MAX)
    search.run(limit)
    return search.found or incumbent, search.nodes


def _may_be_less(part: _Part, usable: Sequence[int], slack: int) -> bool:
    """Return whether some choice of these columns may have a lower tie, and save the same.

    Resources with a price share the ties of their columns: a unit bears no more than its part of
    any column that takes it. Of such units a choice leaves unused what its slack pays for.
    """
    columns, prices = part.columns, part.simplex.prices
    shared = []
    for position in usable:
        own = [pair for pair in columns[position].pairs if prices[pair[0]]]
        if own:
            shared.append((columns[position].tie, own, sum([taken for _resource, taken in own])))
    scale = lcm(*[units for _tie, _own, units in shared])
    shares: dict[int, int] = {}
    for tie, own, units in shared:
        share = tie * scale // units
        for resource, _taken in own:
            shares[resource] = min(share, shares.get(resource, share))
    least = sum([share * part.caps[resource] for resource, share in shares.items()])
    unused = [-(-slack * share // prices[resource]) for resource, share in shares.items()]
    return least - max(unused, default=0) <= (tie_of(part.incumbent, columns) - 1) * scale


def _rank(chosen: dict[int, int], columns: Sequence[Column]) -> tuple[int, int]:
    return (-value_of(chosen, columns), tie_of(chosen, columns))
