"""What goods are and what they cost on the shelf: facts for selections, slugs, prices.

Everything is read in a constant number of statements, however many references are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from saleor.core.taxes import quantize_price
from saleor.discount.utils import fetch_discounts
from saleor.product.models import Category, Collection, Product, ProductVariant

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.engine.money import to_minor
from saleor_retention.host.contract import ShelfPrice

from .shop import CHANNEL_REF, exponent_of

GOODS = """
SELECT variant.id::text, variant.product_id::text,
       ARRAY(SELECT above.id::text
             FROM product_category own
             JOIN product_category above ON above.tree_id = own.tree_id
                  AND above.lft <= own.lft AND above.rght >= own.rght
             WHERE own.id = product.category_id),
       ARRAY(SELECT place.collection_id::text
             FROM product_collectionproduct place WHERE place.product_id = product.id)
FROM product_productvariant variant
JOIN product_product product ON product.id = variant.product_id
WHERE variant.id = ANY(%s)
"""

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")  # what an integer column holds

_SLUGGED: dict[str, tuple[Any, str]] = {
    "variants": (ProductVariant, "sku"),
    "products": (Product, "slug"),
    "categories": (Category, "slug"),
    "collections": (Collection, "slug"),
}


def numbers(refs: Iterable[str]) -> list[int]:
    """Return the references that can be keys here, where all but a checkout's are integers."""
    return [int(ref) for ref in refs if _NUMBER.fullmatch(ref)]


def goods_of_variants(variant_refs: Iterable[str]) -> dict[str, GoodsFacts]:
    """Return what selections look at, for the variants that exist, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(GOODS, [numbers(variant_refs)])
        rows = cursor.fetchall()
    return {
        variant: GoodsFacts(variant, product, frozenset(categories), frozenset(collections))
        for variant, product, categories, collections in rows
    }


def resolve_slugs(kind: str, slugs: Iterable[str]) -> dict[str, str]:
    """Map slugs (SKUs for ``variants``) to references; unknown ones are absent."""
    model, field = _SLUGGED[kind]
    found = model.objects.filter(**{f"{field}__in": list(slugs)})
    return {slug: str(pk) for slug, pk in found.values_list(field, "pk")}


def slugs_of(kind: str, refs: Iterable[str]) -> dict[str, str]:
    """Map references to slugs (SKUs for ``variants``); unknown ones are absent."""
    model, field = _SLUGGED[kind]
    found = model.objects.filter(pk__in=numbers(refs))
    return {str(pk): slug for slug, pk in found.values_list(field, "pk")}


def goods_names(kind: str, refs: Iterable[str]) -> dict[str, str]:
    """Map references to what shoppers read; a variant is named with its product."""
    model, _field = _SLUGGED[kind]
    found = model.objects.filter(pk__in=numbers(refs))
    if kind != "variants":
        return {str(pk): name for pk, name in found.values_list("pk", "name")}
    return {
        str(pk): f"{product} ({name})" if name and name != product else product
        for pk, product, name in found.values_list("pk", "product__name", "name")
    }


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
