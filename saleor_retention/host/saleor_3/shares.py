"""How much of a line discount reaches the customer's total.

Vouchers and promotions of the shop apply after our rows: 20 % off the order takes 20 % of a points
discount back, a fixed voucher on one product does where the product is cheaper than the voucher.
What the total fell by is found by adding the lines up twice, with the points and without.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from saleor.discount import DiscountType, DiscountValueType
from saleor.discount.utils.voucher import is_order_level_voucher

from saleor_retention.engine.redemption import PPM

from . import basket

TRIAL = Fraction(1, 10)  # of each line, to find the share before any points are set


@dataclass(frozen=True, slots=True)
class Terms:
    """A voucher or promotion of the shop: per cent, or an amount in the currency's unit."""

    is_percentage: bool
    value: Fraction
    is_once: bool = False  # on one unit of the line only

    def off(self, price: Fraction) -> Fraction:
        """Return what it takes off a price; never more than the price."""
        taken = price * self.value / 100 if self.is_percentage else self.value
        return min(taken, price)


@dataclass(frozen=True, slots=True)
class LineState:
    """A line after our rows and before vouchers; ``points`` are what our points row took off."""

    total: Fraction
    quantity: int
    points: Fraction
    voucher: Terms | None = None

    def price(self) -> Fraction:
        """Return what the line costs after its voucher."""
        if self.voucher is None:
            return self.total
        if self.voucher.is_once:
            return self.total - self.voucher.off(self.total / self.quantity)
        if self.voucher.is_percentage:
            return self.total - self.voucher.off(self.total)
        return self.total - self.quantity * self.voucher.off(self.total / self.quantity)


def share_ppm(lines: Sequence[LineState], order_terms: Terms | None) -> int:
    """Return the part of the points' discount that the total fell by, in millionths, rounded up.

    Rounded up, so that multiplying a discount of less than 10,000 units by it and rounding down
    gives the fall to the cent.
    """
    if not any(line.points for line in lines):
        lines = [
            replace(line, total=line.total * (1 - TRIAL), points=line.total * TRIAL)
            for line in lines
        ]
    points = sum((line.points for line in lines), Fraction(0))
    if not points:
        return PPM
    without = [replace(line, total=line.total + line.points) for line in lines]
    fall = _total(without, order_terms) - _total(lines, order_terms)
    return min(PPM, max(0, math.ceil(fall * PPM / points)))


def of_checkout(checkout: Any, lines_info: Sequence[Any]) -> int:
    """Return the share for a checkout as it is now."""
    if not checkout.voucher_code and not checkout.discount_amount:
        return PPM
    lines = [
        LineState(
            total=_amount(info.undiscounted_unit_price.amount * info.line.quantity)
            - sum((_amount(row.amount_value) for row in info.discounts), Fraction(0)),
            quantity=info.line.quantity,
            points=sum(
                (
                    _amount(row.amount_value)
                    for row in info.discounts
                    if row.id == basket.own_row_id(str(info.line.pk), "points")
                ),
                Fraction(0),
            ),
            voucher=voucher_terms(info.voucher, checkout.channel_id) if info.voucher else None,
        )
        for info in lines_info
    ]
    return share_ppm(lines, _checkout_terms(checkout))


def voucher_terms(voucher: Any, channel_id: int) -> Terms | None:
    """Return what a voucher takes off in a channel, or None where it is not listed."""
    listing = voucher.channel_listings.filter(channel_id=channel_id).first()
    if listing is None:
        return None
    return Terms(
        is_percentage=voucher.discount_value_type == DiscountValueType.PERCENTAGE,
        value=_amount(listing.discount_value),
        is_once=voucher.apply_once_per_order,
    )


def promotion_terms(rows: Iterable[Any]) -> Terms | None:
    """Return what a promotion on the whole order takes off; one at most applies."""
    for row in rows:
        if row.type == DiscountType.ORDER_PROMOTION:
            is_percentage = row.value_type == DiscountValueType.PERCENTAGE
            return Terms(is_percentage, _amount(row.value if is_percentage else row.amount_value))
    return None


def _checkout_terms(checkout: Any) -> Terms | None:
    from saleor.checkout.utils import get_voucher_for_checkout

    if checkout.voucher_code:
        voucher, _code = get_voucher_for_checkout(checkout, channel_slug=checkout.channel.slug)
        if voucher is None or not is_order_level_voucher(voucher):
            return None
        return voucher_terms(voucher, checkout.channel_id)
    return promotion_terms(checkout.discounts.all())


def _total(lines: Iterable[LineState], order_terms: Terms | None) -> Fraction:
    subtotal = sum((line.price() for line in lines), Fraction(0))
    return subtotal if order_terms is None else subtotal - order_terms.off(subtotal)


def _amount(value: Any) -> Fraction:
    return Fraction(value)
