"""The shop's own discount on a whole order: how it falls on the lines, and what it takes of ours.

2.10.1 keeps a voucher, a staff discount and our own remainder as one amount on the checkout or the
order, and nothing on lines. Points are earned by line, so the amount is spread over them. A voucher
is worth a part of what our line discounts leave, so that less of a line discount may reach the
total; ``share_ppm`` says how much, so that no point is burned for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from django.db.models import Q
from saleor.discount import DiscountValueType, VoucherType
from saleor.product.models import ProductVariant

from saleor_retention.engine.money import allocate_capped
from saleor_retention.host.goods import numbers

if TYPE_CHECKING:
    from saleor.discount.models import Voucher

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one line with the price of each, in minor units."""

    variant_ref: str
    quantity: int
    unit_minor: int

    @property
    def total_minor(self) -> int:
        """Return the price of all of them."""
        return self.quantity * self.unit_minor


@dataclass(frozen=True, slots=True)
class Terms:
    """What a voucher gives, as far as it depends on the prices of lines."""

    type: str
    is_percentage: bool
    value: Fraction  # per cent, or minor units
    is_once_per_order: bool  # on the cheapest eligible unit only
    eligible: frozenset[str] | None  # variants; None: all


def terms_of(voucher: Voucher, variant_refs: Iterable[str], exponent: int) -> Terms:
    """Return the voucher's terms for goods of these variants.

    No statement, except for a voucher on specific products.
    """
    is_percentage = voucher.discount_value_type == DiscountValueType.PERCENTAGE
    is_specific = voucher.type == VoucherType.SPECIFIC_PRODUCT
    value = Fraction(Decimal(voucher.discount_value))
    return Terms(
        type=voucher.type,
        is_percentage=is_percentage,
        value=value if is_percentage else value * 10**exponent,
        is_once_per_order=is_specific and voucher.apply_once_per_order,
        eligible=_eligible(voucher, variant_refs) if is_specific else None,
    )


def discount_of(terms: Terms | None, lines: Iterable[Units]) -> int:
    """Return what the voucher takes off lines at these prices, as 2.10.1 computes and rounds it.

    Zero for none and for a voucher on shipping. Source: ``get_voucher_discount_for_checkout``.
    """
    if terms is None or terms.type == VoucherType.SHIPPING:
        return 0
    if terms.type == VoucherType.ENTIRE_ORDER:
        return _off(terms, sum(line.total_minor for line in lines))
    eligible = [
        line
        for line in lines
        if line.quantity and (terms.eligible is None or line.variant_ref in terms.eligible)
    ]
    if terms.is_once_per_order:
        return _off(terms, min((line.unit_minor for line in eligible), default=0))
    return sum(line.quantity * _off(terms, line.unit_minor) for line in eligible)


def share_ppm(terms: Terms | None, before: Sequence[Units], after: Sequence[Units]) -> int:
    """Return which share of our points' discount reaches the total, in millionths.

    ``before`` and ``after`` are the lines without and with the points. Where no points are placed
    it is the share of the first cent of them. Rounded up, so that ``effective_points`` finds the
    exact amount again (up to 10,000.00).
    """
    if terms is None or terms.type == VoucherType.SHIPPING:
        return PPM
    goods = sum(line.total_minor for line in before)
    placed = goods - sum(line.total_minor for line in after)
    taken = discount_of(terms, before)
    if placed > 0:
        effective = placed - (taken - discount_of(terms, after))
        return _ceil_ppm(Fraction(max(0, effective), placed))
    if not goods:
        return PPM
    if terms.is_percentage:
        return _ceil_ppm(1 - min(Fraction(1), Fraction(taken, goods)))
    return PPM if taken < goods else 0


def spread(
    discount: int, lines: Sequence[int], shipping: int, *, is_on_shipping: bool
) -> tuple[list[int], int]:
    """Split an order's discount over lines that cost ``lines`` and shipping: (by line, shipping).

    In proportion to the lines' prices, no part above its price. A shipping voucher takes from the
    shipping first, all else from the goods first, and what does not fit goes to the other. What
    fits nowhere is dropped, because 2.10.1 sells nothing below zero.

    >>> spread(100, [300, 100], 500, is_on_shipping=False)
    ([75, 25], 0)
    >>> spread(450, [300, 100], 500, is_on_shipping=False)
    ([300, 100], 50)
    """
    goods = sum(lines)
    if is_on_shipping:
        on_shipping = min(discount, shipping)
        return allocate_capped(min(goods, discount - on_shipping), lines), on_shipping
    on_goods = min(discount, goods)
    return allocate_capped(on_goods, lines), min(shipping, discount - on_goods)


def _off(terms: Terms, price_minor: int) -> int:
    if not terms.is_percentage:
        return min(price_minor, int(terms.value))
    return min(price_minor, int(price_minor * terms.value / 100))


def _ceil_ppm(share: Fraction) -> int:
    return min(PPM, -int(-share * PPM // 1))


def _eligible(voucher: Voucher, variant_refs: Iterable[str]) -> frozenset[str] | None:
    """Return the variants that the voucher is for, by product, own category or collection."""
    products = set(voucher.products.values_list("pk", flat=True))
    categories = set(voucher.categories.values_list("pk", flat=True))
    collections = set(voucher.collections.values_list("pk", flat=True))
    if not (products or categories or collections):
        return None
    found = ProductVariant.objects.filter(
        Q(product__in=products)
        | Q(product__category__in=categories)
        | Q(product__collections__in=collections),
        pk__in=numbers(variant_refs),
    )
    return frozenset(str(pk) for pk in found.values_list("pk", flat=True))
