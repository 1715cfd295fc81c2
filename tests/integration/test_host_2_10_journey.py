"""A shopper's way through a real Saleor 2.10.1 over HTTP: to the cent and to the point."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from graphql_relay import from_global_id, to_global_id

from saleor_retention import host, models
from saleor_retention.services.setting_up import programs
from sandbox import hosts, schemas, server
from sandbox.graphql_client import ApiError, Client

pytestmark = [pytest.mark.saleor2, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-enough-passphrase"
RULES: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
    "reference": {"currency": "USD"},
    "welcome_points": 200,
    "tiers": {
        "metric": "spend",
        "ladder": [
            {"slug": "regular", "name": "Regular", "threshold": "0", "prices": [{"percent": 5}]},
            {
                "slug": "vip",
                "name": "VIP",
                "threshold": "50.00",
                "earn_multiplier": "2",
                "prices": [{"percent": 10}],
                "free_shipping": True,
            },
        ],
    },
}
LOGIN = """mutation ($email: String!, $password: String!) {
  tokenCreate(email: $email, password: $password) { token accountErrors { message } } }"""
CART = """query ($token: UUID!) { checkout(token: $token) {
  id lines { totalPrice { gross { amount } } } subtotalPrice { gross { amount } }
  shippingPrice { gross { amount } } totalPrice { gross { amount } }
  retention {
    earns redeemableMax freeShipping saving { amount }
    redemption { points effectivePoints value { amount } } } } }"""
BALANCE = """{ me { retention {
  balance { available pending held deficit } tier { slug } } } }"""
ORDER = """{ me { orders(first: 1) { edges { node {
  number status isPaid total { gross { amount } } subtotal { gross { amount } }
  shippingPrice { gross { amount } } discount { amount } discountName
  lines { quantity unitPrice { gross { amount } } }
  retention { earned redeemed clawedBack restored } } } } } }"""


@pytest.fixture
def shop() -> Iterator[SimpleNamespace]:
    """A server process of its own on the test's database, with goods, staff and a program."""
    from tests.factories import saleor_2_10 as make

    make.make_channel(shipping_price="5.00")
    coke, cake = make.make_product("4.00"), make.make_product("9.99")
    owner = make.make_staff()
    owner.set_password(PASSWORD)
    owner.save()
    (channel,) = host.current().channels()
    programs.create_program(slug="club", name="Club", channels=[channel.ref], document=RULES)
    (saleor,) = hosts.select([hosts.SALEOR_2])
    database = schemas.database_url(os.environ["DATABASE_URL"], connection.settings_dict["NAME"])
    with server.running(saleor, {**os.environ, "DATABASE_URL": database}) as anyone:
        token = anyone.do(LOGIN, email=owner.email, password=PASSWORD)["token"]
        yield SimpleNamespace(
            anyone=anyone,
            owner=anyone.signed_in(token),
            coke=make.gid("ProductVariant", coke),
            cake=make.gid("ProductVariant", cake),
        )


def amount(price: dict[str, Any]) -> Decimal:
    """Return a gross price of the API."""
    return Decimal(price["gross"]["amount"])


def register(shop: SimpleNamespace) -> Client:
    """Sign a shopper up and in."""
    shop.anyone.do(
        """mutation ($input: AccountRegisterInput!) { accountRegister(input: $input) {
             user { email } accountErrors { field message } } }""",
        input={"email": "ada@shop.example", "password": PASSWORD},
    )
    token = shop.anyone.do(LOGIN, email="ada@shop.example", password=PASSWORD)["token"]
    return shop.anyone.signed_in(token)


def fill(shopper: Client, goods: dict[str, int]) -> str:
    """Put goods into a new cart with an address and a delivery; return its token."""
    from tests.factories.saleor_2_10 import ADDRESS

    checkout = shopper.do(
        """mutation ($input: CheckoutCreateInput!) { checkoutCreate(input: $input) {
             checkout { id token availableShippingMethods { id } }
             checkoutErrors { field message } } }""",
        input={
            "email": "ada@shop.example",
            "lines": [
                {"variantId": variant, "quantity": quantity} for variant, quantity in goods.items()
            ],
            "shippingAddress": ADDRESS,
            "billingAddress": ADDRESS,
        },
    )["checkout"]
    shopper.do(
        """mutation ($id: ID!, $method: ID!) {
             checkoutShippingMethodUpdate(checkoutId: $id, shippingMethodId: $method) {
               checkout { id } checkoutErrors { message } } }""",
        id=checkout["id"],
        method=checkout["availableShippingMethods"][0]["id"],
    )
    return checkout["token"]


def look(shopper: Client, token: str) -> dict[str, Any]:
    """Return the cart as its owner sees it."""
    return shopper.ask(CART, token=token)["checkout"]


def redeem(shopper: Client, cart: dict[str, Any], points: int) -> None:
    """Set points on a cart."""
    shopper.do(
        """mutation ($id: ID!, $points: RetentionWholeNumber!) {
             retentionRedemptionSet(checkoutId: $id, points: $points) {
               checkout { id } errors { field message code } } }""",
        id=cart["id"],
        points=points,
    )


def buy(shopper: Client, token: str) -> dict[str, Any]:
    """Pay what the cart costs through the dummy gateway and complete it; return the order."""
    cart = look(shopper, token)
    shopper.do(
        """mutation ($id: ID!, $amount: Decimal!) { checkoutPaymentCreate(checkoutId: $id, input: {
             gateway: "mirumee.payments.dummy", token: "card", amount: $amount
           }) { payment { id } paymentErrors { field message } } }""",
        id=cart["id"],
        amount=amount(cart["totalPrice"]),
    )
    shopper.do(
        """mutation ($id: ID!) { checkoutComplete(checkoutId: $id) {
             order { id } checkoutErrors { field message } } }""",
        id=cart["id"],
    )
    return last_order(shopper)


def last_order(shopper: Client) -> dict[str, Any]:
    """Return the shopper's last order."""
    (edge,) = shopper.ask(ORDER)["me"]["orders"]["edges"]
    return edge["node"]


def assert_adds_up(order: dict[str, Any]) -> None:
    """Lines, subtotal, shipping, discount and total say the same."""
    lines = sum(
        (line["quantity"] * amount(line["unitPrice"]) for line in order["lines"]), Decimal(0)
    )
    assert lines == amount(order["subtotal"])
    discount = Decimal(order["discount"]["amount"])
    assert lines + amount(order["shippingPrice"]) - discount == amount(order["total"])


def balance(shopper: Client) -> tuple[int, int, int, int, str]:
    """Return the member's points (available, pending, held, deficit) and tier."""
    member = shopper.ask(BALANCE)["me"]["retention"]
    return (*member["balance"].values(), member["tier"]["slug"])


def staff(shop: SimpleNamespace, call: str, order: dict[str, Any], **variables: Any) -> None:
    """Do something to an order as staff."""
    from tests.factories.saleor_2_10 import gid

    kinds = "".join(f", ${name}: Decimal!" for name in variables)
    shop.owner.do(
        f"mutation ($id: ID!{kinds}) {{ {call} {{ orderErrors {{ field message }} }} }}",
        id=gid("Order", order["number"]),
        **variables,
    )


def attach(shopper: Client, cart_id: str) -> None:
    """Make a cart the shopper's."""
    shopper.do(
        """mutation ($id: ID!) { checkoutCustomerAttach(checkoutId: $id) {
             checkout { id } checkoutErrors { message } } }""",
        id=cart_id,
    )


def test_many_at_once(shop: SimpleNamespace) -> None:
    """Eight carts want the same points and one gets them; all who look at a cart see one price."""
    ada = register(shop)
    carts = [look(ada, fill(ada, {shop.coke: 3}))]
    for _ in range(7):
        token = fill(shop.anyone, {shop.coke: 3})
        carts.append({"id": to_global_id("Checkout", token)})
        attach(ada, carts[-1]["id"])

    def attempt(cart: dict[str, Any]) -> str:
        try:
            redeem(ada, cart, 200)
        except ApiError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, carts))
        winner = from_global_id(carts[answers.index("done")]["id"])[1]
        totals = set(pool.map(lambda _: amount(look(ada, winner)["totalPrice"]), range(24)))

    assert answers.count("done") == 1
    assert sum("200 points were asked for and 0 are left" in answer for answer in answers) == 7
    assert balance(ada) == (0, 0, 200, 0, "regular")
    assert totals == {Decimal("14.40")}  # 3 x 3.80 less 2.00, and 5.00 for shipping
    assert models.StoredQuote.objects.filter(checkout_ref=winner).count() == 1


def test_the_loop(shop: SimpleNamespace) -> None:
    """Sign up, see the member's price, pay partly with points, climb, give back, cancel."""
    ada = register(shop)
    assert balance(ada) == (200, 0, 0, 0, "regular")

    # 3 x 4.00 at 5 % off is 3 x 3.80; 2 x 9.99 is 2 x 9.49: 30.38. Shipping is 5.00.
    token = fill(ada, {shop.coke: 3, shop.cake: 2})
    cart = look(ada, token)
    assert [amount(line["totalPrice"]) for line in cart["lines"]] == [
        Decimal("11.40"),
        Decimal("18.98"),
    ]
    assert amount(cart["totalPrice"]) == Decimal("35.38")
    assert (cart["retention"]["earns"], cart["retention"]["redeemableMax"]) == (30, 200)

    # 100 points take 1.00 off 30.38: 38 cents and 62; units make it 36 of three and 64 of two.
    redeem(ada, cart, 100)
    cart = look(ada, token)
    assert amount(cart["totalPrice"]) == Decimal("34.38")
    assert cart["retention"]["redemption"] == {
        "points": 100,
        "effectivePoints": 100,
        "value": {"amount": Decimal("1.0")},
    }
    assert cart["retention"]["earns"] == 29
    assert balance(ada) == (100, 0, 100, 0, "regular")
    with pytest.raises(ApiError, match="201 points were asked for and 200 are left"):
        redeem(ada, cart, 201)

    first = buy(ada, token)
    assert amount(first["total"]) == Decimal("34.38")
    assert [amount(line["unitPrice"]) for line in first["lines"]] == [
        Decimal("3.68"),
        Decimal("9.17"),
    ]
    assert_adds_up(first)
    assert first["retention"] == {"earned": 29, "redeemed": 100, "clawedBack": 0, "restored": 0}
    assert balance(ada) == (129, 0, 0, 0, "regular")

    # 29.38 of goods and 6 x 3.80 are 52.18: from 50.00 on one is a VIP.
    second = buy(ada, fill(ada, {shop.coke: 6}))
    assert amount(second["total"]) == Decimal("27.80")
    assert second["retention"]["earned"] == 22
    assert balance(ada) == (151, 0, 0, 0, "vip")

    # A VIP pays 3.60 a piece, no shipping, and earns double.
    token = fill(ada, {shop.coke: 3})
    cart = look(ada, token)
    assert (amount(cart["shippingPrice"]), amount(cart["totalPrice"])) == (
        Decimal("0.00"),
        Decimal("10.80"),
    )
    assert cart["retention"]["freeShipping"]
    redeem(ada, cart, 100)  # 33 cents a piece and one cent off the order
    third = buy(ada, token)
    assert amount(third["total"]) == Decimal("9.80")
    assert [amount(line["unitPrice"]) for line in third["lines"]] == [Decimal("3.27")]
    assert (third["discount"]["amount"], third["discountName"]) == (Decimal("0.01"), "Points")
    assert_adds_up(third)
    assert third["retention"]["earned"] == 19
    assert balance(ada) == (151 - 100 + 19, 0, 0, 0, "vip")

    # Half of the money back: half of the points paid come back, 19 less those of 4.90 (9) go.
    staff(shop, "orderRefund(id: $id, amount: $amount)", third, amount="4.90")
    third = last_order(ada)
    assert third["retention"] == {"earned": 19, "redeemed": 100, "clawedBack": 10, "restored": 50}
    assert balance(ada) == (110, 0, 0, 0, "vip")

    staff(shop, "orderCancel(id: $id)", third)
    third = last_order(ada)
    assert third["status"] == "CANCELED"
    assert third["retention"] == {"earned": 19, "redeemed": 100, "clawedBack": 19, "restored": 100}
    assert balance(ada) == (151, 0, 0, 0, "vip")
    assert models.Hold.objects.filter(state=models.HoldState.PLACED).count() == 0
