"""The sections about customers: who comes back, how soon, and where everybody stands now."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from django.utils.translation import gettext as _

from saleor_retention.engine.measures.cohorts import Cell
from saleor_retention.engine.measures.figures import Figures
from saleor_retention.engine.measures.seconds import WITHIN_DAYS
from saleor_retention.engine.periods import add_months
from saleor_retention.engine.segments.bands import Band
from saleor_retention.reporting import charts, words
from saleor_retention.reporting.page import Section, Table
from saleor_retention.reporting.words import Amounts
from saleor_retention.selectors.report import Facts

OFFSETS = 12
"""Months after the first order that cohorts are followed for, as many as fit on a page."""


def repurchase(facts: Facts) -> Section:
    """Return the repurchase rate, order value and orders per customer by month."""
    title = _("Repurchase rate")
    amounts = Amounts(facts.money)
    rows = facts.periods.rows
    labels = [words.month(row.span.first_day) for row in rows]
    rates = [_percents(row.figures.repurchase_rate) for row in rows]
    named = [(label, row.figures) for label, row in zip(labels, rows, strict=True)]
    return Section(
        "repurchase",
        title,
        chart=charts.lines(title, labels, {title: rates}, unit=" %"),
        tables=[
            Table(
                _("Repurchase rate by month"),
                [
                    _("Month"),
                    _("Customers"),
                    _("Returning customers"),
                    _("Repurchase rate"),
                    _("Average order value"),
                    _("Orders per customer"),
                ],
                [
                    (
                        label,
                        words.number(figures.customers),
                        words.number(figures.returning_customers),
                        words.percent(figures.repurchase_rate),
                        amounts.text(figures.order_value_minor),
                        words.decimals(figures.orders_per_customer),
                    )
                    for label, figures in [*named, (_("all together"), facts.periods.total)]
                ],
            )
        ],
        notes=[
            _(
                "Repurchase rate: returning customers / all customers who ordered in the month. "
                "A customer of two months counts once in the last line."
            )
        ],
    )


def novelty(facts: Facts) -> Section:
    """Return new against returning orders and revenue by month."""
    title = _("New and returning customers")
    amounts = Amounts(facts.money)
    rows = facts.periods.rows
    labels = [words.month(row.span.first_day) for row in rows]
    named = [(label, row.figures) for label, row in zip(labels, rows, strict=True)]
    series = {
        _("New orders"): [row.figures.new_orders for row in rows],
        _("Returning orders"): [row.figures.returning_orders for row in rows],
    }
    return Section(
        "novelty",
        title,
        chart=charts.bars(title, labels, series, is_stacked=True),
        tables=[
            Table(
                _("New and returning by month"),
                [
                    _("Month"),
                    _("New orders"),
                    _("Returning orders"),
                    _("Returning share of orders"),
                    _("New revenue"),
                    _("Returning revenue"),
                    _("Returning share of revenue"),
                ],
                [
                    _novelty_row(label, figures, amounts)
                    for label, figures in [*named, (_("all together"), facts.periods.total)]
                ],
            )
        ],
        notes=[_("New is a customer's first order in the program, returning every later one.")],
    )


def _novelty_row(label: str, figures: Figures, amounts: Amounts) -> tuple[str, ...]:
    return (
        label,
        words.number(figures.new_orders),
        words.number(figures.returning_orders),
        words.percent(figures.returning_order_share),
        amounts.text(figures.new_minor),
        amounts.text(figures.returning_minor),
        words.percent(figures.returning_revenue_share),
    )


def cohorts(facts: Facts) -> Section:
    """Return who of each month's new customers ordered in the months after."""
    title = _("Cohorts: who comes back in which month")
    cells = {(cell.month, cell.offset): cell for cell in facts.cells}
    months = sorted({cell.month for cell in facts.cells})
    last = facts.last_day.replace(day=1)
    rows, shades = [], []
    for month in months:
        size = cells[month, 0].customers
        seen = [
            None if add_months(month, offset) > last else _share(cells.get((month, offset)), size)
            for offset in range(1, OFFSETS + 1)
        ]
        rows.append(
            (words.month(month), words.number(size), *(_percents_or_blank(s) for s in seen))
        )
        shades.append([0, *(round(100 * share) if share else 0 for share in seen)])
    average = _average(facts, OFFSETS)
    return Section(
        "cohorts",
        title,
        chart=charts.bars(
            title,
            [str(offset) for offset in range(1, OFFSETS + 1)],
            {_("Customers who ordered again, in per cent"): [_percents(each) for each in average]},
            unit=" %",
        ),
        tables=[
            Table(
                _("Per cent of each month's new customers who ordered so many months later"),
                [
                    _("First order"),
                    _("Customers"),
                    *(str(offset) for offset in range(1, OFFSETS + 1)),
                ],
                [
                    *rows,
                    (_("all together"), "", *(_percents_or_blank(share) for share in average)),
                ],
                shades=[*shades, [0] * (OFFSETS + 1)] if rows else [[0] * (OFFSETS + 1)],
            )
        ],
        notes=[
            _(
                "The chart counts for each month only those customers whose first order lies that "
                "far back. The last month of a row may not be over."
            )
        ],
    )


def _average(facts: Facts, offsets: int) -> list[Fraction | None]:
    """Return the share of customers who ordered so many months later, of those who could have."""
    sizes: dict[int, int] = defaultdict(int)
    seen: dict[int, int] = defaultdict(int)
    last = facts.last_day.replace(day=1)
    for cell in facts.cells:
        seen[cell.offset] += cell.customers
        if cell.offset == 0:
            for offset in range(1, offsets + 1):
                if add_months(cell.month, offset) <= last:
                    sizes[offset] += cell.customers
    return [words.ratio(seen[offset], sizes[offset]) for offset in range(1, offsets + 1)]


def _share(cell: Cell | None, size: int) -> Fraction:
    return Fraction(cell.customers if cell else 0, size)


def seconds(facts: Facts) -> Section:
    """Return how soon a second order follows."""
    title = _("Time to the second order")
    second = facts.second
    labels = [_("within %(days)s") % {"days": words.days(days)} for days in WITHIN_DAYS]
    shares = [words.ratio(count, second.customers) for count in second.within]
    sentences = []
    if second.again:
        sentences.append(
            _("Half of those who ordered again did so within %(days)s.")
            % {"days": words.days(second.median_days or 0)}
        )
    return Section(
        "seconds",
        title,
        sentences=sentences,
        chart=charts.bars(
            title,
            labels,
            {_("Customers with a second order, in per cent"): [_percents(each) for each in shares]},
            unit=" %",
        ),
        tables=[
            Table(
                _("Second orders of customers who first ordered in this time"),
                [_("Second order"), _("Customers"), _("Share")],
                [
                    *(
                        (label, words.number(count), words.percent(share))
                        for label, count, share in zip(labels, second.within, shares, strict=True)
                    ),
                    (
                        _("at any time until the last day"),
                        words.number(second.again),
                        words.percent(second.share),
                    ),
                    (_("customers with a first order"), words.number(second.customers), ""),
                ],
            )
        ],
        notes=[_("Young customers look slower than they are: many will still come back.")],
    )


def segments(facts: Facts) -> Section:
    """Return recency bands and the shop's own segments as they are now."""
    title = _("Segments")
    amounts = Amounts(facts.money)
    names = _band_names()
    tables = [
        Table(
            _("Customers by their last order"),
            [_("Band"), _("Customers"), _("Orders"), _("Revenue of all time")],
            [
                (
                    names[band],
                    words.number(group.customers),
                    words.number(group.orders),
                    amounts.text(group.spend_minor),
                )
                for band, group in facts.bands.items()
            ],
        )
    ]
    if facts.segments:
        tables.append(
            Table(
                _("The shop's segments"),
                [_("Segment"), _("Customers")],
                [(name, words.number(count)) for name, count in facts.segments],
            )
        )
    return Section(
        "segments",
        title,
        chart=charts.rows(
            title,
            [names[band] for band in facts.bands],
            {_("Customers"): [group.customers for group in facts.bands.values()]},
        ),
        tables=tables,
        notes=[_("As it is on the day of the report. Each customer is in one band.")],
    )


def _band_names() -> dict[Band, str]:
    return {
        Band.BEST: _("best"),
        Band.ACTIVE: _("active"),
        Band.SLEEPING: _("sleeping"),
        Band.AT_RISK: _("at risk"),
        Band.LOST: _("lost"),
    }


def tiers(facts: Facts) -> Section | None:
    """Return members by tier; None for a program without tiers."""
    if not facts.tiers:
        return None
    title = _("Tiers")
    members = sum(count for _name, count in facts.tiers)
    return Section(
        "tiers",
        title,
        chart=charts.rows(
            title,
            [name for name, _count in facts.tiers],
            {_("Members"): [count for _name, count in facts.tiers]},
        ),
        tables=[
            Table(
                _("Members by tier"),
                [_("Tier"), _("Members"), _("Share")],
                [
                    (name, words.number(count), words.percent(words.ratio(count, members)))
                    for name, count in facts.tiers
                ],
            )
        ],
        notes=[_("As it is on the day of the report.")],
    )


def _percents(share: Fraction | None) -> Fraction | None:
    return None if share is None else Fraction(words.percents(share))


def _percents_or_blank(share: Fraction | None) -> str:
    return "" if share is None else words.percents(share)
