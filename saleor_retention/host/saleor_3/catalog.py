"""Channels, and what goods cost on the shelf.

Everything is read in a constant number of statements, however many references are asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from django.db.models import Exists, OuterRef
from saleor.channel.models import Channel
from saleor.product import ProductTypeKind
from saleor.product.models import (
    ProductChannelListing,
    ProductVariant,
    ProductVariantChannelListing,
)
from saleor.tax.models import TaxConfiguration

from saleor_retention.engine.rules import Selection
from saleor_retention.host.contract import ChannelFacts, ShelfPrice
from saleor_retention.host.goods import LONG_AGO, goods_of_variants, numbers, selected

from .basket import currency_exponent, minor


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


def sold_of(selection: Selection, channel_ref: str, limit: int) -> list[str]:
    """Return the cheapest variants of a selection that are listed and published in a channel."""
    published = ProductChannelListing.objects.filter(
        channel_id__in=numbers([channel_ref]), is_published=True
    )
    rows = ProductVariantChannelListing.objects.filter(
        variant__in=ProductVariant.objects.filter(selected(selection)),
        channel_id__in=numbers([channel_ref]),
        price_amount__isnull=False,
        variant__product__in=published.values("product"),
    ).order_by("price_amount", "variant_id")
    return [str(pk) for pk in rows.values_list("variant_id", flat=True)[:limit]]


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


def published_since(kind: str, ref: str, channel_refs: Collection[str]) -> dt.datetime | None:
    """Return from when on a product or variant is seen and sold in any of these channels."""
    found = ProductChannelListing.objects.filter(
        channel__in=numbers(channel_refs),
        is_published=True,
        available_for_purchase_at__isnull=False,
    )
    if kind == "variants":
        sold = ProductVariantChannelListing.objects.filter(
            variant__in=numbers([ref]),
            channel=OuterRef("channel"),
            variant__product=OuterRef("product"),
            price_amount__isnull=False,
        )
        found = found.filter(Exists(sold))
    else:
        found = found.filter(product__in=numbers([ref]))
    days = found.values_list("published_at", "available_for_purchase_at")
    return min((max(seen or LONG_AGO, sold) for seen, sold in days), default=None)
