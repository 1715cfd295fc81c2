"""The figures of the report as tables for a spreadsheet: numbers, rounded at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from fractions import Fraction

from saleor_retention.engine.experiments.intervals import Difference
from saleor_retention.engine.experiments.samples import Sample
from saleor_retention.engine.experiments.verdict import verdict_on
from saleor_retention.engine.measures.sheet import (
    cohorts_csv,
    comparison_csv,
    periods_csv,
    rounded,
    seconds_csv,
)
from saleor_retention.engine.money import from_minor, round_half_up
from saleor_retention.engine.spreadsheets import Cell, table
from saleor_retention.selectors.measures import sides_of
from saleor_retention.selectors.report import Facts
from saleor_retention.selectors.segments import Money


class Sheet(StrEnum):
    """What a table is about."""

    BANDS = "bands"
    TIERS = "tiers"
    COSTS = "costs"
    OFFERS = "offers"
    CAMPAIGNS = "campaigns"
    EXPERIMENTS = "experiments"
    PERIODS = "periods"
    COHORTS = "cohorts"
    SECOND_ORDERS = "second_orders"
    COMPARISON = "comparison"


def sheet(facts: Facts, which: Sheet) -> str:
    """Return one table as CSV; an empty cell is what is not known or has nothing to divide by."""
    if which in _MEASURED:
        return _MEASURED[which](facts)
    header, rows = _MADE[which](facts)
    return table(header, rows)


Sheets = tuple[Sequence[str], Iterable[Sequence[Cell]]]


def _bands(facts: Facts) -> Sheets:
    header = ("band", "customers", "orders", "revenue", "currency")
    return header, [
        (
            band.value,
            group.customers,
            group.orders,
            _amount(group.spend_minor, facts.money),
            facts.money.currency,
        )
        for band, group in facts.bands.items()
    ]


def _tiers(facts: Facts) -> Sheets:
    return ("tier", "members"), facts.tiers


def _costs(facts: Facts) -> Sheets:
    header = (
        *("redeemed_points", "redeemed", "discounts", "tier_prices", "coupons"),
        *("coupon_uses_estimated", "coupon_uses_unknown", "total", "returning_customers"),
        *("per_returning_customer", "returning_revenue", "per_returning_revenue", "new_orders"),
        *("acquisition_cost", "acquired", "times", "currency"),
    )
    costs, money = facts.costs, facts.money
    if costs is None:
        return header, []
    row = (
        facts.redeemed_points,
        _amount(costs.redeemed_minor, money),
        _amount(costs.discount_minor, money),
        _amount(costs.tier_minor, money),
        _amount(costs.coupon_minor, money),
        costs.coupons_estimated,
        costs.coupons_unknown,
        _amount(costs.program_minor, money),
        costs.figures.returning_customers,
        _amount(costs.per_returning_customer, money),
        _amount(costs.figures.returning_minor, money),
        _rate(costs.per_returning_revenue),
        costs.figures.new_orders,
        _amount(costs.acquisition_minor, money),
        _amount(costs.acquired_minor, money),
        _rate(costs.times),
        money.currency,
    )
    return header, [row]


def _offers(facts: Facts) -> Sheets:
    header = (
        *("offer", "name", "uses", "orders", "customers", "discount", "discount_currency"),
        *("revenue", "revenue_currency"),
    )
    return header, [
        (
            offer.slug,
            offer.name,
            offer.uses,
            offer.orders,
            offer.customers,
            from_minor(offer.discount_minor, offer.exponent),
            offer.currency,
            _amount(offer.revenue_minor, facts.money),
            facts.money.currency,
        )
        for offer in facts.offers
    ]


def _campaigns(facts: Facts) -> Sheets:
    header = (
        *("campaign", "name", "window_days", "sent", "reached", "points"),
        *("coupons", "coupon_uses", "coupon_uses_estimated", "offers", "offer_uses", "cost"),
        *("customers", "orders", "revenue", "currency"),
    )
    return header, [
        (
            each.slug,
            each.name,
            facts.window_days,
            each.sent,
            each.reached,
            each.points,
            each.coupons.given,
            each.coupons.uses,
            each.coupons.estimated,
            each.offers.given,
            each.offers.uses,
            _amount(each.cost_minor, facts.money),
            each.buyers,
            each.orders,
            _amount(each.revenue_minor, facts.money),
            facts.money.currency,
        )
        for each in facts.campaigns
    ]


def _experiments(facts: Facts) -> Sheets:
    sides = [
        f"{side}_{name}"
        for side in ("treated", "held_out")
        for name in ("customers", "buyers", "share", "spent")
    ]
    differences = [
        f"{name}_{part}"
        for name in ("share", "spent")
        for part in ("difference", "low", "high", "smallest_visible")
    ]
    header = ("experiment", "window_days", "waiting", *sides, *differences, "currency")
    money = facts.money
    rows: list[Sequence[Cell]] = []
    for each in facts.experiments:
        verdict = verdict_on(each.outcome.treated, each.outcome.held_out)
        rows.append(
            (
                *(each.name, each.window_days, each.outcome.waiting),
                *_arm(verdict.treated, money),
                *_arm(verdict.held_out, money),
                *(_rate(value) for value in _interval(verdict.shares, verdict.smallest_share)),
                *(
                    _amount(value, money)
                    for value in _interval(verdict.means, verdict.smallest_mean)
                ),
                money.currency,
            )
        )
    return header, rows


def _arm(arm: Sample, money: Money) -> Sequence[Cell]:
    if not arm.customers:
        return (0, 0, "", "")
    return (arm.customers, arm.buyers, _rate(arm.share), _amount(arm.mean, money))


def _interval(found: Difference | None, smallest: Fraction | None) -> Sequence[Fraction | None]:
    if found is None:
        return (None, None, None, None)
    return (found.estimate, found.low, found.high, smallest)


def _rate(value: Fraction | None) -> Cell:
    found = rounded(value)
    return "" if found is None else found


def _amount(minor: int | Fraction | None, money: Money) -> Cell:
    if minor is None or not money.currency:
        return ""
    return from_minor(round_half_up(Fraction(minor)), money.exponent)


_MADE: dict[Sheet, Callable[[Facts], Sheets]] = {
    Sheet.BANDS: _bands,
    Sheet.TIERS: _tiers,
    Sheet.COSTS: _costs,
    Sheet.OFFERS: _offers,
    Sheet.CAMPAIGNS: _campaigns,
    Sheet.EXPERIMENTS: _experiments,
}

_MEASURED: dict[Sheet, Callable[[Facts], str]] = {
    Sheet.PERIODS: lambda facts: periods_csv(
        [(row.span, row.figures) for row in facts.periods.rows],
        facts.periods.total,
        facts.money.currency,
        facts.money.exponent,
    ),
    Sheet.COHORTS: lambda facts: cohorts_csv(
        facts.cells, facts.money.currency, facts.money.exponent
    ),
    Sheet.SECOND_ORDERS: lambda facts: seconds_csv(facts.second),
    Sheet.COMPARISON: lambda facts: comparison_csv(
        sides_of(facts.comparison), facts.money.currency, facts.money.exponent
    ),
}
