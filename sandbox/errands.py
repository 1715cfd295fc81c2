"""What people of the story do in any Saleor 2.10.1: sign up, fill a cart, pay, ship, refund."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox import seed
from sandbox.graphql_client import Client
from sandbox.keepsakes import keepsake
from sandbox.premises import Premises
from sandbox.telling import Teller

ADA = "ada@example.com"
ADDRESS = {
    "firstName": "Ada",
    "lastName": "Moreau",
    "streetAddress1": "12 Elm Street",
    "city": "Springfield",
    "postalCode": "62701",
    "country": "US",
    "countryArea": "IL",
}
CART = """checkout { id token
  lines { quantity totalPrice { gross { amount } } variant { product { name } } }
  subtotalPrice { gross { amount } } shippingPrice { gross { amount } }
  totalPrice { gross { amount } } }"""


@dataclass(slots=True)
class Shop:
    """The shop as the people of the story know it: who is signed in, what goods are called."""

    teller: Teller
    premises: Premises
    shopper: str = ADA  # whose cart is filled
    variants: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    collections: dict[str, str] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    _ada: Client | None = None
    _staff: Client | None = None

    @property
    def anyone(self) -> Client:
        """The shop as somebody sees it who is not signed in."""
        return self.premises.client

    @property
    def ada(self) -> Client:
        """The shop as Ada sees it; she has to be signed in."""
        assert self._ada is not None
        return self._ada

    @property
    def staff(self) -> Client:
        """The shop as its staff sees it, signed in when first needed."""
        if self._staff is None:
            self._staff = sign_in(self, seed.ADMIN_EMAIL, keepsake("admin_password"))
        return self._staff

    def ada_enters(self, client: Client) -> None:
        """Remember Ada's session."""
        self._ada = client


def read_shelf(shop: Shop) -> dict[str, Decimal]:
    """Return what everybody is asked for each product."""
    answer = shop.teller.ask(
        shop.anyone,
        """{ products(first: 20) { edges { node { id name
               variants { id pricing { price { gross { amount } } } } } } }
             collections(first: 5) { edges { node { id name } } } }""",
    )
    for edge in answer["collections"]["edges"]:
        shop.collections[edge["node"]["name"]] = edge["node"]["id"]
    prices = {}
    for edge in answer["products"]["edges"]:
        product = edge["node"]
        (variant,) = product["variants"]
        shop.products[product["name"]] = product["id"]
        shop.variants[product["name"]] = variant["id"]
        prices[product["name"]] = variant["pricing"]["price"]["gross"]["amount"]
    return prices


def sign_up(shop: Shop, email: str, password: str) -> str:
    """Make an account and return its address."""
    account = shop.teller.do(
        shop.anyone,
        """mutation ($email: String!, $password: String!) {
             accountRegister(input: {email: $email, password: $password}) {
               user { email } accountErrors { field message } } }""",
        email=email,
        password=password,
    )
    address: str = account["user"]["email"]
    return address


def sign_in(shop: Shop, email: str, password: str) -> Client:
    """Return the shop as seen by somebody who signed in."""
    session = shop.teller.do(
        shop.anyone,
        """mutation ($email: String!, $password: String!) {
             tokenCreate(email: $email, password: $password) {
               token accountErrors { field message } } }""",
        email=email,
        password=password,
    )
    return shop.anyone.signed_in(session["token"])


def fill_cart(shop: Shop, goods: dict[str, int]) -> dict[str, Any]:
    """Put goods into a cart of Ada's, choose the parcel, and return the cart."""
    lines = [{"variantId": shop.variants[name], "quantity": many} for name, many in goods.items()]
    made = shop.teller.do(
        shop.ada,
        """mutation ($input: CheckoutCreateInput!) { checkoutCreate(input: $input) {
             checkout { id availableShippingMethods { id } }
             checkoutErrors { field message } } }""",
        input={
            "email": shop.shopper,
            "lines": lines,
            "shippingAddress": ADDRESS,
            "billingAddress": ADDRESS,
        },
    )["checkout"]
    cart: dict[str, Any] = shop.teller.do(
        shop.ada,
        f"""mutation ($id: ID!, $method: ID!) {{
             checkoutShippingMethodUpdate(checkoutId: $id, shippingMethodId: $method) {{
               {CART} checkoutErrors {{ field message }} }} }}""",
        id=made["id"],
        method=made["availableShippingMethods"][0]["id"],
    )["checkout"]
    return cart


def add_to_cart(shop: Shop, cart_id: str, goods: dict[str, int]) -> dict[str, Any]:
    """Put more goods into a cart and return it."""
    cart: dict[str, Any] = shop.teller.do(
        shop.ada,
        f"""mutation ($id: ID!, $lines: [CheckoutLineInput!]!) {{
             checkoutLinesAdd(checkoutId: $id, lines: $lines) {{
               {CART} checkoutErrors {{ field message }} }} }}""",
        id=cart_id,
        lines=[
            {"variantId": shop.variants[name], "quantity": many} for name, many in goods.items()
        ],
    )["checkout"]
    return cart


def pay(shop: Shop, cart_id: str, amount: Decimal) -> dict[str, Any]:
    """Pay what the cart says, place the order and return it."""
    shop.teller.do(
        shop.ada,
        """mutation ($id: ID!, $amount: Decimal!) { checkoutPaymentCreate(checkoutId: $id,
             input: {gateway: "mirumee.payments.dummy", token: "card", amount: $amount}) {
               payment { id } paymentErrors { field message } } }""",
        id=cart_id,
        amount=amount,
    )
    order: dict[str, Any] = shop.teller.do(
        shop.ada,
        """mutation ($id: ID!) { checkoutComplete(checkoutId: $id) {
             order { id number paymentStatus total { gross { amount } }
                     shippingPrice { gross { amount } } lines { id quantity } }
             checkoutErrors { field message } } }""",
        id=cart_id,
    )["order"]
    shop.orders.append(order)
    return order


def ship(shop: Shop, order: dict[str, Any]) -> str:
    """Let staff send everything; return the order's status."""
    lines = [
        {
            "orderLineId": line["id"],
            "stocks": [{"quantity": line["quantity"], "warehouse": _warehouse(shop)}],
        }
        for line in order["lines"]
    ]
    done = shop.teller.do(
        shop.staff,
        """mutation ($order: ID!, $input: OrderFulfillInput!) {
             orderFulfill(order: $order, input: $input) {
               order { status } orderErrors { field message } } }""",
        order=order["id"],
        input={"lines": lines, "notifyCustomer": False},
    )
    status: str = done["order"]["status"]
    return status


def refund(shop: Shop, order: dict[str, Any], amount: Decimal) -> Decimal:
    """Let staff give money back; return what the shop keeps."""
    done = shop.teller.do(
        shop.staff,
        """mutation ($id: ID!, $amount: Decimal!) { orderRefund(id: $id, amount: $amount) {
             order { totalCaptured { amount } } orderErrors { field message } } }""",
        id=order["id"],
        amount=amount,
    )
    kept: Decimal = done["order"]["totalCaptured"]["amount"]
    return kept


def _warehouse(shop: Shop) -> str:
    found = shop.staff.ask("{ warehouses(first: 1) { edges { node { id } } } }")
    warehouse: str = found["warehouses"]["edges"][0]["node"]["id"]
    return warehouse
