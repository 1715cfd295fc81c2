"""The story of the demo, told over HTTP GraphQL only.

What is expected is worked out here with plain arithmetic on the price list below, which is written
down a second time on purpose: it shares nothing with the code that it checks.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.graphql_client import ApiError, Client
from sandbox.telling import Teller

PRICES = {
    "House Blend": Decimal(20),
    "Single Origin": Decimal(30),
    "Decaf": Decimal(10),
    "Grinder": Decimal(80),
    "Kettle": Decimal(50),
    "Cup": Decimal(5),
}
SHIPPING = Decimal(5)
ADDRESS = {
    "firstName": "Ada",
    "lastName": "Moreau",
    "streetAddress1": "12 Elm Street",
    "city": "Springfield",
    "postalCode": "62701",
    "country": "US",
    "countryArea": "IL",
}


@dataclass(slots=True)
class Shop:
    """What the people of the story know: addresses, passwords, tokens, what they bought."""

    anyone: Client
    ada_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    ada: Client | None = None
    staff: Client | None = None
    variants: dict[str, str] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)


def tell(client: Client) -> list[str]:
    """Tell the whole story in an open shop; return what was wrong."""
    teller = Teller()
    shop = Shop(client)
    try:
        for scene in SCENES:
            scene(teller, shop)
    except ApiError as error:
        teller.broke_off(error)
    return teller.end()


def look_around(teller: Teller, shop: Shop) -> None:
    """Anyone sees the goods and their prices."""
    teller.scene("A visitor looks at the shelf")
    answer = teller.ask(
        shop.anyone,
        """{ products(first: 20, sortBy: {field: NAME, direction: ASC}) { edges { node {
             name variants { id pricing { price { gross { amount } } } } } } } }""",
    )
    seen = {}
    for edge in answer["products"]["edges"]:
        product = edge["node"]
        (variant,) = product["variants"]
        shop.variants[product["name"]] = variant["id"]
        seen[product["name"]] = variant["pricing"]["price"]["gross"]["amount"]
    for name, price in PRICES.items():
        teller.see(name, seen.get(name), price)


def sign_up(teller: Teller, shop: Shop) -> None:
    """Ada makes an account and signs in."""
    teller.scene("Ada signs up")
    email = "ada@example.com"
    account = teller.do(
        shop.anyone,
        """mutation ($email: String!, $password: String!) {
             accountRegister(input: {email: $email, password: $password}) {
               user { email } accountErrors { field message } } }""",
        email=email,
        password=shop.ada_password,
    )
    teller.see("account", account["user"]["email"], email)
    shop.ada = sign_in(teller, shop.anyone, email, shop.ada_password)


def sign_in(teller: Teller, client: Client, email: str, password: str) -> Client:
    """Return the shop as seen by somebody who signed in."""
    session = teller.do(
        client,
        """mutation ($email: String!, $password: String!) {
             tokenCreate(email: $email, password: $password) {
               token accountErrors { field message } } }""",
        email=email,
        password=password,
    )
    return client.signed_in(session["token"])


def first_order(teller: Teller, shop: Shop) -> None:
    """Ada buys two bags of coffee and a cup."""
    goods = {"House Blend": 2, "Cup": 1}
    teller.scene("Ada buys two House Blend and a Cup")
    assert shop.ada is not None
    order = buy(teller, shop, shop.ada, goods)
    teller.see("subtotal", order["subtotal"]["gross"]["amount"], cost(goods))
    teller.see("total", order["total"]["gross"]["amount"], cost(goods) + SHIPPING)
    teller.see("payment", order["paymentStatus"], "FULLY_CHARGED")


def refund(teller: Teller, shop: Shop) -> None:
    """Staff gives back the price of one bag."""
    teller.scene("Ada returns one House Blend; staff refunds it")
    from sandbox import keepsakes, seed

    password = keepsakes.keepsake("admin_password")
    shop.staff = sign_in(teller, shop.anyone, seed.ADMIN_EMAIL, password)
    back = PRICES["House Blend"]
    answer = teller.do(
        shop.staff,
        """mutation ($id: ID!, $amount: Decimal!) { orderRefund(id: $id, amount: $amount) {
             order { paymentStatus totalCaptured { amount } } orderErrors { field message } } }""",
        id=shop.orders[-1]["id"],
        amount=back,
    )
    paid = shop.orders[-1]["total"]["gross"]["amount"]
    teller.see("payment", answer["order"]["paymentStatus"], "PARTIALLY_REFUNDED")
    teller.see("kept by the shop", answer["order"]["totalCaptured"]["amount"], paid - back)


def buy(teller: Teller, shop: Shop, client: Client, goods: dict[str, int]) -> dict[str, Any]:
    """Go through a whole checkout and return the order."""
    checkout = start_checkout(teller, shop, client, goods)
    return complete(teller, shop, client, checkout)


def start_checkout(
    teller: Teller, shop: Shop, client: Client, goods: dict[str, int]
) -> dict[str, Any]:
    """Fill a cart and choose how it is shipped."""
    lines = [{"variantId": shop.variants[name], "quantity": many} for name, many in goods.items()]
    made = teller.do(
        client,
        """mutation ($input: CheckoutCreateInput!) { checkoutCreate(input: $input) {
             checkout { id availableShippingMethods { id } }
             checkoutErrors { field message } } }""",
        input={
            "email": "ada@example.com",
            "lines": lines,
            "shippingAddress": ADDRESS,
            "billingAddress": ADDRESS,
        },
    )["checkout"]
    return teller.do(
        client,
        """mutation ($id: ID!, $method: ID!) {
             checkoutShippingMethodUpdate(checkoutId: $id, shippingMethodId: $method) {
               checkout { id token totalPrice { gross { amount } } }
               checkoutErrors { field message } } }""",
        id=made["id"],
        method=made["availableShippingMethods"][0]["id"],
    )["checkout"]


def complete(
    teller: Teller, shop: Shop, client: Client, checkout: dict[str, Any]
) -> dict[str, Any]:
    """Pay what the cart says and place the order."""
    teller.do(
        client,
        """mutation ($id: ID!, $amount: Decimal!) { checkoutPaymentCreate(checkoutId: $id,
             input: {gateway: "mirumee.payments.dummy", token: "card", amount: $amount}) {
               payment { id } paymentErrors { field message } } }""",
        id=checkout["id"],
        amount=checkout["totalPrice"]["gross"]["amount"],
    )
    order: dict[str, Any] = teller.do(
        client,
        """mutation ($id: ID!) { checkoutComplete(checkoutId: $id) {
             order { id number paymentStatus total { gross { amount } }
                     subtotal { gross { amount } } }
             checkoutErrors { field message } } }""",
        id=checkout["id"],
    )["order"]
    shop.orders.append(order)
    return order


def cost(goods: dict[str, int]) -> Decimal:
    """Add up a shopping list at shelf prices."""
    return sum((PRICES[name] * many for name, many in goods.items()), Decimal(0))


SCENES: tuple[Callable[[Teller, Shop], None], ...] = (look_around, sign_up, first_order, refund)
