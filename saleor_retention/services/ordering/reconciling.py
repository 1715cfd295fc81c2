"""Find what no event told of: orders that changed, holds without a checkout, guests who turned up.

Runs every hour. Changed orders are noted first (``SettleFailure``) and then settled, each in a
transaction of its own that also strikes it off: several workers can share them, and a worker that
is killed loses none. One that cannot be settled stays on the list and is tried again, so that the
watermark never waits for it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.models import (
    Account,
    AccountState,
    Hold,
    HoldState,
    OrderRecord,
    Program,
    SettleFailure,
    Watermark,
)
from saleor_retention.selectors.due import orders_noted
from saleor_retention.selectors.programs import is_switched_on
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.membership import registrations
from saleor_retention.services.membership.identity import email_hashes
from saleor_retention.services.ordering.settling import settle

logger = logging.getLogger(__name__)

ORDERS = "orders"
GUESTS = "guests"
HOLDS_AT_ONCE = 500
GUEST_BATCHES_MAX = 20  # of SETTLE_BATCH orders in one run; the next run goes on from there
REASON_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one run looked at."""

    orders: int = 0
    holds: int = 0
    guests: int = 0
    failures: int = 0  # orders that are still not settled


def reconcile(now: dt.datetime | None = None) -> Reconciled:
    """Settle orders changed since the last run, end orphaned holds, claim guests' orders.

    Also keeps answers to forms of registration that no event told of.

    Goes back ``RETENTION_RECONCILE_OVERLAP_MINUTES`` before its watermark, because a change
    becomes visible later than it is dated. Safe to run twice and at the same time. Holds no lock
    itself; see ``settle`` and ``redeeming.release``. While the plugin is switched off it does
    nothing, and catches up from its watermark afterwards.
    """
    if not is_switched_on():
        return Reconciled()
    at = now or timezone.now()
    look(at)
    orders = 0
    while settled := settle_noted(at):
        orders += settled
    holds = _end_orphaned_holds(at)
    guests = _claim_guests(at)
    registrations.take_all(at, limit=int(conf.get("SETTLE_BATCH")))
    failures = SettleFailure.objects.filter(attempts__gt=0).count()
    return Reconciled(orders, holds, guests, failures)


def look(now: dt.datetime | None = None) -> int:
    """Try once more what failed, and note the orders that changed since; return how many these are.

    Does nothing while the plugin is switched off.
    """
    if not is_switched_on():
        return 0
    at = now or timezone.now()
    _retry_failures(at)
    return _note_changed(at)


def settle_noted(now: dt.datetime | None = None, limit: int | None = None) -> int:
    """Settle up to ``limit`` noted orders; return how many this call did.

    Zero when none is left but what others are at. An order is settled and struck off in one
    database transaction. Safe to run twice and at the same time: what another worker is at is
    passed over. ``RETENTION_SETTLE_BATCH`` orders where no limit is given. Does nothing while the
    plugin is switched off.
    """
    if not is_switched_on():
        return 0
    at = now or timezone.now()
    refs = orders_noted().order_by("pk").values_list("pk", flat=True)
    size = limit or int(conf.get("SETTLE_BATCH"))
    return sum(_settle_noted(ref, at) for ref in list(refs[:size]))


def tidy(now: dt.datetime | None = None) -> None:
    """Do what ``reconcile`` does besides orders, unless the plugin is switched off."""
    if is_switched_on():
        at = now or timezone.now()
        _end_orphaned_holds(at)
        _claim_guests(at)
        registrations.take_all(at, limit=int(conf.get("SETTLE_BATCH")))


def claim_guest_orders(user_ref: str, now: dt.datetime | None = None) -> int:
    """Settle the guest orders of this user's address, as soon as he is confirmed; return how many.

    Saleor attaches them to him silently; ``reconcile`` comes to them too, but later. Those
    that Saleor has not attached stay where they are.
    """
    at = now or timezone.now()
    user = host.current().users([user_ref]).get(user_ref)
    if user is None or not user.is_confirmed:
        return 0
    shadows = Account.objects.filter(
        state=AccountState.SHADOW, email_hash__in=email_hashes(user.email)
    )
    records = OrderRecord.objects.filter(account__in=shadows).order_by("pk")
    return _settle_all(records.values_list("order_ref", flat=True), at)


def _retry_failures(at: dt.datetime) -> None:
    failed = SettleFailure.objects.filter(attempts__gt=0).order_by("failed_at", "pk")
    _settle_all(list(failed.values_list("pk", flat=True)[: conf.get("SETTLE_BATCH")]), at)


def _note_changed(at: dt.datetime) -> int:
    """Note what changed since the watermark; move it batch by batch, in the end to ``at``."""
    position = _position(ORDERS)
    if position is None:
        return 0  # there was never a program
    position -= dt.timedelta(minutes=int(conf.get("RECONCILE_OVERLAP_MINUTES")))
    limit = size = int(conf.get("SETTLE_BATCH"))
    seen: set[str] = set()
    noted = 0
    while True:
        batch = host.current().order_refs_updated_since(position, limit)
        new = [ref for ref, _ in batch if ref not in seen]
        is_last = len(batch) < limit
        newest = batch[-1][1] if batch else at
        with transaction.atomic():
            _note(new, at)
            _set_position(ORDERS, at if is_last else newest)
        noted += len(new)
        if is_last:
            return noted
        seen = {ref for ref, _ in batch}
        limit = limit * 2 if newest == position else size  # many changed at one instant
        position = newest


def _note(order_refs: Iterable[str], at: dt.datetime) -> None:
    """Put orders on the list; those that are there already stay as they are."""
    rows = [SettleFailure(pk=ref, attempts=0, failed_at=at) for ref in order_refs]
    SettleFailure.objects.bulk_create(rows, ignore_conflicts=True)


def _settle_noted(order_ref: str, at: dt.datetime) -> bool:
    """Settle a noted order and strike it off; False when another worker has it, or had."""
    with transaction.atomic():
        noted = orders_noted().select_for_update(skip_locked=True).filter(pk=order_ref).first()
        if noted is None:
            return False
        try:
            with transaction.atomic():
                settle(order_ref=order_ref, now=at)
        except Exception as error:
            logger.exception("Order %s could not be settled; it will be tried again.", order_ref)
            noted.attempts, noted.reason, noted.failed_at = 1, _reason(error), at
            noted.save()
        else:
            noted.delete()
    return True


def _end_orphaned_holds(at: dt.datetime) -> int:
    """Capture the holds whose checkout became an order, release those whose checkout is gone."""
    ended = 0
    last_id = 0
    placed = Hold.objects.filter(state=HoldState.PLACED).order_by("pk")
    while batch := list(placed.filter(pk__gt=last_id)[:HOLDS_AT_ONCE]):
        last_id = batch[-1].pk
        there = host.current().existing_checkouts([hold.checkout_ref for hold in batch])
        for hold in batch:
            if hold.checkout_ref not in there:
                _end_orphan(hold, at)
                ended += 1
    return ended


def _end_orphan(hold: Hold, at: dt.datetime) -> None:
    order_ref = host.current().order_ref_of_checkout(hold.checkout_ref)
    if order_ref is not None and not _settle_safely(order_ref, at):
        return  # it may have paid with the hold; the next run decides
    try:
        redeeming.release(hold, "job:reconcile", now=at)  # does nothing where it was captured
    except Exception:
        logger.exception("Hold %s could not be released.", hold.pk)


def _claim_guests(at: dt.datetime) -> int:
    """Settle the orders of shadow accounts that a confirmed user has by now, some in each run."""
    size = int(conf.get("SETTLE_BATCH"))
    unclaimed = OrderRecord.objects.filter(account__state=AccountState.SHADOW)
    position = Watermark.objects.filter(pk=GUESTS).values_list("position_at", flat=True).first()
    claimed = 0
    for _ in range(GUEST_BATCHES_MAX):
        rest = unclaimed if position is None else unclaimed.filter(created_at__gt=position)
        batch = list(rest.order_by("created_at").values_list("order_ref", "created_at")[:size])
        if not batch:
            Watermark.objects.filter(pk=GUESTS).delete()  # begin anew with the next run
            return claimed
        position = batch[-1][1]
        of_last_instant = unclaimed.filter(created_at=position).values_list("order_ref", flat=True)
        refs = {ref for ref, _ in batch} | set(of_last_instant)
        claimed += _settle_all(_attached(refs), at)
        _set_position(GUESTS, position)
    return claimed


def _attached(order_refs: Iterable[str]) -> list[str]:
    facts = host.current().orders_facts(sorted(order_refs))
    return [
        ref
        for ref, order in facts.items()
        if order.user_ref is not None and order.is_user_confirmed
    ]


def _settle_all(order_refs: Iterable[str], at: dt.datetime) -> int:
    return sum(_settle_safely(ref, at) for ref in order_refs)


def _settle_safely(order_ref: str, at: dt.datetime) -> bool:
    """Settle an order, or remember that it could not be; tell which."""
    try:
        settle(order_ref=order_ref, now=at)
    except Exception as error:
        logger.exception("Order %s could not be settled; it will be tried again.", order_ref)
        reason = _reason(error)
        failure, is_new = SettleFailure.objects.get_or_create(
            pk=order_ref, defaults={"reason": reason, "failed_at": at}
        )
        if not is_new:
            SettleFailure.objects.filter(pk=failure.pk).update(
                attempts=F("attempts") + 1, reason=reason, failed_at=at
            )
        return False
    SettleFailure.objects.filter(pk=order_ref).delete()
    return True


def _reason(error: Exception) -> str:
    return type(error).__name__[:REASON_LENGTH_MAX]


def _position(name: str) -> dt.datetime | None:
    """Return how far the job has come; before its first run, when the first program began."""
    kept = Watermark.objects.filter(pk=name).values_list("position_at", flat=True).first()
    if kept is not None:
        return kept
    return Program.objects.order_by("created_at").values_list("created_at", flat=True).first()


def _set_position(name: str, position: dt.datetime) -> None:
    Watermark.objects.update_or_create(pk=name, defaults={"position_at": position})
