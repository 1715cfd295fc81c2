"""Lots: which points are alive, which are spent first, and where taken or returned points go.

A lot holds points that were earned together and expire together, valid on
``[valid_from, expires_at)``. Every function takes the instant: a lot is dead at its expiry for
every reader, whether the sweep that posts the breakage has run or not.
Set-based twins: ``sql/functions/expire_due`` and ``sql/functions/mature_due``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from saleor_retention.engine.periods import (
    end_of_local_day,
    end_of_month_plus,
    end_of_year_plus,
    local_date,
)
from saleor_retention.engine.rules import Expiry, ExpiryPolicy


class NotEnoughPoints(ValueError):
    """Fewer live points than were asked for; ``available`` says how many are left."""

    def __init__(self, requested: int, available: int) -> None:
        super().__init__(f"{requested} points were asked for and {available} are left.")
        self.requested = requested
        self.available = available


@dataclass(frozen=True, slots=True)
class LotFacts:
    """A lot as the ledger holds it. ``remaining`` is free: points in a hold are not in it."""

    id: int
    remaining: int
    opened_at: dt.datetime
    valid_from: dt.datetime | None  # None: not known yet, waits for fulfilment
    expires_at: dt.datetime | None = None  # None: never
    order_ref: str | None = None  # the order that earned it


@dataclass(frozen=True, slots=True)
class Take:
    """Points out of one lot."""

    lot_id: int
    points: int


@dataclass(frozen=True, slots=True)
class ClawbackPlan:
    """From which lots points are taken back, and what is left for the deficit policy."""

    takes: tuple[Take, ...]
    uncovered: int


@dataclass(frozen=True, slots=True)
class ConsumptionFacts:
    """What one redemption used of one lot, and what has come back since.

    ``child_expires_at`` is set once the lot has its child lot for points that came back late.
    ``is_child`` says that the used lot is such a child itself.
    """

    id: int
    lot_id: int
    used: int
    restored: int
    lot_expires_at: dt.datetime | None
    is_child: bool = False
    child_expires_at: dt.datetime | None = None


class Destination(StrEnum):
    """Where points go that come back."""

    LOT = "lot"  # alive: the same lot, the same expiry
    CHILD = "child"  # died since: the lot's one child lot, opened now or earlier and still alive
    DEAD = "dead"  # the grace was used up: back into the dead lot, and breakage at once


@dataclass(frozen=True, slots=True)
class Restoration:
    """Points that return to one consumption's lot, or to that lot's child."""

    consumption_id: int
    lot_id: int
    points: int
    destination: Destination


def is_dead(lot: LotFacts, at: dt.datetime) -> bool:
    """Return whether the lot's time is over; its last instant is the one before ``expires_at``."""
    return lot.expires_at is not None and lot.expires_at <= at


def is_pending(lot: LotFacts, at: dt.datetime) -> bool:
    """Return whether the lot's points are earned but not available yet."""
    return lot.valid_from is None or at < lot.valid_from


def is_live(lot: LotFacts, at: dt.datetime) -> bool:
    """Return whether the lot has points that may be spent at this instant."""
    return lot.remaining > 0 and not is_pending(lot, at) and not is_dead(lot, at)


def available(lots: Iterable[LotFacts], at: dt.datetime) -> int:
    """Return how many points may be spent at this instant."""
    return sum(lot.remaining for lot in lots if is_live(lot, at))


def spending_order(lots: Iterable[LotFacts]) -> list[LotFacts]:
    """Return the lots soonest expiry first (never last), then oldest, then lowest id."""
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(lots, key=lambda lot: (lot.expires_at or never, lot.opened_at, lot.id))


def choose(lots: Iterable[LotFacts], points: int, at: dt.datetime) -> list[Take]:
    """Return which lots give the points, in spending order; the takes add up exactly.

    Zero points take nothing. Raises ``NotEnoughPoints`` when the live lots hold fewer, and takes
    nothing then; a negative number is a ``ValueError``.
    """
    if points < 0:
        raise ValueError("Points to spend cannot be negative.")
    live = [lot for lot in lots if is_live(lot, at)]
    takes, uncovered = _take(spending_order(live), points)
    if uncovered:
        raise NotEnoughPoints(points, points - uncovered)
    return takes


def clawback_plan(
    lots: Iterable[LotFacts],
    points: int,
    order_ref: str | None,
    pinned: Collection[int],
    at: dt.datetime,
) -> ClawbackPlan:
    """Return from where points that an order lost are taken.

    First what the order has pending, then the order's own live lots, then the member's other live
    lots, newest first. Points in a hold are never taken: they are not in ``remaining``. Lots that
    a hold pins (``pinned``, by id) give their free rest last of all, because points may not stay
    available beside a deficit. Dead lots give nothing (their points are breakage) and neither do
    other orders' pending points (they repay the deficit when they mature). What no lot
    covers is left to the program's deficit policy.
    """
    if points < 0:
        raise ValueError("Points to claw back cannot be negative.")
    newest_first = sorted(lots, key=lambda lot: (lot.opened_at, lot.id), reverse=True)
    own = [lot for lot in newest_first if order_ref is not None and lot.order_ref == order_ref]
    other = [lot for lot in newest_first if order_ref is None or lot.order_ref != order_ref]
    own_pending = [lot for lot in own if is_pending(lot, at) and not is_dead(lot, at)]
    live = [lot for lot in (*own, *other) if is_live(lot, at)]
    free = [lot for lot in live if lot.id not in pinned]
    partly_held = [lot for lot in live if lot.id in pinned]
    takes, uncovered = _take((*own_pending, *free, *partly_held), points)
    return ClawbackPlan(tuple(takes), uncovered)


def restore_plan(
    consumptions: Sequence[ConsumptionFacts], points: int, at: dt.datetime
) -> tuple[Restoration, ...]:
    """Return where redeemed points go back to; ``consumptions`` stand in their order of use.

    The last used come back first. A live lot takes its points back and keeps its expiry (worked
    example V7). A lot that died since has one child lot, whose life is the program's grace from the
    first return on; later returns go into the same child while it lives. A child lot has no child,
    and once it died too the points die at once, so that buying and canceling in turns keeps
    nothing alive for ever. More points than were used and not yet returned: ``ValueError``.
    """
    outstanding = sum(consumption.used - consumption.restored for consumption in consumptions)
    if not 0 <= points <= outstanding:
        raise ValueError(f"{points} points cannot come back where {outstanding} are outstanding.")
    plan = []
    for consumption in reversed(consumptions):
        back = min(points, consumption.used - consumption.restored)
        if not back:
            continue
        destination = _destination(consumption, at)
        plan.append(Restoration(consumption.id, consumption.lot_id, back, destination))
        points -= back
    return tuple(plan)


def child_expires_at(expiry: Expiry, at: dt.datetime, tz: str) -> dt.datetime:
    """Return when a child lot opened at ``at`` dies: the end of the last local day of grace."""
    return end_of_local_day(local_date(at, tz) + dt.timedelta(days=expiry.restore_grace_days), tz)


def expires_at(expiry: Expiry, from_at: dt.datetime, tz: str) -> dt.datetime | None:
    """Return when points that become available at ``from_at`` die, in UTC; None: never.

    The end of the local day, month or year, the policy's count later; for inactivity
    ``from_at`` is the last activity.
    """
    match expiry.policy:
        case ExpiryPolicy.NEVER:
            return None
        case ExpiryPolicy.END_OF_MONTH:
            return end_of_month_plus(from_at, expiry.count, tz)
        case ExpiryPolicy.END_OF_YEAR:
            return end_of_year_plus(from_at, expiry.count, tz)
        case ExpiryPolicy.DAYS | ExpiryPolicy.INACTIVITY:
            return end_of_local_day(local_date(from_at, tz) + dt.timedelta(days=expiry.count), tz)


def lengthened(
    lot: LotFacts, expiry: Expiry, activity_at: dt.datetime, switched_at: dt.datetime, tz: str
) -> dt.datetime | None:
    """Return the lot's expiry after an activity: later or the same, never earlier.

    Only under the inactivity policy, and only for a lot that lived at the activity. Inactivity
    counts from ``switched_at``, when the program took up the policy, at the earliest. A lot that
    never expires stays so: a change of policy shortens nothing.
    """
    if expiry.policy is not ExpiryPolicy.INACTIVITY or lot.expires_at is None:
        return lot.expires_at
    if is_dead(lot, activity_at):
        return lot.expires_at
    later = expires_at(expiry, max(activity_at, switched_at), tz)
    return lot.expires_at if later is None else max(lot.expires_at, later)


def _take(lots: Iterable[LotFacts], points: int) -> tuple[list[Take], int]:
    takes = []
    for lot in lots:
        taken = min(points, lot.remaining)
        if taken > 0:
            takes.append(Take(lot.id, taken))
            points -= taken
    return takes, points


def _destination(consumption: ConsumptionFacts, at: dt.datetime) -> Destination:
    if consumption.lot_expires_at is None or at < consumption.lot_expires_at:
        return Destination.LOT
    if consumption.is_child:
        return Destination.DEAD
    if consumption.child_expires_at is None or at < consumption.child_expires_at:
        return Destination.CHILD
    return Destination.DEAD
