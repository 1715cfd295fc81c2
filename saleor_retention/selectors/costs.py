"""What each offer took off, and on which orders: cost and revenue side by side (C59).

An order that used two offers stands in the revenue of both, so that the column is no sum.
``engine.measures.costs`` sets a program's cost against what a new customer costs.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from saleor_retention import host, sql
from saleor_retention.engine.periods import end_of_local_day, start_of_local_day
from saleor_retention.models import Offer, Program
from saleor_retention.selectors.programs import rules_of


@dataclass(frozen=True, slots=True)
class OfferCost:
    """What one offer gave in one currency, over the counted orders of some days."""

    slug: str
    name: str
    currency: str  # of the orders and of ``discount_minor``
    exponent: int  # of that
    uses: int
    orders: int
    customers: int  # known ones: a guest counts by the hash of the address
    discount_minor: int
    revenue_minor: int  # kept of those orders, in the program's reference currency


def offer_costs(program: Program, *, first_day: dt.date, last_day: dt.date) -> list[OfferCost]:
    """Return what offers gave on orders made from ``first_day`` to ``last_day``, both included.

    The dearest first. Offers that no order used are absent; what came back is not counted. One
    statement, and one for the names.
    """
    time_zone = rules_of(program.current_version_id).time_zone
    parameters = {
        "program_id": program.pk,
        "start_at": start_of_local_day(first_day, time_zone),
        "end_at": end_of_local_day(last_day, time_zone),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.load("measures/offers"), parameters)
        rows = cursor.fetchall()
    offers = Offer.objects.in_bulk([row[0] for row in rows])
    exponent_of = host.current().currency_exponent
    found = [
        OfferCost(offers[pk].slug, offers[pk].name, currency, exponent_of(currency), *counts)
        for pk, currency, *counts in rows
    ]
    return sorted(found, key=lambda cost: (-cost.discount_minor, cost.slug, cost.currency))
