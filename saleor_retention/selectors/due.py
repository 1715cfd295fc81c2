"""What time has done to a member's lots and is not posted yet: maturing and expiry.

One function for every reader and for the posting itself, so that a stopped scheduler changes
nothing: a selector adds what is due to the kept balances, ``services.posting.catch_up`` posts it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from saleor_retention.models import Lot


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


def _instants(lots: Sequence[Lot], now: dt.datetime) -> list[tuple[dt.datetime, DueKind, Lot]]:
    instants = []
    for lot in lots:
        if lot.is_pending and lot.valid_from is not None and lot.valid_from <= now:
            instants.append((lot.valid_from, DueKind.MATURE, lot))
        if lot.expires_at is not None and lot.expires_at <= now:
            instants.append((lot.expires_at, DueKind.EXPIRE, lot))
    return sorted(instants, key=lambda item: (item[0], item[1] is DueKind.EXPIRE, item[2].pk))
