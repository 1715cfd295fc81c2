"""Prices on Saleor 2.10.1 through its own API: member prices, points, vouchers, taxes, faults."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention import conf, host
from saleor_retention.models import Account, Hold, HoldState, Program, StoredQuote
from saleor_retention.services.checkout import pricing, redeeming
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership import members
from saleor_retention.services.setting_up import programs

pytestmark = [pytest.mark.saleor2, pytest.mark.django_db]

VIP: dict[str, Any] = {"slug": "vip", "name": "VIP", "threshold": "500.00"}
RULES: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
    "reference": {"currency": "USD"},
}
_keys = itertools.count(1)


@pytest.fixture
def make() -> ModuleType:
    """The factories of this Saleor, and a shop that has everything but goods."""
    from tests.factories import saleor_2_10

    saleor_2_10.make_channel()
    return saleor_2_10


def start(*, rules: dict[str, Any] | None = None, **vip: Any) -> Program:
    """Start a program whose VIPs pay 10 % less, or what is said instead."""
    ladder = {"metric": "spend", "ladder": [{**VIP, "prices": [{"percent": 10}], **vip}]}
    (channel,) = host.current().channels()
    return programs.create_program(
        slug="club",
        name="Club",
        channels=[channel.ref],
        document={**RULES, "tiers": ladder, **(rules or {})},
    )


def join(program: Program, user: Any, *, tier: str = "vip", points: int = 0) -> Account:
    """Make a customer a member of a tier with points to spend."""
    account = members.member_of(program, str(user.pk))
    assert account is not None
    Account.objects.filter(pk=account.pk).update(tier=tier)
    if points:
        granting.grant(
            account_id=account.pk,
            points=points,
            reason="for the test",
            actor_ref="",
            key=str(next(_keys)),
        )
    account.refresh_from_db()
    return account


def spend(checkout: Any, points: int) -> Hold:
    """Set points on a checkout."""
    hold = redeeming.set_redemption(
        checkout_ref=str(checkout.pk), user_ref=str(checkout.user_id), points=points
    )
    assert hold is not None
    return hold


@dataclass(frozen=True, slots=True)
class Cart:
    """What the storefront shows of a cart."""

    lines: list[Decimal]
    subtotal: Decimal
    shipping: Decimal
    total: Decimal


CART = """query($token: UUID) { checkout(token: $token) {
  lines { totalPrice { gross { amount } } }
  subtotalPrice { gross { amount } } shippingPrice { gross { amount } }
  totalPrice { gross { amount } } } }"""


def cart(make: ModuleType, checkout: Any) -> Cart:
    """Ask the API what a cart costs."""
    seen = make.ask(CART, {"token": str(checkout.pk)}, checkout.user)["checkout"]
    amount = lambda price: make.cents(price["gross"]["amount"])  # noqa: E731
    return Cart(
        [amount(line["totalPrice"]) for line in seen["lines"]],
        amount(seen["subtotalPrice"]),
        amount(seen["shippingPrice"]),
        amount(seen["totalPrice"]),
    )


def priced(*lines: str, shipping: str = "10.00", off: str = "0.00") -> Cart:
    """Return a cart of such lines, less what is taken off the total."""
    amounts = [Decimal(line) for line in lines]
    total = sum(amounts, Decimal(shipping)) - Decimal(off)
    return Cart(amounts, sum(amounts, Decimal(0)), Decimal(shipping), total)


def assert_adds_up(order: Any) -> None:
    """An order's lines, shipping and discount are its total, to the cent."""
    order.refresh_from_db()
    lines = order.lines.all()
    gross = sum((line.unit_price_gross_amount * line.quantity for line in lines), Decimal(0))
    net = sum((line.unit_price_net_amount * line.quantity for line in lines), Decimal(0))
    assert (
        gross + order.shipping_price_gross_amount - order.discount_amount
        == order.total_gross_amount
    )
    assert net + order.shipping_price_net_amount - order.discount_amount == order.total_net_amount


# --- member prices --------------------------------------------------------------------------------


def test_a_member_sees_the_price_of_the_tier(make: ModuleType) -> None:
    """10 % are taken off each unit and rounded there, so that unit x quantity is the line."""
    user = make.make_user()
    join(start(), user)
    checkout = make.make_checkout(
        user, {make.make_product("9.99"): 3, make.make_product("5.00"): 1}
    )

    assert cart(make, checkout) == priced("26.97", "4.50")


def test_the_order_has_what_the_cart_showed(make: ModuleType) -> None:
    """Unit prices, subtotal and total of the order are those of the cart, to the cent."""
    user = make.make_user()
    join(start(), user)
    checkout = make.make_checkout(
        user, {make.make_product("9.99"): 3, make.make_product("5.00"): 1}
    )

    order = make.complete(checkout)

    units = [line.unit_price_gross_amount for line in order.lines.all()]
    assert units == [Decimal("8.99"), Decimal("4.50")]
    assert order.total_gross_amount == Decimal("41.47")
    assert order.discount_amount == 0
    assert_adds_up(order)


def test_others_pay_list_prices_and_leave_no_trace(make: ModuleType) -> None:
    """A guest, and a customer of no tier, see the shop's prices; the guest leaves no quote."""
    user = make.make_user()
    join(start(), user, tier="")
    coke = make.make_product("9.99")
    guest, member = make.make_checkout(None, {coke: 3}), make.make_checkout(user, {coke: 3})

    assert cart(make, member) == priced("29.97")
    assert make.post(CART, {"token": str(guest.pk)})["data"]
    assert not StoredQuote.objects.filter(checkout_ref=str(guest.pk)).exists()


def test_a_shop_without_a_program_is_left_alone(make: ModuleType) -> None:
    """Where there is no program there are no prices and no rows of ours."""
    user = make.make_user()
    checkout = make.make_checkout(user, {make.make_product("9.99"): 3})

    assert cart(make, checkout) == priced("29.97")
    assert not StoredQuote.objects.exists()


def test_a_sale_of_the_shop_comes_first(make: ModuleType) -> None:
    """The member's price is a part of the sale price."""
    user = make.make_user()
    join(start(), user)
    coke = make.make_product("10.00")
    make.make_sale(20, coke)
    checkout = make.make_checkout(user, {coke: 2})

    assert cart(make, checkout) == priced("14.40")


def test_only_chosen_goods_are_cheaper(make: ModuleType) -> None:
    """A benefit on a category reaches the goods in and below it, and no others."""
    drinks = make.make_category("Drinks")
    cold = make.make_category("Cold", parent=drinks)
    select = {"categories": [str(drinks.pk)]}
    user = make.make_user()
    join(start(prices=[{"amount": {"USD": "1.00"}, "select": select}]), user)
    coke, cake = make.make_product("5.00", category=cold), make.make_product("5.00")
    checkout = make.make_checkout(user, {coke: 2, cake: 1})

    assert cart(make, checkout) == priced("8.00", "5.00")


def test_shipping_is_free_for_the_tier(make: ModuleType) -> None:
    """Free shipping is free in the cart and in the order; the method still shows its price."""
    user = make.make_user()
    join(start(free_shipping=True), user)
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    offered = """query($token: UUID) { checkout(token: $token) {
      availableShippingMethods { price { amount } } } }"""

    shown = cart(make, checkout)
    methods = make.ask(offered, {"token": str(checkout.pk)}, user)["checkout"]
    order = make.complete(checkout)

    assert shown == priced("18.00", shipping="0.00")
    assert methods["availableShippingMethods"] == [{"price": {"amount": 10.0}}]
    assert order.shipping_price_gross_amount == 0
    assert order.total_gross_amount == Decimal("18.00")
    assert_adds_up(order)


def test_an_edited_order_keeps_what_it_was_sold_for(make: ModuleType) -> None:
    """2.10 prices a placed order afresh when staff edits its address; members keep their prices.

    Only the remainder of the points is lost then: 2.10 has no other place for it.
    """
    user = make.make_user()
    join(start(free_shipping=True), user, points=500)
    coke = make.make_product("5.00")
    checkout = make.make_checkout(user, {coke: 3})
    spend(checkout, 100)
    order = make.complete(checkout)
    before = order.total_gross_amount
    shown = make.ask(
        """query($id: ID!) { order(id: $id) {
             privateMetadata { key value } privateMeta { namespace } } }""",
        {"id": make.gid("Order", order)},
        make.owner(),
    )["order"]
    coke.product.price_amount = Decimal("6.00")
    coke.product.save()

    make.do(
        """mutation($id: ID!, $address: AddressInput!) {
             orderUpdate(id: $id, input: {shippingAddress: $address}) {
               order { id } orderErrors { field message } } }""",
        {"id": make.gid("Order", order), "address": {**make.ADDRESS, "city": "Albany"}},
        make.owner(),
    )

    order.refresh_from_db()
    (line,) = order.lines.all()
    kept = {"units": {str(line.pk): 417}, "free_shipping": True}
    assert shown["privateMetadata"] == [{"key": "saleor_retention", "value": json.dumps(kept)}]
    assert line.unit_price_gross_amount == Decimal("4.17")
    assert order.shipping_price_gross_amount == 0
    assert (before, order.total_gross_amount) == (Decimal("12.50"), Decimal("12.51"))
    assert_adds_up(order)


def test_staff_drafts_keep_list_prices(make: ModuleType) -> None:
    """A draft for a VIP costs what the shop says."""
    user = make.make_user()
    join(start(free_shipping=True), user)

    order = make.draft(user, {make.make_product("9.99"): 3})
    make.complete_draft(order)
    order.refresh_from_db()

    assert [line.unit_price_gross_amount for line in order.lines.all()] == [Decimal("9.99")]
    assert order.total_gross_amount == Decimal("29.97")  # 2.10 asks for shipping in a later step


# --- points ---------------------------------------------------------------------------------------


def test_points_that_units_can_express(make: ModuleType) -> None:
    """100 points take 1.00 off: a line of one unit takes what a line of three cannot."""
    user = make.make_user()
    join(start(), user, tier="", points=500)
    checkout = make.make_checkout(
        user, {make.make_product("5.00"): 3, make.make_product("5.00"): 1}
    )

    spend(checkout, 100)
    shown = cart(make, checkout)
    order = make.complete(checkout)

    assert shown == priced("14.25", "4.75")
    assert order.total_gross_amount == Decimal("29.00")
    assert order.discount_amount == 0
    assert_adds_up(order)


def test_points_that_units_cannot_express(make: ModuleType) -> None:
    """1.00 off three units is 33 cents each and one cent off the order, with its reason."""
    user = make.make_user()
    join(start(), user, tier="", points=500)
    checkout = make.make_checkout(user, {make.make_product("5.00"): 3})

    spend(checkout, 100)
    shown = cart(make, checkout)
    order = make.complete(checkout)

    assert shown == priced("14.01", off="0.01")
    assert [line.unit_price_gross_amount for line in order.lines.all()] == [Decimal("4.67")]
    assert order.total_gross_amount == Decimal("24.00")
    assert (order.discount_amount, order.discount_name) == (Decimal("0.01"), "Points")
    assert_adds_up(order)


def test_points_on_top_of_the_tier(make: ModuleType) -> None:
    """Points are taken off what the tier's price leaves."""
    user = make.make_user()
    join(start(), user, points=500)
    checkout = make.make_checkout(
        user, {make.make_product("9.99"): 3, make.make_product("5.00"): 2}
    )

    spend(checkout, 500)
    shown = cart(make, checkout)
    order = make.complete(checkout)

    assert shown == priced("23.22", "7.76", off="0.01")  # 26.97 + 9.00 less 5.00
    assert order.total_gross_amount == Decimal("40.97")
    assert_adds_up(order)


def test_points_that_pay_for_all_goods(make: ModuleType) -> None:
    """Only the shipping is left to pay; 2.10 needs a cent on each unit, taken off the order."""
    user = make.make_user()
    join(start(), user, tier="", points=2000)
    checkout = make.make_checkout(user, {make.make_product("5.00"): 3})

    spend(checkout, 1500)
    shown = cart(make, checkout)
    order = make.complete(checkout)

    assert shown == priced("0.03", off="0.03")
    assert order.total_gross_amount == Decimal("10.00")
    assert_adds_up(order)


@pytest.mark.django_db(transaction=True)
def test_a_smaller_cart_gives_points_back(make: ModuleType) -> None:
    """When the cart shrinks below its points, the hold shrinks with it, and the price follows."""
    user = make.make_user()
    account = join(start(), user, tier="", points=1500)
    coke = make.make_product("5.00")
    checkout = make.make_checkout(user, {coke: 3})
    hold = spend(checkout, 1200)

    make.set_quantity(checkout, coke, 2, user)
    shown = cart(make, checkout)

    hold.refresh_from_db()
    account.refresh_from_db()
    assert (hold.state, hold.points) == (HoldState.PLACED, 1000)
    assert (account.available, account.held) == (500, 1000)
    assert shown == priced("0.02", off="0.02")


@pytest.mark.django_db(transaction=True)
def test_a_checkout_that_changes_hands_loses_its_points(make: ModuleType) -> None:
    """Detached from its customer a cart costs the list price, and the points are free again."""
    user = make.make_user()
    account = join(start(), user, points=1500)
    checkout = make.make_checkout(user, {make.make_product("5.00"): 3})
    spend(checkout, 1200)

    make.detach(checkout, user)
    facts = host.current().checkout_facts(str(checkout.pk))
    total = make.do(
        """mutation($id: ID!, $email: String!) { checkoutEmailUpdate(checkoutId: $id, email: $email)
             { checkout { totalPrice { gross { amount } } } checkoutErrors { message } } }""",
        {"id": make.gid("Checkout", checkout), "email": "guest@x.example"},
    )

    account.refresh_from_db()
    assert facts is not None
    assert facts.basket.user_ref is None
    assert total["checkout"]["totalPrice"]["gross"]["amount"] == 25.0
    assert (account.available, account.held) == (1500, 0)


def test_authorized_money_keeps_the_price_it_was_given_for(make: ModuleType) -> None:
    """While money is reserved the quote is honored; another cart is priced as of now."""
    from saleor.payment import gateway

    user = make.make_user()
    account = join(start(), user, points=500)
    coke = make.make_product("5.00")
    checkout = make.make_checkout(user, {coke: 3})
    hold = spend(checkout, 100)
    make.announce(checkout)
    gateway.authorize(checkout.payments.get(), "token")

    Account.objects.filter(pk=account.pk).update(tier="")
    Hold.objects.filter(pk=hold.pk).update(state=HoldState.LAPSED)
    same = cart(make, checkout)
    make.set_quantity(checkout, coke, 4, user)
    other = cart(make, checkout)

    assert same == priced("12.51", off="0.01")
    assert other == priced("20.00")


# --- vouchers -----------------------------------------------------------------------------------


def test_a_percentage_voucher_comes_after_points(make: ModuleType) -> None:
    """20 % are taken off what points leave, whichever came first; cart and order agree."""
    user = make.make_user()
    join(start(), user, tier="", points=2000)
    voucher = make.make_voucher("20", discount_value_type="percentage")
    checkout = make.make_checkout(user, {make.make_product("20.00"): 2})
    make.add_voucher(checkout, voucher.code, user)

    spend(checkout, 1000)
    shown = cart(make, checkout)
    facts = host.current().checkout_facts(str(checkout.pk))
    order = make.complete(checkout)
    sold = host.current().order_facts(str(order.pk))

    assert shown == priced("30.00", off="6.00")
    assert facts is not None
    assert sold is not None
    assert (facts.outer_share_ppm, sold.effective_share_ppm) == (800_000, 800_000)
    assert order.discount_amount == Decimal("6.00")
    assert_adds_up(order)


def test_a_voucher_worth_more_than_what_points_leave(make: ModuleType) -> None:
    """With 15.00 off goods for 20.00 by voucher, only 5.00 of 10.00 in points reach the total."""
    user = make.make_user()
    join(start(), user, tier="", points=2000)
    checkout = make.make_checkout(user, {make.make_product("10.00"): 2})
    make.add_voucher(checkout, make.make_voucher("15.00").code, user)

    spend(checkout, 1000)
    facts = host.current().checkout_facts(str(checkout.pk))
    shown = cart(make, checkout)
    order = make.complete(checkout)
    sold = host.current().order_facts(str(order.pk))

    assert shown == priced("10.00", off="10.00")
    assert facts is not None
    assert sold is not None
    assert (facts.outer_share_ppm, sold.effective_share_ppm) == (500_000, 500_000)
    assert_adds_up(order)


def test_a_voucher_and_a_remainder_share_the_order_s_discount(make: ModuleType) -> None:
    """2.10 has one discount on an order: the voucher's, the remainder added to it."""
    user = make.make_user()
    join(start(), user, tier="", points=500)
    checkout = make.make_checkout(user, {make.make_product("5.00"): 3})
    make.add_voucher(checkout, make.make_voucher("2.00", name="Welcome").code, user)

    spend(checkout, 100)
    shown = cart(make, checkout)
    order = make.complete(checkout)

    assert shown == priced("14.01", off="2.01")
    assert (order.discount_amount, order.discount_name) == (Decimal("2.01"), "Welcome + Points")
    assert_adds_up(order)


def test_a_voucher_follows_the_customer_of_the_cart(make: ModuleType) -> None:
    """When a cart gets its customer, a percentage is computed afresh, in that very answer."""
    user = make.make_user()
    join(start(), user)
    voucher = make.make_voucher("50", discount_value_type="percentage")
    checkout = make.make_checkout(None, {make.make_product("10.00"): 2}, email=user.email)
    make.add_voucher(checkout, voucher.code)
    before = checkout.__class__.objects.get(pk=checkout.pk).discount_amount

    answer = make.do(
        """mutation($id: ID!) { checkoutCustomerAttach(checkoutId: $id) {
             checkout { totalPrice { gross { amount } } discount { amount } }
             checkoutErrors { message } } }""",
        {"id": make.gid("Checkout", checkout)},
        user,
    )
    checkout.refresh_from_db()

    assert before == Decimal("10.00")
    assert answer["checkout"]["totalPrice"]["gross"]["amount"] == 19.0
    assert checkout.discount_amount == Decimal("9.00")
    assert cart(make, checkout) == priced("18.00", off="9.00")


# --- taxes --------------------------------------------------------------------------------------


@pytest.fixture
def taxed(settings: Any) -> Iterator[Callable[[bool], None]]:
    """Add a plugin of 20 % tax before ours, with prices entered with tax or without."""
    from saleor_retention.host.saleor_2_10 import conflicts
    from tests.factories import taxes_2_10

    def switch(*, is_included: bool) -> None:
        from django.contrib.sites.models import Site

        taxes_2_10.FlatTax.is_included = is_included
        shop = Site.objects.get_current().settings
        shop.include_taxes_in_prices = is_included
        shop.save()
        path = "tests.factories.taxes_2_10.FlatTax"
        settings.PLUGINS = [path, *settings.PLUGINS]
        conflicts.price_plugins_after_ours.cache_clear()

    yield switch
    conflicts.price_plugins_after_ours.cache_clear()


def test_prices_with_tax_stay_exact_in_gross(make: ModuleType, taxed: Callable[..., None]) -> None:
    """Where prices hold the tax, the gross is the exact one and the net follows."""
    taxed(is_included=True)
    user = make.make_user()
    join(start(), user)

    order = make.complete(make.make_checkout(user, {make.make_product("12.00"): 3}))

    (line,) = order.lines.all()
    assert (line.unit_price_gross_amount, line.unit_price_net_amount) == (
        Decimal("10.80"),
        Decimal("9.00"),
    )
    assert order.total_gross_amount == Decimal("42.40")
    assert_adds_up(order)


def test_an_edited_order_keeps_its_net_price(make: ModuleType, taxed: Callable[..., None]) -> None:
    """The entered side of the price is what was sold; tax is computed on it again."""
    taxed(is_included=False)
    user = make.make_user()
    join(start(), user)
    order = make.complete(make.make_checkout(user, {make.make_product("12.00"): 3}))

    make.do(
        """mutation($id: ID!, $address: AddressInput!) {
             orderUpdate(id: $id, input: {shippingAddress: $address}) {
               order { id } orderErrors { field message } } }""",
        {"id": make.gid("Order", order), "address": {**make.ADDRESS, "city": "Albany"}},
        make.owner(),
    )

    (line,) = order.lines.all()
    assert (line.unit_price_net_amount, line.unit_price_gross_amount) == (
        Decimal("10.80"),
        Decimal("12.96"),
    )


def test_prices_without_tax_stay_exact_in_net(make: ModuleType, taxed: Callable[..., None]) -> None:
    """Where tax comes on top, the net is the exact one and the gross follows."""
    taxed(is_included=False)
    user = make.make_user()
    join(start(), user, points=100)
    checkout = make.make_checkout(user, {make.make_product("12.00"): 3})
    spend(checkout, 90)

    order = make.complete(checkout)

    (line,) = order.lines.all()
    assert (line.unit_price_net_amount, line.unit_price_gross_amount) == (
        Decimal("10.50"),
        Decimal("12.60"),
    )
    assert_adds_up(order)


# --- switched off, conflicts, faults --------------------------------------------------------------


def switch_off(make: ModuleType) -> None:
    """Switch the plugin off as staff does."""
    make.do(
        """mutation($id: ID!) { pluginUpdate(id: $id, input: {active: false}) {
             plugin { id } pluginsErrors { message } } }""",
        {"id": conf.PLUGIN_ID},
        make.owner(),
    )


def test_switched_off_every_hook_hands_on_what_it_was_given(make: ModuleType) -> None:
    """2.10 calls a plugin that is off, too; prices stop at once and quotes are forgotten."""
    user = make.make_user()
    join(start(free_shipping=True), user, points=500)
    coke = make.make_product("5.00")
    checkout = make.make_checkout(user, {coke: 3})
    spend(checkout, 100)
    before = cart(make, checkout)

    switch_off(make)
    after = cart(make, checkout)
    order = make.complete(checkout)

    assert before == priced("12.51", shipping="0.00", off="0.01")
    assert after == priced("15.00")
    assert order.total_gross_amount == Decimal("25.00")
    assert not StoredQuote.objects.exists()


def test_beside_avatax_nothing_is_priced(make: ModuleType) -> None:
    """Avatax leaves our prices out of its totals, so none are shown, and the reason is told."""
    from saleor.plugins.avatax.plugin import AvataxPlugin
    from saleor.plugins.models import PluginConfiguration

    user = make.make_user()
    join(start(), user)
    PluginConfiguration.objects.create(
        identifier=AvataxPlugin.PLUGIN_ID,
        active=True,
        configuration=AvataxPlugin.DEFAULT_CONFIGURATION,
    )
    checkout = make.make_checkout(user, {make.make_product("5.00"): 3})

    assert cart(make, checkout) == priced("15.00")
    assert host.current().refusal_of("line_discounts") == (
        "Avatax is active; on Saleor 2.10 it computes totals that leave member prices out."
    )


def test_a_price_plugin_after_ours_is_refused(make: ModuleType, settings: Any) -> None:
    """A plugin that would overwrite our prices stops us, by name."""
    from saleor_retention.host.saleor_2_10 import conflicts
    from tests.factories import taxes_2_10

    taxes_2_10.FlatTax.is_included = True
    user = make.make_user()
    join(start(), user)
    settings.PLUGINS = [*settings.PLUGINS, "tests.factories.taxes_2_10.FlatTax"]
    conflicts.price_plugins_after_ours.cache_clear()
    try:
        checkout = make.make_checkout(user, {make.make_product("12.00"): 3})

        assert cart(make, checkout).lines == [Decimal("36.00")]
        assert host.current().refusal_of("free_shipping") == (
            "Flat tax must stand before the retention plugin in the PLUGINS setting: "
            "a price plugin that comes later overwrites member prices."
        )
    finally:
        conflicts.price_plugins_after_ours.cache_clear()


def test_a_plugin_that_is_not_listed_is_reported(settings: Any) -> None:
    """2.10 finds no plugin by itself; without the setting it can price nothing."""
    settings.PLUGINS = [path for path in settings.PLUGINS if "saleor_retention" not in path]
    problem = (
        "saleor_retention.plugin.RetentionPlugin must stand last in the PLUGINS setting; "
        "it is not there."
    )

    assert host.current().seam_status().problems == (problem,)
    assert host.current().refusal_of("line_discounts") == problem


def test_a_fault_sells_at_list_prices(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the database fails us in the middle of an order, the order goes through without us."""
    from saleor_retention.host.saleor_2_10 import basket

    user = make.make_user()
    join(start(), user)
    checkout = make.make_checkout(user, {make.make_product("5.00"): 3})
    monkeypatch.setattr(basket, "SOURCE", "SELECT no_such_column FROM checkout_checkout")

    with caplog.at_level(logging.ERROR):
        order = make.complete(checkout)

    assert order.total_gross_amount == Decimal("25.00")
    assert f"Could not price checkout {checkout.pk}." in caplog.messages


def test_a_fault_of_the_engine_keeps_the_quote_of_the_same_cart(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stored quote is honored while the cart is the one that was quoted, and not longer."""
    user = make.make_user()
    join(start(), user, points=500)
    coke = make.make_product("5.00")
    checkout = make.make_checkout(user, {coke: 3})
    spend(checkout, 100)
    before = cart(make, checkout)

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(pricing.pricing, "price", fail)
    same = cart(make, checkout)
    make.set_quantity(checkout, coke, 4, user)
    other = cart(make, checkout)

    assert before == priced("12.51", off="0.01")
    assert same == before
    assert other == priced("20.00")


# --- what it costs, and what is remembered --------------------------------------------------------


def statements(make: ModuleType, checkout: Any) -> int:
    """Count the statements of one look at the cart."""
    with CaptureQueriesContext(connection) as captured:
        cart(make, checkout)
    return len(captured)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lines", [1, 3])
def test_a_look_at_a_cart_costs_one_statement_more(make: ModuleType, lines: int) -> None:
    """However many lines a cart has and however often its prices are asked for."""
    user = make.make_user()
    join(start(free_shipping=True), user, points=500)
    checkout = make.make_checkout(user, {make.make_product("5.00"): 2 for _ in range(lines)})
    spend(checkout, 100)
    cart(make, checkout)
    on = statements(make, checkout)

    switch_off(make)
    off = statements(make, checkout)

    assert on - off == 1


def test_two_changes_in_one_request(make: ModuleType) -> None:
    """What is remembered for a request is forgotten as soon as the cart changes within it."""
    user = make.make_user()
    join(start(), user)
    coke = make.make_product("5.00")
    checkout = make.make_checkout(user, {coke: 1})
    change = """checkoutLinesUpdate(checkoutId: $id, lines: [{variantId: $variant, quantity: %d}]) {
      checkout { lines { totalPrice { gross { amount } } } } }"""
    query = f"""mutation($id: ID!, $variant: ID!) {{
      two: {change % 2} three: {change % 3} }}"""

    answer = make.ask(
        query,
        {"id": make.gid("Checkout", checkout), "variant": make.gid("ProductVariant", coke)},
        user,
    )

    amounts = [
        payload["checkout"]["lines"][0]["totalPrice"]["gross"]["amount"]
        for payload in answer.values()
    ]
    assert amounts == [9.0, 13.5]


def test_nothing_is_remembered_after_a_request(make: ModuleType) -> None:
    """What changes between two requests is seen by the second."""
    user = make.make_user()
    account = join(start(), user)
    checkout = make.make_checkout(user, {make.make_product("5.00"): 2})
    before = cart(make, checkout)

    Account.objects.filter(pk=account.pk).update(tier="")
    after = cart(make, checkout)

    assert (before, after) == (priced("9.00"), priced("10.00"))


def test_stored_quotes_are_forgotten_on_request(make: ModuleType) -> None:
    """Stripping forgets quotes of open checkouts; one that became an order keeps its terms."""
    user = make.make_user()
    join(start(), user)
    coke = make.make_product("5.00")
    ordered = make.make_checkout(user, {coke: 2})
    make.complete(ordered)
    opened = make.make_checkout(user, {coke: 2})

    forgotten = host.current().strip_own_rows()

    assert forgotten == 1
    refs = set(StoredQuote.objects.values_list("checkout_ref", flat=True))
    assert refs == {str(ordered.pk)}
    assert host.current().strip_own_rows([str(opened.pk)]) == 0
