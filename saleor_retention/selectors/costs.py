"""What offers, coupons and tier prices took off, and on which orders (C59).

An order that used two offers stands in the revenue of both, so that the column is no sum.
``engine.measures.costs`` sets a program's cost against what a new customer costs.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class CouponCost:
    """What coupons took off the counted orders of some days, in one currency."""

    uses: int = 0
    minor: int = 0  # as far as it is known
    estimated: int = 0  # uses in it that count at their coupon's amount, at most
    unknown: int = 0  # uses that are not in it: per cent, from before amounts were kept


def offer_costs(program: Program, *, first_day: dt.date, last_day: dt.date) -> list[OfferCost]:
    """Return what offers gave on orders made from ``first_day`` to ``last_day``, both included.

    The dearest first. Offers that no order used are absent; what came back is not counted. One
    statement, and one for the names.
    """
    rows = _rows("measures/offers", _days_of(program, first_day, last_day))
    offers = Offer.objects.in_bulk([row[0] for row in rows])
    exponent_of = host.current().currency_exponent
    found = [
        OfferCost(offers[pk].slug, offers[pk].name, currency, exponent_of(currency), *counts)
        for pk, currency, *counts in rows
    ]
    return sorted(found, key=lambda cost: (-cost.discount_minor, cost.slug, cost.currency))


def coupon_cost(
    program: Program, *, first_day: dt.date, last_day: dt.date, currency: str
) -> CouponCost:
    """Return what coupons took off orders made in the days, both included; one statement."""
    parameters = _days_of(program, first_day, last_day) | {"currency": currency}
    ((uses, minor, estimated, unknown),) = _rows("measures/coupons", parameters)
    return CouponCost(uses, minor, estimated, unknown)


def off_by_tiers(program: Program, *, first_day: dt.date, last_day: dt.date, currency: str) -> int:
    """Return what tier prices took off orders made in the days, both included; one statement.

    Nothing of orders that were written down before it was kept.
    """
    parameters = _days_of(program, first_day, last_day) | {"currency": currency}
    ((minor,),) = _rows("measures/tier_prices", parameters)
    return int(minor)


def _days_of(program: Program, first_day: dt.date, last_day: dt.date) -> dict[str, Any]:
    time_zone = rules_of(program.current_version_id).time_zone
    return {
        "program_id": program.pk,
        "start_at": start_of_local_day(first_day, time_zone),
        "end_at": end_of_local_day(last_day, time_zone),
    }


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.load(statement), parameters)
        return cursor.fetchall()
