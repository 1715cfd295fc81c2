"""How often one customer is written to, and how much a campaign gives out in all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from saleor_retention.engine.campaigns.terms import Cap


def is_over_cap(cap: Cap | None, sent_at: Iterable[dt.datetime], now: dt.datetime) -> bool:
    """Tell whether one message more would be too many within the cap's days, before ``now``.

    A message that is exactly so many days old does not count any more.
    """
    if cap is None:
        return False
    since = now - dt.timedelta(days=cap.days)
    return sum(1 for at in sent_at if at > since) >= cap.messages


def room(limit: int | None, planned: int, wanted: int) -> int:
    """Return how many of ``wanted`` fit under a limit of which ``planned`` is taken.

    >>> room(100, 98, 5), room(None, 98, 5), room(10, 12, 5)
    (2, 5, 0)
    """
    return wanted if limit is None else max(0, min(wanted, limit - planned))
