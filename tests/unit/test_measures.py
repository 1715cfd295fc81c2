"""Repurchase rate, order value, new against returning, cohorts and second orders, by hand."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from saleor_retention.engine.measures.cohorts import Cell, cohorts
from saleor_retention.engine.measures.figures import Figures, Sale, by_period
from saleor_retention.engine.measures.seconds import seconds
from saleor_retention.engine.measures.spans import Interval, Span, bounds, spans

ANN, BOB, CAT = 1, 2, 3


def sale(number: int, customer: int, text: str, minor: int, channel: str = "1") -> Sale:
    """Return a sale at an ISO instant in UTC."""
    at = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    return Sale(number, customer, at, minor, channel)


SALES = [
    sale(1, ANN, "2026-01-10 10:00", 1000),
    sale(2, BOB, "2026-01-12 10:00", 2000, "2"),
    sale(3, ANN, "2026-01-20 10:00", 500),
    sale(4, ANN, "2026-02-28 23:30", 700),
    sale(5, CAT, "2026-02-03 10:00", 300),
    sale(6, BOB, "2026-03-01 10:00", 100),
]
MONTHS = bounds(list(spans(dt.date(2026, 1, 1), dt.date(2026, 3, 31), Interval.MONTH)), "UTC")


def test_measures_by_hand() -> None:
    """January: Ann's second order makes her a returning customer of the month she began in."""
    rows, total = by_period(SALES, MONTHS)

    january, february, march = rows
    assert january == Figures(2, 1, 3, 1, 3500, 500)
    assert february == Figures(2, 1, 2, 1, 1000, 700)
    assert march == Figures(1, 1, 1, 1, 100, 100)
    assert total == Figures(3, 2, 6, 3, 4600, 1300)
    assert january.repurchase_rate == Fraction(1, 2)
    assert january.order_value_minor == Fraction(3500, 3)
    assert january.orders_per_customer == Fraction(3, 2)
    assert january.returning_order_share == Fraction(1, 3)
    assert january.returning_revenue_share == Fraction(1, 7)
    assert (january.new_customers, january.new_orders, january.new_minor) == (1, 2, 3000)


def test_who_has_bought_in_another_channel_returns() -> None:
    """Bob's order in channel 1 is his second one, though the first there."""
    rows, total = by_period(SALES, MONTHS, channel_ref="1", customers=frozenset({BOB}))

    assert rows == [Figures(), Figures(), Figures(1, 1, 1, 1, 100, 100)]
    assert total == rows[2]


def test_without_orders_there_is_no_rate() -> None:
    """Nothing is divided by nothing."""
    empty = Figures()

    assert empty.repurchase_rate is None
    assert empty.order_value_minor is None
    assert empty.orders_per_customer is None
    assert empty.returning_revenue_share is None


def test_cohorts_by_hand() -> None:
    """23:30 UTC on the last of February is March in Paris."""
    january, february = dt.date(2026, 1, 1), dt.date(2026, 2, 1)

    assert cohorts(SALES, january, dt.date(2026, 3, 31), "Europe/Paris") == [
        Cell(january, 0, 2, 3, 3500),
        Cell(january, 2, 2, 2, 800),
        Cell(february, 0, 1, 1, 300),
    ]
    assert cohorts(SALES, february, dt.date(2026, 3, 31), "UTC") == [Cell(february, 0, 1, 1, 300)]


def test_time_to_the_second_order_by_hand() -> None:
    """Ann took 10 days, Bob 48, Cat has not come back."""
    found = seconds(SALES, dt.date(2026, 1, 1), dt.date(2026, 3, 31), "UTC")

    assert (found.customers, found.again, found.days, found.median_days) == (3, 2, 58, 10)
    assert found.within == (1, 2, 2, 2, 2)
    assert found.share == Fraction(2, 3)
    assert found.mean_days == Fraction(29)
    assert seconds(SALES, dt.date(2026, 1, 1), dt.date(2026, 2, 28), "UTC").again == 1


@pytest.mark.parametrize(
    ("first", "last", "interval", "expected"),
    [
        ("2026-03-30", "2026-04-01", Interval.DAY, ["03-30 03-30", "03-31 03-31", "04-01 04-01"]),
        ("2026-03-04", "2026-03-16", Interval.WEEK, ["03-04 03-08", "03-09 03-15", "03-16 03-16"]),
        (
            "2026-02-15",
            "2026-07-01",
            Interval.QUARTER,
            ["02-15 03-31", "04-01 06-30", "07-01 07-01"],
        ),
        ("2026-12-31", "2027-01-01", Interval.YEAR, ["12-31 12-31", "01-01 01-01"]),
    ],
)
def test_periods_are_those_of_the_calendar(
    first: str, last: str, interval: Interval, expected: list[str]
) -> None:
    """Whole ones between parts at the ends."""
    found = spans(dt.date.fromisoformat(first), dt.date.fromisoformat(last), interval)

    assert [f"{each.first_day:%m-%d} {each.last_day:%m-%d}" for each in found] == expected


def test_bounds_are_local_midnights() -> None:
    """A day on which Paris loses an hour."""
    assert bounds([Span(dt.date(2026, 3, 29), dt.date(2026, 3, 29))], "Europe/Paris") == [
        dt.datetime(2026, 3, 28, 23, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 29, 22, tzinfo=dt.UTC),
    ]
