"""Counters of offers: what limits look at, one row for an offer in total or for one member.

Each is of one period or of all time, and their locks are what two checkouts that want the last use
queue for. A use counts in the member's counter of its period, in the total's of its period in
total, which may be another, and in those of all time; counters that no limit opened are not there.

Source: docs/explanation/offer-uses.md.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

from saleor_retention.engine.offers.facts import has_counters, period_start
from saleor_retention.engine.offers.terms import LimitPeriod, Limits
from saleor_retention.models import OfferUse
from saleor_retention.selectors.offers import terms_of

logger = logging.getLogger(__name__)


def count(changes: Iterable[tuple[OfferUse, int]]) -> None:
    """Add to the counters of uses: (use, how many more).

    A use names offer, version, member and periods; its row is changed after this, by the caller.
    Counters that its limits need and that are not there are opened. Locks the counters in their
    order, so that all changes of a transaction belong into one call.
    """
    rows = [row for use, delta in changes for row in _rows(use, delta)]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT saleor_retention_count_uses(%s::jsonb)",
                [json.dumps(rows, default=dt.date.isoformat)],
            )


def periods_of(limits: Limits, day: dt.date) -> tuple[dt.date | None, dt.date | None]:
    """Return the first days of the periods that a use on this day counts in.

    The first is None where that is all time; the second is that in total where it has a period of
    its own, else None.
    """
    if not has_counters(limits):
        return None, None
    in_total = limits.total_period or LimitPeriod.ALL_TIME
    return period_start(limits.period, day), period_start(in_total, day)


def limits_in_total(limits: Limits) -> tuple[int | None, int | None]:
    """Return the limit in total of the period that uses count in, and that of all time beside one.

    None where there is none; never both.
    """
    if limits.period_in_total is LimitPeriod.ALL_TIME and limits.period is not LimitPeriod.ALL_TIME:
        return None, limits.in_total
    return limits.in_total, None


def _rows(use: OfferUse, delta: int) -> Iterator[dict[str, Any]]:
    """Yield what a use changes, as ``sql/functions/count_uses.sql`` takes it."""
    limits = _limits(use) if delta > 0 else Limits()
    in_total, ever = limits_in_total(limits)
    row = {"offer": use.offer_id, "delta": delta}
    if use.account_id is not None:
        opens = limits.per_customer is not None
        yield row | {"account": use.account_id, "period": use.period_start, "opens": opens}
    start = use.total_period_start or use.period_start
    yield row | {"period": start, "opens": in_total is not None}
    if ever is not None:  # opened only: what counts in a period is added to it anyway
        yield row | {"delta": 0, "opens": True}


def _limits(use: OfferUse) -> Limits:
    """Return the limits of the version that a use is of; none where that cannot be read."""
    try:
        return terms_of(use.version_id).limits
    except ValueError:
        logger.exception("Version %s of an offer cannot be read.", use.version_id)
        return Limits()
