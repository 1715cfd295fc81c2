"""Makes shops, products, checkouts and orders on Saleor 3.x.

What a merchant sets up once is created with the ORM; whatever shoppers and staff do later goes
through Saleor's own GraphQL view, so that every mutation, hook and recalculation really runs.
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
ZERO = {"gross": "0", "net": "0"}
COMPLETE = """mutation($id: ID!) { checkoutComplete(id: $id) {
  order { id } errors { field message code } } }"""
_numbers = itertools.count(1)


# --- what the merchant sets up ----------------------------------------------------------------


def make_channel(
    slug: str = "main",
    currency: str = "USD",
    *,
    tax_percent: int = 0,
    prices_entered_with_tax: bool = True,
    shipping_price: str = "10.00",
    allow_unpaid: bool = False,
    confirms_orders: bool = True,
) -> Any:
    """Return the channel of that slug, with a warehouse, a shipping method and taxes; made once."""
    from saleor.channel.models import Channel

    found = Channel.objects.filter(slug=slug).first()
    if found is not None:
        return found
    _site()
    channel = Channel.objects.create(
        name=slug,
        slug=slug,
        currency_code=currency,
        is_active=True,
        default_country="US",
        allow_unpaid_orders=allow_unpaid,
        automatically_confirm_all_new_orders=confirms_orders,
    )
    _taxes(channel, tax_percent, prices_entered_with_tax=prices_entered_with_tax)
    _shipping(channel, shipping_price)
    return channel


def make_user(email: str | None = None, *, is_confirmed: bool = True) -> Any:
    """Return a new customer."""
    from saleor.account.models import User

    email = email or f"customer{next(_numbers)}@shop.example"
    return User.objects.create(
        email=email, is_active=True, is_confirmed=is_confirmed, **_customer_type()
    )


def make_staff(*codenames: str) -> Any:
    """Return a new staff user with the named permissions, or all of them, in every channel."""
    from saleor.account.models import Group, User
    from saleor.permission.models import Permission

    user = User.objects.create(
        email=f"staff{next(_numbers)}@shop.example",
        is_staff=True,
        is_active=True,
        is_confirmed=True,
        is_superuser=not codenames,
        **_customer_type(),
    )
    group = Group.objects.create(name=user.email, restricted_access_to_channels=False)
    chosen = Permission.objects.filter(codename__in=codenames)
    group.permissions.set(chosen if codenames else Permission.objects.all())
    user.groups.add(group)
    return user


def make_category(name: str, parent: Any = None) -> Any:
    """Return a new category, below another."""
    from saleor.product.models import Category

    slug = f"{name.lower()}-{next(_numbers)}"
    return Category.objects.create(name=name, slug=slug, parent=parent)


def make_collection(name: str) -> Any:
    """Return a new collection."""
    from saleor.product.models import Collection

    return Collection.objects.create(name=name, slug=f"{name.lower()}-{next(_numbers)}")


def make_product(
    price: str,
    *,
    category: Any = None,
    collections: Sequence[Any] = (),
    channel: Any = None,
    is_gift_card: bool = False,
    is_shipped: bool = True,
    stock: int = 1000,
) -> Any:
    """Return the one variant of a new product on sale at ``price``."""
    from django.utils import timezone
    from saleor.product.models import (
        Product,
        ProductChannelListing,
        ProductType,
        ProductVariant,
        ProductVariantChannelListing,
    )
    from saleor.tax.models import TaxClass
    from saleor.warehouse.models import Stock, Warehouse

    channel = channel or make_channel()
    number = next(_numbers)
    kind = ProductType.objects.create(
        name=f"Type {number}",
        slug=f"type-{number}",
        kind="gift_card" if is_gift_card else "normal",
        is_shipping_required=is_shipped,
        tax_class=TaxClass.objects.filter(name="Standard").first(),
    )
    product = Product.objects.create(
        name=f"Product {number}",
        slug=f"product-{number}",
        product_type=kind,
        category=category or make_category("Goods"),
    )
    ProductChannelListing.objects.create(
        product=product,
        channel=channel,
        currency=channel.currency_code,
        is_published=True,
        published_at=timezone.now(),
        visible_in_listings=True,
        available_for_purchase_at=timezone.now(),
        discounted_price_amount=Decimal(price),
    )
    for collection in collections:
        collection.products.add(product)
    variant = ProductVariant.objects.create(product=product, sku=f"SKU-{number}", name="One")
    product.default_variant = variant
    product.save()
    ProductVariantChannelListing.objects.create(
        variant=variant,
        channel=channel,
        currency=channel.currency_code,
        price_amount=Decimal(price),
        discounted_price_amount=Decimal(price),
    )
    Stock.objects.create(
        warehouse=Warehouse.objects.get(slug=f"warehouse-{channel.slug}"),
        product_variant=variant,
        quantity=stock,
    )
    return variant


def make_promotion(percent: str, *variants: Any) -> Any:
    """Return a running catalogue promotion on the variants, already in their prices."""
    import graphene
    from django.utils import timezone
    from saleor.discount.models import Promotion
    from saleor.product.models import VariantChannelListingPromotionRule

    promotion = Promotion.objects.create(
        name=f"Promotion {next(_numbers)}", type="catalogue", start_date=timezone.now()
    )
    ids = [graphene.Node.to_global_id("ProductVariant", variant.pk) for variant in variants]
    rule = promotion.rules.create(
        name="Rule",
        catalogue_predicate={"variantPredicate": {"ids": ids}},
        reward_value_type="percentage",
        reward_value=Decimal(percent),
    )
    for variant in variants:
        for listing in variant.channel_listings.all():
            rule.channels.add(listing.channel)
            off = (listing.price_amount * Decimal(percent) / 100).quantize(Decimal("0.01"))
            listing.discounted_price_amount = listing.price_amount - off
            listing.save()
            VariantChannelListingPromotionRule.objects.create(
                variant_channel_listing=listing,
                promotion_rule=rule,
                discount_amount=off,
                currency=listing.currency,
            )
    return promotion


def make_order_promotion(
    channel: Any, percent: str = "10", *, gifts: Sequence[Any] = (), minimum: str = "1"
) -> Any:
    """Return a running promotion on the whole order: a per cent off, or a gift."""
    from django.utils import timezone
    from saleor.discount.models import Promotion

    promotion = Promotion.objects.create(
        name=f"Promotion {next(_numbers)}", type="order", start_date=timezone.now()
    )
    rule = promotion.rules.create(
        name="Rule",
        order_predicate={
            "discountedObjectPredicate": {"baseSubtotalPrice": {"range": {"gte": minimum}}}
        },
        reward_type="gift" if gifts else "subtotal_discount",
        reward_value_type=None if gifts else "percentage",
        reward_value=None if gifts else Decimal(percent),
    )
    rule.channels.add(channel)
    rule.gifts.set(gifts)
    return promotion


def make_voucher(
    value: str, *, channel: Any = None, products: Sequence[Any] = (), **changes: Any
) -> str:
    """Return the code of a voucher of ``value`` off the order, or as the changes say."""
    from saleor.discount.models import Voucher, VoucherChannelListing, VoucherCode

    channel = channel or make_channel()
    voucher = Voucher.objects.create(name="Voucher", **changes)
    VoucherChannelListing.objects.create(
        voucher=voucher,
        channel=channel,
        discount_value=Decimal(value),
        currency=channel.currency_code,
    )
    voucher.products.set(variant.product for variant in products)
    return VoucherCode.objects.create(voucher=voucher, code=f"CODE{next(_numbers)}").code


def make_gift_card(balance: str, currency: str = "USD") -> str:
    """Return the code of a gift card."""
    from saleor.giftcard.models import GiftCard

    return GiftCard.objects.create(
        code=f"GIFT{next(_numbers)}",
        initial_balance_amount=Decimal(balance),
        current_balance_amount=Decimal(balance),
        currency=currency,
        is_active=True,
    ).code


# --- what shoppers do ---------------------------------------------------------------------------


def make_checkout(
    user: Any,
    lines: Mapping[Any, int],
    *,
    channel: Any = None,
    email: str | None = None,
    has_delivery: bool = True,
) -> Any:
    """Return the checkout of a customer (None: a guest) with these variants and quantities."""
    from saleor.checkout.models import Checkout

    channel = channel or make_channel()
    payload = do(
        """mutation($input: CheckoutCreateInput!) { checkoutCreate(input: $input) {
             checkout { id token totalPrice { gross { amount } } }
             errors { field message code } } }""",
        {
            "input": {
                "channel": channel.slug,
                "email": email or (user.email if user else "guest@shop.example"),
                "lines": [
                    {"variantId": gid("ProductVariant", variant), "quantity": quantity}
                    for variant, quantity in lines.items()
                ],
                "shippingAddress": ADDRESS,
                "billingAddress": ADDRESS,
            }
        },
        user,
    )
    checkout = Checkout.objects.get(pk=payload["checkout"]["token"])
    if has_delivery:
        set_delivery(checkout, user)
    return checkout


def set_delivery(checkout: Any, user: Any = None) -> None:
    """Choose the first delivery method that Saleor offers."""
    from saleor import __version__

    # 3.22 has the model of calculated deliveries already, and not yet the mutation.
    if tuple(int(part) for part in __version__.split(".")[:2]) >= (3, 23):
        payload = do(
            """mutation($id: ID!) { deliveryOptionsCalculate(id: $id) {
                 deliveries { id } errors { message } } }""",
            {"id": gid("Checkout", checkout)},
            user,
        )
        method = payload["deliveries"][0]["id"]
    else:
        data = ask(
            "query($id: ID!) { checkout(id: $id) { shippingMethods { id } } }",
            {"id": gid("Checkout", checkout)},
            user,
        )
        method = data["checkout"]["shippingMethods"][0]["id"]
    do(
        """mutation($id: ID!, $method: ID!) {
             checkoutDeliveryMethodUpdate(id: $id, deliveryMethodId: $method) {
               checkout { totalPrice { gross { amount } } } errors { field message code } } }""",
        {"id": gid("Checkout", checkout), "method": method},
        user,
    )


def set_quantity(checkout: Any, variant: Any, quantity: int, user: Any = None) -> None:
    """Change the quantity of a line; zero removes it."""
    do(
        """mutation($id: ID!, $lines: [CheckoutLineUpdateInput!]!) {
             checkoutLinesUpdate(id: $id, lines: $lines) {
               checkout { totalPrice { gross { amount } } } errors { field message code } } }""",
        {
            "id": gid("Checkout", checkout),
            "lines": [{"variantId": gid("ProductVariant", variant), "quantity": quantity}],
        },
        user,
    )


def attach(checkout: Any, user: Any) -> None:
    """Make the customer the owner of the checkout."""
    _on_checkout("checkoutCustomerAttach(id: $id)", checkout, user)


def detach(checkout: Any, user: Any) -> None:
    """Make the checkout a guest's again."""
    _on_checkout("checkoutCustomerDetach(id: $id)", checkout, user)


def add_voucher(checkout: Any, code: str, user: Any = None) -> None:
    """Enter a voucher's or gift card's code."""
    do(
        """mutation($id: ID!, $code: String!) { checkoutAddPromoCode(id: $id, promoCode: $code) {
             checkout { totalPrice { gross { amount } } } errors { field message code } } }""",
        {"id": gid("Checkout", checkout), "code": code},
        user,
    )


def checkout_total(checkout: Any, user: Any = None) -> Decimal:
    """Return the gross total that the shopper sees now."""
    data = ask(
        "query($id: ID!) { checkout(id: $id) { totalPrice { gross { amount } } } }",
        {"id": gid("Checkout", checkout)},
        user,
    )
    return Decimal(str(data["checkout"]["totalPrice"]["gross"]["amount"]))


def pay(checkout: Any, amount: Decimal | None = None) -> None:
    """Charge the checkout's total, or an amount, as a payment app would report it."""
    _transact(checkout, "amountCharged", amount)


def authorize(checkout: Any, amount: Decimal | None = None) -> None:
    """Reserve the checkout's total, or an amount, as a payment app would report it."""
    _transact(checkout, "amountAuthorized", amount)


def complete(checkout: Any, paid: bool = True, user: Any = None) -> Any:  # noqa: FBT001, FBT002
    """Pay (or only authorize) and complete the checkout; return the order."""
    from saleor.order.models import Order

    if paid:
        pay(checkout)
    else:
        authorize(checkout)
    payload = do(COMPLETE, {"id": gid("Checkout", checkout)}, user or checkout.user)
    return Order.objects.get(pk=pk_of(payload["order"]["id"]))


# --- what staff do ------------------------------------------------------------------------------


def draft(user: Any, lines: Mapping[Any, int], *, channel: Any = None) -> Any:
    """Return the draft order that staff made for a customer."""
    from saleor.order.models import Order
    from saleor.shipping.models import ShippingMethod

    channel = channel or make_channel()
    method = ShippingMethod.objects.filter(channel_listings__channel=channel).first()
    payload = do(
        """mutation($input: DraftOrderCreateInput!) { draftOrderCreate(input: $input) {
             order { id } errors { field message code } } }""",
        {
            "input": {
                "channelId": gid("Channel", channel),
                "user": gid("User", user),
                "lines": [
                    {"variantId": gid("ProductVariant", variant), "quantity": quantity}
                    for variant, quantity in lines.items()
                ],
                "shippingAddress": ADDRESS,
                "billingAddress": ADDRESS,
                "shippingMethod": gid("ShippingMethod", method),
            }
        },
        owner(),
    )
    return Order.objects.get(pk=pk_of(payload["order"]["id"]))


def complete_draft(order: Any) -> None:
    """Turn the draft into an order."""
    _on_order("draftOrderComplete(id: $id)", order)


def confirm(order: Any) -> None:
    """Confirm an order of a channel that does not confirm by itself."""
    _on_order("orderConfirm(id: $id)", order)


def mark_paid(order: Any) -> None:
    """Mark the order as paid by hand."""
    _on_order("orderMarkAsPaid(id: $id)", order)


def grant_refund(order: Any, quantities: Mapping[Any, int], *, has_shipping: bool = False) -> Any:
    """Grant the refund of lines; no money moves yet."""
    payload = do(
        """mutation($id: ID!, $input: OrderGrantRefundCreateInput!) {
             orderGrantRefundCreate(id: $id, input: $input) {
               grantedRefund { id } errors { field message code } } }""",
        {
            "id": gid("Order", order),
            "input": {
                "lines": [
                    {"id": gid("OrderLine", line), "quantity": quantity}
                    for line, quantity in quantities.items()
                ],
                "grantRefundForShipping": has_shipping,
                "transactionId": gid("TransactionItem", order.payment_transactions.first().token),
            },
        },
        owner(),
    )
    return order.granted_refunds.get(pk=pk_of(payload["grantedRefund"]["id"]))


def report(order: Any, kind: str, amount: Decimal | str, reference: str | None = None) -> None:
    """Report what happened to the order's money, as a payment app would."""
    transaction = order.payment_transactions.first()
    do(
        """mutation($id: ID!, $kind: TransactionEventTypeEnum!, $amount: PositiveDecimal!,
                    $reference: String!) {
             transactionEventReport(id: $id, type: $kind, amount: $amount,
               pspReference: $reference, availableActions: [REFUND]) {
                 alreadyProcessed errors { field message code } } }""",
        {
            "id": gid("TransactionItem", transaction.token),
            "kind": kind,
            "amount": str(amount),
            "reference": reference or f"event-{next(_numbers)}",
        },
        owner(),
    )


def fulfil(order: Any, quantities: Mapping[Any, int] | None = None) -> None:
    """Ship all lines, or some."""
    from saleor.warehouse.models import Warehouse

    warehouse = Warehouse.objects.get(slug=f"warehouse-{order.channel.slug}")
    lines = quantities or {line: line.quantity_unfulfilled for line in order.lines.all()}
    do(
        """mutation($order: ID!, $input: OrderFulfillInput!) {
             orderFulfill(order: $order, input: $input) { errors { field message code } } }""",
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


def refund(order: Any, amount: Decimal | str) -> None:
    """Return money without goods."""
    report(order, "REFUND_SUCCESS", amount)


def return_lines(order: Any, quantities: Mapping[Any, int]) -> None:
    """Take goods back without money, whether they were shipped or not."""
    _send_back(order, quantities, replace=False)


def replace_lines(order: Any, quantities: Mapping[Any, int]) -> None:
    """Take goods back and prepare the same again, as a draft."""
    _send_back(order, quantities, replace=True)


def cancel_fulfilment(order: Any) -> None:
    """Cancel the order's last shipment."""
    from saleor.warehouse.models import Warehouse

    warehouse = Warehouse.objects.get(slug=f"warehouse-{order.channel.slug}")
    do(
        """mutation($id: ID!, $warehouse: ID) {
             orderFulfillmentCancel(id: $id, input: {warehouseId: $warehouse}) {
               errors { field message code } } }""",
        {
            "id": gid("Fulfillment", order.fulfillments.last()),
            "warehouse": gid("Warehouse", warehouse),
        },
        owner(),
    )
    order.refresh_from_db()


def bulk_create(user: Any, variant: Any, quantity: int) -> Any:
    """Return an order imported with all its prices, as from another system."""
    from django.utils import timezone
    from saleor.order.models import Order
    from saleor.shipping.models import ShippingMethod
    from saleor.tax.models import TaxClass
    from saleor.warehouse.models import Warehouse

    channel = make_channel()
    method = ShippingMethod.objects.filter(channel_listings__channel=channel).first()
    tax_class = TaxClass.objects.get(name="Standard")
    price = variant.channel_listings.get(channel=channel).price_amount * quantity
    total = {"gross": str(price), "net": str(price)}
    payload = do(
        """mutation($orders: [OrderBulkCreateInput!]!) {
             orderBulkCreate(orders: $orders, stockUpdatePolicy: SKIP) {
             results { order { id } errors { path message code } }
             errors { path message code } } }""",
        {
            "orders": [
                {
                    "channel": channel.slug,
                    "createdAt": timezone.now().isoformat(),
                    "status": "UNFULFILLED",
                    "user": {"id": gid("User", user)},
                    "billingAddress": ADDRESS,
                    "shippingAddress": ADDRESS,
                    "currency": channel.currency_code,
                    "languageCode": "EN",
                    "deliveryMethod": {
                        "shippingMethodId": gid("ShippingMethod", method),
                        "shippingTaxClassId": gid("TaxClass", tax_class),
                        "shippingPrice": ZERO,
                    },
                    "lines": [
                        {
                            "variantId": gid("ProductVariant", variant),
                            "createdAt": timezone.now().isoformat(),
                            "isShippingRequired": True,
                            "isGiftCard": False,
                            "quantity": quantity,
                            "taxClassId": gid("TaxClass", tax_class),
                            "totalPrice": total,
                            "undiscountedTotalPrice": total,
                            "warehouse": gid(
                                "Warehouse", Warehouse.objects.get(slug=f"warehouse-{channel.slug}")
                            ),
                        }
                    ],
                }
            ]
        },
        owner(),
    )
    (result,) = payload["results"]
    assert not result["errors"], result["errors"]
    return Order.objects.get(pk=pk_of(result["order"]["id"]))


def cancel(order: Any) -> None:
    """Cancel the order."""
    _on_order("orderCancel(id: $id)", order)


# --- how they say it ------------------------------------------------------------------------------


def gid(type_name: str, thing: Any) -> str:
    """Return Saleor's global id of a model or a key."""
    import graphene

    return graphene.Node.to_global_id(type_name, getattr(thing, "pk", thing))


def pk_of(global_id: str) -> str:
    """Return the key in a global id."""
    import graphene

    return graphene.Node.from_global_id(global_id)[1]


def post(query: str, variables: Mapping[str, Any], user: Any = None) -> dict[str, Any]:
    """Send a request to Saleor's GraphQL view and return the whole body."""
    from django.test import Client

    headers = {}
    if user is not None:
        from saleor.core.jwt import create_access_token

        headers["HTTP_AUTHORIZATION"] = f"Bearer {create_access_token(user)}"
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
    assert not payload.get("errors"), payload["errors"]
    return payload


# --- parts of a shop ------------------------------------------------------------------------------


def owner() -> Any:
    """Return a superuser, the first there is."""
    from saleor.account.models import User

    return User.objects.filter(is_superuser=True).first() or make_staff()


def _on_checkout(call: str, checkout: Any, user: Any) -> None:
    do(
        f"""mutation($id: ID!) {{ {call} {{
             checkout {{ totalPrice {{ gross {{ amount }} }} }}
             errors {{ field message code }} }} }}""",
        {"id": gid("Checkout", checkout)},
        user,
    )


def _on_order(call: str, order: Any) -> None:
    do(
        f"mutation($id: ID!) {{ {call} {{ errors {{ field message code }} }} }}",
        {"id": gid("Order", order)},
        owner(),
    )


def _send_back(order: Any, quantities: Mapping[Any, int], *, replace: bool) -> None:
    fulfilled = {
        line.order_line_id: line
        for fulfillment in order.fulfillments.filter(status="fulfilled")
        for line in fulfillment.lines.all()
    }
    shipped, unshipped = [], []
    for line, quantity in quantities.items():
        amount = {"quantity": quantity, "replace": replace}
        if line.pk in fulfilled:
            line_id = gid("FulfillmentLine", fulfilled[line.pk])
            shipped.append({"fulfillmentLineId": line_id, **amount})
        else:
            unshipped.append({"orderLineId": gid("OrderLine", line), **amount})
    do(
        """mutation($order: ID!, $input: OrderReturnProductsInput!) {
             orderFulfillmentReturnProducts(order: $order, input: $input) {
               errors { field message code } } }""",
        {
            "order": gid("Order", order),
            "input": {"fulfillmentLines": shipped, "orderLines": unshipped, "refund": False},
        },
        owner(),
    )


def _transact(checkout: Any, column: str, amount: Decimal | None) -> None:
    amount = checkout_total(checkout) if amount is None else amount
    do(
        """mutation($id: ID!, $transaction: TransactionCreateInput!) {
             transactionCreate(id: $id, transaction: $transaction) {
               transaction { id } errors { field message code } } }""",
        {
            "id": gid("Checkout", checkout),
            "transaction": {
                "name": "Card",
                "pspReference": f"psp-{next(_numbers)}",
                "availableActions": ["REFUND"],
                column: {"amount": str(amount), "currency": checkout.currency},
            },
        },
        owner(),
    )


def _site() -> None:
    from django.conf import settings
    from django.contrib.sites.models import Site
    from saleor.site.models import SiteSettings

    site, _ = Site.objects.get_or_create(
        pk=settings.SITE_ID, defaults={"domain": "localhost:8000", "name": "Shop"}
    )
    SiteSettings.objects.get_or_create(site=site)
    Site.objects.clear_cache()


def _customer_type() -> dict[str, Any]:
    """Return what a user of Saleor 3.23 needs besides; a migration makes it in a real shop."""
    from saleor.account import models

    if not hasattr(models, "CustomerType"):
        return {}
    kind, _ = models.CustomerType.objects.get_or_create(
        is_default=True, defaults={"name": "Default", "slug": "default"}
    )
    return {"customer_type": kind} if hasattr(models.User, "customer_type") else {}


def _taxes(channel: Any, percent: int, *, prices_entered_with_tax: bool) -> None:
    from saleor.tax.models import TaxClass, TaxClassCountryRate, TaxConfiguration

    standard, _ = TaxClass.objects.get_or_create(name="Standard")
    if percent:
        TaxClassCountryRate.objects.update_or_create(
            tax_class=standard, country="US", defaults={"rate": percent}
        )
    TaxConfiguration.objects.create(
        channel=channel,
        charge_taxes=bool(percent),
        prices_entered_with_tax=prices_entered_with_tax,
        display_gross_prices=True,
        tax_calculation_strategy="FLAT_RATES",
    )


def _shipping(channel: Any, price: str) -> None:
    from saleor.account.models import Address
    from saleor.shipping.models import ShippingMethod, ShippingMethodChannelListing, ShippingZone
    from saleor.tax.models import TaxClass
    from saleor.warehouse.models import Warehouse

    zone = ShippingZone.objects.create(name=f"Zone {channel.slug}", countries=["US"])
    zone.channels.add(channel)
    method = ShippingMethod.objects.create(
        name="Post",
        type="price",
        shipping_zone=zone,
        tax_class=TaxClass.objects.filter(name="Standard").first(),
    )
    ShippingMethodChannelListing.objects.create(
        shipping_method=method,
        channel=channel,
        price_amount=Decimal(price),
        minimum_order_price_amount=Decimal(0),
        currency=channel.currency_code,
    )
    address = Address.objects.create(
        street_address_1="1 Depot Rd",
        city="New York",
        country="US",
        country_area="NY",
        postal_code="10001",
    )
    warehouse = Warehouse.objects.create(
        name=f"Warehouse {channel.slug}", slug=f"warehouse-{channel.slug}", address=address
    )
    warehouse.channels.add(channel)
    warehouse.shipping_zones.add(zone)
