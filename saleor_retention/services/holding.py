"""What happens to the points of one hold: pinned in lots, captured, given back, ended.

The mechanics under ``redeeming``, which decides. The caller holds the account's lock and the
hold's; the lots are locked here, in id order. A hold pins its lots: a capture after a lot's expiry
is valid, a release after it is breakage at the lot's instant.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from saleor_retention import conf
from saleor_retention.engine import lots as engine_lots
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.models import (
    Account,
    Book,
    Consumption,
    Hold,
    HoldState,
    Lot,
    TransactionKind,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services import posting
from saleor_retention.services.locking import lock_account
from saleor_retention.services.posting import Leg


@dataclass(frozen=True, slots=True)
class Grip:
    """A hold and its account under their locks, at one instant."""

    hold: Hold
    account: Account
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Giving:
    """Why points come back from a hold, and under which key."""

    kind: TransactionKind
    key: str
    cause: str


def shrinking(hold: Hold, cause: str) -> Giving:
    """Return the reason of giving a part back, which may happen often in the life of a hold."""
    kind = TransactionKind.RELEASE
    return Giving(kind, f"{kind.value}:{hold.pk}:{uuid4().hex}", cause)


def grip(hold: Hold, at: dt.datetime) -> Grip | None:
    """Lock the hold's account and then the hold; None when it has ended."""
    account = lock_account(hold.account_id)
    locked = Hold.objects.select_for_update().filter(pk=hold.pk, state=HoldState.PLACED).first()
    return None if locked is None else Grip(locked, account, at)


def lapses_at(rules: ProgramRules, at: dt.datetime) -> dt.datetime:
    """Return when a hold that is set or renewed at this instant lapses."""
    minutes = min(rules.redemption.hold_minutes, conf.get("HOLD_MINUTES_MAX"))
    return at + dt.timedelta(minutes=minutes)


def renew(hold: Hold, at: dt.datetime) -> None:
    """Let the hold's time begin anew, unless it has ended."""
    hold.lapses_at = lapses_at(rules_of(hold.version_id), at)
    Hold.objects.filter(pk=hold.pk, state=HoldState.PLACED).update(lapses_at=hold.lapses_at)


def free_lots(account: Account) -> list[Lot]:
    """Lock and return the account's lots with free points, in id order."""
    free = Lot.objects.select_for_update().filter(
        account=account, remaining__gt=0, is_pending=False
    )
    return list(free.order_by("id"))


def facts_of(lots: Iterable[Lot]) -> list[engine_lots.LotFacts]:
    """Return lots as the engine reads them."""
    return [
        engine_lots.LotFacts(
            id=lot.pk,
            remaining=lot.remaining,
            opened_at=lot.opened_at,
            valid_from=lot.valid_from,
            expires_at=lot.expires_at,
            order_ref=lot.order_ref or None,
        )
        for lot in lots
    ]


def pin(held: Grip, lots: list[Lot], points: int) -> None:
    """Set points of free, locked lots aside, soonest expiry first.

    The caller has seen that they are enough; ``NotEnoughPoints`` otherwise.
    """
    by_id = {lot.pk: lot for lot in lots}
    pinned = {item.lot_id: item for item in held.hold.consumptions.all()}
    legs: list[Leg] = []
    taken, new, more = [], [], []
    for take in engine_lots.choose(facts_of(lots), points, held.at):
        lot = by_id[take.lot_id]
        lot.remaining -= take.points
        lot.held += take.points
        taken.append(lot)
        legs += [Leg(Book.AVAILABLE, -take.points, lot), Leg(Book.HELD, take.points, lot)]
        if take.lot_id in pinned:
            pinned[take.lot_id].points += take.points
            more.append(pinned[take.lot_id])
        else:
            new.append(Consumption(hold=held.hold, lot=lot, points=take.points))
    key = f"hold:{held.hold.pk}:{uuid4().hex}"
    _post(held, Giving(TransactionKind.HOLD, key, "shopper"), legs, held.at)
    Lot.objects.bulk_update(taken, ["remaining", "held"])
    Consumption.objects.bulk_create(new)
    Consumption.objects.bulk_update(more, ["points"])


def capture(held: Grip, points: int, order_ref: str, effective_at: dt.datetime) -> None:
    """Burn points of the hold, soonest expiry first; dead lots count, the hold pinned them."""
    hold = held.hold
    legs: list[Leg] = []
    consumptions = _consumptions(hold)
    for consumption in consumptions:
        used = min(points, consumption.points - consumption.used)
        if not used:
            continue
        points -= used
        consumption.used += used
        consumption.lot.held -= used
        consumption.lot.used += used
        hold.captured += used
        legs += [Leg(Book.HELD, -used, consumption.lot), Leg(Book.REDEEMED, used)]
    hold.order_ref = order_ref
    burning = Giving(TransactionKind.CAPTURE, f"capture:{hold.pk}", f"hold:{hold.pk}")
    _post(held, burning, legs, effective_at)
    Consumption.objects.bulk_update(consumptions, ["used"])
    Lot.objects.bulk_update([item.lot for item in consumptions], ["held", "used"])


def give_back(held: Grip, points: int, giving: Giving) -> None:
    """Give points of the hold back to their lots, those of latest expiry first.

    What a live lot gets back repays a deficit before it is available. A lot that died meanwhile
    gets nothing: its points are breakage, dated at its instant.
    """
    returns = _returns(held, points)
    for consumption, back in returns:
        consumption.points -= back
    _move(held, returns, giving)
    kept = [consumption for consumption, _ in returns if consumption.points]
    empty = [consumption.pk for consumption, _ in returns if not consumption.points]
    Consumption.objects.bulk_update(kept, ["points"])
    if empty:
        Consumption.objects.filter(pk__in=empty).delete()


def finish(held: Grip, state: HoldState, cause: str) -> None:
    """Give back what was not captured and close the hold.

    Its consumptions keep what was pinned, as its history.
    """
    hold = held.hold
    rest = hold.points - hold.captured
    if rest:
        is_lapse = state == HoldState.LAPSED
        kind = TransactionKind.LAPSE if is_lapse else TransactionKind.RELEASE
        _move(held, _returns(held, rest), Giving(kind, f"{kind.value}:{hold.pk}", cause))
    hold.state = state
    hold.ended_at = held.at
    hold.save()


def _returns(held: Grip, points: int) -> list[tuple[Consumption, int]]:
    """Return what comes back of which consumption, and take it out of its lot's held points."""
    returns = []
    for consumption in reversed(_consumptions(held.hold)):
        back = min(points, consumption.points - consumption.used)
        if not back:
            continue
        points -= back
        consumption.lot.held -= back
        returns.append((consumption, back))
    return returns


def _move(held: Grip, returns: list[tuple[Consumption, int]], giving: Giving) -> None:
    dead_ids = {
        lot.id
        for lot in facts_of(consumption.lot for consumption, _ in returns)
        if engine_lots.is_dead(lot, held.at)
    }
    alive = [(item.lot, back) for item, back in reversed(returns) if item.lot_id not in dead_ids]
    if alive:
        _post_return(held, alive, giving)
    for consumption, back in returns:
        if consumption.lot_id in dead_ids:
            _post_breakage(held, consumption.lot, back, giving)
    lots = [consumption.lot for consumption, _ in returns]
    Lot.objects.bulk_update(lots, ["held", "remaining", "repaid", "expired"])


def _post_return(held: Grip, returns: list[tuple[Lot, int]], giving: Giving) -> None:
    legs: list[Leg] = []
    owed = held.account.deficit
    for lot, back in returns:
        repaid = min(owed, back)
        owed -= repaid
        lot.repaid += repaid
        lot.remaining += back - repaid
        legs.append(Leg(Book.HELD, -back, lot))
        legs += [Leg(Book.DEFICIT, repaid, lot)] if repaid else []
        legs += [Leg(Book.AVAILABLE, back - repaid, lot)] if back > repaid else []
    _post(held, giving, legs, held.at)


def _post_breakage(held: Grip, lot: Lot, points: int, giving: Giving) -> None:
    lot.expired += points
    expiring = Giving(TransactionKind.EXPIRE, f"expire:{giving.key}:{lot.pk}", giving.cause)
    legs = [Leg(Book.HELD, -points, lot), Leg(Book.BREAKAGE, points)]
    _post(held, expiring, legs, lot.expires_at)


def _post(held: Grip, giving: Giving, legs: list[Leg], effective_at: dt.datetime) -> None:
    posting.post(
        held.account,
        kind=giving.kind,
        key=giving.key,
        legs=legs,
        effective_at=effective_at,
        order_ref=held.hold.order_ref,
        cause=giving.cause,
        version=held.hold.version,
        now=held.at,
    )


def _consumptions(hold: Hold) -> list[Consumption]:
    """Lock the hold's lots in id order and return its consumptions in spending order."""
    pinned = hold.consumptions.select_related("lot").select_for_update(of=("self", "lot"))
    by_lot = {item.lot_id: item for item in pinned.order_by("lot_id")}
    ordered = engine_lots.spending_order(facts_of(item.lot for item in by_lot.values()))
    return [by_lot[lot.id] for lot in ordered]
