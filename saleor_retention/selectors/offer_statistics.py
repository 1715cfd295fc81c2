"""What offers gave in a time: uses, orders and discounts, of what orders have kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Sum

from saleor_retention.models import OfferUse, OfferUseState


@dataclass(frozen=True, slots=True)
class OfferStatistics:
    """What one offer gave; amounts by currency, in minor units."""

    uses: int = 0
    orders: int = 0
    discount_minor: tuple[tuple[str, int], ...] = ()


def statistics_of(
    offer_ids: Iterable[int],
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> dict[int, OfferStatistics]:
    """Return what each offer gave on [since, until), in one statement for all of them.

    Counts what orders use and have not given back, by when it was set aside for them. Uses are
    sets, units or orders, as the kind counts them. Offers that gave nothing are there with zeros.
    """
    wanted = list(offer_ids)
    found = OfferUse.objects.filter(offer_id__in=wanted, state=OfferUseState.USED)
    if since is not None:
        found = found.filter(created_at__gte=since)
    if until is not None:
        found = found.filter(created_at__lt=until)
    rows = (
        found.order_by("offer_id", "currency")
        .values_list("offer_id", "currency")
        .annotate(Sum("uses"), Count("order_ref", distinct=True), Sum("amount_minor"))
    )
    result = {offer_id: OfferStatistics() for offer_id in wanted}
    for offer_id, currency, uses, orders, amount in rows:
        so_far = result[offer_id]
        result[offer_id] = OfferStatistics(
            uses=so_far.uses + uses,
            orders=so_far.orders + orders,
            discount_minor=(*so_far.discount_minor, (currency, int(amount))),
        )
    return result
