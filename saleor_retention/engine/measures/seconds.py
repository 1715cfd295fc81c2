"""How long it takes until a customer buys a second time.

The specification of ``sql/measures/seconds.sql``. Local days from the first order to the second;
two orders of one day are 0 days apart. Customers who have not bought again by the last day are
counted, and in no median: a young cohort looks quicker than it will be, which its share says.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.measures.figures import Sale
from saleor_retention.engine.periods import local_date

WITHIN_DAYS = (30, 60, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Customers whose first order fell into a span of days, and their second orders."""

    customers: int
    again: int  # with a second order by the last day
    days: int  # of those together
    median_days: int | None  # the lower one of two
    within: tuple[int, ...]  # again within WITHIN_DAYS

    @property
    def share(self) -> Fraction | None:
        """Return the share of customers with a second order."""
        return Fraction(self.again, self.customers) if self.customers else None

    @property
    def mean_days(self) -> Fraction | None:
        """Return the mean of the days until it."""
        return Fraction(self.days, self.again) if self.again else None


def seconds(sales: Iterable[Sale], first: dt.date, last: dt.date, tz: str) -> Seconds:
    """Return how customers who first ordered from ``first`` to ``last`` came back until then."""
    by_customer: dict[int, list[Sale]] = defaultdict(list)
    for sale in sales:
        by_customer[sale.customer].append(sale)
    customers, waits = 0, []
    for made in by_customer.values():
        ordered = sorted(made, key=lambda sale: (sale.at, sale.id))
        days = [local_date(sale.at, tz) for sale in ordered[:2]]
        if not first <= days[0] <= last:
            continue
        customers += 1
        if len(days) > 1 and days[1] <= last:
            waits.append((days[1] - days[0]).days)
    waits.sort()
    return Seconds(
        customers=customers,
        again=len(waits),
        days=sum(waits),
        median_days=waits[(len(waits) - 1) // 2] if waits else None,
        within=tuple(sum(wait <= limit for wait in waits) for limit in WITHIN_DAYS),
    )
