"""Take back what the plugin promised at checkouts, where prices do not pass through it any more.

After an upgrade of the shop the checks of the price path may fail. Then nothing is priced; what was
priced before must not stay either: own discount rows go, and points that were set aside return.
"""

from __future__ import annotations

import datetime as dt
import logging

from django.utils import timezone

from saleor_retention import host
from saleor_retention.models import Hold, HoldState
from saleor_retention.services.checkout import redeeming

logger = logging.getLogger(__name__)

HOLDS_MAX = 500


def withdraw_if_unpriced(now: dt.datetime | None = None) -> int:
    """Strip own rows and release redemptions if the price path is not sound; return how many rows.

    A hold whose checkout has become an order is settled instead. Each hold has a transaction of its
    own, under the locks of ``redeeming.release``. Safe to run twice and at the same time; up to
    ``HOLDS_MAX`` holds a run.
    """
    shop = host.current()
    reason = shop.refusal_of("line_discounts")
    if reason is None:
        return 0
    rows = shop.strip_own_rows()
    at = now or timezone.now()
    released = 0
    for hold in Hold.objects.filter(state=HoldState.PLACED).order_by("pk")[:HOLDS_MAX]:
        order_ref = shop.order_ref_of_checkout(hold.checkout_ref)
        if order_ref is not None:
            shop.dispatch("settle", order_ref)
        elif redeeming.release(hold, "job:withdraw", now=at):
            released += 1
    if rows or released:
        logger.error("Withdrew %s rows and %s redemptions: %s", rows, released, reason)
    return rows
