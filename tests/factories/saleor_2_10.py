"""Makes shops, products, checkouts and orders on Saleor 2.10.1.

What a merchant sets up once is created with the ORM; whatever shoppers and staff do later goes
through Saleor's own GraphQL view, so that every mutation and every hook really runs.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

ADDRESS = {
    "firstName": "Ada",
    "lastName": "Byron",
    "streetAddress1": "1 Main St",
    "city": "New York",
    "postalCode": "10001",
    "country": "US",
    "countryArea": "NY",
}
GATEWAY = "mirumee.payments.dummy"
AUTHORIZE_ONLY = "not-charged"  # the gateway's token for money that is reserved, not taken
_numbers = itertools.count(1)


class Unsupported(Exception):
    """Saleor 2.10.1 has no such thing."""


# --- what the merchant sets up ----------------------------------------------------------------


def make_channel(shipping_price: str = "10.00") -> Any:
    """Return the shop as the channel it is, with a warehouse and a shipping method; made once."""
    from django.conf import settings
    from django.contrib.sites.models import Site
    from saleor.account.models import Address
    from saleor.shipping.models import ShippingMethod, ShippingZone
    from saleor.site.models import SiteSettings
    from saleor.warehouse.models import Warehouse

    from saleor_retention import host

    if not Warehouse.objects.exists():
        site, _ = Site.objects.get_or_create(
            pk=settings.SITE_ID, defaults={"domain": "localhost:8000", "name": "Shop"}
        )
        SiteSettings.objects.get_or_create(site=site)
        Site.objects.clear_cache()
        zone = ShippingZone.objects.create(name="Zone", countries=["US"])
        ShippingMethod.objects.create(
            name="Post", type="price", shipping_zone=zone, price_amount=Decimal(shipping_price)
        )
        warehouse = Warehouse.objects.create(
            name="Warehouse", slug="warehouse", address=Address.objects.create(country="US")
        )
        warehouse.shipping_zones.add(zone)
        activate_dummy_gateway()
    (channel,) = host.current().channels()
    return channel


def activate_dummy_gateway() -> None:
    """Switch the dummy gateway on, as staff does in the dashboard."""
    from saleor.payment.gateways.dummy.plugin import DummyGatewayPlugin
    from saleor.plugins.models import PluginConfiguration

    defaults = {"active": True, "configuration": DummyGatewayPlugin.DEFAULT_CONFIGURATION}
    PluginConfiguration.objects.update_or_create(identifier=GATEWAY, defaults=defaults)


def make_user(email: str | None = None, *, is_confirmed: bool = True) -> Any:
    """Return a new customer; one who is not confirmed is inactive here."""
    from saleor.account.models import User

    return User.objects.create(
        email=email or f"customer{next(_numbers)}@shop.example", is_active=is_confirmed
    )


def make_staff(*codenames: str) -> Any:
    """Return a new staff user with the named permissions, or all of them."""
    from django.contrib.auth.models import Permission
    from saleor.account.models import User

    user = User.objects.create(
        email=f"staff{next(_numbers)}@shop.example", is_staff=True, is_superuser=not codenames
    )
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def make_category(name: str, parent: Any = None) -> Any:
    """Return a new category, below another."""
    from saleor.product.models import Category

    return Category.objects.create(
        name=name, slug=f"{name.lower()}-{next(_numbers)}", parent=parent
    )


def make_collection(name: str) -> Any:
    """Return a new collection."""
    from saleor.product.models import Collection

    number = next(_numbers)
    return Collection.objects.create(name=f"{name} {number}", slug=f"{name.lower()}-{number}")


def make_product(
    price: str,
    *,
    category: Any = None,
    collections: Sequence[Any] = (),
    is_gift_card: bool = False,
    is_shipped: bool = True,
    stock: int = 1000,
) -> Any:
    """Return the one variant of a new product on sale at ``price``."""
    from saleor.product.models import Product, ProductType
    from saleor.warehouse.models import Stock, Warehouse

    if is_gift_card:
        raise Unsupported("Saleor 2.10 does not sell gift cards.")
    make_channel()
    number = next(_numbers)
    kind = ProductType.objects.create(
        name=f"Type {number}", slug=f"type-{number}", is_shipping_required=is_shipped
    )
    product = Product.objects.create(
        name=f"Product {number}",
        slug=f"product-{number}",
        product_type=kind,
        category=category or make_category("Goods"),
        price_amount=Decimal(price),
        is_published=True,
    )
    for collection in collections:
        collection.products.add(product)
    variant = product.variants.create(sku=f"SKU-{number}", name="One")
    Stock.objects.create(warehouse=Warehouse.objects.get(), product_variant=variant, quantity=stock)
    return variant


def make_sale(percent: int, *variants: Any) -> Any:
    """Return a running sale on the variants' products."""
    from saleor.discount.models import Sale

    sale = Sale.objects.create(name=f"Sale {next(_numbers)}", type="percentage", value=percent)
    sale.products.set(variant.product for variant in variants)
    return sale


def make_voucher(value: str, **changes: Any) -> Any:
    """Return a voucher of ``value`` off the order, or as the changes say."""
    from saleor.discount.models import Voucher

    return Voucher.objects.create(
        code=f"CODE{next(_numbers)}", discount_value=Decimal(value), **changes
    )


# --- what shoppers do ---------------------------------------------------------------------------


def make_checkout(
    user: Any, lines: Mapping[Any, int], *, email: str | None = None, has_delivery: bool = True
) -> Any:
    """Return a new checkout of a customer (None: a guest) with these variants and quantities.

    Saleor 2.10 gives a customer the open cart back, so a second one is a guest's that is attached.
    """
    from saleor.checkout.models import Checkout

    has_cart = user is not None and Checkout.objects.filter(user=user).exists()
    payload = do(
        """mutation($input: CheckoutCreateInput!) { checkoutCreate(input: $input) {
             checkout { id token totalPrice { gross { amount } } }
             checkoutErrors { field message code } } }""",
        {
            "input": {
                "email": email or (user.email if user else "guest@shop.example"),
                "lines": [
                    {"variantId": gid("ProductVariant", variant), "quantity": quantity}
                    for variant, quantity in lines.items()
                ],
                "shippingAddress": ADDRESS,
                "billingAddress": ADDRESS,
            }
        },
        None if has_cart else user,
    )
    checkout = Checkout.objects.get(pk=payload["checkout"]["token"])
    if has_cart:
        attach(checkout, user)
    if has_delivery:
        set_delivery(checkout, user)
    checkout.refresh_from_db()
    return checkout


def attach(checkout: Any, user: Any) -> None:
    """Make the customer the owner of the checkout."""
    do(
        """mutation($id: ID!) { checkoutCustomerAttach(checkoutId: $id) {
             checkout { totalPrice { gross { amount } } }
             checkoutErrors { field message code } } }""",
        {"id": gid("Checkout", checkout)},
        user,
    )


def detach(checkout: Any, user: Any) -> None:
    """Make the checkout a guest's again."""
    do(
        """mutation($id: ID!) { checkoutCustomerDetach(checkoutId: $id) {
             checkout { totalPrice { gross { amount } } }
             checkoutErrors { field message code } } }""",
        {"id": gid("Checkout", checkout)},
        user,
    )


def set_delivery(checkout: Any, user: Any = None) -> None:
    """Choose the first shipping method that Saleor offers."""
    data = ask(
        "query($token: UUID) { checkout(token: $token) { availableShippingMethods { id } } }",
        {"token": str(checkout.pk)},
        user,
    )
    do(
        """mutation($id: ID!, $method: ID!) {
             checkoutShippingMethodUpdate(checkoutId: $id, shippingMethodId: $method) {
               checkout { totalPrice { gross { amount } } }
               checkoutErrors { field message code } } }""",
        {
            "id": gid("Checkout", checkout),
            "method": data["checkout"]["availableShippingMethods"][0]["id"],
        },
        user,
    )


def set_quantity(checkout: Any, variant: Any, quantity: int, user: Any = None) -> None:
    """Change the quantity of a line; zero removes it."""
    do(
        """mutation($id: ID!, $lines: [CheckoutLineInput]!) {
             checkoutLinesUpdate(checkoutId: $id, lines: $lines) {
               checkout { totalPrice { gross { amount } } }
               checkoutErrors { field message code } } }""",
        {
            "id": gid("Checkout", checkout),
            "lines": [{"variantId": gid("ProductVariant", variant), "quantity": quantity}],
        },
        user,
    )


def add_voucher(checkout: Any, code: str, user: Any = None) -> None:
    """Enter a voucher's or a gift card's code."""
    do(
        """mutation($id: ID!, $code: String!) {
             checkoutAddPromoCode(checkoutId: $id, promoCode: $code) {
               checkout { totalPrice { gross { amount } } }
               checkoutErrors { field message code } } }""",
        {"id": gid("Checkout", checkout), "code": code},
        user,
    )


def checkout_total(checkout: Any, user: Any = None) -> Decimal:
    """Return the gross total that the shopper sees now; only the owner may look."""
    data = ask(
        "query($token: UUID) { checkout(token: $token) { totalPrice { gross { amount } } } }",
        {"token": str(checkout.pk)},
        user or checkout.user,
    )
    return cents(data["checkout"]["totalPrice"]["gross"]["amount"])


def announce(checkout: Any, amount: Decimal | None = None, *, token: str = "card") -> None:
    """Name the dummy gateway's payment for the checkout's total; it is taken at completion."""
    amount = checkout_total(checkout) if amount is None else amount
    do(
        """mutation($id: ID!, $input: PaymentInput!) {
             checkoutPaymentCreate(checkoutId: $id, input: $input) {
               payment { id } paymentErrors { field message code } } }""",
        {
            "id": gid("Checkout", checkout),
            "input": {"gateway": GATEWAY, "token": token, "amount": str(amount)},
        },
        checkout.user,
    )


def pay(checkout: Any, amount: Decimal | None = None) -> None:
    """Have the gateway hold the money until the shopper confirms, as with 3-D Secure.

    Money that is taken before the order exists is rare on 2.10; this is the way it happens.
    """
    from saleor.payment import TransactionKind
    from saleor.payment.interface import GatewayResponse
    from saleor.payment.utils import (
        create_payment_information,
        create_transaction,
        gateway_postprocess,
    )

    announce(checkout, amount)
    payment = checkout.payments.last()
    response = GatewayResponse(
        is_success=True,
        action_required=True,
        kind=TransactionKind.CAPTURE,
        amount=payment.total,
        currency=payment.currency,
        transaction_id=payment.token,
        error=None,
    )
    transaction = create_transaction(
        payment=payment,
        kind=TransactionKind.CAPTURE,
        payment_information=create_payment_information(payment, payment.token),
        action_required=True,
        gateway_response=response,
    )
    gateway_postprocess(transaction, payment)


def complete(checkout: Any, paid: bool = True, user: Any = None) -> Any:  # noqa: FBT001, FBT002
    """Pay (or only authorize) and complete the checkout; return the order."""
    from saleor.order.models import Order

    announce(checkout, token="card" if paid else AUTHORIZE_ONLY)
    payload = do(
        """mutation($id: ID!) { checkoutComplete(checkoutId: $id) {
             order { id } checkoutErrors { field message code } } }""",
        {"id": gid("Checkout", checkout)},
        user or checkout.user,
    )
    return Order.objects.get(pk=pk_of(payload["order"]["id"]))


# --- what staff do ------------------------------------------------------------------------------


def draft(user: Any, lines: Mapping[Any, int]) -> Any:
    """Return the draft order that staff made for a customer."""
    from saleor.order.models import Order
    from saleor.shipping.models import ShippingMethod

    payload = do(
        """mutation($input: DraftOrderCreateInput!) { draftOrderCreate(input: $input) {
             order { id } orderErrors { field message code } } }""",
        {
            "input": {
                "user": gid("User", user),
                "lines": [
                    {"variantId": gid("ProductVariant", variant), "quantity": quantity}
                    for variant, quantity in lines.items()
                ],
                "shippingAddress": ADDRESS,
                "billingAddress": ADDRESS,
                "shippingMethod": gid("ShippingMethod", ShippingMethod.objects.first()),
            }
        },
        owner(),
    )
    return Order.objects.get(pk=pk_of(payload["order"]["id"]))


def complete_draft(order: Any) -> None:
    """Turn the draft into an order."""
    _on_order("draftOrderComplete(id: $id)", order)


def mark_paid(order: Any) -> None:
    """Mark the order as paid by hand."""
    _on_order("orderMarkAsPaid(id: $id)", order)


def capture(order: Any, amount: Decimal | str) -> None:
    """Take money that was authorized."""
    _on_order("orderCapture(id: $id, amount: $amount)", order, amount)


def refund(order: Any, amount: Decimal | str) -> None:
    """Return money; the only way that goods come back here."""
    _on_order("orderRefund(id: $id, amount: $amount)", order, amount)


def refund_payment(order: Any, amount: Decimal | str) -> None:
    """Return money through the payment's own mutation, which tells no plugin of it."""
    do(
        """mutation($id: ID!, $amount: Decimal) { paymentRefund(paymentId: $id, amount: $amount) {
             payment { id } paymentErrors { field message code } } }""",
        {"id": gid("Payment", order.get_last_payment()), "amount": str(amount)},
        owner(),
    )


def return_lines(order: Any, quantities: Mapping[Any, int]) -> None:  # noqa: ARG001
    """Refuse: there are no returns."""
    raise Unsupported("Saleor 2.10 has no returns of goods.")


def cancel(order: Any) -> None:
    """Cancel the order."""
    _on_order("orderCancel(id: $id)", order)


def fulfil(order: Any, quantities: Mapping[Any, int] | None = None) -> None:
    """Ship all lines, or some."""
    from saleor.warehouse.models import Warehouse

    warehouse = Warehouse.objects.get()
    lines = quantities or {line: line.quantity_unfulfilled for line in order.lines.all()}
    do(
        """mutation($order: ID, $input: OrderFulfillInput!) {
             orderFulfill(order: $order, input: $input) { orderErrors { field message code } } }""",
        {
            "order": gid("Order", order),
            "input": {
                "notifyCustomer": False,
                "lines": [
                    {
                        "orderLineId": gid("OrderLine", line),
                        "stocks": [
                            {"warehouse": gid("Warehouse", warehouse), "quantity": quantity}
                        ],
                    }
                    for line, quantity in lines.items()
                ],
            },
        },
        owner(),
    )


# --- how they say it ------------------------------------------------------------------------------


def gid(type_name: str, thing: Any) -> str:
    """Return Saleor's global id of a model or a key."""
    import graphene

    return graphene.Node.to_global_id(type_name, getattr(thing, "pk", thing))


def pk_of(global_id: str) -> str:
    """Return the key in a global id."""
    import graphene

    return graphene.Node.from_global_id(global_id)[1]


def cents(amount: float) -> Decimal:
    """Return an amount of the API, which prints floats, to the cent."""
    return Decimal(str(amount)).quantize(Decimal("0.01"))


def post(query: str, variables: Mapping[str, Any], user: Any = None) -> dict[str, Any]:
    """Send a request to Saleor's GraphQL view and return the whole body."""
    from django.test import Client

    headers = {}
    if user is not None:
        from graphql_jwt.shortcuts import get_token

        headers["HTTP_AUTHORIZATION"] = f"JWT {get_token(user)}"
    body = json.dumps({"query": query, "variables": variables})
    response = Client().post("/graphql/", body, content_type="application/json", **headers)
    return json.loads(response.content)


def ask(query: str, variables: Mapping[str, Any], user: Any = None) -> dict[str, Any]:
    """Return the data of a request that must succeed."""
    answer = post(query, variables, user)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def do(query: str, variables: Mapping[str, Any], user: Any = None) -> dict[str, Any]:
    """Return the payload of one mutation that must not be refused."""
    (payload,) = ask(query, variables, user).values()
    refusals = [payload[key] for key in payload if key.lower().endswith("errors") and payload[key]]
    assert not refusals, refusals
    return payload


def owner() -> Any:
    """Return a staff user who may do everything."""
    from saleor.account.models import User

    return User.objects.filter(is_superuser=True).first() or make_staff()


def _on_order(call: str, order: Any, amount: Decimal | str | None = None) -> None:
    kind = ", $amount: Decimal!" if amount is not None else ""
    do(
        f"mutation($id: ID!{kind}) {{ {call} {{ orderErrors {{ field message code }} }} }}",
        {"id": gid("Order", order)} | ({} if amount is None else {"amount": str(amount)}),
        owner(),
    )
