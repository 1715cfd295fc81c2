"""The shopper's side: signing up, a cart, a checkout, paying, and reading the order.

Amounts are ``Decimal`` as the API shows them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.acceptance.backroom import PASSWORD
from tests.acceptance.client import Client
from tests.acceptance.shop import Channel, Shop

_numbers = itertools.count(1)

PRICE = "{ net { amount } gross { amount } tax { amount } }"
CART = f"""
fragment Cart on Checkout {{
  id token email voucherCode discountName chargeStatus
  user {{ id }}
  discount {{ amount }}
  subtotalPrice {PRICE}
  shippingPrice {PRICE}
  totalPrice {PRICE}
  giftCards {{ id }}
  shippingMethods {{ id }}
  lines {{
    id quantity isGift variant {{ sku }}
    unitPrice {PRICE} totalPrice {PRICE}
    undiscountedUnitPrice {{ amount }} undiscountedTotalPrice {{ amount }}
  }}
}}
"""
ORDER = f"""
fragment Order on Order {{
  id number status chargeStatus origin isPaid userEmail voucherCode checkoutId
  user {{ id }}
  subtotal {PRICE}
  shippingPrice {PRICE}
  undiscountedShippingPrice {{ amount }}
  total {PRICE}
  undiscountedTotal {PRICE}
  totalCharged {{ amount }} totalBalance {{ amount }} totalRefunded {{ amount }}
  discounts {{ type amount {{ amount }} }}
  giftCards {{ id }}
  fulfillments {{ id status lines {{ id quantity orderLine {{ id productSku }} }} }}
  transactions {{ id }}
  lines {{
    id productSku quantity isGift
    unitPrice {PRICE} totalPrice {PRICE} undiscountedUnitPrice {PRICE}
    unitDiscount {{ amount }} unitDiscountReason
    discounts {{ type name valueType value total {{ amount }} }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Shopper:
    """A signed-in customer."""

    id: str
    email: str
    client: Client


@dataclass(slots=True)
class Cart:
    """One checkout, as whoever holds ``client`` works on it."""

    shop: Shop
    channel: Channel
    client: Client
    id: str

    def _do(self, mutation: str, arguments: str = "", types: str = "", **values: Any) -> Any:
        payload = self.client.do(
            f"""mutation ($id: ID! {types}) {{
              {mutation}(id: $id {arguments}) {{
                checkout {{ ...Cart }} errors {{ field message code }}
              }}
            }} {CART}""",
            id=self.id,
            **values,
        )
        return payload["checkout"]

    def read(self) -> dict[str, Any]:
        """Return the checkout as a storefront shows it."""
        return self.ask("...Cart", CART)

    def ask(self, selection: str, fragments: str = "") -> dict[str, Any]:
        """Return some fields of the checkout."""
        answer = self.client.ask(
            f"query ($id: ID!) {{ checkout(id: $id) {{ {selection} }} }} {fragments}", id=self.id
        )
        found: dict[str, Any] = answer["checkout"]
        return found

    def add(self, **quantities: int) -> Any:
        """Add goods by name."""
        return self._do(
            "checkoutLinesAdd",
            ", lines: $lines",
            ", $lines: [CheckoutLineInput!]!",
            lines=lines(self.shop, quantities),
        )

    def update(self, **quantities: int) -> Any:
        """Set quantities by name."""
        return self._do(
            "checkoutLinesUpdate",
            ", lines: $lines",
            ", $lines: [CheckoutLineUpdateInput!]!",
            lines=lines(self.shop, quantities),
        )

    def remove(self, name: str) -> Any:
        """Delete the line with these goods."""
        (line,) = [row for row in self.read()["lines"] if row["variant"]["sku"] == name]
        return self._do("checkoutLineDelete", ", lineId: $line", ", $line: ID", line=line["id"])

    def attach(self, shopper: Shopper) -> Any:
        """Sign in on this checkout: from now on it is the shopper's."""
        self.client = shopper.client
        return self._do("checkoutCustomerAttach")

    def detach(self) -> Any:
        """Sign out of this checkout: from now on it is nobody's."""
        checkout = self._do("checkoutCustomerDetach")
        self.client = self.shop.anonymous
        return checkout

    def promo(self, code: str) -> Any:
        """Enter a voucher's or a gift card's code."""
        return self._do("checkoutAddPromoCode", ", promoCode: $code", ", $code: String!", code=code)

    def refuse_promo(self, code: str) -> list[dict[str, Any]]:
        """Enter a code that must be refused; return the errors."""
        return self.client.refused(
            """mutation ($id: ID!, $code: String!) {
              checkoutAddPromoCode(id: $id, promoCode: $code) { errors { field message code } }
            }""",
            id=self.id,
            code=code,
        )

    def remove_promo(self, code: str) -> Any:
        """Take a code back."""
        return self._do(
            "checkoutRemovePromoCode", ", promoCode: $code", ", $code: String", code=code
        )

    def ship(self) -> Any:
        """Give the addresses and choose the parcel service."""
        for mutation, name in (
            ("checkoutBillingAddressUpdate", "billingAddress"),
            ("checkoutShippingAddressUpdate", "shippingAddress"),
        ):
            checkout = self._do(
                mutation,
                f", {name}: $address",
                ", $address: AddressInput!",
                address=self.channel.address,
            )
        return self._do(
            "checkoutDeliveryMethodUpdate",
            ", deliveryMethodId: $method",
            ", $method: ID",
            method=checkout["shippingMethods"][0]["id"],
        )

    def pay(self, amount: Decimal | None = None, action: str = "amountCharged") -> str:
        """Have the payment service report money for this checkout; return the transaction's id."""
        if amount is None:
            amount = self.read()["totalPrice"]["gross"]["amount"]
        return report_payment(self.shop, self.channel, self.id, amount, action)

    def pay_by_gateway(self) -> None:
        """Choose to pay the old way: Saleor's dummy gateway charges when it is completed."""
        total = self.read()["totalPrice"]["gross"]["amount"]
        self.client.do(
            """mutation ($id: ID!, $input: PaymentInput!) {
              checkoutPaymentCreate(id: $id, input: $input) { errors { field message code } }
            }""",
            id=self.id,
            input={"gateway": "mirumee.payments.dummy", "token": "token", "amount": total},
        )

    def complete(self) -> dict[str, Any]:
        """Turn the paid checkout into an order and return it."""
        payload = self.client.do(
            """mutation ($id: ID!) {
              checkoutComplete(id: $id) { order { id } errors { field message code } }
            }""",
            id=self.id,
        )
        return read_order(self.shop, payload["order"]["id"])

    def order_and_keep(self) -> dict[str, Any]:
        """Have the storefront's app make an order of the checkout, which stays."""
        payload = self.shop.storefront.do(
            """mutation ($id: ID!) {
              orderCreateFromCheckout(id: $id, removeCheckout: false) {
                order { id } errors { field message code }
              }
            }""",
            id=self.id,
        )
        return read_order(self.shop, payload["order"]["id"])

    def refuse_completion(self) -> list[dict[str, Any]]:
        """Try to complete when that must be refused; return the errors."""
        return self.client.refused(
            """mutation ($id: ID!) {
              checkoutComplete(id: $id) { order { id } errors { field message code } }
            }""",
            id=self.id,
        )

    def buy(self) -> dict[str, Any]:
        """Ship, pay and complete."""
        checkout = self.ship()
        total = checkout["totalPrice"]["gross"]["amount"]
        if total:
            self.pay()
        return self.complete()


def read_order(shop: Shop, order: str) -> dict[str, Any]:
    """Return an order as the shop's staff sees it."""
    answer = shop.owner.ask(
        f"query ($id: ID!) {{ order(id: $id) {{ ...Order }} }} {ORDER}", id=order
    )
    result: dict[str, Any] = answer["order"]
    return result


def sign_up(shop: Shop, channel: Channel, name: str = "shopper") -> Shopper:
    """Register a customer, confirm the address, and sign in."""
    email = f"{name}-{next(_numbers)}@example.com"
    register(shop, channel, email)
    user = confirm(shop, email)
    return Shopper(user, email, shop.login(email))


def register(shop: Shop, channel: Channel, email: str) -> None:
    """Register a customer whose address is not confirmed yet."""
    shop.anonymous.do(
        """mutation ($input: AccountRegisterInput!) {
          accountRegister(input: $input) { errors { field message code } }
        }""",
        input={"email": email, "password": PASSWORD, "channel": channel.slug},
    )


def confirm(shop: Shop, email: str) -> str:
    """Confirm a registered address, as its owner or the staff does; return the user's id."""
    answer = shop.owner.ask("query ($email: String) { user(email: $email) { id } }", email=email)
    shop.owner.do(
        """mutation ($id: ID!) {
          customerUpdate(id: $id, input: {isConfirmed: true}) { errors { field message code } }
        }""",
        id=answer["user"]["id"],
    )
    user: str = answer["user"]["id"]
    return user


def lines(shop: Shop, quantities: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return checkout lines for goods by name."""
    return [
        {"variantId": shop.variants[name], "quantity": quantity}
        for name, quantity in quantities.items()
    ]


def fill_cart(
    shop: Shop,
    channel: Channel,
    shopper: Shopper | None = None,
    *,
    email: str | None = None,
    **quantities: int,
) -> Cart:
    """Create a checkout with goods by name, as a customer or as a guest."""
    client = shopper.client if shopper else shop.anonymous
    payload = client.do(
        f"""mutation ($input: CheckoutCreateInput!) {{
          checkoutCreate(input: $input) {{
            checkout {{ ...Cart }} errors {{ field message code }}
          }}
        }} {CART}""",
        input={
            "channel": channel.slug,
            "lines": lines(shop, quantities),
            **({"email": email or f"guest-{next(_numbers)}@example.com"} if not shopper else {}),
        },
    )
    return Cart(shop, channel, client, payload["checkout"]["id"])


def report_payment(
    shop: Shop, channel: Channel, target: str, amount: Decimal, action: str = "amountCharged"
) -> str:
    """Report money for a checkout or an order, as a payment service does."""
    payload = shop.payments.do(
        """mutation ($id: ID!, $input: TransactionCreateInput!) {
          transactionCreate(id: $id, transaction: $input) {
            transaction { id } errors { field message code }
          }
        }""",
        id=target,
        input={
            "name": "Card",
            "pspReference": f"psp-{next(_numbers)}",
            "availableActions": ["REFUND"],
            action: {"amount": amount, "currency": channel.currency},
        },
    )
    transaction: str = payload["transaction"]["id"]
    return transaction


def line_of(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the line with these goods of a checkout or an order."""
    found = [
        line
        for line in row["lines"]
        if (line.get("productSku") or line.get("variant", {}).get("sku")) == name
        and not line["isGift"]
    ]
    (line,) = found
    result: dict[str, Any] = line
    return result
