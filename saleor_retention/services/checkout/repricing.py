"""Let open checkouts be priced afresh after something else than their cart changed.

Run from tasks after commit, never under an account's lock: repricing locks checkouts, and those
come first in the order of locks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.models import GiftPick, Hold, HoldState, StoredQuote

CHANNEL_BATCH = 1000


def reprice_channels(channel_refs: Sequence[str]) -> None:
    """Let every open checkout of these channels be priced afresh, in batches."""
    after_ref: str | None = ""
    while after_ref is not None:
        after_ref = host.current().reprice_channels(channel_refs, after_ref, CHANNEL_BATCH)


def reprice_members(account_ids: Sequence[int]) -> int:
    """Let members' open checkouts be priced afresh, return how many."""
    quotes = StoredQuote.objects.filter(account_id__in=account_ids, order_ref="")
    refs = sorted(quotes.values_list("checkout_ref", flat=True))
    for checkout_ref in refs:
        host.current().reprice(checkout_ref)
    return len(refs)


def forget_quotes(now: dt.datetime | None = None, limit: int = 1000) -> int:
    """Delete old quotes whose checkout is gone, up to ``limit``, with its gifts; return how many.

    An order has taken over its terms when it was first settled. A quote with points held is kept
    until they are captured or given back. Safe to run twice and at the same time.
    """
    before = (now or timezone.now()) - dt.timedelta(days=conf.get("QUOTE_KEEP_DAYS"))
    held = Hold.objects.filter(state=HoldState.PLACED).values("checkout_ref")
    old = StoredQuote.objects.filter(priced_at__lt=before).exclude(checkout_ref__in=held)
    refs = list(old.order_by("priced_at").values_list("checkout_ref", flat=True)[:limit])
    gone = set(refs) - host.current().existing_checkouts(refs)
    GiftPick.objects.filter(checkout_ref__in=gone).delete()
    deleted, _ = StoredQuote.objects.filter(checkout_ref__in=gone).delete()
    return int(deleted)
