"""What goods cost on the shelf.

Everything is read in a constant number of statements, however many references are asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from django.conf import settings
from django.utils import timezone
from saleor.core.taxes import quantize_price
from saleor.discount.utils import fetch_discounts
from saleor.product.models import Product, ProductVariant

from saleor_retention.engine.money import to_minor
from saleor_retention.host.contract import ShelfPrice
from saleor_retention.host.goods import LONG_AGO, goods_of_variants, numbers

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
