"""Keeps on an order what it was sold for, because 2.10.1 would forget it.

Two things are lost otherwise. The remainder: a checkout's discount is copied to the order only with
a voucher, and lines, shipping and discount would not add up to the total. And the prices: when
staff edits the address of a placed order, 2.10.1 prices its lines and shipping afresh from today's
list, and would take a member's discount away after the sale. So the order's private metadata says
what its units were sold for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F, Func, Value
from saleor.core.taxes import include_taxes_in_prices, zero_taxed_money

from saleor_retention.engine.money import from_minor, to_minor
from saleor_retention.engine.quote import Quote
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.models import StoredQuote
from saleor_retention.services.checkout.pricing import has_benefit

from .shop import exponent_of
from .units import WHOLE_ORDER, LinePrice

if TYPE_CHECKING:
    from saleor.order.models import Order
    from saleor.order.models import OrderLine as SaleorLine

logger = logging.getLogger(__name__)

KEY = "saleor_retention"
NAME_LENGTH_MAX = 255


def record(order: Order) -> None:
    """Keep the prices and the remainder of an order that was sold with a benefit; never raises."""
    if not order.checkout_token:
        return
    try:
        if connection.in_atomic_block:
            with transaction.atomic():
                _record(order)
        else:
            _record(order)
    except Exception:
        logger.exception("Could not keep what order %s was sold for.", order.pk)


def unit_of(line: SaleorLine) -> LinePrice | None:
    """Return the list price that 2.10.1 has just put on a line, and what a unit was sold for."""
    unit = _kept(line.order).get("units", {}).get(str(line.pk))
    if unit is None:
        return None
    listed = to_minor(line.unit_price.gross.amount, exponent_of(line.currency))
    return LinePrice(quantity=1, total_minor=listed, unit_minor=unit)


def has_free_shipping(order: Order) -> bool:
    """Tell whether the order was sold with free shipping."""
    return bool(_kept(order).get("free_shipping"))


def forget() -> int:
    """Remove what is kept from all orders, for an uninstall; return of how many.

    Their prices stay as they are until somebody edits an address: 2.10.1 then prices them afresh.
    """
    from saleor.order.models import Order

    orders = Order.objects.filter(private_metadata__has_key=KEY)
    left = Func(
        F("private_metadata"), Value(KEY), template="(%(expressions)s::text)", arg_joiner=" - "
    )
    count: int = orders.update(private_metadata=left)
    return count


def _kept(order: Order) -> dict[str, Any]:
    return json.loads(order.get_value_from_private_metadata(KEY, "{}"))


def _record(order: Order) -> None:
    stored = StoredQuote.objects.filter(checkout_ref=order.checkout_token).first()
    quote = None if stored is None else load_quote(stored.payload)
    if quote is None or not has_benefit(quote):
        return
    lines = list(order.lines.all())
    kept = {"units": _units(lines, order.currency), "free_shipping": quote.has_free_shipping}
    order.store_value_in_private_metadata({KEY: json.dumps(kept)})  # values are text there
    _add_remainder(order, quote)
    order.save(update_fields=["private_metadata", "discount_amount", "discount_name"])


def _units(lines: Iterable[SaleorLine], currency: str) -> dict[str, int]:
    """Return the entered price of a unit of each line, in minor units."""
    exponent = exponent_of(currency)
    is_gross = include_taxes_in_prices()
    return {
        str(line.pk): to_minor(
            line.unit_price_gross_amount if is_gross else line.unit_price_net_amount, exponent
        )
        for line in lines
    }


def _add_remainder(order: Order, quote: Quote) -> None:
    """Add the remainder to the order's discount where it explains the total.

    A gift card takes its part of the total before; then the quote alone is believed.
    """
    rest = [item for item in quote.allocations if item.line_ref == WHOLE_ORDER]
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
