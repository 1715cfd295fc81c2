"""How much caps leave, and over which time they count."""

from __future__ import annotations

import pytest

from saleor_retention.engine.accrual import EarnTerms, earn, kept, quoted
from saleor_retention.engine.caps import Used, day_of, month_of, room_for_order
from saleor_retention.engine.rules import EarnCaps
from saleor_retention.engine.settlement import Booked, Target, target_of
from tests.unit.builders import instant, order, refunded, returned, rules

TERMS = EarnTerms(rules("1.00"))


@pytest.mark.parametrize(
    ("caps", "others", "room"),
    [
        (EarnCaps(), Used(5, 5, 5), None),
        (EarnCaps(per_order=10), Used(5, 5, 5), None),
        (EarnCaps(per_day=100), Used(in_day=30), 70),
        (EarnCaps(per_day=100), Used(in_day=130), 0),
        (EarnCaps(per_day=0), Used(), 0),
        (EarnCaps(per_day=100, per_month=200), Used(in_day=0, in_month=190), 10),
        (EarnCaps(per_day=100, per_member=500), Used(in_day=99, ever=100), 1),
    ],
)
def test_the_tightest_cap_leaves_the_room(caps: EarnCaps, others: Used, room: int | None) -> None:
    """Never below zero; none where the member's other orders do not matter."""
    assert room_for_order(caps, others) == room
    assert caps.look_at_other_orders is (room is not None)


def test_days_and_months_are_local_ones() -> None:
    """The hour that Paris skips makes the day and the month shorter."""
    at = instant("2026-03-29 12:00")

    assert day_of(at, "Europe/Paris") == (instant("2026-03-28 23:00"), instant("2026-03-29 22:00"))
    assert month_of(at, "Europe/Paris") == (
        instant("2026-02-28 23:00"),
        instant("2026-03-31 22:00"),
    )


def test_a_room_lowers_what_is_earned_and_not_what_is_kept() -> None:
    """100.00 with room for 60: the first 40.00 that come back take nothing."""
    bought = order(10_000)
    states = [refunded(bought, minor) for minor in (0, 4000, 4100, 10_000)]

    found = [target_of(state, TERMS, Booked(), 60) for state in states]

    assert [(target.earned, target.clawed) for target in found] == [
        (60, 0),
        (60, 0),
        (60, 1),
        (60, 60),
    ]


def test_what_is_booked_beyond_a_smaller_room_is_taken_back_and_not_rewritten() -> None:
    """As of a guest's order that turned out to be a member's."""
    found = target_of(order(10_000), TERMS, Booked(earned=60), 10)

    assert found == Target(60, 50, 0, is_void=False)


def test_the_cap_of_an_order_is_part_of_what_it_comes_to() -> None:
    """The same for the cart, the order and what is kept of it; lines add up to it."""
    capped = EarnTerms(rules("1.00", earn_caps=EarnCaps(per_order=60)))
    bought = order(5000, 5000)

    accrual = earn(bought, capped)

    assert accrual.points == sum(points for _, points in accrual.by_line) == 60
    assert kept(returned(bought, "line-1"), capped).points == 50
    assert quoted([], "USD", bought.created_at, capped) == 0
