"""Which message an order is put down to: the last one within a stated window before it.

The specification of ``sql/measures/attribution.sql``. A convention and no proof: who gets messages
buys anyway, and only a holdout tells how much of it the message has caused. A touch is anything
that reached a customer, named by its source: a campaign, a message, an offer that was shown.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from saleor_retention.engine.measures.figures import Sale


@dataclass(frozen=True, slots=True)
class Touch:
    """Something that reached a customer; ``source_key`` names what it was, as in "campaign:7"."""

    account: int
    at: dt.datetime
    source_key: str


@dataclass(frozen=True, slots=True)
class Attributed:
    """The orders that one source is given."""

    source_key: str
    customers: int
    orders: int
    revenue_minor: int


def last_touches(
    sales: Iterable[Sale], touches: Iterable[Touch], window: dt.timedelta
) -> dict[int, str]:
    """Return the source of each order that has one, by the order's id.

    The last touch of the order's customer that is not after the order and at most ``window`` before
    it; of several at one instant the one whose key sorts last. An order has one source or none.

    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> day = dt.timedelta(days=1)
    >>> touches = [Touch(7, noon, "campaign:1"), Touch(7, noon + day, "campaign:2")]
    >>> sale = Sale(5, 7, noon + 3 * day, 500)
    >>> last_touches([sale], touches, 7 * day)
    {5: 'campaign:2'}
    >>> last_touches([sale], touches, day)
    {}
    """
    by_account: dict[int, list[tuple[dt.datetime, str]]] = defaultdict(list)
    for touch in touches:
        by_account[touch.account].append((touch.at, touch.source_key))
    for reached in by_account.values():
        reached.sort()
    found = {}
    for sale in sales:
        reached = by_account.get(sale.customer, [])
        place = bisect_right(reached, sale.at, key=lambda touch: touch[0])
        if place and sale.at - reached[place - 1][0] <= window:
            found[sale.id] = reached[place - 1][1]
    return found


def attributed(
    sales: Iterable[Sale], touches: Iterable[Touch], window: dt.timedelta
) -> list[Attributed]:
    """Return what each source is given, in the order of their keys; the others are absent."""
    made = list(sales)
    sources = last_touches(made, touches, window)
    by_source: dict[str, list[Sale]] = defaultdict(list)
    for sale in made:
        if sale.id in sources:
            by_source[sources[sale.id]].append(sale)
    return [
        Attributed(
            source_key,
            customers=len({sale.customer for sale in given}),
            orders=len(given),
            revenue_minor=sum(sale.spend_minor for sale in given),
        )
        for source_key, given in sorted(by_source.items())
    ]
