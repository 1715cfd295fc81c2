"""What campaigns gave, and the orders that are put down to them (C59).

Each statement asks about all campaigns at once. ``engine.experiments.attribution`` has the
definition of what belongs to whom. Cost is what a campaign gave at most: points at their value as
if every one were used, coupons and offers at what they took off. What a holdout shows
is in ``selectors.experiments``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from saleor_retention import sql
from saleor_retention.engine.liability import worth
from saleor_retention.engine.periods import end_of_local_day, start_of_local_day
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Campaign, Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.segments import money_of

WINDOW_DAYS = 7
WINDOW_DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class Coupons:
    """The coupons that a campaign gave in some days."""

    given: int = 0
    uses: int = 0  # of them, by orders until now
    minor: int | None = 0  # what the uses took off; None: not known of one, or another currency
    estimated: int = 0  # of the uses: counted at their coupon's amount, at most


@dataclass(frozen=True, slots=True)
class Offers:
    """The offers that a campaign gave to members in some days."""

    given: int = 0
    uses: int = 0  # of them, by orders until now
    minor: int | None = 0  # what the uses took off; None: a part of it in another currency


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """What one campaign gave in some days, and the orders of these days that are put down to it."""

    slug: str
    name: str
    sent: int  # messages, and benefits without one
    reached: int  # customers who got them
    points: int
    coupons: Coupons
    offers: Offers
    cost_minor: int | None  # of all of it, at most; None: not known in the one currency
    buyers: int
    orders: int
    revenue_minor: int


def campaign_results(
    program: Program, *, first_day: dt.date, last_day: dt.date, window_days: int
) -> list[CampaignResult]:
    """Return the campaigns that gave something or are given orders, by slug.

    An order made in the days belongs to the campaign that reached its customer last, at most
    ``window_days`` times 24 hours before. Days are the program's. Refuses (INVALID, ``windowDays``)
    a window of no days or more than ``WINDOW_DAYS_MAX``.
    """
    window = _window(window_days)
    rules = rules_of(program.current_version_id)
    parameters = {
        "program_id": program.pk,
        "start_at": start_of_local_day(first_day, rules.time_zone),
        "end_at": end_of_local_day(last_day, rules.time_zone),
        "window": window,
    }
    campaigns = list(Campaign.objects.filter(program=program).order_by("slug"))
    given = {pk: sums for pk, *sums in _rows("campaign_given", parameters)}
    of_these = parameters | {"campaign_ids": [campaign.pk for campaign in campaigns]}
    orders = {pk: sums for pk, *sums in _rows("campaign_orders", of_these)}
    in_money = parameters | {"currency": money_of(rules).currency}
    coupons = {pk: Coupons(*sums) for pk, *sums in _rows("campaign_coupons", in_money)}
    offers = {pk: Offers(*sums) for pk, *sums in _rows("campaign_offers", in_money)}
    reaching = {*given, *orders, *coupons, *offers}
    results = []
    for campaign in [campaign for campaign in campaigns if campaign.pk in reaching]:
        sent, reached, points = given.get(campaign.pk, (0, 0, 0))
        of_coupons = coupons.get(campaign.pk, Coupons())
        of_offers = offers.get(campaign.pk, Offers())
        results.append(
            CampaignResult(
                campaign.slug,
                campaign.name,
                sent,
                reached,
                points,
                of_coupons,
                of_offers,
                _cost(points, of_coupons.minor, of_offers.minor, rules),
                *orders.get(campaign.pk, (0, 0, 0)),
            )
        )
    return results


def _window(days: int) -> dt.timedelta:
    if not 0 < days <= WINDOW_DAYS_MAX:
        message = f"Orders count from 1 to {WINDOW_DAYS_MAX} days after a message."
        raise Refusal(Code.INVALID, message, "windowDays")
    return dt.timedelta(days=days)


def _cost(
    points: int, coupons_minor: int | None, offers_minor: int | None, rules: ProgramRules
) -> int | None:
    currency = money_of(rules).currency
    value = rules.point_values.get(currency)
    if not currency or coupons_minor is None or offers_minor is None:
        return None
    if points and value is None:
        return None
    return coupons_minor + offers_minor + (worth(points, value) if value is not None else 0)


def _rows(name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.load(f"measures/{name}"), parameters)
        return cursor.fetchall()
