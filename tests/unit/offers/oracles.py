"""Other ways to the lowest price: every choice there is, and CP-SAT.

They know the ways of each offer from the checker's own enumeration and share nothing with the
search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import floor
from typing import Any

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.checking_bound import every_plan, priced_ways
from saleor_retention.engine.offers.checking_case import Case
from saleor_retention.engine.offers.kinds import Offer
from saleor_retention.engine.offers.situation import Situation


class Model:
    """Ways, capacities and plans of one case: what of each group is admitted."""

    def __init__(self, known: Case, live: list[str]) -> None:
        self.known, self.live = known, live
        self.priced, extra = priced_ways(known, live)
        assert not extra, "too many ways for an oracle"
        self.fixed = sum(
            known.member(row, cost, 0, live)[0] * cap
            for row, (cost, cap) in enumerate(zip(known.cost, known.caps, strict=True))
        )
        self.base = []
        for row, refs in enumerate(known.rows):
            total = sum(known.lines[ref].total_minor for ref in refs)
            off = known.member(row, known.cost[row], 0, live)[0] * known.caps[row]
            self.base.append(total - off)
        self.plans = [plan for plan in every_plan(known, live) if self._is_reachable(plan)]
        self.limits = {key: known.open[key][0] for key in known.ways if key in live}

    def _is_reachable(self, plan: Any) -> bool:
        return all(sum(self.base[row] for row in rows) >= least for *_, rows, least in plan)

    def order_lane(self, left: Sequence[int]) -> int:
        """Return what the best plan takes off rows of which so much is left."""
        best = 0
        for plan in self.plans:
            if any(sum(left[row] for row in rows) < least for *_, rows, least in plan):
                continue
            best = max(best, sum(self.item(each, left) for each in plan))
        return best

    def item(self, each: Any, left: Sequence[int]) -> int:
        """Return what one step of a plan takes off."""
        _key, _position, cut, rows, _least = each
        if cut is None:
            return self.known.at.shipping_minor
        basis = sum(left[row] for row in rows)
        if cut.percent is not None:
            return floor(Fraction(basis) * Fraction(str(cut.percent)) / 100 + Fraction(1, 2))
        return min(basis, cut.amount_minor)


def models(basket: BasketFacts, offers: Sequence[Offer], situation: Situation) -> Iterator[Model]:
    """Yield a model for every choice of one offer from each exclusion group."""
    known = Case(basket, offers, situation)
    groups: dict[str, list[str]] = {}
    for key in known.open:
        groups.setdefault(known.offers[key].group or f"alone {key}", []).append(key)
    prices = [[True, False] if key in known.member_rows else [True] for key in known.open]
    for picks in product(*groups.values()):
        for used in product(*prices):  # a member price may be left out for a threshold
            live = [key for key, own in zip(known.open, used, strict=True) if own and key in picks]
            yield Model(known, live)


def by_brute_force(basket: BasketFacts, offers: Sequence[Offer], situation: Situation) -> int:
    """Return the largest saving by looking at every choice."""
    return max(_every_choice(model) for model in models(basket, offers, situation))


def _every_choice(model: Model) -> int:
    best = 0

    def look(
        index: int, caps: list[int], limits: dict[str, Any], left: list[int], saved: int
    ) -> None:
        nonlocal best
        best = max(best, model.fixed + saved + model.order_lane(left))
        for position in range(index, len(model.priced)):
            (value, count, key), units, falls = model.priced[position]
            if limits[key] == 0 or any(caps[row] < n for row, n in count.items()):
                continue
            after, rest = list(caps), list(left)
            for row, fall in zip(units, falls, strict=True):
                after[row] -= 1
                rest[row] -= fall
            fewer = limits | {key: None if limits[key] is None else limits[key] - 1}
            look(position, after, fewer, rest, saved + value)

    look(0, list(model.known.caps), model.limits, model.base, 0)
    return best


def programs(
    basket: BasketFacts, offers: Sequence[Offer], situation: Situation
) -> Iterator[dict[str, Any]]:
    """Yield integer programs of which the best one's maximum is the largest saving.

    Each is {"values", "rows": [([(column, factor)], most)], "const", "scale"} in whole numbers; its
    worth is floor((maximum + const) / scale + 1/2 if it has a rate).
    """
    for model in models(basket, offers, situation):
        for plan in model.plans:
            yield _program(model, plan)


def _program(model: Model, plan: Any) -> dict[str, Any]:
    rates = [
        Fraction(str(cut.percent)) / 100 if cut and cut.percent is not None else Fraction(0)
        for _key, _position, cut, _rows, _least in plan
    ]
    scale = 1
    for rate in rates:
        scale *= rate.denominator
    const = Fraction(model.fixed)
    for (_key, _position, cut, rows, _least), rate in zip(plan, rates, strict=True):
        basis = sum(model.base[row] for row in rows)
        const += rate * basis
        if cut is None:
            const += model.known.at.shipping_minor
        elif cut.amount_minor is not None:
            const += min(basis, cut.amount_minor)
    values = []
    taken: dict[Any, list[tuple[int, int]]] = {}
    for index, ((value, count, key), units, falls) in enumerate(model.priced):
        net = Fraction(value)
        for row, n in count.items():
            taken.setdefault(("row", row), []).append((index, n))
        if model.limits[key] is not None:
            taken.setdefault(("limit", key), []).append((index, 1))
        for place, (rate, each) in enumerate(zip(rates, plan, strict=True)):
            loss = sum(fall for row, fall in zip(units, falls, strict=True) if row in each[3])
            taken.setdefault(("step", place), []).append((index, loss))
            net -= rate * loss
        values.append(int(net * scale))
    most = {("row", row): cap for row, cap in enumerate(model.known.caps)}
    most |= {("limit", key): limit for key, limit in model.limits.items() if limit is not None}
    most |= {
        ("step", place): sum(model.base[row] for row in each[3]) - each[4]
        for place, each in enumerate(plan)
    }
    return {
        "values": values,
        "rows": [(pairs, most[name]) for name, pairs in taken.items()],
        "const": int(const * scale),
        "scale": scale,
        "has_rate": any(rates),
    }


def worth(program: dict[str, Any], maximum: int) -> int:
    """Return what a program's maximum saves."""
    exact = Fraction(maximum + program["const"], program["scale"])
    return floor(exact + Fraction(int(program["has_rate"]), 2))


__all__ = ["by_brute_force", "programs", "worth"]
