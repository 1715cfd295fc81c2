"""Take a backfill back: what it booked and what is still there of it, by new postings.

Points that have expired are gone already and are not taken again; points that were spent follow the
program's deficit policy, as after a refund. The orders keep their records, which earn no more:
nothing books them a second time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Backfill,
    BackfillState,
    Entry,
    Lot,
    OrderRecord,
    Program,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_account, run_patiently
from saleor_retention.services.membership import customers, tiering
from saleor_retention.services.ordering import accruing
from saleor_retention.services.setting_up.auditing import note_down

ACCOUNTS_AT_ONCE = 200
CAUSE = "backfill"


@dataclass(frozen=True, slots=True)
class Undone:
    """What a run has taken back of some members."""

    orders: int = 0
    points: int = 0
    members: int = 0


def undo(program: Program, name: str, *, now: dt.datetime | None = None) -> Iterator[Undone]:
    """Take the batch of that name back, some members at a time; each chunk is told when it is done.

    A member is one database transaction under the account's lock, dated when it is done.
    Idempotent: a second run goes on after a kill, and does nothing in the end. Welcome points stay,
    as does the membership. Refuses NOT_FOUND; BUSY when an account stays locked, what was done
    before stands.
    """
    batch = Backfill.objects.filter(program=program, name=name.strip()).first()
    if batch is None:
        message = f'The program "{program.slug}" has no batch "{name}".'
        raise Refusal(Code.NOT_FOUND, message, "batch")
    if batch.state != BackfillState.UNDONE:
        Backfill.objects.filter(pk=batch.pk).update(state=BackfillState.UNDOING)
        _note(batch, "begins", now)
    total = Undone()
    while ids := _open_accounts(batch):
        undone = Undone()
        for account_id in ids:
            done = run_patiently(partial(_undo_member, batch, account_id, now))
            undone = Undone(
                undone.orders + done.orders, undone.points + done.points, undone.members + 1
            )
        total = Undone(total.orders + undone.orders, total.points + undone.points)
        yield undone
    going = Backfill.objects.filter(pk=batch.pk, state=BackfillState.UNDOING)
    if going.update(state=BackfillState.UNDONE, undone_at=now or timezone.now()):
        _note(batch, f"ends: {total.orders} orders, {total.points} points are taken back", now)


def _note(batch: Backfill, change: str, now: dt.datetime | None) -> None:
    """Add to the audit trail that a run begins or ends; one that was killed has no end."""
    changes = [f"{batch.name}: {change}"]
    with transaction.atomic():
        note_down(
            AuditAction.BACKFILL_UNDO,
            actor_ref="",
            at=now or timezone.now(),
            program=batch.program,
            changes=changes,
        )


def _open_accounts(batch: Backfill) -> list[int]:
    records = OrderRecord.objects.filter(backfill=batch, may_earn=True).order_by("account_id")
    return list(records.values_list("account_id", flat=True).distinct()[:ACCOUNTS_AT_ONCE])


def _undo_member(batch: Backfill, account_id: int, now: dt.datetime | None) -> Undone:
    account = lock_account(account_id)
    at = now or timezone.now()
    posting.catch_up(account, at)
    records = list(
        OrderRecord.objects.filter(backfill=batch, account=account, may_earn=True).order_by("pk")
    )
    points = sum(_undo_order(account, record, at) for record in records)
    customers.sum_up(account)
    if records and account.state == AccountState.MEMBER:
        tiering.after_order(account, records[-1], at)
    return Undone(orders=len(records), points=points)


def _undo_order(account: Account, record: OrderRecord, at: dt.datetime) -> int:
    """Take back what is left of one order's points, and let it earn and count no more."""
    taken = 0
    if account.state != AccountState.ERASED:
        expired, expired_bonus = _expired(account, record)
        base = max(0, record.earned - record.clawed - expired)
        bonus = max(0, record.bonus - expired_bonus)
        for rule_key, points in ((accruing.BASE, base), (accruing.FIRST_ORDER, bonus)):
            if points:
                _claw(account, record, points, rule_key, at)
        record.clawed += base
        record.bonus -= bonus
        taken = base + bonus
    record.may_earn = False
    record.is_counted = False
    record.spend_minor = 0
    record.save()
    return taken


def _claw(
    account: Account, record: OrderRecord, points: int, rule_key: str, at: dt.datetime
) -> None:
    rules = rules_of(record.version_id)
    accruing.claw_back(account, record, points, rules, cause=CAUSE, now=at, rule_key=rule_key)


def _expired(account: Account, record: OrderRecord) -> tuple[int, int]:
    """Return how many of the order's points, and of its first-order points, have expired."""
    bonus_lots = set(
        Entry.objects.filter(
            transaction__program_id=account.program_id,
            transaction__key=f"first_order:{account.pk}",
            transaction__order_ref=record.order_ref,
            lot__isnull=False,
        ).values_list("lot_id", flat=True)
    )
    base, bonus = 0, 0
    lots = Lot.objects.filter(account=account, order_ref=record.order_ref, parent=None)
    for lot in lots.annotate(of_child=Sum("children__expired")):
        expired = lot.expired + (lot.of_child or 0)
        if lot.pk in bonus_lots:
            bonus += expired
        else:
            base += expired
    return base, bonus
