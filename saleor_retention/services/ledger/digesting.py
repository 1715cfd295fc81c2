"""Seal the ledger's days: one digest for each UTC day, chained to the day before.

Off the hot path: a daily task. A posting is dated before it is committed, so a day is sealed only
when it has been over for ``RETENTION_DIGEST_MARGIN_HOURS``: longer than any database transaction of
the shop may take. A posting that were committed later still would be named by ``retention_digest``.
"""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from saleor_retention.models import LedgerDigest
from saleor_retention.selectors.digests import (
    BEGINNING,
    ONE_DAY,
    digest_of,
    first_day,
    newest_closed,
)


def seal_due(now: dt.datetime | None = None, limit: int = 31) -> int:
    """Seal up to ``limit`` days that are over and not sealed yet; return how many.

    Begins with the day of the first posting; a day without postings is sealed too. Idempotent, and
    safe to run twice at the same time: both compute the same, and the database keeps one.
    """
    at = now or timezone.now()
    closed = newest_closed(at)
    count = 0
    while count < limit:
        last = LedgerDigest.objects.order_by("-day").first()
        day = last.day + ONE_DAY if last is not None else first_day()
        if day is None or day > closed:
            break
        made = digest_of(day, last.head if last is not None else BEGINNING)
        row = LedgerDigest(
            day=day,
            previous=last.head if last is not None else BEGINNING,
            head=made.head,
            transactions=made.transactions,
            entries=made.entries,
            sealed_at=at,
        )
        LedgerDigest.objects.bulk_create([row], ignore_conflicts=True)
        count += 1
    return count
