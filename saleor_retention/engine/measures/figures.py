"""Repurchase rate, order value, orders per customer, new against returning: exact definitions.

The specification of ``sql/measures/periods.sql``; docs/algorithms/measures.md says it in words. An
order is its customer's first, or a returning one: whoever has ordered before in the program, in
whatever channel and however long ago, returns. A customer returns in a period when at least one of
the orders of the period is a returning one. Capabilities: C53-C57.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Sale:
    """One counted order of a customer; ``id`` orders those of one instant."""

    id: int
    customer: int
    at: dt.datetime
    spend_minor: int
    channel_ref: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted in a period, and the measures that follow; None where there is no base."""

    customers: int = 0
    returning_customers: int = 0
    orders: int = 0
    returning_orders: int = 0
    revenue_minor: int = 0
    returning_minor: int = 0

    @property
    def new_customers(self) -> int:
        """Return the customers of the period whose only order in it is their first ever."""
        return self.customers - self.returning_customers

    @property
    def new_orders(self) -> int:
        """Return the orders that were their customer's first."""
        return self.orders - self.returning_orders

    @property
    def new_minor(self) -> int:
        """Return what is kept of those."""
        return self.revenue_minor - self.returning_minor

    @property
    def repurchase_rate(self) -> Fraction | None:
        """Return returning customers / all customers (C53)."""
        return _ratio(self.returning_customers, self.customers)

    @property
    def order_value_minor(self) -> Fraction | None:
        """Return revenue / orders (C54)."""
        return _ratio(self.revenue_minor, self.orders)

    @property
    def orders_per_customer(self) -> Fraction | None:
        """Return orders / customers (C55)."""
        return _ratio(self.orders, self.customers)

    @property
    def returning_order_share(self) -> Fraction | None:
        """Return the share of orders that come from customers who ordered before (C57)."""
        return _ratio(self.returning_orders, self.orders)

    @property
    def returning_revenue_share(self) -> Fraction | None:
        """Return the share of revenue that comes from them (C57)."""
        return _ratio(self.returning_minor, self.revenue_minor)


def figures(sales: Iterable[Sale], *, returning: set[int]) -> Figures:
    """Count some sales; ``returning`` holds the ids of those that are not their customer's first.

    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> two = [Sale(1, 7, noon, 500), Sale(2, 7, noon, 300), Sale(3, 8, noon, 200)]
    >>> found = figures(two, returning=returning_ids(two))
    >>> found.repurchase_rate, found.orders_per_customer, found.returning_revenue_share
    (Fraction(1, 2), Fraction(3, 2), Fraction(3, 10))
    """
    all_of_them = list(sales)
    back = [sale for sale in all_of_them if sale.id in returning]
    return Figures(
        customers=len({sale.customer for sale in all_of_them}),
        returning_customers=len({sale.customer for sale in back}),
        orders=len(all_of_them),
        returning_orders=len(back),
        revenue_minor=sum(sale.spend_minor for sale in all_of_them),
        returning_minor=sum(sale.spend_minor for sale in back),
    )


def returning_ids(sales: Iterable[Sale]) -> set[int]:
    """Return the sales that are not the first of their customer."""
    met: set[int] = set()
    returning = set()
    for sale in sorted(sales, key=lambda sale: (sale.at, sale.id)):
        if sale.customer in met:
            returning.add(sale.id)
        met.add(sale.customer)
    return returning


def by_period(
    sales: Sequence[Sale],
    bounds: Sequence[dt.datetime],
    *,
    channel_ref: str | None = None,
    customers: frozenset[int] | None = None,
) -> tuple[list[Figures], Figures]:
    """Return the figures of each period between the bounds, and of all of them together.

    ``sales`` are all of the program from ever; ``channel_ref`` and ``customers`` choose which of
    them count, and not which were first. Those together are no sums: a customer of two periods
    counts once.
    """
    returning = returning_ids(sales)
    chosen = [
        sale
        for sale in sales
        if (channel_ref is None or sale.channel_ref == channel_ref)
        and (customers is None or sale.customer in customers)
        and bounds[0] <= sale.at < bounds[-1]
    ]
    rows = [
        figures(
            [sale for sale in chosen if bisect_right(bounds, sale.at) == place],
            returning=returning,
        )
        for place in range(1, len(bounds))
    ]
    return rows, figures(chosen, returning=returning)


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None
