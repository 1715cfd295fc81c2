"""Everything that the printed report tells, gathered in one snapshot of the database.

The selectors that it calls have the definitions; here is only what no other one asks: recency
bands, sizes of segments, members by tier.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from django.db import connection
from django.db.models import Count

from saleor_retention import sql
from saleor_retention.engine.experiments.outcomes import Outcome
from saleor_retention.engine.liability import Movement, Step, worth
from saleor_retention.engine.liability_report import Report as Liability
from saleor_retention.engine.measures.cohorts import Cell
from saleor_retention.engine.measures.costs import Costs
from saleor_retention.engine.measures.seconds import Seconds
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.engine.segments.bands import Band, edges
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, AccountState, Experiment, Program, Segment
from saleor_retention.selectors import measures
from saleor_retention.selectors.campaign_results import (
    WINDOW_DAYS,
    CampaignResult,
    campaign_results,
)
from saleor_retention.selectors.costs import OfferCost, coupon_cost, off_by_tiers, offer_costs
from saleor_retention.selectors.experiments import outcome
from saleor_retention.selectors.liability import liability, one_snapshot
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.segments import Money, limits_of, money_of

MONTHS_MAX = 36
"""A row for each month has to fit on a page."""

EXPERIMENTS_MAX = 20

WORK_MEM = "64MB"
"""What each sort and hash of the report may hold: all orders are sorted by customer in turn."""


@dataclass(frozen=True, slots=True)
class Group:
    """Customers with something in common, and what is kept of all orders they ever made."""

    customers: int = 0
    orders: int = 0
    spend_minor: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """An experiment and what has come of it."""

    name: str
    window_days: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a program's customers for one report."""

    program: str  # its name
    made_at: dt.datetime
    time_zone: str
    first_day: dt.date
    last_day: dt.date
    money: Money
    periods: measures.Table  # by month
    comparison: measures.Comparison | None
    cells: list[Cell]
    second: Seconds
    bands: Mapping[Band, Group]
    segments: list[tuple[str, int]]  # names of active segments with their members
    tiers: list[tuple[str, int]]  # names from the lowest up with their members
    liability: Liability  # by month
    offers: list[OfferCost]
    window_days: int  # after a campaign's message, in which orders count for it
    campaigns: list[CampaignResult]
    redeemed_points: int  # used less given back
    experiments: list[Tried]  # the newest first
    costs: Costs | None  # None where the program has no one currency, or its points no value in it


def facts(
    program: Program,
    *,
    first_day: dt.date,
    last_day: dt.date,
    now: dt.datetime,
    acquisition_minor: int | None = None,
    window_days: int = WINDOW_DAYS,
) -> Facts:
    """Return the facts of the days from ``first_day`` to ``last_day``, both included.

    Bands, segments, tiers and balances are those of ``now``; bands are as the last order or the
    last night has left the rollups. ``window_days`` after a campaign's message orders count for it.
    Refusals as ``measures.table``, ``liability`` and ``campaign_results``, and LIMIT_REACHED for
    more than ``MONTHS_MAX`` months.
    """
    months = (last_day.year - first_day.year) * 12 + last_day.month - first_day.month + 1
    if months > MONTHS_MAX:
        message = f"A report is about {MONTHS_MAX} months at most, and these are {months}."
        raise Refusal(Code.LIMIT_REACHED, message, "since")
    rules = rules_of(program.current_version_id)
    money = money_of(rules)
    with one_snapshot():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = %s", [WORK_MEM])
        table = measures.table(program, first_day=first_day, last_day=last_day)
        owed = liability(program, first_day=first_day, last_day=last_day, step=Step.MONTH, now=now)
        offers = offer_costs(program, first_day=first_day, last_day=last_day)
        redeemed = _redeemed(owed)
        costs = _costs(table, rules, money, redeemed, offers)
        if costs is not None:
            costs = _with_prices(program, costs, first_day, last_day, money.currency)
            costs = _with_acquisition(costs, rules, money, acquisition_minor)
        return Facts(
            program=program.name,
            made_at=now,
            time_zone=rules.time_zone,
            first_day=first_day,
            last_day=last_day,
            money=money,
            periods=table,
            comparison=measures.comparison(program, now=now),
            cells=measures.cohorts(program, first_day=first_day, last_day=last_day),
            second=measures.second_orders(program, first_day=first_day, last_day=last_day),
            bands=bands(program, now),
            segments=_segments(program),
            tiers=_tiers(program, rules),
            liability=owed,
            offers=offers,
            window_days=window_days,
            campaigns=campaign_results(
                program, first_day=first_day, last_day=last_day, window_days=window_days
            ),
            redeemed_points=redeemed,
            experiments=_experiments(program, now),
            costs=costs,
        )


def bands(program: Program, now: dt.datetime) -> dict[Band, Group]:
    """Return the customers of each recency band, from the rollups; each in the narrowest one."""
    today = local_date(now, rules_of(program.current_version_id).time_zone)
    parameters = asdict(edges(today, limits_of(program))) | {"program_id": program.pk}
    found = dict.fromkeys(Band, Group())
    with connection.cursor() as cursor:
        cursor.execute(sql.load("measures/bands"), parameters)
        for band, *sums in cursor.fetchall():
            found[Band(band)] = Group(*sums)
    return found


def _segments(program: Program) -> list[tuple[str, int]]:
    found = Segment.objects.filter(program=program, is_active=True).annotate(Count("members"))
    return list(found.order_by("slug").values_list("name", "members__count"))


def _experiments(program: Program, now: dt.datetime) -> list[Tried]:
    """Return the newest experiments, whatever the days of the report."""
    found = Experiment.objects.filter(program=program).order_by("-created_at", "-pk")
    return [
        Tried(each.name, each.window_days, outcome(each, now=now))
        for each in found[:EXPERIMENTS_MAX]
    ]


def _tiers(program: Program, rules: ProgramRules) -> list[tuple[str, int]]:
    """Return the tiers of the ladder with their members; a tier that is gone by its slug."""
    accounts = Account.objects.filter(program=program, state=AccountState.MEMBER)
    counted = accounts.order_by("tier").values_list("tier").annotate(Count("pk"))
    members = dict(counted)
    named = [(tier.name, members.pop(tier.slug, 0)) for tier in rules.ladder.tiers]
    return named + [(slug, count) for slug, count in members.items() if slug]


def _redeemed(owed: Liability) -> int:
    return -sum(
        period.movements.get(movement, 0)
        for period in owed.ledger.periods
        for movement in (Movement.REDEEMED, Movement.RESTORED)
    )


def _costs(
    table: measures.Table,
    rules: ProgramRules,
    money: Money,
    redeemed: int,
    offers: list[OfferCost],
) -> Costs | None:
    value = rules.point_values.get(money.currency)
    if not money.currency or value is None:
        return None
    return Costs(
        figures=table.total,
        redeemed_minor=worth(redeemed, value),
        discount_minor=sum(
            offer.discount_minor for offer in offers if offer.currency == money.currency
        ),
    )


def _with_prices(
    program: Program, costs: Costs, first_day: dt.date, last_day: dt.date, currency: str
) -> Costs:
    """Add what tier prices and coupons took off."""
    coupons = coupon_cost(program, first_day=first_day, last_day=last_day, currency=currency)
    return replace(
        costs,
        tier_minor=off_by_tiers(program, first_day=first_day, last_day=last_day, currency=currency),
        coupon_minor=coupons.minor,
        coupons_estimated=coupons.estimated,
        coupons_unknown=coupons.unknown,
    )


def _with_acquisition(
    costs: Costs, rules: ProgramRules, money: Money, stated_minor: int | None
) -> Costs:
    """Add what winning a customer costs: as stated for this report, else as the rules say."""
    if stated_minor is None:
        stated_minor = rules.acquisition_costs.get(money.currency)
    return replace(costs, acquisition_minor=stated_minor)
