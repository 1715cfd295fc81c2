"""The one channel that 2.10.1 has, made up from its settings, and how the shop rounds."""

from __future__ import annotations

from babel.numbers import get_currency_precision
from django.conf import settings
from django.contrib.sites.models import Site
from saleor.core.taxes import include_taxes_in_prices

from saleor_retention.host.contract import ChannelFacts

CHANNEL_REF = "default"
CHANNEL_SLUG = "default-channel"  # what Saleor 3 calls the channel that a 2.10 shop migrates into


def channels() -> list[ChannelFacts]:
    """Return the shop itself as its only channel."""
    site = Site.objects.filter(pk=settings.SITE_ID).values_list("name", flat=True).first()
    return [
        ChannelFacts(
            ref=CHANNEL_REF,
            slug=CHANNEL_SLUG,
            name=site or "Shop",
            currency=settings.DEFAULT_CURRENCY,
        )
    ]


def has_tax_in_prices(channel_ref: str) -> bool:
    """Return whether the shop's prices are entered with tax."""
    return channel_ref == CHANNEL_REF and bool(include_taxes_in_prices())


def exponent_of(currency: str) -> int:
    """Return the digits of the minor unit, as ``saleor.core.taxes.quantize_price`` rounds."""
    return int(get_currency_precision(currency))
