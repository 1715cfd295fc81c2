"""Whether an offer opened or closed by the clock alone between two instants."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from saleor_retention.engine.offers.terms import OfferTerms

WEEK = 7


def has_turned(terms: OfferTerms, zone: ZoneInfo, since: dt.datetime, until: dt.datetime) -> bool:
    """Return whether the window or a weekday began or ended after ``since``, up to ``until``.

    Weekdays are those of the program's zone. An offer that opened and closed again in between has
    turned too.
    """
    if any(at is not None and since < at <= until for at in (terms.starts_at, terms.ends_at)):
        return True
    if not terms.weekdays:
        return False
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = range(min((last - first).days, WEEK) + 1)
    is_on = {(first + dt.timedelta(days=day)).weekday() in terms.weekdays for day in days}
    return len(is_on) > 1
