"""What is summed up of a customer's orders: the specification of ``sql/customers/wrong.sql``.

An order counts where it is paid, something of it is kept, and its origin earns: as for tiers. It
counts on the day it was made, in the program's time zone. Frequency, recency, age and monetary
value are those of the ``lifetimes`` package over days: several orders of one day are one purchase.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.periods import local_date


@dataclass(frozen=True, slots=True)
class OrderMade:
    """One counted order: when it was made, and what is kept of it in reference minor units."""

    at: dt.datetime
    spend_minor: int


@dataclass(frozen=True, slots=True)
class Rollup:
    """The orders of one customer, summed up."""

    orders: int
    order_days: int
    first_order_at: dt.datetime
    second_order_at: dt.datetime | None
    last_order_at: dt.datetime
    first_on: dt.date
    last_on: dt.date
    spend_minor: int
    first_day_minor: int

    @property
    def frequency(self) -> int:
        """Return on how many days after the first one the customer bought."""
        return self.order_days - 1

    @property
    def recency_days(self) -> int:
        """Return the days from the first to the last day of buying."""
        return (self.last_on - self.first_on).days

    @property
    def mean_gap_days(self) -> Fraction | None:
        """Return the mean of the days between days of buying; None where there was one only."""
        return Fraction(self.recency_days, self.frequency) if self.frequency else None

    @property
    def monetary_minor(self) -> Fraction:
        """Return what was spent on a day of buying after the first, on average; 0 where none."""
        if not self.frequency:
            return Fraction(0)
        return Fraction(self.spend_minor - self.first_day_minor, self.frequency)

    def age_days(self, today: dt.date) -> int:
        """Return the days since the first day of buying."""
        return (today - self.first_on).days


def rollup_of(orders: Iterable[OrderMade], tz: str) -> Rollup | None:
    """Sum up a customer's counted orders; None without any.

    The second one is told by local day, then by instant: clocks that go back over midnight give a
    later order the earlier day.

    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> rollup_of([OrderMade(noon, 500), OrderMade(noon, 200)], "UTC").monetary_minor
    Fraction(0, 1)
    """
    dated = sorted(
        ((local_date(order.at, tz), order.at, order.spend_minor) for order in orders),
        key=lambda each: each[:2],
    )
    if not dated:
        return None
    days = [day for day, _, _ in dated]
    instants = [at for _, at, _ in dated]
    return Rollup(
        orders=len(dated),
        order_days=len(set(days)),
        first_order_at=min(instants),
        second_order_at=instants[1] if len(instants) > 1 else None,
        last_order_at=max(instants),
        first_on=days[0],
        last_on=days[-1],
        spend_minor=sum(minor for _, _, minor in dated),
        first_day_minor=sum(minor for day, _, minor in dated if day == days[0]),
    )
