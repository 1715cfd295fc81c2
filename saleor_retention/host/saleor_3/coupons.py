"""Coupons as Saleor's own vouchers: one voucher for codes of the same terms and the same end.

How often a single code may be used is ours to hold, because a voucher's limit counts all of its
codes together. Only codes for one order are marked so, which Saleor then ends itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from saleor.channel.models import Channel
from saleor.checkout.models import Checkout
from saleor.discount import DiscountType, DiscountValueType, VoucherType
from saleor.discount.models import (
    OrderDiscount,
    OrderLineDiscount,
    Voucher,
    VoucherChannelListing,
    VoucherCode,
)
from saleor.order.models import Order

from saleor_retention.engine.money import from_minor
from saleor_retention.host import codes as guard
from saleor_retention.host.contract import ChannelFacts, VoucherSpec
from saleor_retention.host.goods import numbers

from .basket import currency_exponent, minor
from .effects import is_uuid


def install() -> None:
    """Begin to look at the codes that checkouts take."""
    guard.listen(Checkout)


def open_voucher(spec: VoucherSpec) -> str:
    """Create the voucher with its channels; return its key."""
    is_percentage = spec.percent is not None
    voucher = Voucher.objects.create(
        name=spec.name,
        type=VoucherType.SHIPPING if spec.is_for_shipping else VoucherType.ENTIRE_ORDER,
        discount_value_type=(
            DiscountValueType.PERCENTAGE if is_percentage else DiscountValueType.FIXED
        ),
        start_date=spec.start_at,
        end_date=spec.end_at,
        single_use=spec.uses == 1,
    )
    _list({voucher.pk: spec})
    return str(voucher.pk)


def list_vouchers(specs: Mapping[str, VoucherSpec]) -> None:
    """Add the channels to the vouchers that are there; four statements for up to a thousand."""
    found = Voucher.objects.filter(pk__in=numbers(specs)).values_list("pk", flat=True)
    _list({pk: specs[str(pk)] for pk in found})


def has_voucher(voucher_ref: str) -> bool:
    """Tell whether nobody has deleted the voucher."""
    return Voucher.objects.filter(pk__in=numbers([voucher_ref])).exists()


def add_codes(voucher_ref: str, spec: VoucherSpec, codes: Sequence[str]) -> None:  # noqa: ARG001
    """Add codes to the voucher, in one statement for a thousand."""
    VoucherCode.objects.bulk_create(
        [VoucherCode(voucher_id=int(voucher_ref), code=code) for code in codes], batch_size=1000
    )


def lock_codes(codes: Sequence[str]) -> None:
    """Lock the codes for the transaction."""
    found = VoucherCode.objects.select_for_update(of=("self",)).filter(code__in=list(codes))
    list(found.order_by("code").values_list("pk"))


def set_codes(
    codes: Sequence[str],
    *,
    is_open: bool,
    end_at: dt.datetime,  # noqa: ARG001 - the voucher's own
    uses: int | None = None,  # noqa: ARG001 - kept by limits of vouchers only
) -> None:
    """Switch codes on or off."""
    VoucherCode.objects.filter(code__in=list(codes)).exclude(is_active=is_open).update(
        is_active=is_open
    )


def coupon_minor(order_ref: str, code: str) -> int | None:
    """Return what the order's discount rows say that the code took off it and its lines.

    Nothing where the order has the code and no row: a row of nothing is not written.
    """
    if not is_uuid(order_ref):
        return None
    order = Order.objects.filter(pk=order_ref, voucher_code=code).only("currency").first()
    if order is None:
        return None
    of_code = {"type": DiscountType.VOUCHER, "voucher_code": code}
    rows = (
        OrderDiscount.objects.filter(order=order, **of_code),
        OrderLineDiscount.objects.filter(line__order=order, **of_code),
    )
    amount = sum(
        (value for found in rows for value in found.values_list("amount_value", flat=True)),
        Decimal(0),
    )
    return minor(amount, currency_exponent(order.currency))


def _list(specs: Mapping[int, VoucherSpec]) -> None:
    places = {place.ref for spec in specs.values() for place in spec.channels}
    there = set(Channel.objects.filter(pk__in=numbers(places)).values_list("pk", flat=True))
    VoucherChannelListing.objects.bulk_create(
        (
            _listing(voucher_id, place, spec)
            for voucher_id, spec in specs.items()
            for place in spec.channels
            if int(place.ref) in there
        ),
        batch_size=1000,
        ignore_conflicts=True,
    )


def _listing(voucher_id: int, place: ChannelFacts, spec: VoucherSpec) -> VoucherChannelListing:
    exponent = currency_exponent(place.currency)
    minimum = spec.minimums.get(place.currency)
    value = spec.percent
    if value is None:
        value = from_minor(spec.amounts[place.currency], exponent)
    return VoucherChannelListing(
        voucher_id=voucher_id,
        channel_id=int(place.ref),
        currency=place.currency,
        discount_value=value,
        min_spent_amount=None if minimum is None else from_minor(minimum, exponent),
    )
