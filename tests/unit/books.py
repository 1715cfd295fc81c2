"""The smallest ledger for one order: it books what the engine targets, and checks itself.

An invariant instrument: every delivery of an event is checked before and after, so that a
test of any story also tests that no step of it breaks the books.
"""

from __future__ import annotations

from dataclasses import replace

from saleor_retention.engine.accrual import EarnTerms, kept
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.engine.settlement import Booked, Delta, Target, deltas, is_void, target_of


class Books:
    """What is booked for one order under its frozen terms."""

    def __init__(self, terms: EarnTerms, redeemed: int = 0) -> None:
        self.terms = terms
        self.booked = Booked(redeemed=redeemed)
        self.postings: list[Delta] = []

    def deliver(self, order: OrderFacts) -> Delta:
        """Settle the order as it is now; return what was posted."""
        self._check()
        target = target_of(order, self.terms, self.booked)
        delta = deltas(target, self.booked)
        self.booked = replace(
            self.booked,
            earned=self.booked.earned + delta.earn,
            clawed=self.booked.clawed + delta.claw,
            restored=self.booked.restored + delta.restore,
        )
        if delta:
            self.postings.append(delta)
        self._check()
        self._check_against(order, target)
        return delta

    @property
    def net(self) -> int:
        """Return the points that the order is left with."""
        return self.booked.earned - self.booked.clawed

    def _check(self) -> None:
        booked = self.booked
        assert 0 <= booked.clawed <= booked.earned, "clawed more than earned"
        assert 0 <= booked.restored <= booked.redeemed, "restored more than redeemed"

    def _check_against(self, order: OrderFacts, target: Target) -> None:
        again = deltas(target_of(order, self.terms, self.booked), self.booked)
        assert not again, "a second delivery has an effect"
        assert target.is_void == is_void(order)
        if self.booked.earned:
            assert self.net == kept(order, self.terms).points, "net is not what is kept"
        if target.is_void:
            assert self.net == 0, "nothing is kept and points are"
            assert self.booked.restored == self.booked.redeemed, "not all points came back"
