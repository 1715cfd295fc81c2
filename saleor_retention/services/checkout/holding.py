"""What happens to the points of one hold: pinned in lots, captured, given back, ended.

The mechanics under ``redeeming``, which decides. The caller holds the account's lock, which guards
its lots too, and the hold's. A hold pins its lots: a capture after a lot's expiry is valid, a
release after it is breakage at the lot's instant.
"""

from __future__ import annotations

import datetime as dt
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
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.lots import facts_of
from saleor_retention.services.ledger.posting import Leg


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
    """Return the account's lots with free points that are not pending."""
    return list(Lot.objects.filter(account=account, remaining__gt=0, is_pending=False))


def pin(held: Grip, lots: list[Lot], points: int) -> None:
    """Set points of free lots aside, soonest expiry first.

    The caller has seen that they are enough; ``NotEnoughPoints`` otherwise.
    """
    hold = held.hold
    by_id = {lot.pk: lot for lot in lots}
    pinned = {item.lot_id: item for item in hold.consumptions.all()}
    legs: list[Leg] = []
    new, more = [], []
    for take in engine_lots.choose(map(facts_of, lots), points, held.at):
        lot = by_id[take.lot_id]
        legs += [Leg(Book.AVAILABLE, -take.points, lot), Leg(Book.HELD, take.points, lot)]
        if take.lot_id in pinned:
            pinned[take.lot_id].points += take.points
            more.append(pinned[take.lot_id])
        else:
            new.append(Consumption(hold=hold, lot=lot, points=take.points))
    key = f"hold:{hold.pk}:{uuid4().hex}:{hold.currency}:{hold.checkout_ref}"  # read by held.sql
    _post(held, Giving(TransactionKind.HOLD, key, "shopper"), legs)
    Consumption.objects.bulk_create(new)
    Consumption.objects.bulk_update(more, ["points"])


def capture(held: Grip, points: int, order_ref: str, effective_at: dt.datetime) -> None:
    """Burn points of the hold, soonest expiry first; dead lots count, the hold pinned them."""
    hold = held.hold
    legs: list[Leg] = []
    used_now = []
    for consumption in _consumptions(hold):
        used = min(points, consumption.points - consumption.used)
        if not used:
            continue
        points -= used
        consumption.used += used
        hold.captured += used
        used_now.append(consumption)
        lot = consumption.lot
        legs += [Leg(Book.HELD, -used, lot), Leg(Book.REDEEMED, used, lot)]
    hold.order_ref = order_ref
    burning = Giving(TransactionKind.CAPTURE, f"capture:{hold.pk}", f"hold:{hold.pk}")
    _post(held, burning, legs, effective_at)
    Consumption.objects.bulk_update(used_now, ["used"])


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
    """Return how many points come back from which consumption, latest expiry first."""
    returns = []
    for consumption in reversed(_consumptions(held.hold)):
        back = min(points, consumption.points - consumption.used)
        if back:
            points -= back
            returns.append((consumption, back))
    return returns


def _move(held: Grip, returns: list[tuple[Consumption, int]], giving: Giving) -> None:
    backs = [(consumption.lot, back) for consumption, back in reversed(returns)]
    dead = [item for item in backs if engine_lots.is_dead(facts_of(item[0]), held.at)]
    alive = [item for item in backs if item not in dead]
    if alive:
        if held.account.deficit:
            posting.catch_up(held.account, held.at)  # what matured before repays first
        legs = [Leg(Book.HELD, -back, lot) for lot, back in alive]
        _post(held, giving, [*legs, *posting.credit(held.account, alive)])
    for lot, back in dead:
        key = f"expire:{giving.key}:{lot.pk}"
        legs = [Leg(Book.HELD, -back, lot), Leg(Book.BREAKAGE, back, lot)]
        breakage = Giving(TransactionKind.EXPIRE, key, giving.cause)
        _post(held, breakage, legs, lot.expires_at)


def _post(
    held: Grip, giving: Giving, legs: list[Leg], effective_at: dt.datetime | None = None
) -> None:
    posting.post(
        held.account,
        kind=giving.kind,
        key=giving.key,
        legs=legs,
        effective_at=effective_at or held.at,
        order_ref=held.hold.order_ref,
        cause=giving.cause,
        version=held.hold.version_id,
        now=held.at,
    )


def _consumptions(hold: Hold) -> list[Consumption]:
    """Return the hold's consumptions in spending order."""
    by_lot = {item.lot_id: item for item in hold.consumptions.select_related("lot")}
    ordered = engine_lots.spending_order(facts_of(item.lot) for item in by_lot.values())
    return [by_lot[lot.id] for lot in ordered]
