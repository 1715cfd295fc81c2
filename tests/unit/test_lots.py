"""Lots: alive or dead, spent first, taken back, returned."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from saleor_retention.engine.lots import (
    ClawbackPlan,
    ConsumptionFacts,
    Destination,
    LotFacts,
    NotEnoughPoints,
    Restoration,
    Take,
    available,
    child_expires_at,
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
from saleor_retention.engine.rules import Expiry, ExpiryPolicy
from tests.unit.builders import instant

OPENED = instant("2026-01-01 00:00")
NOW = instant("2026-06-01 00:00")
SOON = instant("2026-07-01 00:00")
LATE = instant("2026-12-31 00:00")
PAST = instant("2026-05-31 00:00")
PARIS = "Europe/Paris"


def lot(number: int, remaining: int = 100, **changes: object) -> LotFacts:
    """Return a live lot without expiry, opened on day ``number``."""
    facts = LotFacts(
        id=number,
        remaining=remaining,
        opened_at=OPENED + dt.timedelta(days=number),
        valid_from=OPENED,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "at", "expected"),
    [
        (lot(1), NOW, "live"),
        (lot(1, remaining=0), NOW, ""),
        (lot(1, valid_from=None), NOW, "pending"),
        (lot(1, valid_from=SOON), NOW, "pending"),
        (lot(1, valid_from=NOW), NOW, "live"),
        (lot(1, expires_at=SOON), NOW, "live"),
        (lot(1, expires_at=NOW), NOW, "dead"),
        (lot(1, expires_at=NOW), NOW - dt.timedelta(microseconds=1), "live"),
        (lot(1, expires_at=PAST), NOW, "dead"),
    ],
)
def test_states_are_true_at_their_instant(facts: LotFacts, at: dt.datetime, expected: str) -> None:
    """Valid on [valid_from, expires_at), whatever a task has posted."""
    states = {"live": is_live, "pending": is_pending, "dead": is_dead}

    assert [name for name, test in states.items() if test(facts, at)] == (
        [expected] if expected else []
    )


def test_available_counts_live_lots() -> None:
    """Pending, dead and empty lots give nothing."""
    lots = [lot(1, 10), lot(2, 20, valid_from=None), lot(3, 40, expires_at=PAST), lot(4, 80)]

    assert available(lots, NOW) == 90


def test_spending_order() -> None:
    """Soonest expiry, never last; then oldest; then lowest id."""
    never_old, never_new = lot(1), lot(5)
    late, soon = lot(2, expires_at=LATE), lot(3, expires_at=SOON)
    soon_older = lot(4, expires_at=SOON, opened_at=OPENED)
    twin = replace(soon, id=9)

    order = spending_order([never_new, twin, late, never_old, soon, soon_older])

    assert [facts.id for facts in order] == [4, 3, 9, 2, 1, 5]


@pytest.mark.parametrize(
    ("points", "takes"),
    [
        (0, []),
        (1, [Take(3, 1)]),
        (100, [Take(3, 100)]),
        (101, [Take(3, 100), Take(2, 1)]),
        (300, [Take(3, 100), Take(2, 100), Take(1, 100)]),
    ],
)
def test_choosing(points: int, takes: list[Take]) -> None:
    """Live lots in spending order, exactly as many points as asked for."""
    lots = [
        lot(1),
        lot(2, expires_at=LATE),
        lot(3, expires_at=SOON),
        lot(4, expires_at=PAST),
        lot(5, valid_from=SOON),
        lot(6, remaining=0),
    ]

    assert choose(lots, points, NOW) == takes


def test_choosing_more_than_there_is() -> None:
    """The refusal names what is left."""
    with pytest.raises(NotEnoughPoints) as refusal:
        choose([lot(1, 60), lot(2, 40, expires_at=PAST)], 61, NOW)

    assert (refusal.value.requested, refusal.value.available) == (61, 60)
    assert str(refusal.value) == "61 points were asked for and 60 are left."


def test_choosing_less_than_nothing() -> None:
    """A negative number is a mistake of the caller."""
    with pytest.raises(ValueError, match="Points to spend cannot be negative"):
        choose([lot(1)], -1, NOW)
    with pytest.raises(ValueError, match="Points to claw back cannot be negative"):
        clawback_plan([lot(1)], -1, "o1", (), NOW)


CLAWBACK_LOTS = [
    lot(1, 10),
    lot(2, 10, order_ref="o1"),
    lot(3, 10, order_ref="o1", valid_from=None),
    lot(4, 10, order_ref="o2"),
    lot(5, 10, order_ref="o2", valid_from=SOON),
    lot(6, 10, expires_at=PAST),
]


@pytest.mark.parametrize(
    ("points", "pinned", "takes", "uncovered"),
    [
        (0, (), [], 0),
        (5, (), [(3, 5)], 0),  # the order's own pending
        (15, (), [(3, 10), (2, 5)], 0),  # then its own lots
        (25, (), [(3, 10), (2, 10), (4, 5)], 0),  # then the newest others
        (35, (), [(3, 10), (2, 10), (4, 10), (1, 5)], 0),
        (45, (), [(3, 10), (2, 10), (4, 10), (1, 10)], 5),  # not others' pending, not the dead
        (15, (2,), [(3, 10), (4, 5)], 0),  # lots that a hold pins come last
        (35, (2, 4), [(3, 10), (1, 10), (2, 10), (4, 5)], 0),
    ],
)
def test_clawing_back(
    points: int, pinned: tuple[int, ...], takes: list[tuple[int, int]], uncovered: int
) -> None:
    """The order's pending, its lots, the newest others; the free rest of pinned lots last."""
    plan = clawback_plan(CLAWBACK_LOTS, points, "o1", pinned, NOW)

    assert plan == ClawbackPlan(tuple(Take(*take) for take in takes), uncovered)


def test_clawing_back_without_an_order() -> None:
    """A correction by staff takes from the newest lots; no lot counts as the order's own."""
    plan = clawback_plan([lot(1, 10), lot(2, 10), lot(3, 10, valid_from=None)], 15, None, (), NOW)

    assert plan == ClawbackPlan((Take(2, 10), Take(1, 5)), 0)


def used(number: int, points: int, **changes: object) -> ConsumptionFacts:
    """Return that so many points of lot ``number`` were used; it never expires."""
    facts = ConsumptionFacts(
        id=100 + number, lot_id=number, used=points, restored=0, lot_expires_at=None
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def test_points_return_in_reverse_order_of_use() -> None:
    """The last used come back first, each to its own lot, less what came back before."""
    uses = [used(1, 10), used(2, 10, restored=4), used(3, 10, restored=10)]

    assert restore_plan(uses, 8, NOW) == (
        Restoration(102, 2, 6, Destination.LOT),
        Restoration(101, 1, 2, Destination.LOT),
    )
    assert restore_plan(uses, 0, NOW) == ()


@pytest.mark.parametrize(
    ("changes", "destination"),
    [
        ({}, Destination.LOT),
        ({"lot_expires_at": SOON}, Destination.LOT),
        ({"lot_expires_at": NOW}, Destination.CHILD),  # dead at its instant
        ({"lot_expires_at": PAST}, Destination.CHILD),
        ({"lot_expires_at": PAST, "child_expires_at": SOON}, Destination.CHILD),
        ({"lot_expires_at": PAST, "child_expires_at": NOW}, Destination.DEAD),
        ({"lot_expires_at": PAST, "is_child": True}, Destination.DEAD),
        ({"lot_expires_at": SOON, "is_child": True}, Destination.LOT),
    ],
)
def test_points_return_to_a_dead_lot_once(
    changes: dict[str, object], destination: Destination
) -> None:
    """A dead lot has one child with a grace of its own; a child has none."""
    plan = restore_plan([used(1, 10, **changes)], 10, NOW)

    assert plan == (Restoration(101, 1, 10, destination),)


@pytest.mark.parametrize("points", [-1, 17])
def test_returning_what_was_not_used(points: int) -> None:
    """Never more than was used and is still out (invariant 5)."""
    with pytest.raises(ValueError, match=f"^{points} points cannot come back where 16 are out"):
        restore_plan([used(1, 10), used(2, 10, restored=4)], points, NOW)


@pytest.mark.parametrize(
    ("policy", "count", "at", "end"),
    [
        (ExpiryPolicy.NEVER, 0, "2026-01-15 12:00", None),
        (ExpiryPolicy.DAYS, 1, "2026-01-15 12:00", "2026-01-16 23:00"),
        (ExpiryPolicy.DAYS, 1, "2026-01-15 23:30", "2026-01-17 23:00"),  # already the 16th
        (ExpiryPolicy.DAYS, 1, "2026-03-28 12:00", "2026-03-29 22:00"),  # a day of 23 hours
        (ExpiryPolicy.DAYS, 365, "2024-02-29 12:00", "2025-02-28 23:00"),
        (ExpiryPolicy.INACTIVITY, 30, "2026-01-31 12:00", "2026-03-02 23:00"),
        (ExpiryPolicy.END_OF_MONTH, 0, "2026-01-31 12:00", "2026-01-31 23:00"),
        (ExpiryPolicy.END_OF_MONTH, 1, "2026-01-31 12:00", "2026-02-28 23:00"),
        (ExpiryPolicy.END_OF_YEAR, 1, "2026-01-31 12:00", "2027-12-31 23:00"),
    ],
)
def test_expiry(policy: ExpiryPolicy, count: int, at: str, end: str | None) -> None:
    """Computed in the program's zone, at the end of its local day."""
    expiry = expires_at(Expiry(policy, count), instant(at), PARIS)

    assert expiry == (None if end is None else instant(end))


def test_grace_of_a_child_lot() -> None:
    """The end of the last local day of grace, counted from the first return."""
    at = instant("2026-03-10 12:00")

    assert child_expires_at(Expiry(), at, PARIS) == instant("2026-04-09 22:00")
    assert child_expires_at(Expiry(restore_grace_days=0), at, PARIS) == instant("2026-03-10 23:00")


INACTIVITY = Expiry(ExpiryPolicy.INACTIVITY, 30)


@pytest.mark.parametrize(
    ("expiry", "ends", "activity", "switched", "expected"),
    [
        (
            INACTIVITY,
            "2026-06-10 00:00",
            "2026-06-01 12:00",
            "2026-01-01 00:00",
            "2026-07-02 00:00",
        ),
        (
            INACTIVITY,
            "2026-09-01 00:00",
            "2026-06-01 12:00",
            "2026-01-01 00:00",
            "2026-09-01 00:00",
        ),
        (
            INACTIVITY,
            "2026-06-10 00:00",
            "2026-01-01 12:00",
            "2026-06-05 12:00",
            "2026-07-06 00:00",
        ),
        (
            INACTIVITY,
            "2026-06-01 00:00",
            "2026-06-01 00:00",
            "2026-01-01 00:00",
            "2026-06-01 00:00",
        ),
        (INACTIVITY, None, "2026-06-01 12:00", "2026-01-01 00:00", None),
        (Expiry(), "2026-06-10 00:00", "2026-06-01 12:00", "2026-01-01 00:00", "2026-06-10 00:00"),
    ],
    ids=[
        "lengthens",
        "never shortens",
        "from the switch on",
        "not the dead",
        "never",
        "other policy",
    ],
)
def test_activity_lengthens(
    expiry: Expiry, ends: str | None, activity: str, switched: str, expected: str | None
) -> None:
    """Inactivity expiry moves later with activity and never earlier."""
    facts = lot(1, expires_at=None if ends is None else instant(ends))

    later = lengthened(facts, expiry, instant(activity), instant(switched), "UTC")

    assert later == (None if expected is None else instant(expected))
