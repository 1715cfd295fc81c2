"""The adapter for Saleor 2.10.1: what it reads of orders, checkouts, users and goods."""

from __future__ import annotations

import datetime as dt
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.facts import GoodsFacts, OrderFacts, OrderState, Origin
from saleor_retention.host.contract import Host, ShelfPrice

pytestmark = [pytest.mark.saleor2, pytest.mark.django_db]


@pytest.fixture
def shop() -> Host:
    """The adapter under test."""
    return host.current()


@pytest.fixture
def make() -> ModuleType:
    """The factories of this Saleor."""
    from tests.factories import saleor_2_10

    saleor_2_10.make_channel()
    return saleor_2_10


def sold(make: ModuleType, *prices: str, paid: bool = True, voucher: Any = None) -> Any:
    """Return an order of one unit for each price, with shipping for 10.00."""
    user = make.make_user()
    checkout = make.make_checkout(user, {make.make_product(price): 1 for price in prices})
    if voucher is not None:
        make.add_voucher(checkout, voucher.code, user)
    return make.complete(checkout, paid=paid)


def seen(shop: Host, order: Any) -> OrderFacts:
    """Return the facts of an order that is there."""
    facts = shop.order_facts(str(order.pk))
    assert facts is not None
    return facts


# --- orders -------------------------------------------------------------------------------------


def test_a_plain_order(shop: Host, make: ModuleType) -> None:
    """An order of two lines has its prices, its buyer and its payment in minor units."""
    user = make.make_user("ada@shop.example")
    coke, cake = make.make_product("5.00"), make.make_product("7.50")
    checkout = make.make_checkout(user, {coke: 3, cake: 1})

    order = make.complete(checkout)
    facts = seen(shop, order)

    assert (facts.total_minor, facts.shipping_gross_minor) == (3250, 1000)
    assert [(line.gross_minor, line.net_minor, line.quantity) for line in facts.lines] == [
        (1500, 1500, 3),
        (750, 750, 1),
    ]
    assert [line.goods.variant_ref for line in facts.lines] == [str(coke.pk), str(cake.pk)]
    assert (facts.user_ref, facts.email) == (str(user.pk), "ada@shop.example")
    assert facts.is_user_confirmed
    assert facts.checkout_ref == str(checkout.pk)
    assert (facts.origin, facts.state) == (Origin.CHECKOUT, OrderState.OPEN)
    assert facts.is_paid
    assert facts.paid_at == order.created
    assert facts.fulfilled_at is None
    assert (facts.refunded_minor, facts.refunded_shipping_minor) == (0, 0)
    assert facts.effective_share_ppm == 1_000_000


def test_a_guest_order(shop: Host, make: ModuleType) -> None:
    """A guest's order has an e-mail address and no user."""
    checkout = make.make_checkout(None, {make.make_product("5.00"): 1}, email="guest@x.example")

    facts = seen(shop, make.complete(checkout))

    assert (facts.user_ref, facts.email) == (None, "guest@x.example")
    assert not facts.is_user_confirmed


def test_an_authorized_order_is_not_paid_before_the_capture(shop: Host, make: ModuleType) -> None:
    """Money that is only reserved pays nothing; the capture does."""
    order = sold(make, "20.00", paid=False)
    before = seen(shop, order)

    make.capture(order, "30.00")
    after = seen(shop, order)

    assert (before.is_paid, before.paid_at) == (False, None)
    assert after.is_paid
    assert after.paid_at is not None
    assert after.paid_at > order.created


def test_a_part_of_the_money_is_not_all_of_it(shop: Host, make: ModuleType) -> None:
    """An order of which a part was captured is not paid."""
    order = sold(make, "20.00", paid=False)

    make.capture(order, "29.99")

    assert not seen(shop, order).is_paid


def test_an_order_paid_by_hand(shop: Host, make: ModuleType) -> None:
    """An order that staff marked as paid has no capture and is paid all the same."""
    order = make.draft(make.make_user(), {make.make_product("20.00"): 2})
    make.complete_draft(order)
    before = seen(shop, order)

    make.mark_paid(order)
    after = seen(shop, order)

    assert not before.is_paid
    assert after.is_paid
    assert after.paid_at == order.payments.get().created


def test_a_draft_is_a_draft_until_it_is_completed(shop: Host, make: ModuleType) -> None:
    """An order from a staff draft says so, before and after it is completed."""
    order = make.draft(make.make_user(), {make.make_product("20.00"): 2})
    before = seen(shop, order)

    make.complete_draft(order)
    after = seen(shop, order)

    assert (before.origin, before.state) == (Origin.DRAFT, OrderState.DRAFT)
    assert (after.origin, after.state) == (Origin.DRAFT, OrderState.OPEN)
    assert after.checkout_ref is None


def test_partial_refunds_add_up(shop: Host, make: ModuleType) -> None:
    """Refunds are summed up whichever mutation made them; the order stays paid."""
    order = sold(make, "50.00")

    make.refund(order, "10.00")
    make.refund_payment(order, "5.50")
    facts = seen(shop, order)

    assert (facts.refunded_minor, facts.refunded_shipping_minor) == (1550, 0)
    assert facts.is_paid
    assert facts.paid_at == order.created


def test_money_beyond_the_goods_was_for_shipping(shop: Host, make: ModuleType) -> None:
    """Of a full refund the part above the price of the goods is the shipping's."""
    order = sold(make, "50.00")

    make.refund(order, "60.00")
    facts = seen(shop, order)

    assert (facts.refunded_minor, facts.refunded_shipping_minor) == (6000, 1000)


def test_a_canceled_order(shop: Host, make: ModuleType) -> None:
    """A canceled order is canceled; that it was paid is still known."""
    order = sold(make, "50.00")

    make.cancel(order)
    facts = seen(shop, order)

    assert facts.state is OrderState.CANCELED
    assert facts.is_paid


def test_an_order_is_fulfilled_when_the_last_goods_left(shop: Host, make: ModuleType) -> None:
    """A part of the goods is not all of them; then the last fulfillment's instant counts."""
    order = sold(make, "50.00", "20.00")
    first, second = order.lines.all()

    make.fulfil(order, {first: 1})
    partly = seen(shop, order)
    make.fulfil(order, {second: 1})
    wholly = seen(shop, order)

    assert partly.fulfilled_at is None
    assert wholly.fulfilled_at == order.fulfillments.last().created


def test_a_voucher_on_the_order_is_spread_over_its_lines(shop: Host, make: ModuleType) -> None:
    """2.10 keeps a voucher on the order; lines carry it in proportion, to the cent."""
    order = sold(make, "10.00", "20.00", "3.33", voucher=make.make_voucher("10.00"))

    facts = seen(shop, order)

    assert facts.total_minor == 3333
    assert [line.gross_minor for line in facts.lines] == [700, 1400, 233]
    assert sum(line.gross_minor for line in facts.lines) + facts.shipping_gross_minor == 3333
    assert [line.undiscounted_minor for line in facts.lines] == [1000, 2000, 333]


def test_a_voucher_on_shipping_leaves_the_lines_alone(shop: Host, make: ModuleType) -> None:
    """A shipping voucher takes from the shipping."""
    voucher = make.make_voucher("4.00", type="shipping")

    facts = seen(shop, sold(make, "10.00", voucher=voucher))

    assert facts.total_minor == 1600
    assert [line.gross_minor for line in facts.lines] == [1000]
    assert facts.shipping_gross_minor == 600


def test_a_gift_card_is_a_tender(shop: Host, make: ModuleType) -> None:
    """A gift card lowers what is paid in money, not what the goods cost."""
    from saleor.giftcard.models import GiftCard

    GiftCard.objects.create(code="GIFT", initial_balance_amount=15, current_balance_amount=15)
    user = make.make_user()
    checkout = make.make_checkout(user, {make.make_product("50.00"): 1})
    make.add_voucher(checkout, "GIFT", user)

    facts = seen(shop, make.complete(checkout))

    assert facts.total_minor == 4500
    assert [line.gross_minor for line in facts.lines] == [5000]
    assert facts.is_paid


def test_an_order_line_whose_variant_is_gone(shop: Host, make: ModuleType) -> None:
    """Deleted goods keep their price; nothing selects them any more."""
    order = sold(make, "50.00")
    order.lines.get().variant.delete()

    (line,) = seen(shop, order).lines

    assert (line.gross_minor, line.undiscounted_minor) == (5000, 5000)
    assert line.goods == GoodsFacts("", "")


def test_many_orders_take_as_many_statements_as_one(shop: Host, make: ModuleType) -> None:
    """Six statements read one order or three."""
    orders = [sold(make, "50.00", "20.00") for _ in range(3)]
    make.fulfil(orders[0])

    with CaptureQueriesContext(connection) as one:
        shop.orders_facts([str(orders[0].pk)])
    with CaptureQueriesContext(connection) as three:
        found = shop.orders_facts([str(order.pk) for order in orders] + ["999999", "x"])

    assert set(found) == {str(order.pk) for order in orders}
    assert (len(one), len(three)) == (6, 6)


def test_unknown_orders(shop: Host) -> None:
    """What is no order's key, or no key at all, is no order."""
    assert shop.order_facts("999999") is None
    assert shop.order_facts("9f8f9d0e-0000-4000-8000-000000000000") is None
    assert shop.orders_facts([]) == {}


def test_changed_orders_are_found_oldest_first(shop: Host, make: ModuleType) -> None:
    """Every change brings an order up, also one that no plugin is told of; drafts never come up."""
    first, second, third = (sold(make, "50.00") for _ in range(3))
    make.draft(make.make_user(), {make.make_product("5.00"): 1})
    since = timezone.now()
    quiet = shop.order_refs_updated_since(since, 10)

    make.refund_payment(second, "5.00")
    make.fulfil(first)
    found = shop.order_refs_updated_since(since, 10)

    assert quiet == []
    assert [ref for ref, _ in found] == [str(second.pk), str(first.pk)]
    assert all(since <= changed_at <= timezone.now() for _, changed_at in found)
    everything = shop.order_refs_updated_since(since - dt.timedelta(hours=1), 10)
    assert [ref for ref, _ in everything] == [str(third.pk), str(second.pk), str(first.pk)]
    assert shop.order_refs_updated_since(since - dt.timedelta(hours=1), 1) == everything[:1]


def test_the_order_of_a_checkout(shop: Host, make: ModuleType) -> None:
    """An order is found by the checkout it was made from; drafts have none."""
    order = sold(make, "50.00")
    make.draft(make.make_user(), {make.make_product("5.00"): 1})

    assert shop.order_ref_of_checkout(order.checkout_token) == str(order.pk)
    assert shop.order_ref_of_checkout("") is None
    assert shop.order_ref_of_checkout("9f8f9d0e-0000-4000-8000-000000000000") is None


# --- checkouts ------------------------------------------------------------------------------------


def test_a_basket(shop: Host, make: ModuleType) -> None:
    """A basket has list prices, the shop's own sale taken off, and what selections look at."""
    user = make.make_user()
    drinks = make.make_category("Drinks")
    cold = make.make_category("Cold", parent=drinks)
    summer = make.make_collection("Summer")
    coke = make.make_product("5.00", category=cold, collections=[summer])
    cake = make.make_product("7.50")
    make.make_sale(20, coke)
    checkout = make.make_checkout(user, {coke: 3, cake: 1})

    facts = shop.checkout_facts(str(checkout.pk))

    assert facts is not None
    assert (facts.is_money_committed, facts.outer_share_ppm) == (False, 1_000_000)
    basket = facts.basket
    assert (basket.ref, basket.user_ref) == (str(checkout.pk), str(user.pk))
    assert (basket.currency, basket.exponent) == ("USD", 2)
    assert [(line.quantity, line.unit_minor, line.total_minor) for line in basket.lines] == [
        (3, 500, 1200),
        (1, 750, 750),
    ]
    assert basket.lines[0].goods == GoodsFacts(
        str(coke.pk),
        str(coke.product_id),
        frozenset([str(drinks.pk), str(cold.pk)]),
        frozenset([str(summer.pk)]),
    )


def test_an_overridden_price_counts(shop: Host, make: ModuleType) -> None:
    """A variant's own price comes before its product's."""
    coke = make.make_product("5.00")
    coke.price_override_amount = 4
    coke.save()
    checkout = make.make_checkout(None, {coke: 2})

    facts = shop.checkout_facts(str(checkout.pk))

    assert facts is not None
    assert [(line.unit_minor, line.total_minor) for line in facts.basket.lines] == [(400, 800)]


def test_money_is_committed_once_it_is_authorized(shop: Host, make: ModuleType) -> None:
    """A payment that was only announced commits nothing; one that the gateway has does."""
    from saleor.payment import TransactionKind, gateway

    checkout = make.make_checkout(make.make_user(), {make.make_product("5.00"): 1})
    make.announce(checkout)
    announced = shop.checkout_facts(str(checkout.pk))
    gateway.authorize(checkout.payments.get(), "token")
    authorized = shop.checkout_facts(str(checkout.pk))

    assert checkout.payments.get().transactions.get().kind == TransactionKind.AUTH
    assert announced is not None
    assert authorized is not None
    assert (announced.is_money_committed, authorized.is_money_committed) == (False, True)


def test_a_checkout_that_is_gone(shop: Host, make: ModuleType) -> None:
    """A deleted checkout has no facts, cannot be locked, and is repriced without complaint."""
    checkout = make.make_checkout(None, {make.make_product("5.00"): 1})
    ref, there = str(checkout.pk), [str(checkout.pk), "9f8f9d0e-0000-4000-8000-000000000000", "x"]
    with transaction.atomic():
        locked = shop.lock_checkout(ref)
    existing = shop.existing_checkouts(there)

    checkout.delete()

    assert locked
    assert existing == {ref}
    assert shop.existing_checkouts(there) == set()
    assert shop.checkout_facts(ref) is None
    shop.reprice(ref)
    with transaction.atomic():
        assert not shop.lock_checkout(ref)
        assert not shop.lock_checkout("x")


@pytest.mark.parametrize(
    ("voucher", "share"),
    [
        ({"value": "10.00"}, 1_000_000),
        ({"value": "20", "discount_value_type": "percentage"}, 800_000),
        ({"value": "20", "discount_value_type": "percentage", "type": "shipping"}, 1_000_000),
        ({"value": "40.00"}, 0),
    ],
    ids=["amount", "per cent", "shipping", "more than the goods cost"],
)
def test_what_a_voucher_lets_through(
    shop: Host, make: ModuleType, voucher: dict[str, Any], share: int
) -> None:
    """A percentage voucher takes its part of a line discount; an amount only once all is free."""
    user = make.make_user()
    checkout = make.make_checkout(user, {make.make_product("20.00"): 2})
    make.add_voucher(checkout, make.make_voucher(**voucher).code, user)

    facts = shop.checkout_facts(str(checkout.pk))

    assert facts is not None
    assert facts.outer_share_ppm == share


# --- people and goods ---------------------------------------------------------------------------


def test_users(shop: Host, make: ModuleType) -> None:
    """Users are read by key; one who waits for confirmation is inactive here."""
    ada = make.make_user("ada@shop.example")
    eve = make.make_user("eve@shop.example", is_confirmed=False)

    found = shop.users([str(ada.pk), str(eve.pk), "999999", "x"])

    assert set(found) == {str(ada.pk), str(eve.pk)}
    assert found[str(ada.pk)].email == "ada@shop.example"
    assert found[str(ada.pk)].joined_at == ada.date_joined
    assert (found[str(ada.pk)].is_confirmed, found[str(eve.pk)].is_confirmed) == (True, False)


def test_searching_users(shop: Host, make: ModuleType) -> None:
    """Each word may be in the e-mail address or in a name."""
    ada, eve = make.make_user("ada@shop.example"), make.make_user("eve@shop.example")
    ada.first_name, ada.last_name = "Ada", "Byron"
    ada.save()

    assert shop.find_user_refs("byron ada", 10) == [str(ada.pk)]
    assert shop.find_user_refs("SHOP.example", 10) == [str(ada.pk), str(eve.pk)]
    assert shop.find_user_refs("shop.example", 1) == [str(ada.pk)]
    assert shop.find_user_refs("  ", 10) == []


def test_users_by_e_mail(shop: Host, make: ModuleType) -> None:
    """Case does not matter, activity does; an address that two users share is nobody's."""
    ada = make.make_user("ada@shop.example")
    make.make_user("eve@shop.example", is_confirmed=False)
    make.make_user("Two@shop.example")
    make.make_user("two@shop.example")

    assert shop.find_user_by_email("ADA@shop.example") == str(ada.pk)
    assert shop.find_user_by_email("eve@shop.example") is None
    assert shop.find_user_by_email("two@shop.example") is None
    assert shop.find_user_by_email("da@shop.example") is None


def test_what_is_kept_on_orders_is_forgotten(shop: Host, make: ModuleType) -> None:
    """For an uninstall: our key goes, once, and the shop's own stay."""
    kept, other = sold(make, "20.00"), sold(make, "20.00")
    kept.store_value_in_private_metadata({"saleor_retention": "{}", "erp": "7"})
    other.store_value_in_private_metadata({"erp": "8"})
    for order in (kept, other):
        order.save(update_fields=["private_metadata"])

    assert [shop.forget_orders(), shop.forget_orders()] == [1, 0]

    for order, number in ((kept, "7"), (other, "8")):
        order.refresh_from_db()
        assert order.private_metadata == {"erp": number}


def test_staff_and_apps_by_name(shop: Host) -> None:
    """Groups of staff only, whatever was put into one; an app that is gone has no name."""
    from django.contrib.auth.models import Group
    from saleor.account.models import User
    from saleor.app.models import App

    support, leads = (Group.objects.create(name=name) for name in ("Support", "Leads"))
    ada = User.objects.create_user("ada@example.com", is_staff=True)
    eve = User.objects.create_user("eve@example.com")
    ada.groups.add(support, leads)
    eve.groups.add(support)

    assert shop.group_names(str(ada.pk)) == {"Support", "Leads"}
    assert shop.group_names(str(eve.pk)) == shop.group_names("-1") == set()
    assert shop.app_name(str(App.objects.create(name="Help desk").pk)) == "Help desk"
    assert shop.app_name("-1") is None


def test_users_by_phone(shop: Host, make: ModuleType) -> None:
    """A number on either default address finds a user, once."""
    from saleor.account.models import Address

    ada, eve = make.make_user(), make.make_user()
    home = Address.objects.create(country="US", phone="+12125552368")
    ada.default_billing_address = ada.default_shipping_address = home
    ada.save()
    eve.addresses.add(home)

    assert shop.find_users_by_phone("+12125552368") == [str(ada.pk)]
    assert shop.find_users_by_phone("+12125552369") == []
    assert shop.find_users_by_phone("nonsense") == []


def test_slugs(shop: Host, make: ModuleType) -> None:
    """Goods are named by slug, variants by SKU, both ways."""
    coke = make.make_product("5.00")
    summer = make.make_collection("Summer")
    named = {
        "variants": (coke.sku, coke.pk),
        "products": (coke.product.slug, coke.product_id),
        "categories": (coke.product.category.slug, coke.product.category_id),
        "collections": (summer.slug, summer.pk),
    }

    for kind, (slug, pk) in named.items():
        assert shop.resolve_slugs(kind, [slug, "unknown"]) == {slug: str(pk)}
        assert shop.slugs_of(kind, [str(pk), "999999", "x"]) == {str(pk): slug}


def test_prices_on_the_shelf(shop: Host, make: ModuleType) -> None:
    """A product page shows the list price and the sale; unpublished goods have none."""
    coke, cake, hidden = (make.make_product(price) for price in ("5.00", "7.50", "9.00"))
    make.make_sale(20, coke)
    hidden.product.is_published = False
    hidden.product.save()
    (channel,) = shop.channels()
    refs = [str(variant.pk) for variant in (coke, cake, hidden)]

    found = shop.shelf_prices(refs, channel.ref)

    goods = shop.goods_of_variants(refs)
    assert found == {
        refs[0]: ShelfPrice(goods[refs[0]], "USD", 2, 500, 400),
        refs[1]: ShelfPrice(goods[refs[1]], "USD", 2, 750, 750),
    }
    assert shop.shelf_prices(refs, "elsewhere") == {}
    assert shop.variants_of_products([str(coke.product_id), "x"], channel.ref) == {
        str(coke.product_id): [refs[0]]
    }
    assert shop.variants_of_products([str(coke.product_id)], "elsewhere") == {}


# --- GraphQL and the rest -------------------------------------------------------------------------


def test_the_shop_is_its_only_channel(shop: Host, make: ModuleType) -> None:
    """The one channel has the shop's name and currency."""
    make.make_channel()

    (channel,) = shop.channels()

    assert (channel.ref, channel.slug, channel.currency) == ("default", "default-channel", "USD")
    assert channel.name
    assert shop.channel_slug(object()) == channel.slug
    assert [shop.currency_exponent(code) for code in ("USD", "JPY", "KWD")] == [2, 0, 3]


def test_global_ids(shop: Host) -> None:
    """An id is read back only as what it is an id of."""
    token = "9f8f9d0e-0000-4000-8000-000000000000"

    assert shop.from_global_id(shop.to_global_id("User", "7"), "User") == "7"
    assert shop.from_global_id(shop.to_global_id("Checkout", token), "Checkout") == token
    assert shop.from_global_id(shop.to_global_id("Checkout", "7"), "Checkout") is None
    assert shop.from_global_id(shop.to_global_id("User", "7"), "Order") is None
    assert shop.from_global_id(shop.to_global_id("User", "7; DROP TABLE"), "User") is None
    assert shop.from_global_id("nonsense", "User") is None
    assert shop.from_global_id("", "User") is None


def test_who_asks(shop: Host, make: ModuleType) -> None:
    """A shopper, staff with some permissions, the owner, an app, and nobody."""
    from django.contrib.auth.models import AnonymousUser, Permission
    from saleor.app.models import App

    def asks(**context: Any) -> Any:
        return shop.requestor(SimpleNamespace(context=SimpleNamespace(**context)))

    shopper, clerk, owner = (
        make.make_user(),
        make.make_staff("manage_users", "manage_products"),
        make.make_staff(),
    )
    till = App.objects.create(name="Till", is_active=True)
    till.permissions.set(Permission.objects.filter(codename="manage_orders"))

    with CaptureQueriesContext(connection) as statements:
        nobody, customer = asks(user=AnonymousUser(), app=None), asks(user=shopper)

    assert len(statements) == 0
    assert (nobody.actor_ref, nobody.permissions) == ("", frozenset())
    assert (customer.actor_ref, customer.permissions) == (f"user:{shopper.pk}", frozenset())
    assert asks(user=clerk, app=None).permissions == {"users"}
    assert asks(user=owner).permissions == {"discounts", "users", "orders", "checkouts"}
    app = asks(user=AnonymousUser(), app=till)
    assert (app.actor_ref, app.permissions) == (f"app:{till.pk}", {"orders"})


@pytest.mark.usefixtures("make")
def test_capabilities(shop: Host) -> None:
    """What cannot be done here is refused with a reason; what can is not."""
    assert shop.refusal_of("free_shipping") is None
    assert shop.refusal_of("line_discounts") is None
    assert shop.refusal_of("returns") == (
        "Saleor 2.10 knows refunds of money only, no returns of goods."
    )
