"""Cohorts: customers by the month of their first order, and what they did in the months after.

The specification of ``sql/measures/cohorts.sql``. Months are those of the program's calendar; month
0 is the one of the first order.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from saleor_retention.engine.measures.figures import Sale
from saleor_retention.engine.periods import local_date


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cohort did in one of its months."""

    month: dt.date  # the first day of the cohort's month
    offset: int  # months since then
    customers: int  # who ordered
    orders: int
    revenue_minor: int


def cohorts(sales: Iterable[Sale], first: dt.date, last: dt.date, tz: str) -> list[Cell]:
    """Return the cells of cohorts from the month of ``first`` to that of ``last``, in order.

    Orders up to the end of ``last`` count; months in which nobody of a cohort ordered are absent.
    """
    by_customer: dict[int, list[Sale]] = defaultdict(list)
    for sale in sales:
        by_customer[sale.customer].append(sale)
    cells: dict[tuple[dt.date, int], list[Sale]] = defaultdict(list)
    for made in by_customer.values():
        begun = local_date(min(sale.at for sale in made), tz).replace(day=1)
        if not first.replace(day=1) <= begun <= last:
            continue
        for sale in made:
            day = local_date(sale.at, tz)
            if day <= last:
                offset = (day.year - begun.year) * 12 + day.month - begun.month
                cells[begun, offset].append(sale)
    return [
        Cell(
            month=month,
            offset=offset,
            customers=len({sale.customer for sale in found}),
            orders=len(found),
            revenue_minor=sum(sale.spend_minor for sale in found),
        )
        for (month, offset), found in sorted(cells.items())
    ]
