"""The merchant's side of the shop: goods, channels, staff, and the shop's own promotions.

Everything goes over GraphQL as the owner, as a merchant or an integration would. A story opens a
channel of its own, because a channel has at most one active program.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.acceptance.backroom import OWNER, PASSWORD
from tests.acceptance.client import Client
from tests.acceptance.server import Processes
from tests.acceptance.services import REFUND_REQUEST, TAX_REQUEST, UPDATED, Services, updated

PRICES = {"A": "80", "B": "30", "C": "50"}
SHIPPING = "10"
TAX_PERCENT = {"US": 10, "PL": 23, "FR": 0, "JP": 0, "BH": 0}
STAFF = {
    "clerk@shop.example": [],
    "discounts@shop.example": ["manage_discounts"],
    "users@shop.example": ["manage_users"],
    "orders@shop.example": ["manage_orders"],
}
ADDRESSES = {
    "US": {
        "streetAddress1": "8559 Lake Avenue",
        "city": "New York",
        "countryArea": "NY",
        "postalCode": "10001",
        "country": "US",
    },
    "PL": {
        "streetAddress1": "Plac Bankowy 2",
        "city": "Warszawa",
        "postalCode": "00-095",
        "country": "PL",
    },
}

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Channel:
    """One sales channel as the stories use it."""

    id: str
    slug: str
    currency: str
    country: str

    @property
    def address(self) -> dict[str, str]:
        """An address that the channel's shipping zone reaches and its flat rate taxes."""
        return {"firstName": "Ada", "lastName": "Shopper", **ADDRESSES[self.country]}


@dataclass(slots=True)
class Shop:
    """A running shop with its owner signed in."""

    processes: Processes
    anonymous: Client
    owner: Client
    till: Client
    payments: Client
    storefront: Client
    taxes: Client
    watcher: Client
    variants: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    collections: dict[str, str] = field(default_factory=dict)
    zone: str = ""
    warehouse: str = ""
    shipping_method: str = ""
    services_url: str = ""

    def login(self, email: str, password: str = PASSWORD) -> Client:
        """Sign a user in."""
        payload = self.anonymous.do(
            """mutation ($email: String!, $password: String!) {
              tokenCreate(email: $email, password: $password) { token errors { field message } }
            }""",
            email=email,
            password=password,
        )
        return Client(self.anonymous.url, payload["token"])

    def run_task(self, task: str) -> None:
        """Run one of the scheduler's tasks now."""
        self.processes.backroom.call("run_task", task=task)

    def age_coupon(self, code: str, days: int) -> None:
        """Let days go by for a coupon."""
        self.processes.backroom.call("age_coupon", code=code, days=days)

    def rows(self, statement: str, *parameters: Any) -> list[list[Any]]:
        """Look into the database; only for what no API shows."""
        answer: list[list[Any]] = self.processes.backroom.call(
            "rows", statement=statement, parameters=list(parameters)
        )
        return answer

    @contextmanager
    def busy_account(self, number: str) -> Iterator[None]:
        """Keep a member's account locked meanwhile."""
        self.processes.backroom.call("lock_account", number=number)
        try:
            yield
        finally:
            self.processes.backroom.call("unlock_account")

    def listen(self, services: Services) -> None:
        """Have the services asked for refunds and for taxes."""
        self.services_url = services.url
        for client, path, event, query in (
            (self.payments, "refunds", "TRANSACTION_REFUND_REQUESTED", REFUND_REQUEST),
            (self.taxes, "taxes", "CHECKOUT_CALCULATE_TAXES", TAX_REQUEST),
            (self.taxes, "taxes", "ORDER_CALCULATE_TAXES", TAX_REQUEST),
        ):
            self._listen(client, path, query, syncEvents=[event])

    @contextmanager
    def watched(self) -> Iterator[list[dict[str, Any]]]:
        """Have an app told of checkouts meanwhile; what it was told, in order."""
        webhook = self._listen(self.watcher, "updates", UPDATED, asyncEvents=["CHECKOUT_UPDATED"])
        try:
            updated.clear()
            yield updated
        finally:
            self.owner.do(
                """mutation ($id: ID!) {
                  webhookDelete(id: $id) { errors { field message code } }
                }""",
                id=webhook,
            )

    def _listen(self, client: Client, path: str, query: str, **events: list[str]) -> str:
        return self._create(
            "webhook",
            "webhookCreate",
            "WebhookCreateInput",
            {
                "name": path,
                "app": client.ask("{ app { id } }")["app"]["id"],
                "targetUrl": f"{self.services_url}/{path}",
                "query": query,
                "isActive": True,
                **events,
            },
        )

    # --- channels --------------------------------------------------------------------------

    def open_channel(
        self,
        *,
        currency: str = "USD",
        country: str = "US",
        is_gross: bool = False,
        prices: Mapping[str, str] | None = None,
        shipping: str = SHIPPING,
        confirms_orders: bool = True,
        takes_unpaid_orders: bool = False,
        has_tax_app: bool = False,
    ) -> Channel:
        """Open a channel that sells the goods at these prices with the country's flat tax rate."""
        slug = f"channel-{currency.lower()}-{next(_numbers)}"
        payload = self.owner.do(
            """mutation ($input: ChannelCreateInput!) {
              channelCreate(input: $input) {
                channel { id taxConfiguration { id } } errors { field message code }
              }
            }""",
            input={
                "name": slug,
                "slug": slug,
                "currencyCode": currency,
                "defaultCountry": country,
                "isActive": True,
                "addShippingZones": [self.zone],
                "addWarehouses": [self.warehouse],
                "orderSettings": {
                    "automaticallyConfirmAllNewOrders": confirms_orders,
                    "markAsPaidStrategy": "TRANSACTION_FLOW",
                    "allowUnpaidOrders": takes_unpaid_orders,
                },
            },
        )
        channel = Channel(payload["channel"]["id"], slug, currency, country)
        self.owner.do(
            """mutation ($id: ID!, $input: TaxConfigurationUpdateInput!) {
              taxConfigurationUpdate(id: $id, input: $input) {
                errors { field message code }
              }
            }""",
            id=payload["channel"]["taxConfiguration"]["id"],
            input={
                "chargeTaxes": True,
                "taxCalculationStrategy": "TAX_APP" if has_tax_app else "FLAT_RATES",
                "pricesEnteredWithTax": is_gross,
                "displayGrossPrices": is_gross,
                **({"taxAppId": "taxes"} if has_tax_app else {}),
            },
        )
        self.owner.do(
            """mutation ($id: ID!, $input: ShippingMethodChannelListingInput!) {
              shippingMethodChannelListingUpdate(id: $id, input: $input) {
                errors { field message code }
              }
            }""",
            id=self.shipping_method,
            input={"addChannels": [{"channelId": channel.id, "price": shipping}]},
        )
        for name, price in (prices or PRICES).items():
            self.list_product(channel, name, price)
        return channel

    def list_product(self, channel: Channel, name: str, price: str) -> None:
        """Sell a product in a channel."""
        self.owner.do(
            """mutation ($id: ID!, $input: ProductChannelListingUpdateInput!) {
              productChannelListingUpdate(id: $id, input: $input) {
                errors { field message code }
              }
            }""",
            id=self.products[name],
            input={
                "updateChannels": [
                    {
                        "channelId": channel.id,
                        "isPublished": True,
                        "isAvailableForPurchase": True,
                        "visibleInListings": True,
                    }
                ]
            },
        )
        self.set_price(channel, name, price)

    def set_price(self, channel: Channel, name: str, price: str) -> None:
        """Set the list price of a product's variant in a channel."""
        self.owner.do(
            """mutation ($id: ID!, $input: [ProductVariantChannelListingAddInput!]!) {
              productVariantChannelListingUpdate(id: $id, input: $input) {
                errors { field message code }
              }
            }""",
            id=self.variants[name],
            input=[{"channelId": channel.id, "price": price}],
        )

    # --- goods -----------------------------------------------------------------------------

    def stock_up(self) -> None:
        """Create the warehouse, the shipping, the taxes and the goods A, B and C; once a run."""
        self.warehouse = self._create(
            "warehouse",
            "createWarehouse",
            "WarehouseCreateInput",
            {"name": "Main", "slug": "main", "address": ADDRESSES["US"]},
        )
        self.zone = self._create(
            "shippingZone",
            "shippingZoneCreate",
            "ShippingZoneCreateInput",
            {"name": "World", "countries": list(ADDRESSES)},
        )
        self.shipping_method = self._create(
            "shippingMethod",
            "shippingPriceCreate",
            "ShippingPriceInput",
            {"name": "Parcel", "type": "PRICE", "shippingZone": self.zone},
        )
        for country, percent in TAX_PERCENT.items():
            self.owner.do(
                """mutation ($country: CountryCode!, $rates: [TaxClassRateInput!]!) {
                  taxCountryConfigurationUpdate(
                    countryCode: $country, updateTaxClassRates: $rates
                  ) {
                    errors { field message code }
                  }
                }""",
                country=country,
                rates=[{"rate": percent}],
            )
        for name in ("sneakers", "socks"):
            self.categories[name] = self._create(
                "category", "categoryCreate", "CategoryInput", {"name": name, "slug": name}
            )
        for name in ("summer", "sale"):
            self.collections[name] = self._create(
                "collection",
                "collectionCreate",
                "CollectionCreateInput",
                {"name": name, "slug": name},
            )
        kind = self._create(
            "productType",
            "productTypeCreate",
            "ProductTypeInput",
            {"name": "Goods", "slug": "goods", "kind": "NORMAL", "isShippingRequired": True},
        )
        self.add_product("A", kind, "sneakers")
        self.add_product("B", kind, "socks")
        self.add_product("C", kind, "socks", collections=["summer"])
        self.open_channel()
        self.owner.do(  # a zone takes a warehouse only when both are in some channel
            """mutation ($id: ID!, $input: ShippingZoneUpdateInput!) {
              shippingZoneUpdate(id: $id, input: $input) {
                errors { field message code }
              }
            }""",
            id=self.zone,
            input={"addWarehouses": [self.warehouse]},
        )

    def add_product(
        self, name: str, kind: str, category: str, collections: list[str] | None = None
    ) -> None:
        """Create a product with one variant and plenty of it in stock."""
        self.products[name] = self._create(
            "product",
            "productCreate",
            "ProductCreateInput",
            {
                "name": f"Product {name}",
                "slug": f"product-{name.lower()}",
                "productType": kind,
                "category": self.categories[category],
                "collections": [self.collections[slug] for slug in collections or []],
            },
        )
        self.variants[name] = self._create(
            "productVariant",
            "productVariantCreate",
            "ProductVariantCreateInput",
            {
                "sku": name,
                "product": self.products[name],
                "attributes": [],
                "stocks": [{"warehouse": self.warehouse, "quantity": 1_000_000}],
            },
        )

    def move(self, name: str, *, into: str = "", out_of: str = "") -> None:
        """Put a product into a collection, or take it out."""
        mutation = "collectionAddProducts" if into else "collectionRemoveProducts"
        self.owner.do(
            f"""mutation ($id: ID!, $products: [ID!]!) {{
              {mutation}(collectionId: $id, products: $products) {{
                errors {{ field message code }}
              }}
            }}""",
            id=self.collections[into or out_of],
            products=[self.products[name]],
        )

    def _create(self, result: str, mutation: str, input_type: str, value: dict[str, Any]) -> str:
        payload = self.owner.do(
            f"""mutation ($input: {input_type}!) {{
              {mutation}(input: $input) {{ {result} {{ id }} errors {{ field message code }} }}
            }}""",
            input=value,
        )
        identifier: str = payload[result]["id"]
        return identifier

    # --- the shop's own price reductions -----------------------------------------------------

    def voucher(
        self,
        channel: Channel,
        value: str,
        *,
        kind: str = "ENTIRE_ORDER",
        value_type: str = "PERCENTAGE",
        **more: Any,
    ) -> str:
        """Create a voucher for a channel and return its code."""
        code = f"CODE-{next(_numbers)}"
        voucher = self._create(
            "voucher",
            "voucherCreate",
            "VoucherInput",
            {
                "name": code,
                "addCodes": [code],
                "type": kind,
                "discountValueType": value_type,
                "startDate": "2020-01-01T00:00:00+00:00",
                **more,
            },
        )
        self.owner.do(
            """mutation ($id: ID!, $input: VoucherChannelListingInput!) {
              voucherChannelListingUpdate(id: $id, input: $input) {
                errors { field message code }
              }
            }""",
            id=voucher,
            input={"addChannels": [{"channelId": channel.id, "discountValue": value}]},
        )
        return code

    def promotion(self, channel: Channel, kind: str, **rule: Any) -> str:
        """Start a promotion of the shop itself in a channel: ``CATALOGUE`` or ``ORDER``."""
        promotion = self._create(
            "promotion",
            "promotionCreate",
            "PromotionCreateInput",
            {
                "name": f"Promotion {next(_numbers)}",
                "type": kind,
                "startDate": "2020-01-01T00:00:00+00:00",
                "rules": [{"name": "Rule", "channels": [channel.id], **rule}],
            },
        )
        if kind == "CATALOGUE":
            self.run_task(
                "saleor.product.tasks.update_variant_relations_for_active_promotion_rules_task"
            )
            self.run_task("saleor.product.tasks.recalculate_discounted_price_for_products_task")
        return promotion

    def catalogue_promotion(self, channel: Channel, name: str, amount: str) -> str:
        """Take an amount off a product's price in a channel."""
        return self.promotion(
            channel,
            "CATALOGUE",
            cataloguePredicate={"variantPredicate": {"ids": [self.variants[name]]}},
            rewardValueType="FIXED",
            rewardValue=amount,
        )

    def gift_card(self, channel: Channel, amount: str) -> str:
        """Issue a gift card and return its code."""
        payload = self.owner.do(
            """mutation ($input: GiftCardCreateInput!) {
              giftCardCreate(input: $input) { giftCard { code } errors { field message code } }
            }""",
            input={
                "balance": {"amount": amount, "currency": channel.currency},
                "isActive": True,
            },
        )
        code: str = payload["giftCard"]["code"]
        return code


def open_for_business(processes: Processes, services: Services) -> Shop:
    """Create the first accounts and the goods in an empty shop."""
    tokens = processes.backroom.call("open_shop", staff=STAFF)
    anonymous = Client(processes.url)
    shop = Shop(
        processes,
        anonymous=anonymous,
        owner=anonymous,
        till=Client(processes.url, tokens["till"]),
        payments=Client(processes.url, tokens["payments"]),
        storefront=Client(processes.url, tokens["storefront"]),
        taxes=Client(processes.url, tokens["taxes"]),
        watcher=Client(processes.url, tokens["watcher"]),
    )
    shop.owner = shop.login(OWNER)
    shop.listen(services)
    shop.stock_up()
    return shop


def money(amount: Decimal | str | int) -> Decimal:
    """Return an amount as the stories compare it."""
    return Decimal(str(amount))
