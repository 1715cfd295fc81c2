"""The shop's past orders, customer by customer, in chunks: one chunk and one customer in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from saleor_retention import host
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.host.contract import PastOrder, UserFacts

ORDERS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Orders of some channels created on [start_at, end_at)."""

    channel_refs: tuple[str, ...]
    start_at: dt.datetime | None
    end_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer and all of his orders in the scope, oldest first."""

    user_ref: str
    user: UserFacts | None
    orders: tuple[OrderFacts, ...]

    @property
    def place(self) -> PastOrder:
        """Return where the customer ends among all past orders: a place to go on after."""
        last = self.orders[-1]
        return PastOrder(self.user_ref, last.created_at, last.ref)

    @property
    def is_confirmed(self) -> bool:
        """Tell whether this is a customer who may be a member."""
        return self.user is not None and self.user.is_confirmed


def count(scope: Scope) -> tuple[int, int]:
    """Return how many orders of customers, and of guests, are in the scope."""
    return host.current().count_past_orders(scope.channel_refs, scope.start_at, scope.end_at)


def customers(
    scope: Scope, size: int = ORDERS_AT_ONCE, after: PastOrder | None = None
) -> Iterator[list[Customer]]:
    """Yield all customers with orders in the scope, in the order of their keys, in chunks.

    ``after`` is the place of a customer to go on after. A chunk reads ``size`` orders in a constant
    number of statements. A customer comes once, with all orders: those at the end of a chunk wait
    for the next one.
    """
    waiting: list[tuple[PastOrder, OrderFacts]] = []
    while True:
        places = host.current().past_orders(
            scope.channel_refs, scope.start_at, scope.end_at, after, size
        )
        facts = host.current().orders_facts([place.ref for place in places])
        waiting += [(place, facts[place.ref]) for place in places if place.ref in facts]
        is_last = len(places) < size
        if places:
            after = places[-1]
        last = "" if is_last or after is None else after.user_ref
        done = [item for item in waiting if item[0].user_ref != last]
        waiting = [item for item in waiting if item[0].user_ref == last]
        if done:
            yield _grouped(done)
        if is_last:
            return


def _grouped(items: list[tuple[PastOrder, OrderFacts]]) -> list[Customer]:
    users = host.current().users({place.user_ref for place, _ in items})
    groups = groupby(items, key=lambda item: item[0].user_ref)
    return [
        Customer(ref, users.get(ref), tuple(facts for _, facts in group)) for ref, group in groups
    ]
