"""What past orders bring to one customer, and the sums over all of them, in bounded memory."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from saleor_retention.engine.facts import OrderFacts
from saleor_retention.engine.history import Outcome, Reason
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import ProgramRules


@dataclass(frozen=True, slots=True)
class Share:
    """One customer's part at an instant: orders, points and tier."""

    user_ref: str
    outcomes: tuple[Outcome, ...]
    at: dt.datetime
    welcome: int = 0
    tier: str = ""  # at the end; "" is none
    tier_before: str = ""

    @property
    def counted(self) -> list[Outcome]:
        """Return the orders that count, whether they bring points or not."""
        return [outcome for outcome in self.outcomes if outcome.is_counted]

    @property
    def pending(self) -> int:
        """Return the points that are still to become available."""
        return sum(
            outcome.points + outcome.bonus
            for outcome in self._alive()
            if outcome.is_pending(self.at)
        )

    @property
    def available(self) -> int:
        """Return the points that can be spent, welcome points with them."""
        return self.points - self.pending

    @property
    def points(self) -> int:
        """Return all points that the customer has at the end."""
        return self.welcome + sum(outcome.points + outcome.bonus for outcome in self._alive())

    @property
    def first_order(self) -> int:
        """Return how many of them are for the first order."""
        return sum(outcome.bonus for outcome in self._alive())

    @property
    def expired(self) -> int:
        """Return the points whose life is over."""
        return sum(
            outcome.points + outcome.bonus for outcome in self.counted if outcome.is_dead(self.at)
        )

    def by_currency(self) -> Counter[str]:
        """Return the points at the end by the currency of the order that brings them.

        Welcome points go with the first order that counts.
        """
        sums: Counter[str] = Counter()
        for outcome in self._alive():
            sums[outcome.order.currency] += outcome.points + outcome.bonus
        if self.welcome:
            sums[self.counted[0].order.currency] += self.welcome
        return sums

    def _alive(self) -> list[Outcome]:
        return [outcome for outcome in self.counted if not outcome.is_dead(self.at)]


@dataclass(slots=True)
class Tally:
    """Sums over customers."""

    time_zone: str = "UTC"
    customers: int = 0  # with an order
    members: int = 0  # with an order that counts
    orders: int = 0
    counted: int = 0  # orders
    points: int = 0  # at the end
    available: int = 0
    pending: int = 0
    expired: int = 0
    first_order: int = 0
    welcome: int = 0
    owed: Counter[str] = field(default_factory=Counter)  # points at the end, by currency
    issued: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Points by month and currency, those that have expired since with them."""
    tiers: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)

    def add(self, share: Share) -> None:
        """Count one customer."""
        counted = share.counted
        self.customers += 1
        self.orders += len(share.outcomes)
        self.counted += len(counted)
        self.points += share.points
        self.available += share.available
        self.pending += share.pending
        self.expired += share.expired
        self.first_order += share.first_order
        self.welcome += share.welcome
        self.owed += share.by_currency()
        self.reasons.update(o.reason for o in share.outcomes if o.reason is not None)
        for outcome in counted:
            month = self._month(outcome.paid_at or share.at)
            self.issued[month, outcome.order.currency] += outcome.points + outcome.bonus
        if share.welcome:
            self.issued[self._month(share.at), counted[0].order.currency] += share.welcome
        if counted:
            self.members += 1
            self.tiers[share.tier] += 1
        if share.tier != share.tier_before:
            self.moves[share.tier_before, share.tier] += 1

    @property
    def issued_points(self) -> int:
        """Return all points ever issued."""
        return sum(self.issued.values())

    def _month(self, at: dt.datetime) -> str:
        return local_date(at, self.time_zone).strftime("%Y-%m")


def worth(points: int, currency: str, rules: ProgramRules) -> int:
    """Return what points are worth in minor units, rounded down; zero without a point value."""
    value: Fraction = points * rules.point_values.get(currency, Fraction(0))
    return value.numerator // value.denominator


def without(orders: Iterable[OrderFacts], reason: Reason) -> tuple[Outcome, ...]:
    """Return what orders bring that bring nothing, all for one reason."""
    return tuple(Outcome(order, None, reason) for order in orders)
