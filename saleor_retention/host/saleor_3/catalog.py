"""Channels, and what goods are and cost on the shelf: facts for selections, slugs, prices.

Everything is read in a constant number of statements, however many references are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.utils import DEFAULT_DB_ALIAS
from saleor.channel.models import Channel
from saleor.product import ProductTypeKind
from saleor.product.models import (
    Category,
    Collection,
    Product,
    ProductVariant,
    ProductVariantChannelListing,
)
from saleor.tax.models import TaxConfiguration

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.host.contract import ChannelFacts, ShelfPrice

from .basket import currency_exponent, minor

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

DIGITS_MAX = 9  # of a 32-bit key; a longer one is nobody's and would be refused by PostgreSQL

_SLUGGED: dict[str, tuple[Any, str]] = {
    "variants": (ProductVariant, "sku"),
    "products": (Product, "slug"),
    "categories": (Category, "slug"),
    "collections": (Collection, "slug"),
}


def numbers(refs: Iterable[str]) -> list[int]:
    """Return the references that can be keys here; users and goods have integers."""
    return [int(ref) for ref in refs if _is_number(ref)]


def _is_number(ref: str) -> bool:
    return ref.isascii() and ref.isdecimal() and len(ref) <= DIGITS_MAX


def channels() -> list[ChannelFacts]:
    """Return every channel of the shop, by slug."""
    return [
        ChannelFacts(
            ref=str(channel.pk),
            slug=channel.slug,
            name=channel.name,
            currency=channel.currency_code,
        )
        for channel in Channel.objects.order_by("slug")
    ]


def has_tax_in_prices(channel_ref: str) -> bool:
    """Return whether the channel's prices are entered with tax."""
    taxes = TaxConfiguration.objects.filter(channel_id__in=numbers([channel_ref]))
    return bool(taxes.values_list("prices_entered_with_tax", flat=True).first())


def goods_of_variants(variant_refs: Iterable[str]) -> dict[str, GoodsFacts]:
    """Return what selections look at, for the variants that exist, in one statement."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(GOODS, [numbers(variant_refs)])
        found = cursor.fetchall()
    return {
        variant: GoodsFacts(variant, product, frozenset(categories), frozenset(collections))
        for variant, product, categories, collections in found
    }


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


def shelf_prices(variant_refs: Iterable[str], channel_ref: str) -> dict[str, ShelfPrice]:
    """Return what a unit of each variant costs in a channel, with the shop's promotions.

    Only variants that are listed there at a price, of products published there.
    """
    listings = list(
        ProductVariantChannelListing.objects.filter(
            variant_id__in=numbers(variant_refs),
            channel_id__in=numbers([channel_ref]),
            price_amount__isnull=False,
            variant__product__channel_listings__channel_id__in=numbers([channel_ref]),
            variant__product__channel_listings__is_published=True,
        ).select_related("variant__product__product_type")
    )
    goods = goods_of_variants(str(listing.variant_id) for listing in listings) if listings else {}
    found = {}
    for listing in listings:
        exponent = currency_exponent(listing.currency)
        list_price = listing.price_amount
        discounted = listing.discounted_price_amount
        kind = listing.variant.product.product_type.kind
        found[str(listing.variant_id)] = ShelfPrice(
            goods=goods[str(listing.variant_id)],
            currency=listing.currency,
            exponent=exponent,
            list_minor=minor(list_price, exponent),
            unit_minor=minor(list_price if discounted is None else discounted, exponent),
            is_gift_card=kind == ProductTypeKind.GIFT_CARD,
        )
    return found


def variants_of_products(product_refs: Iterable[str], channel_ref: str) -> dict[str, list[str]]:
    """Return the variants that each product sells in a channel, in the shop's order."""
    rows = ProductVariant.objects.filter(
        product_id__in=numbers(product_refs),
        channel_listings__channel_id__in=numbers([channel_ref]),
        channel_listings__price_amount__isnull=False,
    ).order_by("product_id", "sort_order", "sku", "pk")
    found: dict[str, list[str]] = {}
    for pk, product in rows.values_list("pk", "product_id"):
        found.setdefault(str(product), []).append(str(pk))
    return found
