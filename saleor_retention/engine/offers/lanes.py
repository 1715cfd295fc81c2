"""Goods, member and order lane together: the search for the lowest final price.

The goods lane is searched for the largest saving first. Where a spend threshold is lost by it, a
smaller saving may leave a lower price: each plan of thresholds that could still win is searched as
a case of its own, in which what comes off the goods that count may not pass what the plan allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, lcm
from operator import mul

from saleor_retention.engine.money import round_half_up
from saleor_retention.engine.offers.applications import Ways, enumerate_ways, falls
from saleor_retention.engine.offers.live import Field
from saleor_retention.engine.offers.members import MemberLane
from saleor_retention.engine.offers.outcome import Outcome, bare, carry_out
from saleor_retention.engine.offers.packing import Column, Packing
from saleor_retention.engine.offers.result import Proof
from saleor_retention.engine.offers.shelf import Shelf
from saleor_retention.engine.offers.solving import solve
from saleor_retention.engine.offers.thresholds import OrderLane, Plan

NOTHING, HALF = Fraction(0), Fraction(1, 2)


@dataclass(slots=True)
class Answer:
    """The best outcome under some picks, and what bounds every other one."""

    outcome: Outcome
    bound_minor: int
    nodes: int
    goods_bound_minor: int = 0  # of what goods and member lane save together
    proofs: list[Proof] = field(default_factory=list)


class Lanes:
    """One set of admitted offers on one basket."""

    def __init__(
        self,
        found: Field,
        picks: tuple[tuple[str, str], ...],
        shipping_minor: int,
        forced: str = "",
        declined: tuple[str, ...] = (),
    ) -> None:
        self.shelf: Shelf = found.shelf
        self.picks, self.declined = picks, declined
        self.members = MemberLane(found.live, len(self.shelf.rows))
        self.ways: Ways = enumerate_ways(found, self.members)
        self.touched = {row for units in self.ways.units for row in units}
        self.bare = bare(self.shelf, self.members)
        self.order = OrderLane(found.live, self.bare.left, shipping_minor)
        self.forced, self.bonus = forced, 0
        if forced:
            self._force(forced)

    def search(self, nodes_max: int, beaten: int = 0) -> Answer:
        """Return the best outcome, plan by plan; plans that cannot win are not searched.

        Nor are those that cannot save more than ``beaten``, which was found elsewhere.
        """
        base = solve(self.ways.caps, self.ways.columns, len(self.shelf.rows), nodes_max)
        outcome = self._outcome(base.chosen)
        answer = Answer(outcome, self.total(outcome), base.nodes)
        answer.proofs.append(self._proof(Plan(), base, 1))
        members_minor = self.bare.taken_minor  # columns say what changes about that
        most = base.bound + members_minor + sum(self.ways.left_out.values())
        answer.goods_bound_minor = most
        for plan in self.order.plans:
            bound = most + self.order.most(plan)
            wanted = max(self.total(answer.outcome), beaten) + 1
            if bound < wanted:
                break  # nor does any later one: they come by what they take off at most
            rate = self._even_rate(plan, outcome)
            if rate is not None:
                bound = min(bound, self._shrunk(plan, base, rate, answer) + members_minor)
            elif not self._is_met_without_loss(plan, outcome):
                limit = max(0, nodes_max - answer.nodes)
                packing, case_bound = self._solve_plan(plan, limit, answer, wanted)
                bound = min(bound, case_bound + members_minor)
                other = self._outcome(packing.chosen)
                if self.total(other) > self.total(answer.outcome):
                    answer.outcome = other
            answer.bound_minor = max(answer.bound_minor, bound)
        if not self.order.is_complete:
            answer.bound_minor = max(answer.bound_minor, most + self.order.ceiling)
        answer.bound_minor = max(answer.bound_minor, self.total(answer.outcome))
        return answer

    def bonus_of(self, outcome: Outcome) -> int:
        """Return the reward of the forced offer, if there is one and it applies."""
        if not self.forced:
            return 0
        is_used = any(live.offer.id == self.forced for live, _units in outcome.applications)
        return self.bonus if is_used else 0

    def _outcome(self, chosen: dict[int, int]) -> Outcome:
        return carry_out(chosen, self.ways, self.shelf, self.members, self.order, self.bare)

    def total(self, outcome: Outcome) -> int:
        """Return what an outcome saves, with the reward of a forced offer."""
        return outcome.saving_minor + self.bonus_of(outcome)

    def _is_met_without_loss(self, plan: Plan, outcome: Outcome) -> bool:
        """Return whether the largest saving reaches the plan, and no per cent shrinks with it."""
        return all(item.step.cut.percent is None for item in plan.items) and plan.is_met(
            outcome.left
        )

    def _even_rate(self, plan: Plan, outcome: Outcome) -> Fraction | None:
        """Return the share that one per cent takes of all goods that any way touches, if it does.

        Every saving is then worth as much less as any other, so the largest one stays the best; the
        largest one has to reach the plan.
        """
        if self.forced or len(plan.items) != 1 or plan.items[0].step.cut.percent is None:
            return None
        if not self.touched.issubset(plan.items[0].rows) or not plan.is_met(outcome.left):
            return None
        return _rate(plan.items[0].step.cut.percent)

    def _shrunk(self, plan: Plan, base: Packing, rate: Fraction, answer: Answer) -> int:
        """Return what bounds a plan whose per cent makes all savings of the base worth less."""
        left = 1 - rate
        proof = self._proof(Plan(), base, 1)
        answer.proofs.append(
            replace(
                proof,
                steps=plan.key,
                line_prices=tuple([(key, price * left) for key, price in proof.line_prices]),
                use_prices=tuple([(key, price * left) for key, price in proof.use_prices]),
                pair_prices=tuple([(key, price * left) for key, price in proof.pair_prices]),
            )
        )
        fixed = Fraction(sum(self.ways.left_out.values())) + HALF
        fixed += self.order.shipping_minor if plan.shipping else 0
        return floor(base.bound * left + fixed + rate * self._base(plan.items[0].rows))

    def _solve_plan(
        self, plan: Plan, nodes_max: int, answer: Answer, wanted: int
    ) -> tuple[Packing, int]:
        """Search for the best choice that reaches the plan; return it and what bounds the case.

        It is of use where it saves as much as is ``wanted``.
        """
        rates = [(item, _rate(item.step.cut.percent)) for item in plan.items]
        scale = lcm(*(rate.denominator for _item, rate in rates))
        demands = list(plan.demands())
        caps = list(self.ways.caps)
        caps += [self._base(rows) - least for _offer, rows, least in demands]
        first = len(self.ways.caps)
        columns, factors = [], [int(rate * scale) for _item, rate in rates]
        counting = [frozenset(rows) for _offer, rows, _least in demands]
        for index, column in enumerate(self.ways.columns):
            losses = self._losses(index, counting)
            value = column.value * scale - sum(map(mul, factors, losses))
            extra = tuple((first + i, loss) for i, loss in enumerate(losses) if loss)
            columns.append(Column(max(0, value), (*column.pairs, *extra), column.tie))
        fixed = Fraction(sum(self.ways.left_out.values()))
        fixed += self.order.shipping_minor if plan.shipping else 0
        for item, rate in rates:
            fixed += item.step.cut.amount_minor or 0
            share = rate * self._base(item.rows)  # each is rounded to the nearest
            is_touched = rate and not self.touched.isdisjoint(item.rows)
            fixed += share + HALF if is_touched else round_half_up(share)
        required = ceil((wanted - self.bare.taken_minor - fixed) * scale)
        packing = solve(caps, columns, len(self.shelf.rows), nodes_max, required)
        answer.nodes += packing.nodes
        answer.proofs.append(self._proof(plan, packing, scale))
        return packing, floor(Fraction(packing.bound, scale) + fixed)

    def _losses(self, index: int, rows: Sequence[frozenset[int]]) -> list[int]:
        """Return by how much a column lowers the basis of each demand."""
        units = self.ways.units[index]
        if all(some.issuperset(units) for some in rows):
            return [self.ways.columns[index].value for _some in rows]
        offer, cut = self.ways.owners[index].offer, self.ways.cuts[index]
        fallen = falls(offer, cut, units, self.shelf, self.members)
        return [
            sum(fall for row, fall in zip(units, fallen, strict=True) if row in some)
            for some in rows
        ]

    def _base(self, rows: tuple[int, ...]) -> int:
        return sum([self.bare.left[row].total_minor for row in rows])

    def _proof(self, plan: Plan, packing: Packing, scale: int) -> Proof:
        rows, first = self.shelf.rows, len(self.ways.caps)
        prices, sets = packing.prices, packing.sets
        if scale > 1:
            prices = [price / scale for price in prices]
            sets = [(some, price / scale) for some, price in sets]
        lines = [
            (ref, price)
            for row, price in zip(rows, prices, strict=False)
            if price
            for ref, _units in row.lines
        ]
        uses = [(offer_id, prices[at]) for offer_id, at in self.ways.limits.items() if prices[at]]
        steps = [
            (offer_id, prices[index])
            for index, (offer_id, _rows, _least) in enumerate(plan.demands(), start=first)
            if prices[index]
        ]
        pairs = [
            (tuple(sorted(ref for row in some for ref, _units in rows[row].lines)), price)
            for some, price in sets
        ]
        return Proof(
            picks=self.picks,
            steps=plan.key,
            line_prices=tuple(sorted(lines)),
            use_prices=tuple(sorted(uses)),
            step_prices=tuple(steps),
            pair_prices=tuple(sorted(pairs)),
            declined=self.declined,
        )

    def _force(self, offer_id: str) -> None:
        """Reward the first use of an offer so much that it must apply."""
        ways = self.ways
        self.bonus = 1 + 2 * sum(row.unit_minor * row.quantity for row in self.shelf.rows)
        resource = len(ways.caps)
        ways.caps.append(1)
        for index in range(len(ways.columns)):
            if ways.owners[index].offer.id == offer_id:
                column = ways.columns[index]
                ways.columns.append(
                    column._replace(
                        value=column.value + self.bonus, pairs=(*column.pairs, (resource, 1))
                    )
                )
                ways.owners.append(ways.owners[index])
                ways.units.append(ways.units[index])
                ways.cuts.append(ways.cuts[index])


def _rate(percent: Decimal | None) -> Fraction:
    if percent is None:
        return NOTHING
    numerator, denominator = percent.as_integer_ratio()
    return Fraction(numerator, 100 * denominator)
