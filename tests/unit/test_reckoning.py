"""The story's own arithmetic, held to figures on paper: it must be right where the shop is not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from saleor_retention.engine.experiments.assignment import Arm, arm_of
from sandbox import reckoning
from sandbox.looking_back import Sums
from sandbox.two_years import Buyer, Plan, Purchase


def test_adas_points() -> None:
    """100 to begin with, 50 and 120 as a member; 250 used, 85 earned, 34 and 100 for a bag; 160."""
    assert reckoning.balance_as_member() == 270
    assert reckoning.giving_back().after == 270 - 250 + 85 - 34 + 100
    assert reckoning.balance_in_the_end() == 171 + 160


@pytest.mark.parametrize(
    ("last_order", "lost_on"),
    [("2026-11-22", "2027-11-23"), ("2027-02-28", "2028-03-01"), ("2028-02-29", "2029-03-01")],
)
def test_the_day_on_which_a_customer_is_lost(last_order: str, lost_on: str) -> None:
    """More than twelve calendar months without an order; a leap day is its month's last one."""
    found = reckoning.lost_on(dt.date.fromisoformat(last_order))

    assert found == dt.date.fromisoformat(lost_on)


def test_the_lot_is_drawn_as_the_documents_say() -> None:
    """By another hand than the engine's, with the same outcome for everybody."""
    secret = bytes(range(32))
    drawn = [reckoning.is_left_out(secret, "spring", pk, Decimal("0.3")) for pk in range(500)]

    assert drawn == [
        arm_of(secret, "spring", pk, held_out_per_mille=300) is Arm.HELD_OUT for pk in range(500)
    ]
    assert 100 < sum(drawn) < 200


def test_a_drawn_history_is_added_up() -> None:
    """Two customers, one of whom ordered twice, and one who never did."""
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    one, two = Purchase(at, 1000, 0, None), Purchase(at, 501, 0, None)
    plan = Plan(dt.date(2026, 2, 1), (Buyer(1, (one, two)), Buyer(2, ()), Buyer(3, (two,))))

    sums = Sums(plan)

    assert (sums.customers, sums.orders, sums.returning_orders) == (2, 3, 1)
    assert sums.revenue == Decimal("20.02")
    assert sums.row() == ["all together", "2", "1", "50.0 %", "6.67 USD", "1.50"]
