"""Measures as they are shown: rounded at the very end, and as tables for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from saleor_retention.engine.measures import cohorts, seconds
from saleor_retention.engine.measures.figures import Figures
from saleor_retention.engine.measures.spans import Span
from saleor_retention.engine.money import from_minor, round_half_up
from saleor_retention.engine.spreadsheets import Cell, table

PLACES = 6


class MeasuresSheet(StrEnum):
    """What a table is about."""

    PERIODS = "periods"
    COHORTS = "cohorts"
    SECOND_ORDERS = "second_orders"
    COMPARISON = "comparison"


HEADER = (
    "first_day",
    "last_day",
    "customers",
    "new_customers",
    "returning_customers",
    "orders",
    "new_orders",
    "returning_orders",
    "revenue",
    "new_revenue",
    "returning_revenue",
    "currency",
    "repurchase_rate",
    "average_order_value",
    "orders_per_customer",
    "returning_order_share",
    "returning_revenue_share",
)


def rounded(value: Fraction | None) -> Decimal | None:
    """Return a rate to six decimals, a half upwards.

    >>> rounded(Fraction(1, 3)), rounded(None)
    (Decimal('0.333333'), None)
    """
    return None if value is None else from_minor(round_half_up(value * 10**PLACES), PLACES)


def periods_csv(
    rows: Iterable[tuple[Span, Figures]], total: Figures, currency: str, exponent: int
) -> str:
    """Return the periods as CSV, and last all of them together, whose days are "total"."""
    cells = [_cells(span, figures, currency, exponent) for span, figures in rows]
    return table(HEADER, [*cells, _cells(None, total, currency, exponent)])


def cohorts_csv(cells: Iterable[cohorts.Cell], currency: str, exponent: int) -> str:
    """Return the cohorts as CSV, a row for each month in which somebody of one ordered.

    >>> import datetime as dt
    >>> cohorts_csv([cohorts.Cell(dt.date(2026, 1, 1), 2, 3, 4, 500)], "USD", 2).splitlines()
    ['cohort,months_since,customers,orders,revenue,currency', '2026-01-01,2,3,4,5.00,USD']
    """
    header = ("cohort", "months_since", "customers", "orders", "revenue", "currency")
    return table(
        header,
        [
            (
                *(cell.month.isoformat(), cell.offset, cell.customers, cell.orders),
                from_minor(cell.revenue_minor, exponent) if currency else "",
                currency,
            )
            for cell in cells
        ],
    )


def seconds_csv(found: seconds.Seconds) -> str:
    """Return the time to the second order as CSV, one row; empty where nobody ordered again."""
    header = (
        *("customers", "again", "share", "median_days", "mean_days"),
        *(f"within_{days}_days" for days in seconds.WITHIN_DAYS),
    )
    row = (
        *(found.customers, found.again, _rate(found.share)),
        "" if found.median_days is None else found.median_days,
        _rate(found.mean_days),
        *found.within,
    )
    return table(header, [row])


def comparison_csv(sides: Iterable[tuple[Span, Figures]], currency: str, exponent: int) -> str:
    """Return before against after as CSV, a row for each; none on a program's first day."""
    rows = zip(("before", "after"), sides, strict=False)
    return table(
        ("side", *HEADER),
        [(side, *_cells(span, figures, currency, exponent)) for side, (span, figures) in rows],
    )


def _rate(value: Fraction | None) -> Cell:
    found = rounded(value)
    return "" if found is None else found


def _cells(span: Span | None, figures: Figures, currency: str, exponent: int) -> list[Cell]:
    def money(minor: int | None) -> Cell:
        return from_minor(minor, exponent) if currency and minor is not None else ""

    value = figures.order_value_minor
    return [
        span.first_day.isoformat() if span else "total",
        span.last_day.isoformat() if span else "total",
        figures.customers,
        figures.new_customers,
        figures.returning_customers,
        figures.orders,
        figures.new_orders,
        figures.returning_orders,
        money(figures.revenue_minor),
        money(figures.new_minor),
        money(figures.returning_minor),
        currency,
        _rate(figures.repurchase_rate),
        money(None if value is None else round_half_up(value)),
        _rate(figures.orders_per_customer),
        _rate(figures.returning_order_share),
        _rate(figures.returning_revenue_share),
    ]
