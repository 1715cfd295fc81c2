"""How much work the periodic tasks have before them, read from what is due and not from the tasks.

So it is true whichever worker did the work, and when none runs. Each count begins with an index by
the instant (``retention_lot_maturing``, ``retention_lot_expiry``, ``retention_hold_lapse``,
``retention_dispatch_due``, ``retention_account_tier_due``) and so reads what is due and no more,
however many lots there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from saleor_retention import host
from saleor_retention.models import Watermark
from saleor_retention.selectors import due

CHANGED_AT_ONCE = 10_000  # orders that reconcile has not looked at yet, read at first


@dataclass(frozen=True, slots=True)
class Backlog:
    """One kind of work: how much of it is due, and since when the oldest is."""

    kind: str
    remaining: int
    since: dt.datetime | None


def backlogs(now: dt.datetime) -> list[Backlog]:
    """Return what was due at ``now`` and is not done, one for each kind of work."""
    found = [
        _counted(kind, rows, column)
        for kind, rows, column in (
            ("lots to mature", due.lots_to_mature(now), "valid_from"),
            ("lots to expire", due.lots_to_expire(now), "expires_at"),
            ("tiers to evaluate", due.tiers_to_evaluate(now), "tier_valid_until"),
            ("holds to lapse", due.holds_to_lapse(now), "lapses_at"),
            ("messages to send", due.messages_to_send(now), "not_before"),
        )
    ]
    return [*found, _orders(now)]


def _counted(kind: str, rows: QuerySet[Any], column: str) -> Backlog:
    count = rows.count()
    since = rows.order_by(column).values_list(column, flat=True).first() if count else None
    return Backlog(kind, count, since)


def _orders(now: dt.datetime) -> Backlog:
    """Count orders that reconcile has noted, and those changed since it looked.

    How far it has looked is read first: what it notes meanwhile is counted once, and not missed.
    """
    looked_at = Watermark.objects.filter(pk="orders").values_list("position_at", flat=True).first()
    noted = due.orders_noted()
    oldest = noted.order_by("failed_at").values_list("failed_at", flat=True).first()
    count = noted.count()
    for changed in _changed(looked_at, now) if looked_at is not None else ():
        known = set(noted.filter(pk__in=changed).values_list("pk", flat=True))
        instants = [at for ref, at in changed.items() if ref not in known]
        count += len(instants)
        oldest = min([*instants, *([oldest] if oldest else [])], default=None)
    return Backlog("orders to reconcile", count, oldest)


def _changed(position: dt.datetime, until: dt.datetime) -> Iterator[dict[str, dt.datetime]]:
    """Yield the orders that changed on [position, until], each once, in pages.

    A page is twice as long as the one before: few statements for many, and never a page that one
    instant fills for good.
    """
    limit = CHANGED_AT_ONCE
    seen: set[str] = set()
    while True:
        page = host.current().order_refs_updated_since(position, limit)
        yield {ref: at for ref, at in page if at <= until and ref not in seen}
        if len(page) < limit or page[-1][1] > until:
            return
        position = page[-1][1]
        seen = {ref for ref, at in page if at == position}
        limit *= 2
