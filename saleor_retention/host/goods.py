"""What goods are, on every host: facts for selections, slugs, names.

Everything is read in a constant number of statements, however many references are asked for.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Q
from saleor.product.models import Category, Collection, Product, ProductVariant

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.engine.rules import Selection

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
WHERE variant.id = ANY(%s::integer[])
"""

SOLD = """
EXISTS (
    SELECT 1 FROM order_orderline AS line
    WHERE line.order_id = {order_id} AND line.unit_price_gross_amount > 0 AND line.variant_id IN (
        SELECT variant.id
        FROM product_productvariant AS variant
        WHERE variant.id = ANY(%s::text[]::integer[])
        UNION ALL
        SELECT variant.id
        FROM product_productvariant AS variant
        WHERE variant.product_id = ANY(%s::text[]::integer[])
        UNION ALL
        SELECT variant.id
        FROM product_category AS chosen
        JOIN product_category AS below ON below.tree_id = chosen.tree_id
             AND below.lft >= chosen.lft AND below.rght <= chosen.rght
        JOIN product_product AS product ON product.category_id = below.id
        JOIN product_productvariant AS variant ON variant.product_id = product.id
        WHERE chosen.id = ANY(%s::text[]::integer[])
        UNION ALL
        SELECT variant.id
        FROM product_collectionproduct AS place
        JOIN product_productvariant AS variant ON variant.product_id = place.product_id
        WHERE place.collection_id = ANY(%s::text[]::integer[])
    )
)
"""

LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""When something was published that nobody dated."""

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")  # what a 32-bit key holds; any other is nobody's

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


def selected(selection: Selection) -> Q:
    """Return the condition for variants that a selection names, with categories below its own."""
    categories = Category.objects.filter(pk__in=numbers(selection.categories))
    below = Category.tree.get_queryset_descendants(categories, include_self=True)
    products = Product.objects.filter(
        Q(pk__in=numbers(selection.products))
        | Q(category__in=below)
        | Q(collections__in=numbers(selection.collections))
    )
    return Q(pk__in=numbers(selection.variants)) | Q(product__in=products)


def sold(order_id: str) -> str:
    """Return the condition that some goods were sold with an order, whose key is ``order_id``.

    Parameters as ``Host.sold`` says.
    """
    return SOLD.replace("{order_id}", order_id).strip()


def resolve_slugs(kind: str, slugs: Iterable[str]) -> dict[str, str]:
    """Map slugs (SKUs for ``variants``) to references; unknown ones are absent."""
    model, field = _SLUGGED[kind]
    found = model.objects.filter(**{f"{field}__in": list(slugs)})
    return {slug: str(pk) for slug, pk in found.values_list(field, "pk")}


def slugs_of(kind: str, refs: Iterable[str]) -> dict[str, str]:
    """Map references to slugs (SKUs for ``variants``); those without one are absent."""
    model, field = _SLUGGED[kind]
    found = model.objects.filter(pk__in=numbers(refs))
    return {str(pk): slug for slug, pk in found.values_list(field, "pk") if slug}


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
