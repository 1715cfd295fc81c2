"""Coupons as vouchers of 2.10.1: one row for each code, because a voucher has exactly one.

They have no switch: a code that is to be taken no longer ends now, and one that is given back ends
when it was meant to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from saleor.checkout.models import Checkout
from saleor.discount import DiscountValueType, VoucherType
from saleor.discount.models import Voucher
from saleor.order.models import Order

from saleor_retention.engine.money import from_minor, to_minor
from saleor_retention.engine.quote_payload import allocations_of
from saleor_retention.host import codes as guard
from saleor_retention.host.contract import VoucherSpec
from saleor_retention.host.goods import numbers
from saleor_retention.models import StoredQuote

from .shop import exponent_of
from .units import WHOLE_ORDER


def install() -> None:
    """Begin to look at the codes that checkouts take."""
    guard.listen(Checkout)


def add_codes(spec: VoucherSpec, codes: Sequence[str]) -> None:
    """Create a voucher for each code, in one statement for a thousand."""
    (place,) = spec.channels
    exponent = exponent_of(place.currency)
    minimum = spec.minimums.get(place.currency)
    value = spec.percent
    if value is None:
        value = from_minor(spec.amounts[place.currency], exponent)
    is_percentage = spec.percent is not None
    terms: dict[str, Any] = {
        "name": spec.name,
        "type": VoucherType.SHIPPING if spec.is_for_shipping else VoucherType.ENTIRE_ORDER,
        "discount_value_type": (
            DiscountValueType.PERCENTAGE if is_percentage else DiscountValueType.FIXED
        ),
        "discount_value": value,
        "currency": place.currency,
        "min_spent_amount": None if minimum is None else from_minor(minimum, exponent),
        "usage_limit": spec.uses,
        "start_date": spec.start_at,
        "end_date": spec.end_at,
    }
    Voucher.objects.bulk_create([Voucher(code=code, **terms) for code in codes], batch_size=1000)


def lock_codes(codes: Sequence[str]) -> None:
    """Lock the vouchers for the transaction."""
    found = Voucher.objects.select_for_update().filter(code__in=list(codes))
    list(found.order_by("code").values_list("pk"))


def set_codes(
    codes: Sequence[str], *, is_open: bool, end_at: dt.datetime, uses: int | None = None
) -> None:
    """Let vouchers end as they were meant to, or now; with ``uses``, count what orders used."""
    changes: dict[str, Any] = {"end_date": end_at if is_open else min(end_at, timezone.now())}
    if uses is not None:
        changes["used"] = uses
    Voucher.objects.filter(code__in=list(codes)).update(**changes)


def coupon_minor(order_ref: str, code: str) -> int | None:
    """Return the order's discount less our remainder; None for an order without the code."""
    order = Order.objects.filter(pk__in=numbers([order_ref]), voucher__code=code).first()
    if order is None:
        return None
    discount = to_minor(order.discount_amount, exponent_of(order.currency))
    return max(0, discount - _remainder_of(order.checkout_token))


def _remainder_of(checkout_ref: str) -> int:
    stored = StoredQuote.objects.filter(checkout_ref=checkout_ref).first() if checkout_ref else None
    if stored is None:
        return 0
    return sum(
        item.amount_minor for item in allocations_of(stored.payload) if item.line_ref == WHOLE_ORDER
    )
