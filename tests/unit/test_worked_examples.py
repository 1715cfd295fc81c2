"""The worked examples of the semantics that the engine decides: V3, V4, V5, V7, V10."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import permutations, product

import pytest

from saleor_retention.engine.accrual import EarnTerms
from saleor_retention.engine.facts import OrderState
from saleor_retention.engine.lots import (
    ConsumptionFacts,
    Destination,
    LotFacts,
    NotEnoughPoints,
    Restoration,
    Take,
    choose,
    is_dead,
    restore_plan,
)
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.engine.settlement import Delta, restored_points
from tests.unit.books import Books
from tests.unit.builders import instant, order, refunded, returned, rules


def test_v3_one_floor_over_the_order() -> None:
    """1 point per 10.00; lines of 15.00 and 15.00 earn 3; returning them claws 2, then 1."""
    bought = order(1500, 1500)
    books = Books(EarnTerms(rules(points_per="10.00")))

    assert books.deliver(bought) == Delta(earn=3)
    one_back = returned(bought, "line-1")
    assert books.deliver(one_back) == Delta(claw=2)
    assert books.deliver(returned(one_back, "line-2")) == Delta(claw=1)
    assert books.net == 0


def test_v4_a_full_refund_takes_what_was_earned() -> None:
    """50.00 earn 50; the rule doubles, or is deleted, and a full refund takes 50."""
    bought = order(5000)
    frozen = EarnTerms(rules(points_per="1.00"))
    for edited in (rules(points_per="0.50"), rules(earn_rates={})):
        books = Books(frozen)
        assert books.deliver(bought) == Delta(earn=50)

        # The merchant's edit makes a new version; the order keeps its terms.
        later = Books(EarnTerms(edited))
        later.deliver(bought)
        assert later.booked.earned != 50

        assert books.deliver(refunded(bought, 5000)) == Delta(claw=50)


def test_v5_dead_at_its_instant_unless_pinned_before() -> None:
    """A hold of 23:59 is captured at 00:05; a spend at 00:01 finds nothing, sweep or not."""
    lot = LotFacts(
        id=1,
        remaining=100,
        opened_at=instant("2026-01-01 00:00"),
        valid_from=instant("2026-01-01 00:00"),
        expires_at=instant("2026-02-01 00:00"),
    )

    held = choose([lot], 60, instant("2026-01-31 23:59"))
    rest = replace(lot, remaining=40)  # no sweep has run: the rest is still in the lot

    assert held == [Take(lot_id=1, points=60)]
    # The hold took its points out of ``remaining``: the capture looks at no expiry any more.
    assert is_dead(rest, instant("2026-02-01 00:00"))
    with pytest.raises(NotEnoughPoints) as refusal:
        choose([rest], 1, instant("2026-02-01 00:01"))
    assert refusal.value.available == 0


def test_v7_a_canceled_order_gives_back_to_the_old_lot() -> None:
    """Redeemed a day before the expiry and canceled: the lot has its old expiry, not a new one."""
    expires_at = instant("2026-02-01 00:00")
    used = ConsumptionFacts(id=5, lot_id=1, used=100, restored=0, lot_expires_at=expires_at)
    canceled = replace(order(5000), state=OrderState.CANCELED)

    points = restored_points(canceled, 100)
    plan = restore_plan([used], points, expires_at - dt.timedelta(days=1))

    assert plan == (Restoration(5, 1, 100, Destination.LOT),)


@pytest.mark.parametrize("program", [rules("1.00"), rules("10.00"), rules("0.03"), rules("7.77")])
@pytest.mark.parametrize("lines", [(5000,), (1500, 1500), (3333, 3333, 3334), (999, 1, 4000)])
def test_v10_two_refunds_are_one(program: ProgramRules, lines: tuple[int, ...]) -> None:
    """Two refunds of 20 % equal one of 40 %, in any order, each event delivered three times."""
    bought = order(*lines)
    fifth = sum(lines) // 5
    once, twice = refunded(bought, fifth), refunded(refunded(bought, fifth), fifth)
    at_once = Books(EarnTerms(program))
    at_once.deliver(bought)
    at_once.deliver(refunded(bought, 2 * fifth))

    # Every delivery reads the order afresh, so late events see a later state; a stale object may
    # still come, and the last word is the order's state.
    for events in permutations([bought, once, twice]):
        books = Books(EarnTerms(program))
        for event, _ in product(events, range(3)):
            books.deliver(event)
        for _ in range(3):
            books.deliver(twice)

        assert books.booked == at_once.booked
