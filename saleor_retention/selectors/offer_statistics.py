"""What orders have used of offers: how often, in how many orders, and what it took off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Sum

from saleor_retention.models import OfferUse, OfferUseState


@dataclass(frozen=True, slots=True)
class OfferStatistics:
    """Of one offer in a window; amounts are in minor units by currency."""

    uses: int = 0
    orders: int = 0
    discount: dict[str, int] = field(default_factory=dict)


def statistics_of(
    offer_ids: Sequence[int],
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> dict[int, OfferStatistics]:
    """Return what orders used of offers on [since, until), in one statement; unused: absent.

    What was given back (canceled or wholly returned orders) does not count.
    """
    found = OfferUse.objects.filter(offer_id__in=offer_ids, state=OfferUseState.USED)
    if since is not None:
        found = found.filter(created_at__gte=since)
    if until is not None:
        found = found.filter(created_at__lt=until)
    sums = found.values("offer_id", "currency").annotate(
        uses_sum=Sum("uses"), orders=Count("pk"), amount=Sum("amount_minor")
    )
    by_offer: dict[int, OfferStatistics] = {}
    for row in sums.order_by("offer_id", "currency"):
        known = by_offer.get(row["offer_id"], OfferStatistics())
        by_offer[row["offer_id"]] = OfferStatistics(
            uses=known.uses + row["uses_sum"],
            orders=known.orders + row["orders"],
            discount={**known.discount, row["currency"]: int(row["amount"])},
        )
    return by_offer
