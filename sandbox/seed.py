"""Stock the sandbox's shop: six products with round prices, one way of shipping, two logins.

Everything is chosen, so that the story can compute what it expects with a pencil. Drawn by lot are
only the customers of two years (``sandbox.two_years``), who have a program of their own and touch
none of it. Run with the shop's settings on a freshly migrated database:

    python -m sandbox.seed

There are no taxes, and prices are in US dollars.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from decimal import Decimal

from sandbox import two_years
from sandbox.keepsakes import keepsake

ADMIN_EMAIL = "admin@example.com"
SHOPPER_EMAIL = "shopper@example.com"
SHIPPING_PRICE = Decimal("5.00")
STOCK = 1000


@dataclass(frozen=True, slots=True)
class Good:
    """One product with one variant."""

    sku: str
    name: str
    price: str
    category: str
    is_pick: bool = False


GOODS = (
    Good("beans-house", "House Blend", "20.00", "Coffee"),
    Good("beans-single", "Single Origin", "30.00", "Coffee"),
    Good("beans-decaf", "Decaf", "10.00", "Coffee"),
    Good("gear-grinder", "Grinder", "80.00", "Gear", is_pick=True),
    Good("gear-kettle", "Kettle", "50.00", "Gear", is_pick=True),
    Good("gear-cup", "Cup", "5.00", "Gear"),
)
COLLECTION = "Members' picks"
HISTORY = "club"  # the program of two years' customers, and its channel


def sow() -> None:
    """Write the whole shop."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    users.create_superuser(ADMIN_EMAIL, keepsake("admin_password"))
    users.create_user(SHOPPER_EMAIL, keepsake("shopper_password"))
    _name_the_shop()
    _stock(_warehouse())
    today = dt.datetime.now(dt.UTC).date()
    two_years.write(two_years.drawn(today), slug=HISTORY, channel_ref=HISTORY)
    _analyze()


def _analyze() -> None:
    """Tell the planner what is there, as a shop's autovacuum has long done."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _name_the_shop() -> None:
    from django.contrib.sites.models import Site

    site = Site.objects.get_current()
    site.name = "Corner Coffee"
    site.domain = "localhost"
    site.save()
    site.settings.include_taxes_in_prices = True
    site.settings.save()


def _warehouse() -> object:
    from saleor.account.models import Address
    from saleor.shipping import ShippingMethodType
    from saleor.shipping.models import ShippingMethod, ShippingZone
    from saleor.warehouse.models import Warehouse

    zone = ShippingZone.objects.create(name="United States", countries=["US"])
    ShippingMethod.objects.create(
        name="Parcel",
        type=ShippingMethodType.PRICE_BASED,
        shipping_zone=zone,
        price_amount=SHIPPING_PRICE,
        minimum_order_price_amount=Decimal(0),
    )
    address = Address.objects.create(
        street_address_1="1 Main Street",
        city="Springfield",
        postal_code="62701",
        country="US",
        country_area="IL",
    )
    warehouse = Warehouse.objects.create(name="Back room", slug="back-room", address=address)
    warehouse.shipping_zones.add(zone)
    return warehouse


def _stock(warehouse: object) -> None:
    import saleor.product.utils  # noqa: F401  # before its tasks: 2.10.1 imports them in a circle
    from django.utils.text import slugify
    from saleor.product.models import (
        Category,
        Collection,
        CollectionProduct,
        Product,
        ProductType,
        ProductVariant,
    )
    from saleor.warehouse.models import Stock

    kind = ProductType.objects.create(name="Goods", slug="goods", has_variants=False)
    picks = Collection.objects.create(name=COLLECTION, slug=slugify(COLLECTION), is_published=True)
    categories = {
        name: Category.objects.create(name=name, slug=slugify(name))
        for name in dict.fromkeys(good.category for good in GOODS)
    }
    for good in GOODS:
        product = Product.objects.create(
            product_type=kind,
            name=good.name,
            slug=slugify(good.name),
            category=categories[good.category],
            price_amount=Decimal(good.price),
            minimal_variant_price_amount=Decimal(good.price),
            is_published=True,
            charge_taxes=False,
        )
        variant = ProductVariant.objects.create(product=product, sku=good.sku, name=good.name)
        Stock.objects.create(warehouse=warehouse, product_variant=variant, quantity=STOCK)
        if good.is_pick:
            CollectionProduct.objects.create(collection=picks, product=product)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    sow()
