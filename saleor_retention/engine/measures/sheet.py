"""Measures as they are shown: rounded at the very end, and as a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from saleor_retention.engine.measures.figures import Figures
from saleor_retention.engine.measures.spans import Span
from saleor_retention.engine.money import from_minor, round_half_up
from saleor_retention.engine.spreadsheets import Cell, table

PLACES = 6

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


def _cells(span: Span | None, figures: Figures, currency: str, exponent: int) -> list[Cell]:
    def money(minor: int | None) -> Cell:
        return from_minor(minor, exponent) if currency and minor is not None else ""

    def rate(value: Fraction | None) -> Cell:
        found = rounded(value)
        return "" if found is None else found

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
        rate(figures.repurchase_rate),
        money(None if value is None else round_half_up(value)),
        rate(figures.orders_per_customer),
        rate(figures.returning_order_share),
        rate(figures.returning_revenue_share),
    ]
