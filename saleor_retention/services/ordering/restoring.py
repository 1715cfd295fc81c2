"""Redeemed points that come back with a refund, and go again when the refund is taken back.

They return to the lots they were taken from, with the same expiry; a lot that died since has one
child lot with a life of its own (``engine.lots.restore_plan``). Keys:
``restore|revoke:<order>:points:<n>``. The caller holds the account's lock and has caught up with
time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import Sum

from saleor_retention.engine import lots as engine
from saleor_retention.engine.lots import ConsumptionFacts, Destination, Restoration
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.models import (
    Account,
    Book,
    Consumption,
    Entry,
    Hold,
    Lot,
    OrderRecord,
    TransactionKind,
)
from saleor_retention.services.ledger import lots, posting, taking
from saleor_retention.services.ledger.posting import Leg, LotRef, NewLot
from saleor_retention.services.ordering.order_posting import post_next

RULE_KEY = "points"


def restore(
    account: Account,
    record: OrderRecord,
    points: int,
    rules: ProgramRules,
    *,
    cause: str,
    now: dt.datetime,
) -> None:
    """Give ``points`` of what the order was paid with back, a deficit of the member first.

    Points that had been taken again beyond what the member had (``revoke``) come back to where that
    was borne: the program's write-off, or a deficit and then a new lot.
    """
    consumptions = _consumptions(record)
    outstanding = sum(item.used - item.restored for item in consumptions)
    written_off = min(points, -_written_off(record))
    lotless = max(0, points - written_off - outstanding)
    plan = engine.restore_plan(
        [_facts_of(item) for item in consumptions], points - written_off - lotless, now
    )
    legs, incoming = _planned_legs(plan, consumptions, rules, now)
    if lotless:
        fresh = lots.opened(rules, opened_at=now, valid_from=now, order_ref=record.order_ref)
        legs.append(Leg(Book.REDEEMED, -lotless))
        incoming.append((fresh, lotless))
    if written_off:
        legs += [Leg(Book.REDEEMED, -written_off), Leg(Book.WRITE_OFF, written_off)]
    post_next(
        account,
        record,
        TransactionKind.RESTORE,
        RULE_KEY,
        [*legs, *posting.credit(account, incoming)],
        cause=cause,
        now=now,
    )
    by_id = {item.pk: item for item in consumptions}
    for step in plan:
        by_id[step.consumption_id].restored += step.points
    Consumption.objects.bulk_update(consumptions, ["restored"])
    record.restored += points
    _share_among_holds(record)


def revoke(
    account: Account,
    record: OrderRecord,
    points: int,
    rules: ProgramRules,
    *,
    cause: str,
    now: dt.datetime,
) -> None:
    """Take ``points`` again that had come back, because the refund was taken back.

    A second use by the same hold: of the lots that the points came back to while they have them,
    otherwise as a claw-back takes.
    """
    consumptions = _consumptions(record)
    preferred = [item.lot_id for item in consumptions]
    preferred += [child.pk for item in consumptions if (child := _child_of(item.lot)) is not None]
    legs, takes = taking.taken(
        account,
        points,
        Book.REDEEMED,
        order_ref=None,
        policy=rules.deficit,
        now=now,
        first_from=preferred,
    )
    post_next(account, record, TransactionKind.REVOKE, RULE_KEY, legs, cause=cause, now=now)
    hold = consumptions[0].hold
    by_lot = {item.lot_id: item for item in consumptions if item.hold_id == hold.pk}
    for take in takes:
        item = by_lot.get(take.lot_id) or Consumption(hold=hold, lot_id=take.lot_id, points=0)
        item.points += take.points
        item.used += take.points
        item.save()
    record.restored -= points
    _share_among_holds(record)


def _planned_legs(
    plan: Sequence[Restoration],
    consumptions: Sequence[Consumption],
    rules: ProgramRules,
    now: dt.datetime,
) -> tuple[list[Leg], list[tuple[LotRef, int]]]:
    lot_of = {item.pk: item.lot for item in consumptions}
    legs: list[Leg] = []
    incoming: list[tuple[LotRef, int]] = []
    children: dict[int, LotRef] = {}
    for step in plan:
        lot = lot_of[step.consumption_id]
        if step.destination is Destination.LOT:
            legs.append(Leg(Book.REDEEMED, -step.points, lot))
            incoming.append((lot, step.points))
        elif step.destination is Destination.CHILD:
            child = children.setdefault(lot.pk, _child_of(lot) or _new_child(lot, rules, now))
            legs.append(Leg(Book.REDEEMED, -step.points))
            incoming.append((child, step.points))
        else:
            legs.append(Leg(Book.REDEEMED, -step.points, lot))
            legs.append(Leg(Book.BREAKAGE, step.points, lot))
    return legs, incoming


def _new_child(lot: Lot, rules: ProgramRules, now: dt.datetime) -> NewLot:
    return NewLot(
        opened_at=now,
        valid_from=now,
        expires_at=engine.child_expires_at(rules.expiry, now, rules.time_zone),
        order_ref=lot.order_ref,
        parent_id=lot.pk,
    )


def _child_of(lot: Lot) -> Lot | None:
    return next(iter(lot.children.all()), None)


def _consumptions(record: OrderRecord) -> list[Consumption]:
    """Return what the order used, in the order of use."""
    used = Consumption.objects.filter(hold__order_ref=record.order_ref, used__gt=0)
    return list(used.select_related("hold", "lot").prefetch_related("lot__children").order_by("pk"))


def _facts_of(item: Consumption) -> ConsumptionFacts:
    child = _child_of(item.lot)
    return ConsumptionFacts(
        id=item.pk,
        lot_id=item.lot_id,
        used=item.used,
        restored=item.restored,
        lot_expires_at=item.lot.expires_at,
        is_child=item.lot.parent_id is not None,
        child_expires_at=child.expires_at if child is not None else None,
    )


def _written_off(record: OrderRecord) -> int:
    entries = Entry.objects.filter(
        book=Book.WRITE_OFF,
        transaction__order_ref=record.order_ref,
        transaction__rule_key=RULE_KEY,
    )
    return entries.aggregate(points=Sum("points"))["points"] or 0


def _share_among_holds(record: OrderRecord) -> None:
    """Keep what came back by hold, the first one's points first; an order has one, in practice."""
    rest = record.restored
    for hold in Hold.objects.filter(order_ref=record.order_ref, captured__gt=0).order_by("pk"):
        restored = min(rest, hold.captured)
        rest -= restored
        if hold.restored != restored:
            hold.restored = restored
            hold.save(update_fields=["restored"])
