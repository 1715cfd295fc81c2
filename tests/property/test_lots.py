"""Lots give exact sums, and only points that are alive."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.lots import (
    ConsumptionFacts,
    Destination,
    LotFacts,
    NotEnoughPoints,
    available,
    choose,
    clawback_plan,
    expires_at,
    is_dead,
    is_live,
    is_pending,
    lengthened,
    restore_plan,
    spending_order,
)
from saleor_retention.engine.rules import Expiry
from tests.property.strategies import expiries, instants, lots, zones

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
wanted = st.integers(0, 1500)


@given(held=lots(), points=wanted)
def test_choosing_gives_exact_sums(held: list[LotFacts], points: int) -> None:
    """All of them from live lots, or a refusal that names what is left."""
    by_id = {lot.id: lot for lot in held}
    left = available(held, NOW)
    if points > left:
        with pytest.raises(NotEnoughPoints) as refusal:
            choose(held, points, NOW)
        assert refusal.value.available == left
        return

    takes = choose(held, points, NOW)

    assert sum(take.points for take in takes) == points
    assert len({take.lot_id for take in takes}) == len(takes)
    for take in takes:
        assert is_live(by_id[take.lot_id], NOW)
        assert 0 < take.points <= by_id[take.lot_id].remaining


@given(held=lots(), points=wanted, seed=st.randoms())
def test_choosing_takes_the_soonest_expiry_first(
    held: list[LotFacts], points: int, seed: st.DataObject
) -> None:
    """No lot is touched while one before it has points left, however the lots are listed."""
    points = min(points, available(held, NOW))
    shuffled = list(held)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]

    takes = choose(shuffled, points, NOW)

    assert takes == choose(held, points, NOW)
    live = [lot for lot in spending_order(held) if is_live(lot, NOW)]
    assert [take.lot_id for take in takes] == [lot.id for lot in live[: len(takes)]]
    for take, lot in list(zip(takes, live, strict=False))[:-1]:
        assert take.points == lot.remaining
    ends = [lot.expires_at or NEVER for lot in live]
    assert ends == sorted(ends)


@given(
    held=lots(),
    points=wanted,
    order_ref=st.sampled_from([None, "o1", "o9"]),
    pinned=st.frozensets(st.integers(1, 8)),
)
def test_clawing_back_adds_up(
    held: list[LotFacts], points: int, order_ref: str | None, pinned: frozenset[int]
) -> None:
    """Takes and the uncovered rest are the whole; only live lots and the order's own pending."""
    by_id = {lot.id: lot for lot in held}

    plan = clawback_plan(held, points, order_ref, pinned, NOW)

    assert sum(take.points for take in plan.takes) + plan.uncovered == points
    assert len({take.lot_id for take in plan.takes}) == len(plan.takes)
    for take in plan.takes:
        lot = by_id[take.lot_id]
        assert 0 < take.points <= lot.remaining
        assert not is_dead(lot, NOW)
        assert is_live(lot, NOW) or (lot.order_ref == order_ref and order_ref is not None)
    if plan.uncovered:  # nothing stays available beside a deficit (invariant 9)
        taken = {take.lot_id: take.points for take in plan.takes}
        assert all(taken.get(lot.id, 0) == lot.remaining for lot in held if is_live(lot, NOW))
    if any(take.lot_id in pinned and is_live(by_id[take.lot_id], NOW) for take in plan.takes):
        taken = {take.lot_id: take.points for take in plan.takes}
        free = [lot for lot in held if is_live(lot, NOW) and lot.id not in pinned]
        assert all(taken.get(lot.id, 0) == lot.remaining for lot in free)


@given(lot_list=lots())
def test_a_lot_is_in_one_state(lot_list: list[LotFacts]) -> None:
    """Live excludes pending and dead, at any instant."""
    for lot in lot_list:
        assert not (is_live(lot, NOW) and (is_pending(lot, NOW) or is_dead(lot, NOW)))


@st.composite
def consumptions(draw: st.DrawFn) -> list[ConsumptionFacts]:
    """What one order used of up to five lots."""
    ends = st.none() | st.integers(-5, 5).map(lambda days: NOW + dt.timedelta(days=days))
    found = []
    for number in range(draw(st.integers(0, 5))):
        used = draw(st.integers(1, 100))
        found.append(
            ConsumptionFacts(
                id=number,
                lot_id=10 + number,
                used=used,
                restored=draw(st.integers(0, used)),
                lot_expires_at=draw(ends),
                is_child=draw(st.booleans()),
                child_expires_at=draw(ends),
            )
        )
    return found


@given(uses=consumptions(), first=st.integers(0, 500), second=st.integers(0, 500))
def test_restoring_in_parts_is_restoring_at_once(
    uses: list[ConsumptionFacts], first: int, second: int
) -> None:
    """Points come back exactly, per consumption never more than were used, in parts as at once."""
    outstanding = sum(use.used - use.restored for use in uses)
    first = min(first, outstanding)
    second = min(second, outstanding - first)

    def restored(plan_of: list[ConsumptionFacts], points: int) -> list[ConsumptionFacts]:
        plan = restore_plan(plan_of, points, NOW)
        assert sum(step.points for step in plan) == points
        back = {step.consumption_id: step.points for step in plan}
        return [replace(use, restored=use.restored + back.get(use.id, 0)) for use in plan_of]

    in_parts = restored(restored(uses, first), second)

    assert in_parts == restored(uses, first + second)
    assert all(use.restored <= use.used for use in in_parts)
    with pytest.raises(ValueError, match="cannot come back"):
        restore_plan(uses, outstanding + 1, NOW)


@given(uses=consumptions())
def test_points_return_to_living_lots_only(uses: list[ConsumptionFacts]) -> None:
    """To the lot while it lives; after that once to a child; never to a dead lot as if alive."""
    by_id = {use.id: use for use in uses}
    outstanding = sum(use.used - use.restored for use in uses)

    for step in restore_plan(uses, outstanding, NOW):
        use = by_id[step.consumption_id]
        is_alive = use.lot_expires_at is None or use.lot_expires_at > NOW
        assert (step.destination is Destination.LOT) == is_alive
        if step.destination is Destination.CHILD:
            assert not use.is_child


@given(expiry=expiries(), at=instants, tz=zones)
def test_points_live_for_some_time(expiry: Expiry, at: dt.datetime, tz: str) -> None:
    """A lot never dies before or at the instant from which it counts."""
    end = expires_at(expiry, at, tz)

    assert end is None or end > at


@given(
    expiry=expiries(),
    ends=st.none() | instants,
    activity_at=instants,
    switched_at=instants,
    tz=zones,
)
def test_nothing_shortens_a_lot(
    expiry: Expiry,
    ends: dt.datetime | None,
    activity_at: dt.datetime,
    switched_at: dt.datetime,
    tz: str,
) -> None:
    """Whatever the policy is now, an activity leaves the expiry or moves it later."""
    lot = LotFacts(1, 10, NOW, NOW, ends)

    later = lengthened(lot, expiry, activity_at, switched_at, tz)

    assert (later or NEVER) >= (ends or NEVER)
    again = lengthened(replace(lot, expires_at=later), expiry, activity_at, switched_at, tz)
    assert again == later
