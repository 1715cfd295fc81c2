"""The share of a points discount that reached an order's total, from what the order kept of it.

An order keeps its promotion and voucher, and each line's discount rows; a row of ours is known by
the reason that the stored quote gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from saleor.discount import DiscountType
from saleor.discount.models import OrderDiscount, OrderLineDiscount
from saleor.discount.utils.voucher import is_line_level_voucher, is_order_level_voucher

from saleor_retention.engine.pricing import POINTS_RULE
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.engine.redemption import PPM
from saleor_retention.models import StoredQuote
from saleor_retention.services.checkout import pricing

from .shares import LineState, Terms, promotion_terms, share_ppm, voucher_terms


def of_orders(orders: Sequence[Any], lines: Mapping[Any, Sequence[Any]]) -> dict[Any, int]:
    """Return the share of each order by its key; the whole for those without points."""
    reasons = _points_reasons(orders)
    on_order = _by(OrderDiscount.objects.filter(order__in=orders), "order_id") if reasons else {}
    on_line = (
        _by(OrderLineDiscount.objects.filter(line__order__in=orders), "line_id") if reasons else {}
    )
    return {
        order.pk: _share(order, lines[order.pk], reasons[order.pk], on_order, on_line)
        if order.pk in reasons
        else PPM
        for order in orders
    }


def _points_reasons(orders: Iterable[Any]) -> dict[Any, str]:
    """Return the reason that the points rows of each order carry."""
    keys = {order.checkout_token: order.pk for order in orders if order.checkout_token}
    reasons = {}
    for stored in StoredQuote.objects.filter(checkout_ref__in=keys, points_applied__gt=0):
        quote = load_quote(stored.payload)
        for item in quote.allocations:
            if item.rule_key == POINTS_RULE:
                reasons[keys[stored.checkout_ref]] = pricing.reason_of(item, quote)
    return reasons


def _share(
    order: Any,
    lines: Iterable[Any],
    reason: str,
    on_order: Mapping[Any, Sequence[Any]],
    on_line: Mapping[Any, Sequence[Any]],
) -> int:
    states = [
        _line_state(order, line, reason, on_line.get(line.pk, ()))
        for line in lines
        if not line.is_gift
    ]
    return share_ppm(states, _order_terms(order, on_order.get(order.pk, ())))


def _line_state(order: Any, line: Any, reason: str, rows: Sequence[Any]) -> LineState:
    promotions = [
        row for row in rows if row.type in (DiscountType.PROMOTION, DiscountType.ORDER_PROMOTION)
    ]
    list_total = Fraction(line.undiscounted_base_unit_price_amount) * line.quantity
    has_voucher = line.voucher_code and is_line_level_voucher(order.voucher)
    return LineState(
        total=list_total - sum((Fraction(row.amount_value) for row in promotions), Fraction(0)),
        quantity=line.quantity,
        points=sum(
            (Fraction(row.amount_value) for row in promotions if row.reason == reason), Fraction(0)
        ),
        voucher=voucher_terms(order.voucher, order.channel_id) if has_voucher else None,
    )


def _order_terms(order: Any, rows: Sequence[Any]) -> Terms | None:
    if order.voucher is not None and is_order_level_voucher(order.voucher):
        return voucher_terms(order.voucher, order.channel_id)
    return promotion_terms(rows)


def _by(rows: Iterable[Any], key: str) -> dict[Any, list[Any]]:
    grouped: dict[Any, list[Any]] = {}
    for row in rows:
        grouped.setdefault(getattr(row, key), []).append(row)
    return grouped
