"""Records on an order what its unit prices could not express of the points' discount.

2.10.1 copies a checkout's discount to the order only with a voucher, so without this the order's
lines, shipping and discount would not add up to its total.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import connection, transaction
from saleor.core.taxes import zero_taxed_money

from saleor_retention.engine.money import from_minor
from saleor_retention.models import StoredQuote
from saleor_retention.services.pricing import load_quote

from .shop import exponent_of
from .units import WHOLE_ORDER

if TYPE_CHECKING:
    from saleor.order.models import Order

logger = logging.getLogger(__name__)

NAME_LENGTH_MAX = 255


def record(order: Order) -> None:
    """Add the remainder to the order's discount, if the order was sold with one; never raises.

    It is only recorded where it explains the order's total. A gift card takes its part of the total
    before; then the quote alone is believed.
    """
    if not order.checkout_token:
        return
    try:
        if connection.in_atomic_block:
            with transaction.atomic():
                _record(order)
        else:
            _record(order)
    except Exception:
        logger.exception("Could not record the points' remainder on order %s.", order.pk)


def _record(order: Order) -> None:
    stored = StoredQuote.objects.filter(checkout_ref=order.checkout_token).first()
    if stored is None or not stored.points_applied:
        return
    rest = [item for item in load_quote(stored.payload).allocations if item.line_ref == WHOLE_ORDER]
    minor = sum(item.amount_minor for item in rest)
    if not minor:
        return
    off = from_minor(minor, exponent_of(order.currency))
    goods = order.get_subtotal() + order.shipping_price - order.discount
    expected = max(goods.gross.amount - off, zero_taxed_money(order.currency).gross.amount)
    if order.total.gross.amount != expected and not order.gift_cards.exists():
        logger.warning("The total of order %s has another remainder than was quoted.", order.pk)
        return
    order.discount_amount += off
    names = [order.discount_name, rest[0].name]
    order.discount_name = " + ".join(filter(None, names))[:NAME_LENGTH_MAX]
    order.save(update_fields=["discount_amount", "discount_name"])
