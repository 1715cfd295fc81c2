"""What offers gave in a time: uses, orders and discounts, of what orders have kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum

from saleor_retention.models import OfferUse, OfferUseState


@dataclass(frozen=True, slots=True)
class OfferStatistics:
    """What one offer gave; amounts by currency, in minor units."""

    uses: int = 0
    orders: int = 0
    discount_minor: tuple[tuple[str, int], ...] = ()  # off goods that are kept
    returned_minor: tuple[tuple[str, int], ...] = ()  # off goods that came back


def statistics_of(
    offer_ids: Iterable[int],
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> dict[int, OfferStatistics]:
    """Return what each offer gave on [since, until), in one statement for all of them.

    Counts what orders use and have not given back, by when it was set aside for them, and beside
    that what came back with goods. Uses are sets, units or orders, as the kind counts them. Offers
    that gave nothing are there with zeros.
    """
    wanted = list(offer_ids)
    states = (OfferUseState.USED, OfferUseState.RETURNED)
    found = OfferUse.objects.filter(offer_id__in=wanted, state__in=states).exclude(order_ref="")
    if since is not None:
        found = found.filter(created_at__gte=since)
    if until is not None:
        found = found.filter(created_at__lt=until)
    used = Q(state=OfferUseState.USED)
    rows = (
        found.order_by("offer_id", "currency")
        .values_list("offer_id", "currency")
        .annotate(
            uses_kept=Sum("uses", filter=used),
            orders=Count("order_ref", distinct=True, filter=used),
            kept=Sum(F("amount_minor") - F("returned_minor"), filter=used),
            given=Sum("amount_minor"),
        )
    )
    result = {offer_id: OfferStatistics() for offer_id in wanted}
    for offer_id, currency, uses, orders, kept, given in rows:
        so_far, kept_minor = result[offer_id], int(kept or 0)
        back_minor = int(given) - kept_minor
        result[offer_id] = OfferStatistics(
            uses=so_far.uses + (uses or 0),
            orders=so_far.orders + orders,
            discount_minor=_with(so_far.discount_minor, currency, kept_minor, is_there=orders > 0),
            returned_minor=_with(so_far.returned_minor, currency, back_minor),
        )
    return result


def _with(
    amounts: tuple[tuple[str, int], ...], currency: str, minor: int, *, is_there: bool = False
) -> tuple[tuple[str, int], ...]:
    return (*amounts, (currency, minor)) if minor or is_there else amounts
