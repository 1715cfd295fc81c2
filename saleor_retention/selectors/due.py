"""What time has done and is not posted yet: lots that mature or die, and other work that is due.

For lots one function serves every reader and the posting itself, so that a stopped scheduler
changes nothing: a selector adds what is due to the kept balances,
``services.ledger.posting.catch_up`` posts it. What the periodic tasks have to do is said here as
well, for the tasks and for whoever watches them (``selectors.backlog``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q, QuerySet

from saleor_retention.models import (
    Account,
    AccountState,
    CampaignState,
    Dispatch,
    DispatchState,
    Hold,
    HoldState,
    Lot,
    OfferUse,
    OfferUseState,
    Program,
    SettleFailure,
)
from saleor_retention.selectors.programs import rules_of


class DueKind(StrEnum):
    """What became due. Maturing comes first where both fall on one instant."""

    EXPIRE = "expire"
    MATURE = "mature"


@dataclass(frozen=True, slots=True)
class Due:
    """One lot's maturing or expiry; of maturing points ``repaid`` go to the member's deficit."""

    kind: DueKind
    lot: Lot
    at: dt.datetime
    points: int
    repaid: int = 0
    is_from_pending: bool = False


def is_due(now: dt.datetime) -> Q:
    """Return the condition on lots that something is due on at ``now``."""
    matures = Q(is_pending=True, valid_from__lte=now)
    return Q(remaining__gt=0) & (matures | Q(expires_at__lte=now))


def due_of(lots: Sequence[Lot], deficit: int, now: dt.datetime) -> list[Due]:
    """Return what is due on one member's lots up to ``now``, in the order of its instants.

    Maturing points repay ``deficit`` first; what is left of a lot at its expiry is breakage.
    """
    rest = {lot.pk: lot.remaining for lot in lots}
    dues = []
    for at, kind, lot in _instants(lots, now):
        points = rest[lot.pk]
        if not points:
            continue
        if kind is DueKind.MATURE:
            repaid = min(points, deficit)
            deficit -= repaid
            rest[lot.pk] -= repaid
            dues.append(Due(kind, lot, at, points, repaid, is_from_pending=True))
        else:
            rest[lot.pk] = 0
            is_ripe = lot.valid_from is not None and lot.valid_from <= at
            dues.append(Due(kind, lot, at, points, is_from_pending=lot.is_pending and not is_ripe))
    return dues


def lots_to_mature(now: dt.datetime) -> QuerySet[Lot]:
    """Return the lots whose maturing is to be posted."""
    return Lot.objects.filter(is_pending=True, remaining__gt=0, valid_from__lte=now)


def lots_to_expire(now: dt.datetime) -> QuerySet[Lot]:
    """Return the lots whose breakage is to be posted."""
    return Lot.objects.filter(remaining__gt=0, expires_at__lte=now)


def holds_to_lapse(now: dt.datetime) -> QuerySet[Hold]:
    """Return the holds whose time is over."""
    return Hold.objects.filter(state=HoldState.PLACED, lapses_at__lte=now)


def uses_to_lapse(now: dt.datetime) -> QuerySet[OfferUse]:
    """Return the reserved uses of offers whose time is over."""
    return OfferUse.objects.filter(state=OfferUseState.RESERVED, lapses_at__lte=now)


def orders_noted() -> QuerySet[SettleFailure]:
    """Return the orders that reconcile has found changed and has not come to yet."""
    return SettleFailure.objects.filter(attempts=0)


def tiers_to_evaluate(now: dt.datetime, *, warns: bool = False) -> QuerySet[Account]:
    """Return the members whose tier asks for a decision, each by the ladder of its program."""
    due = Q(pk__in=[])
    latest = now  # of all the bounds, for the index to begin with
    for program in Program.objects.filter(retired_at=None, current_version__isnull=False):
        ladder = rules_of(program.current_version_id).ladder
        own = Q(program=program)
        lapsed = now - dt.timedelta(days=ladder.grace_days)
        due |= own & Q(is_tier_manual=False, tier_valid_until__lte=lapsed)
        due |= own & Q(is_tier_manual=True, tier_valid_until__lte=now)
        if warns:
            soon = now + dt.timedelta(days=ladder.warning_days)
            due |= own & Q(is_tier_manual=False, tier_warned_at=None, tier_valid_until__lte=soon)
            latest = max(latest, soon)
    return Account.objects.filter(due, state=AccountState.MEMBER, tier_valid_until__lte=latest)


def messages_to_send(now: dt.datetime) -> QuerySet[Dispatch]:
    """Return what campaigns that run have planned and not sent, as their statement claims it.

    With those that a worker has claimed and not begun.
    """
    return Dispatch.objects.filter(
        state=DispatchState.PLANNED,
        not_before__lte=now,
        campaign__state=CampaignState.RUNNING,
        campaign__program__is_active=True,
    )


def _instants(lots: Sequence[Lot], now: dt.datetime) -> list[tuple[dt.datetime, DueKind, Lot]]:
    instants = []
    for lot in lots:
        if lot.is_pending and lot.valid_from is not None and lot.valid_from <= now:
            instants.append((lot.valid_from, DueKind.MATURE, lot))
        if lot.expires_at is not None and lot.expires_at <= now:
            instants.append((lot.expires_at, DueKind.EXPIRE, lot))
    return sorted(instants, key=lambda item: (item[0], item[1] is DueKind.EXPIRE, item[2].pk))
