"""Hold the ledger against its invariants and name every breach.

Nothing is repaired: a breach means that somebody went around the services, or that they are wrong.
``retention_verify`` prints what comes out here, GraphQL returns it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.engine.accrual import EarnTerms
from saleor_retention.engine.settlement import Booked, deltas, target_of
from saleor_retention.models import AccountState, OrderRecord, Program
from saleor_retention.selectors import receipts
from saleor_retention.selectors.invariants import CHECKS, Breach
from saleor_retention.selectors.programs import rules_of

ORDERS_AT_ONCE = 200

__all__ = ["Breach", "breaches"]


def breaches(program: Program | None = None, *, reads_orders: bool = True) -> list[Breach]:
    """Return every breach of the eleven invariants, in their order; of one program or of all.

    With ``reads_orders`` the seventh also holds every settled order against the shop: what the
    ledger keeps of it must be what its state asks for now (an order that changed a moment ago and
    is not settled yet is named too), and an order that has points must be there. That reads all
    orders, in batches.
    """
    found = [
        breach for check in CHECKS for breach in check.breaches(program.pk if program else None)
    ]
    if reads_orders:
        found += _unsettled(program)
    return sorted(found, key=lambda breach: breach.invariant)


def _unsettled(program: Program | None) -> Iterator[Breach]:
    records = OrderRecord.objects.filter(settled_at__isnull=False).select_related("account")
    records = records.order_by("pk")
    if program is not None:
        records = records.filter(program=program)
    last_id = 0
    while batch := list(records.filter(pk__gt=last_id)[:ORDERS_AT_ONCE]):
        last_id = batch[-1].pk
        yield from _off_target(batch)


def _off_target(records: Sequence[OrderRecord]) -> Iterator[Breach]:
    refs = [record.order_ref for record in records]
    of_the_shop = [ref for ref in refs if not ref.startswith(receipts.PREFIX)]
    facts_by_ref = {**host.current().orders_facts(of_the_shop), **receipts.facts_of_refs(refs)}
    for record in records:
        facts = facts_by_ref.get(record.order_ref)
        if facts is None:
            yield from _gone(record)
            continue
        booked = Booked(record.earned, record.clawed, record.restored, record.redeemed)
        target = target_of(
            facts,
            EarnTerms(rules_of(record.version_id), record.tier or None),
            booked,
            record.earn_room,
        )
        delta = deltas(target, booked)
        accrual = delta.earn - delta.claw if record.earns else 0
        if accrual:
            kept = record.earned - record.clawed
            message = f"It keeps {kept} points, and its state asks for {kept + accrual}; settle it."
            yield Breach(7, f"order {record.order_ref}", message)
        if delta.restore:
            message = (
                f"{record.restored} of its redeemed points came back, and its state asks for "
                f"{record.restored + delta.restore}; settle it."
            )
            yield Breach(7, f"order {record.order_ref}", message)


def _gone(record: OrderRecord) -> Iterator[Breach]:
    """Name an order that the shop does not have any more, where points rest on it.

    Saleor deletes drafts and orders that expired unpaid: those keep nothing. Whose member was
    erased may go, and so may orders older than ``RETENTION_ORDERS_KEPT_DAYS``, where that is set.
    """
    kept = record.earned - record.clawed + record.bonus
    paid = record.redeemed - record.restored
    if not (kept or paid) or _may_go(record):
        return
    what = "receipt" if record.order_ref.startswith(receipts.PREFIX) else "order"
    message = f"There is no such {what} any more; it keeps {kept} points, and {paid} paid for it."
    yield Breach(7, f"order {record.order_ref}", message)


def _may_go(record: OrderRecord) -> bool:
    if record.account is None or record.account.state == AccountState.ERASED:
        return True
    days = int(conf.get("ORDERS_KEPT_DAYS"))
    return bool(days) and record.created_at < timezone.now() - dt.timedelta(days=days)
