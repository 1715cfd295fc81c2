"""The same story on two generations of Saleor: what a shopper and the staff do, in each dialect.

The plugin's own operations are the same on both; what differs is how Saleor's checkout is filled,
paid and looked at, and that 2.10 knows returns only as money that goes back.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Protocol

from tests.acceptance import storefront
from tests.acceptance.backroom import PASSWORD
from tests.acceptance.client import Client
from tests.acceptance.figures import Taxed, shown
from tests.acceptance.orders import Desk
from tests.acceptance.retention import AnyCart
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import PRICE, Shopper

_numbers = itertools.count(1)


class WorldCart(AnyCart, Protocol):
    """A checkout of either generation that takes codes and can be bought."""

    def promo(self, code: str) -> Any:
        """Enter a voucher's code."""

    def refuse_promo(self, code: str) -> list[dict[str, Any]]:
        """Enter a code that must be refused; return the errors."""

    def buy(self) -> dict[str, Any]:
        """Ship, pay and complete; return the order."""


class World(Protocol):
    """A shop of either generation with the goods A at 80, B at 30 and C at 50."""

    channel: Channel
    tax_percent: int
    shipping: int

    @property
    def owner(self) -> Client:
        """The owner of the shop."""

    def sign_up(self, name: str) -> Shopper:
        """Register a customer and sign in."""

    def variant(self, name: str) -> str:
        """Return the id of the goods of that name."""

    def cart(self, shopper: Shopper, **goods: int) -> WorldCart:
        """Fill a cart with goods by name."""

    def deliver(self, order: dict[str, Any]) -> None:
        """Ship an order."""

    def give_back(self, order: dict[str, Any], name: str) -> None:
        """Take one unit back and pay its money back."""

    def cancel(self, order: dict[str, Any]) -> None:
        """Cancel an order."""


# --- Saleor 3 -------------------------------------------------------------------------------------


@dataclass(slots=True)
class World3:
    """Saleor 3.x: channels, tax by flat rate, returns and granted refunds."""

    shop: Shop
    channel: Channel
    tax_percent: int = 10
    shipping: int = 10

    @property
    def owner(self) -> Client:
        """The owner of the shop."""
        return self.shop.owner

    def sign_up(self, name: str) -> Shopper:
        """Register a customer, confirm the address, sign in."""
        return storefront.sign_up(self.shop, self.channel, name)

    def variant(self, name: str) -> str:
        """Return the id of goods."""
        found: str = self.shop.variants[name]
        return found

    def cart(self, shopper: Shopper, **goods: int) -> storefront.Cart:
        """Fill a cart."""
        return storefront.fill_cart(self.shop, self.channel, shopper, **goods)

    def deliver(self, order: dict[str, Any]) -> None:
        """Ship an order."""
        self._desk(order).fulfill()

    def give_back(self, order: dict[str, Any], name: str) -> None:
        """Record the return, then have the payment service pay it back."""
        self._desk(order).take_back(**{name: 1})
        self._desk(order).refund(**{name: 1})

    def cancel(self, order: dict[str, Any]) -> None:
        """Cancel an order."""
        self._desk(order).cancel()

    def _desk(self, order: dict[str, Any]) -> Desk:
        return Desk(self.shop, order["id"], order["transactions"][0]["id"])


# --- Saleor 2.10 ----------------------------------------------------------------------------------

SKUS = {"A": "gear-grinder", "B": "beans-single", "C": "gear-kettle"}
ADDRESS = {
    "firstName": "Ada",
    "lastName": "Shopper",
    "streetAddress1": "12 Elm Street",
    "city": "Springfield",
    "postalCode": "62701",
    "country": "US",
    "countryArea": "IL",
}
ERRORS = "{ field message code }"
ADD_PROMO = f"""mutation ($id: ID!, $code: String!) {{
  checkoutAddPromoCode(checkoutId: $id, promoCode: $code) {{ errors: checkoutErrors {ERRORS} }}
}}"""


@dataclass(slots=True)
class World2:
    """Saleor 2.10.1 as the sandbox stocks it: one channel, no tax, refunds by amount."""

    owner: Client
    channel: Channel
    anonymous: Client
    tax_percent: int = 0
    shipping: int = 5

    def sign_up(self, name: str) -> Shopper:
        """Register a customer and sign in."""
        email = f"{name}-{next(_numbers)}@example.com"
        self.anonymous.do(
            f"""mutation ($email: String!, $password: String!) {{
              accountRegister(input: {{email: $email, password: $password}}) {{
                errors: accountErrors {ERRORS}
              }}
            }}""",
            email=email,
            password=PASSWORD,
        )
        return Shopper("", email, sign_in(self.anonymous, email, PASSWORD))

    def variant(self, name: str) -> str:
        """Return the id of goods."""
        return self._variants()[name]

    def cart(self, shopper: Shopper, **goods: int) -> Cart2:
        """Fill a cart and choose the parcel service."""
        made = shopper.client.do(
            f"""mutation ($input: CheckoutCreateInput!) {{
              checkoutCreate(input: $input) {{
                checkout {{ id token availableShippingMethods {{ id }} }}
                errors: checkoutErrors {ERRORS}
              }}
            }}""",
            input={
                "email": shopper.email,
                "lines": [
                    {"variantId": self._variants()[name], "quantity": count}
                    for name, count in goods.items()
                ],
                "shippingAddress": ADDRESS,
                "billingAddress": ADDRESS,
            },
        )["checkout"]
        shopper.client.do(
            f"""mutation ($id: ID!, $method: ID!) {{
              checkoutShippingMethodUpdate(checkoutId: $id, shippingMethodId: $method) {{
                errors: checkoutErrors {ERRORS}
              }}
            }}""",
            id=made["id"],
            method=made["availableShippingMethods"][0]["id"],
        )
        return Cart2(self.owner, shopper.client, made["id"], made["token"])

    def deliver(self, order: dict[str, Any]) -> None:
        """Ship an order."""
        answer = self.owner.ask("{ warehouses(first: 1) { edges { node { id } } } }")
        warehouse = answer["warehouses"]["edges"][0]["node"]["id"]
        self.owner.do(
            f"""mutation ($order: ID!, $input: OrderFulfillInput!) {{
              orderFulfill(order: $order, input: $input) {{ errors: orderErrors {ERRORS} }}
            }}""",
            order=order["id"],
            input={
                "notifyCustomer": False,
                "lines": [
                    {
                        "orderLineId": row["id"],
                        "stocks": [{"quantity": row["quantity"], "warehouse": warehouse}],
                    }
                    for row in order["lines"]
                ],
            },
        )

    def give_back(self, order: dict[str, Any], name: str) -> None:
        """Pay one unit's money back; 2.10 knows no other way to say that goods came back."""
        (line,) = [row for row in order["lines"] if row["productSku"] == SKUS[name]]
        self.owner.do(
            f"""mutation ($id: ID!, $amount: Decimal!) {{
              orderRefund(id: $id, amount: $amount) {{ errors: orderErrors {ERRORS} }}
            }}""",
            id=order["id"],
            amount=line["unitPrice"]["gross"]["amount"],
        )

    def cancel(self, order: dict[str, Any]) -> None:
        """Cancel an order."""
        self.owner.do(
            f"""mutation ($id: ID!) {{
              orderCancel(id: $id) {{ errors: orderErrors {ERRORS} }}
            }}""",
            id=order["id"],
        )

    def _variants(self) -> dict[str, str]:
        answer = self.anonymous.ask(
            "{ products(first: 20) { edges { node { variants { id sku } } } } }"
        )
        by_sku = {
            variant["sku"]: variant["id"]
            for edge in answer["products"]["edges"]
            for variant in edge["node"]["variants"]
        }
        return {name: by_sku[sku] for name, sku in SKUS.items()}


@dataclass(slots=True)
class Cart2:
    """A checkout of Saleor 2.10."""

    owner: Client
    client: Client
    id: str
    token: str

    def ask(self, selection: str, fragments: str = "") -> dict[str, Any]:
        """Return some fields of the checkout."""
        answer = self.client.ask(
            f"query ($token: UUID) {{ checkout(token: $token) {{ {selection} }} }} {fragments}",
            token=self.token,
        )
        found: dict[str, Any] = answer["checkout"]
        return found

    def promo(self, code: str) -> None:
        """Enter a voucher's code."""
        self.client.do(ADD_PROMO, id=self.id, code=code)

    def refuse_promo(self, code: str) -> list[dict[str, Any]]:
        """Enter a code that must be refused; return the errors."""
        return self.client.refused(ADD_PROMO, id=self.id, code=code)

    def buy(self) -> dict[str, Any]:
        """Pay what the checkout says and complete it; return the order."""
        total = self.ask("totalPrice { gross { amount } }")["totalPrice"]["gross"]["amount"]
        self.client.do(
            f"""mutation ($id: ID!, $amount: Decimal!) {{
              checkoutPaymentCreate(
                checkoutId: $id
                input: {{gateway: "mirumee.payments.dummy", token: "card", amount: $amount}}
              ) {{ errors: paymentErrors {ERRORS} }}
            }}""",
            id=self.id,
            amount=total,
        )
        order = self.client.do(
            f"""mutation ($id: ID!) {{
              checkoutComplete(checkoutId: $id) {{
                order {{ id }} errors: checkoutErrors {ERRORS}
              }}
            }}""",
            id=self.id,
        )["order"]
        answer = self.owner.ask(
            f"""query ($id: ID!) {{ order(id: $id) {{
              id status subtotal {PRICE} total {PRICE} shippingPrice {PRICE}
              lines {{ id productSku quantity unitPrice {PRICE} }}
            }} }}""",
            id=order["id"],
        )
        found: dict[str, Any] = answer["order"]
        return found


def sign_in(anonymous: Client, email: str, password: str) -> Client:
    """Return the shop of 2.10 as somebody sees it who signed in."""
    payload = anonymous.do(
        f"""mutation ($email: String!, $password: String!) {{
          tokenCreate(email: $email, password: $password) {{
            token errors: accountErrors {ERRORS}
          }}
        }}""",
        email=email,
        password=password,
    )
    return Client(anonymous.url, payload["token"], scheme="JWT")


def subtotal(cart: AnyCart) -> Taxed:
    """Return what the goods of a cart cost now."""
    return shown(cart.ask(f"subtotalPrice {PRICE}")["subtotalPrice"])
