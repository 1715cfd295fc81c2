"""What became of every offer, and why: never only 'not applied'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from saleor_retention.engine.offers.groups import Best, best_of_groups
from saleor_retention.engine.offers.kinds import (
    OTHER_LANES,
    FreeShipping,
    MemberPrice,
    Offer,
    SpendThreshold,
)
from saleor_retention.engine.offers.live import Field, Live
from saleor_retention.engine.offers.outcome import Outcome
from saleor_retention.engine.offers.result import Finding, Miss, NearMiss, OfferVerdict
from saleor_retention.engine.quote import Allocation


class Judge:
    """Says of each offer what became of it in the best outcome."""

    def __init__(
        self,
        found: Field,
        best: Best,
        allocations: Sequence[Allocation],
        shipping: Live | None,
        shipping_minor: int,
    ) -> None:
        self.found, self.best, self.outcome = found, best, best.outcome
        self.shipping, self.shipping_minor = shipping, shipping_minor
        self.amounts: dict[str, int] = {}
        for each in allocations:
            self.amounts[each.rule_key] = self.amounts.get(each.rule_key, 0) + each.amount_minor
        self.applied = {live.offer.id: live for live in self.outcome.applied()}
        if shipping:
            self.applied[shipping.offer.id] = shipping
        self.near: list[NearMiss] = list(found.near)
        self._owners = set(best.lanes.ways.owners)
        self._totals = [left.total_minor for left in self.outcome.left]
        self._uses = Counter([live.offer.id for live, _units in self.outcome.applications])
        self._takers: dict[int, set[str]] = {}  # by row: offers of the goods lane that serve it
        for live, units in self.outcome.applications:
            for row in units:
                self._takers.setdefault(row, set()).add(live.offer.id)

    def verdicts(self, *, explain_nodes: int) -> list[OfferVerdict]:
        """Return all verdicts by rank; ``explain_nodes`` above zero finds what beaten ones cost."""
        live = {each.offer.id: each for each in self.found.live}
        return [
            self._verdict(offer, live.get(offer.id), explain_nodes) for offer in self.found.ranked
        ]

    def _verdict(self, offer: Offer, live: Live | None, explain_nodes: int) -> OfferVerdict:
        if live is None:
            misses = self.found.misses[offer.id]
            return OfferVerdict(offer.id, misses[0].code, misses=misses)
        if isinstance(offer.benefit, SpendThreshold):
            self._next_step(live, offer.benefit)
        if offer.id in self.applied:
            return self._applied(live)
        missing = self._amount_missing(live)
        if missing > 0:
            miss = Miss(Finding.AMOUNT_MISSING, missing)
            if isinstance(offer.benefit, FreeShipping) and not self.shipping:
                self.near.append(NearMiss(offer.id, miss.code, missing))
            return OfferVerdict(offer.id, miss.code, misses=(miss,))
        rivals = self._in_its_group(offer)
        if not rivals and not self._has_effect(live):
            return OfferVerdict(offer.id, Finding.NO_EFFECT)
        code = Finding.CONFLICT if rivals else Finding.BEATEN
        by = tuple(sorted(rivals or self._rivals(live)))
        by_minor = None
        if explain_nodes and not isinstance(offer.benefit, OTHER_LANES) and self._has_effect(live):
            by_minor = self._cost_of_using(offer.id, explain_nodes)
        return OfferVerdict(offer.id, code, by=by, by_minor=by_minor, is_exact=by_minor is not None)

    def _in_its_group(self, offer: Offer) -> list[str]:
        if not offer.group:
            return []
        return [key for key, each in self.applied.items() if each.offer.group == offer.group]

    def _applied(self, live: Live) -> OfferVerdict:
        uses = self._uses[live.offer.id]
        amount = self.amounts.get(live.offer.rule_key, 0)
        if isinstance(live.offer.benefit, FreeShipping):
            amount = self.shipping_minor
        return OfferVerdict(live.offer.id, Finding.APPLIED, amount, uses or 1)

    def _next_step(self, live: Live, benefit: SpendThreshold) -> None:
        """Note how much is missing to the first step above what is spent."""
        basis = self._basis(live)
        steps = enumerate(benefit.steps)
        above = [(step.from_minor - basis, at) for at, step in steps if step.from_minor > basis]
        if above:
            missing, at = min(above)
            self.near.append(NearMiss(live.offer.id, Finding.AMOUNT_MISSING, missing, step=at))

    def _amount_missing(self, live: Live) -> int:
        benefit = live.offer.benefit
        if isinstance(benefit, SpendThreshold):
            return min(step.from_minor for step in benefit.steps) - self._basis(live)
        if isinstance(benefit, FreeShipping):
            return benefit.from_minor - self._basis(live)
        return 0

    def _basis(self, live: Live) -> int:
        return sum([self._totals[row] for row in live.rows[0]])

    def _rivals(self, live: Live) -> set[str]:
        """Return the offers of its lane that serve the goods it wants."""
        rows = {row for each in live.rows for row in each}
        benefit = live.offer.benefit
        if isinstance(benefit, FreeShipping):
            return {self.shipping.offer.id} if self.shipping else set()
        if isinstance(benefit, SpendThreshold):
            return {item.live.offer.id for item in self.outcome.plan.items}
        if isinstance(benefit, MemberPrice):
            if live.offer.id in self.best.lanes.declined:
                return {each for each, _step in self.outcome.plan.key}
            return {use.member.offer.id for row in rows for use in self.outcome.uses[row]
                    if use.member}  # fmt: skip
        return {taker for row in rows for taker in self._takers.get(row, ())}

    def _has_effect(self, live: Live) -> bool:
        """Return whether the offer would take anything off, were it alone."""
        benefit = live.offer.benefit
        if isinstance(benefit, FreeShipping):
            return True
        if isinstance(benefit, OTHER_LANES):
            return bool(self._rivals(live))
        if live in self._owners or not self.best.lanes.picks:
            return live in self._owners
        return self._alone(live) > 0  # it was left out for the sake of its group

    def _alone(self, live: Live) -> int:
        alone = replace(self.found, live=[live])
        outcome: Outcome = best_of_groups(alone, 0, 0).outcome
        return outcome.saving_minor

    def _cost_of_using(self, offer_id: str, nodes_max: int) -> int | None:
        """Return how much dearer the basket is when this offer has to apply."""
        forced = best_of_groups(self.found, self.shipping_minor, nodes_max, offer_id)
        bonus = forced.lanes.bonus_of(forced.outcome)
        if not bonus or forced.bound_minor != forced.total_minor:
            return None
        return self.outcome.saving_minor - forced.outcome.saving_minor
