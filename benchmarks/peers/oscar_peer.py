"""django-oscar in a process of its own: baskets and offers in, time and discount out, as JSON.

Reads lines of {"lines": [[product, minor units, quantity]], "offers": [{"goods", "size",
"price"}]} from standard input; an offer without a price gives the cheapest of its size for free.
Answers each with a line of {"shipped": ms, "queries", "cached": ms, "discount", "lowest_line"}, so
that others can take turns with it. The database is SQLite in memory, which answers faster than a
server would. ``cached`` answers from a set whether a range holds a product, where oscar asks the
database each time.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from typing import Any

DASHBOARDS = {
    "reports": "Reports",
    "users": "Users",
    "orders": "Orders",
    "catalogue": "Catalogue",
    "offers": "Offers",
    "partners": "Partners",
    "pages": "Pages",
    "ranges": "Ranges",
    "reviews": "Reviews",
    "vouchers": "Vouchers",
    "communications": "Communications",
    "shipping": "Shipping",
}
APPS = {
    "analytics": "Analytics",
    "checkout": "Checkout",
    "address": "Address",
    "shipping": "Shipping",
    "catalogue": "Catalogue",
    "catalogue.reviews": "CatalogueReviews",
    "communication": "Communication",
    "partner": "Partner",
    "basket": "Basket",
    "payment": "Payment",
    "offer": "Offer",
    "order": "Order",
    "customer": "Customer",
    "search": "Search",
    "voucher": "Voucher",
    "wishlists": "Wishlists",
    "dashboard": "Dashboard",
    **{f"dashboard.{name}": f"{title}Dashboard" for name, title in DASHBOARDS.items()},
}


def set_up() -> None:
    """Make a project of oscar alone and its tables."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from oscar import defaults

    contrib = ("admin", "auth", "contenttypes", "sessions", "messages", "sites", "flatpages")
    own = {name: getattr(defaults, name) for name in dir(defaults) if name.isupper()}
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in contrib),
            "oscar.config.Shop",
            *(f"oscar.apps.{name}.apps.{title}Config" for name, title in APPS.items()),
            "widget_tweaks",
            "haystack",
            "treebeard",
            "django_tables2",
        ],
        HAYSTACK_CONNECTIONS={
            "default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}
        },
        SITE_ID=1,
        USE_TZ=True,
        SECRET_KEY="of no use to anybody",  # noqa: S106
        **own,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Build a basket, price it both ways, and leave nothing behind."""
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext
    from oscar.apps.offer.applicator import Applicator
    from oscar.apps.offer.models import Range

    with transaction.atomic():
        basket = build(case)

        def priced() -> float:
            basket.reset_offer_applications()
            start = time.perf_counter()
            Applicator().apply(basket)
            return (time.perf_counter() - start) * 1000

        shipped = priced()
        with CaptureQueriesContext(connection) as captured:
            priced()
        held: dict[int, set[int]] = {}

        def contains(self: Any, product: Any) -> bool:
            if self.pk not in held:
                held[self.pk] = set(self.all_products().values_list("pk", flat=True))
            return product.pk in held[self.pk]

        original, Range.contains_product = Range.contains_product, contains
        try:
            priced()
            cached = priced()
        finally:
            Range.contains_product = original
        lines = [line.line_price_incl_tax_incl_discounts for line in basket.all_lines()]
        found = {
            "shipped": shipped,
            "queries": len(captured),
            "cached": cached,
            "discount": int(basket.total_discount * 100),
            "lowest_line": int(min(lines) * 100),
        }
        transaction.set_rollback(True)
    return found


def build(case: dict[str, Any]) -> Any:
    """Return a basket of products with prices, and make the offers."""
    from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer, Range
    from oscar.test.factories import BasketFactory, create_product

    goods = {
        number: create_product(price=Decimal(minor) / 100, num_in_stock=100)
        for number, minor, _quantity in case["lines"]
    }
    for index, each in enumerate(case["offers"]):
        chosen = Range.objects.create(name=f"Range {index}")
        for number in each["goods"]:
            if number in goods:
                chosen.add_product(goods[number])
        condition = Condition.objects.create(range=chosen, type=Condition.COUNT, value=each["size"])
        kind, value = Benefit.MULTIBUY, None
        if each["price"] is not None:
            kind, value = Benefit.FIXED_PRICE, Decimal(each["price"]) / 100
        benefit = Benefit.objects.create(range=chosen, type=kind, value=value)
        ConditionalOffer.objects.create(name=f"Offer {index}", condition=condition, benefit=benefit)
    basket = BasketFactory()
    for number, _minor, quantity in case["lines"]:
        basket.add_product(goods[number], quantity)
    return basket


def main() -> None:
    """Answer one case after the other, as they come."""
    set_up()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
