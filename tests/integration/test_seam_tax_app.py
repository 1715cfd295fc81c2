"""Member prices before the eyes of a tax app: a real HTTP server that taxes by ten per cent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.factories.current import factories
from tests.factories.loyalty import make_member, make_program

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]

SUBSCRIPTION = """subscription { event { ... on CalculateTaxes { taxBase {
  currency shippingPrice { amount } discounts { amount { amount } }
  lines { quantity totalPrice { amount } } } } } }"""
RATE = Decimal("0.1")


@dataclass
class TaxApp:
    """What the app was asked, and where it listens."""

    url: str = ""
    told: list[list[float]] = field(default_factory=list)  # line totals of each request

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the taxes of what Saleor asks for."""
        base = question.get("taxBase") or question["event"]["taxBase"]
        self.told.append([line["totalPrice"]["amount"] for line in base["lines"]])
        shipping = Decimal(str(base["shippingPrice"]["amount"]))
        return {
            "shipping_tax_rate": "10",
            "shipping_price_net_amount": str(shipping),
            "shipping_price_gross_amount": str(shipping * (1 + RATE)),
            "lines": [
                {
                    "tax_rate": "10",
                    "total_net_amount": str(line["totalPrice"]["amount"]),
                    "total_gross_amount": str(
                        Decimal(str(line["totalPrice"]["amount"])) * (1 + RATE)
                    ),
                }
                for line in base["lines"]
            ],
        }


@pytest.fixture
def tax_app() -> Iterator[TaxApp]:
    """The tax app, listening."""
    app = TaxApp()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps(app.answer(json.loads(body))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    app.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def make(tax_app: TaxApp, settings: Any) -> Any:
    """The factories of this Saleor, with a shop that ships for 10.00 and asks the tax app.

    Saleor itself reads the shipping price for the app from the writer database, which the strict
    settings of the tests forbid.
    """
    from saleor.app.models import App
    from saleor.permission.models import Permission
    from saleor.webhook.event_types import WebhookEventSyncType

    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "restrict_writer" not in name]
    module = factories()
    channel = module.make_channel(tax_percent=10, prices_entered_with_tax=False)
    app = App.objects.create(name="Taxes", identifier="taxes", is_active=True, is_installed=True)
    app.permissions.set(Permission.objects.filter(codename="handle_taxes"))
    webhook = app.webhooks.create(
        name="Taxes", target_url=tax_app.url, is_active=True, subscription_query=SUBSCRIPTION
    )
    webhook.events.create(event_type=WebhookEventSyncType.CHECKOUT_CALCULATE_TAXES)
    configuration = channel.tax_configuration
    configuration.tax_calculation_strategy = "TAX_APP"
    configuration.tax_app_id = "taxes"
    configuration.save()
    return module


def test_the_tax_app_sees_member_prices_at_once(make: Any, tax_app: TaxApp) -> None:
    """The first answer after creating the cart has the member's price with its tax."""
    user = make.make_user()
    make_member(make_program(make.make_channel()), user, "vip")

    checkout = make.make_checkout(user, {make.make_product("20.00"): 2})
    total = make.checkout_total(checkout, user)

    assert total == Decimal("50.60")  # (36.00 + 10.00) x 1.1
    assert {tuple(lines) for lines in tax_app.told} == {(36.0,)}


def test_the_tax_app_sees_the_new_customer(make: Any, tax_app: TaxApp) -> None:
    """Attached, the cart is taxed at the member's price; detached, at everybody's."""
    user = make.make_user()
    make_member(make_program(make.make_channel()), user, "vip")
    checkout = make.make_checkout(None, {make.make_product("20.00"): 2})
    as_guest = make.checkout_total(checkout)
    tax_app.told.clear()

    make.attach(checkout, user)
    as_member = make.checkout_total(checkout, user)
    told_member = {tuple(lines) for lines in tax_app.told}
    make.detach(checkout, user)
    as_guest_again = make.checkout_total(checkout)

    assert (as_guest, as_member, as_guest_again) == (
        Decimal("55.00"),
        Decimal("50.60"),
        Decimal("55.00"),
    )
    assert told_member == {(36.0,)}


def test_an_order_at_the_tax_apps_prices(make: Any) -> None:
    """The order has the totals that the tax app gave for the member's prices."""
    user = make.make_user()
    make_member(make_program(make.make_channel()), user, "gold")

    order = make.complete(make.make_checkout(user, {make.make_product("20.00"): 2}))

    assert (order.total_net_amount, order.total_gross_amount) == (36, Decimal("39.600"))
    assert order.shipping_price_gross_amount == 0
