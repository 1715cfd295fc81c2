"""What goods cost on the shelf.

Everything is read in a constant number of statements, however many references are asked for.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable

from django.conf import settings
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from saleor.checkout.models import Checkout
from saleor.core.taxes import quantize_price
from saleor.discount.utils import fetch_discounts
from saleor.product.models import Product, ProductVariant
from saleor.warehouse.models import Stock

from saleor_retention.engine.money import to_minor
from saleor_retention.engine.rules import Selection
from saleor_retention.host.contract import ShelfPrice
from saleor_retention.host.goods import LONG_AGO, goods_of_variants, numbers, selected

from .basket import token_of
from .shop import CHANNEL_REF, exponent_of


def shelf_prices(variant_refs: Iterable[str], channel_ref: str) -> dict[str, ShelfPrice]:
    """Return what a unit of each published variant costs now, with the shop's sales."""
    if channel_ref != CHANNEL_REF:
        return {}
    variants = list(
        ProductVariant.objects.filter(
            pk__in=numbers(variant_refs), product__in=Product.objects.published()
        )
        .select_related("product")
        .prefetch_related("product__collections")
    )
    goods = goods_of_variants(str(variant.pk) for variant in variants)
    sales = fetch_discounts(timezone.now()) if variants else []
    currency = settings.DEFAULT_CURRENCY
    exponent = exponent_of(currency)
    return {
        str(variant.pk): ShelfPrice(
            goods=goods[str(variant.pk)],
            currency=currency,
            exponent=exponent,
            list_minor=to_minor(quantize_price(variant.base_price, currency).amount, exponent),
            unit_minor=to_minor(
                quantize_price(variant.get_price(sales), currency).amount, exponent
            ),
        )
        for variant in variants
    }


def sold_of(selection: Selection, channel_ref: str, limit: int) -> list[str]:
    """Return the cheapest published variants of a selection, sales apart."""
    if channel_ref != CHANNEL_REF:
        return []
    rows = ProductVariant.objects.filter(
        selected(selection), product__in=Product.objects.published()
    ).order_by(Coalesce("price_override_amount", "product__price_amount"), "pk")
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:limit]]


def in_stock(variant_refs: Iterable[str], checkout_ref: str) -> set[str]:
    """Return the published ones of which a checkout's country has one unit more than its lines."""
    checkout = Checkout.objects.filter(pk=token_of(checkout_ref)).first()
    if checkout is None:
        return set()
    variants = ProductVariant.objects.filter(
        pk__in=numbers(variant_refs), product__in=Product.objects.published()
    )
    stocks = Stock.objects.for_country(checkout.get_country()).filter(product_variant__in=variants)
    allocated = Coalesce(Sum("allocations__quantity_allocated"), 0)
    left: Counter[int] = Counter()
    for stock in stocks.annotate(left=F("quantity") - allocated):
        left[stock.product_variant_id] += stock.left
    there = set(left)
    for line in checkout.lines.all():
        left[line.variant_id] -= line.quantity
    return {
        str(variant.pk)
        for variant in variants
        if variant.pk in there and (left[variant.pk] > 0 or not variant.track_inventory)
    }


def variants_of_products(product_refs: Iterable[str], channel_ref: str) -> dict[str, list[str]]:
    """Return the variants of each product, by key."""
    found: dict[str, list[str]] = {}
    if channel_ref != CHANNEL_REF:
        return found
    rows = ProductVariant.objects.filter(product_id__in=numbers(product_refs))
    for pk, product in rows.order_by("pk").values_list("pk", "product_id"):
        found.setdefault(str(product), []).append(str(pk))
    return found


def published_since(kind: str, ref: str, channel_refs: Collection[str]) -> dt.datetime | None:
    """Return from when on a product, or the product of a variant, is seen."""
    if CHANNEL_REF not in channel_refs:
        return None
    key = "variants__in" if kind == "variants" else "pk__in"
    found = Product.objects.filter(**{key: numbers([ref])}, is_published=True)
    row = found.values_list("publication_date", flat=True)[:1]
    for day in row:
        return LONG_AGO if day is None else dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    return None
