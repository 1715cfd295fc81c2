"""What members have, true at its instant: kept balances and what time has changed since.

One statement for one member or for many, so that a page of members costs no query per row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db.models import FilteredRelation, Q
from django.utils import timezone

from saleor_retention.models import Account, Lot
from saleor_retention.selectors.due import Due, DueKind, due_of


@dataclass(frozen=True, slots=True)
class Balance:
    """A member's points; ``deficit`` is what he owes, as a positive number."""

    available: int = 0
    pending: int = 0
    held: int = 0
    deficit: int = 0


class LotState(StrEnum):
    """Whether a lot's points can be spent."""

    AVAILABLE = "available"
    PENDING = "pending"
    HELD = "held"  # all that is left of it is set aside for a checkout


@dataclass(frozen=True, slots=True)
class LotView:
    """Points of one lot as a member sees them; ``held`` of them are set aside for a checkout."""

    id: int
    points: int
    held: int
    valid_from: dt.datetime | None
    expires_at: dt.datetime | None
    state: LotState
    order_ref: str


def balance_of(account: Account, now: dt.datetime | None = None) -> Balance:
    """Return a member's balance at ``now``, read afresh."""
    return balances_of([account.pk], now).get(account.pk, Balance())


def balances_of(account_ids: Iterable[int], now: dt.datetime | None = None) -> dict[int, Balance]:
    """Return the balances of those members that exist, in one statement."""
    at = now or timezone.now()
    is_due = Q(lots__remaining__gt=0) & (
        Q(lots__is_pending=True, lots__valid_from__lte=at) | Q(lots__expires_at__lte=at)
    )
    rows = (
        Account.objects.filter(pk__in=list(account_ids))
        .annotate(due=FilteredRelation("lots", condition=is_due))
        .values_list(
            "pk",
            "available",
            "pending",
            "held",
            "deficit",
            "due__id",
            "due__remaining",
            "due__is_pending",
            "due__valid_from",
            "due__expires_at",
        )
    )
    kept: dict[int, Balance] = {}
    lots: dict[int, list[Lot]] = {}
    for pk, available, pending, held, deficit, *lot in rows:
        kept[pk] = Balance(available, pending, held, deficit)
        if lot[0] is not None:
            lots.setdefault(pk, []).append(_lot(lot))
    return {pk: _at(balance, lots.get(pk, []), at) for pk, balance in kept.items()}


def lots_of(account_ids: Iterable[int], now: dt.datetime | None = None) -> dict[int, list[LotView]]:
    """Return the members' lots that are alive at ``now``, soonest expiry first, in one statement.

    Members without any are left out.
    """
    at = now or timezone.now()
    rows = Lot.objects.filter(
        Q(remaining__gt=0) | Q(held__gt=0), account_id__in=list(account_ids)
    ).select_related("account")
    by_account: dict[int, list[Lot]] = {}
    for lot in rows.order_by("account_id", "pk"):
        by_account.setdefault(lot.account_id, []).append(lot)
    return {pk: views for pk, lots in by_account.items() if (views := _views(lots, at))}


def _at(balance: Balance, lots: Sequence[Lot], at: dt.datetime) -> Balance:
    for due in due_of(lots, balance.deficit, at):
        balance = _after(balance, due)
    return balance


def _after(balance: Balance, due: Due) -> Balance:
    if due.kind is DueKind.MATURE:
        return replace(
            balance,
            pending=balance.pending - due.points,
            deficit=balance.deficit - due.repaid,
            available=balance.available + due.points - due.repaid,
        )
    if due.is_from_pending:
        return replace(balance, pending=balance.pending - due.points)
    return replace(balance, available=balance.available - due.points)


def _views(lots: Sequence[Lot], at: dt.datetime) -> list[LotView]:
    taken: dict[int, int] = {}
    ripe = set()
    for due in due_of([lot for lot in lots if lot.remaining], lots[0].account.deficit, at):
        lost = due.repaid if due.kind is DueKind.MATURE else due.points
        taken[due.lot.pk] = taken.get(due.lot.pk, 0) + lost
        if due.kind is DueKind.MATURE:
            ripe.add(due.lot.pk)
    views = []
    for lot in sorted(lots, key=_spending_key):
        points = lot.remaining - taken.get(lot.pk, 0)
        if points or lot.held:
            views.append(_view(lot, points, is_pending=lot.is_pending and lot.pk not in ripe))
    return views


def _view(lot: Lot, points: int, *, is_pending: bool) -> LotView:
    state = LotState.PENDING if is_pending else LotState.AVAILABLE
    if not points:
        state = LotState.HELD
    return LotView(
        id=lot.pk,
        points=points,
        held=lot.held,
        valid_from=lot.valid_from,
        expires_at=lot.expires_at,
        state=state,
        order_ref=lot.order_ref,
    )


def _spending_key(lot: Lot) -> tuple[dt.datetime, dt.datetime, int]:
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return lot.expires_at or never, lot.opened_at, lot.pk


def _lot(columns: Sequence[object]) -> Lot:
    pk, remaining, is_pending, valid_from, expires_at = columns
    return Lot(
        id=pk,
        remaining=remaining,
        is_pending=is_pending,
        valid_from=valid_from,
        expires_at=expires_at,
    )
