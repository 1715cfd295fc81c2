"""What every host adapter promises, on whichever Saleor the tests run on."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.engine import pricing as engine_pricing
from saleor_retention.engine.facts import OrderFacts, OrderState, Origin
from saleor_retention.engine.rules import Selection
from saleor_retention.host.contract import Host
from saleor_retention.models import Account, OrderRecord, StoredQuote
from saleor_retention.selectors.people import Directory
from tests.factories.loyalty import hold, make_member, make_program, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Host:
    """The adapter under test."""
    return host.current()


def seen(shop: Host, order: Any) -> OrderFacts:
    """Return the facts of an order that is there."""
    facts = shop.order_facts(str(order.pk))
    assert facts is not None
    return facts


def switch(*, is_on: bool) -> None:
    """Save the plugin's configuration as staff does in the dashboard."""
    from saleor.plugins.manager import get_plugins_manager

    try:
        manager = get_plugins_manager(allow_replica=False)
    except TypeError:
        manager = get_plugins_manager()
    with host.current().writer():
        try:
            manager.save_plugin_configuration(conf.PLUGIN_ID, None, {"active": is_on})
        except TypeError:
            manager.save_plugin_configuration(conf.PLUGIN_ID, {"active": is_on})


# --- orders -------------------------------------------------------------------------------------


def test_paid_order(shop: Host, make: Any) -> None:
    """A paid order tells its lines, prices, buyer, origin and checkout."""
    # given
    user = make.make_user("ada@shop.example")
    coke, cake = make.make_product("5.00"), make.make_product("7.50")
    checkout = make.make_checkout(user, {coke: 3, cake: 1})

    # when
    order = make.complete(checkout)

    # then
    facts = seen(shop, order)
    assert (facts.total_minor, facts.shipping_gross_minor) == (3250, 1000)
    assert {(line.goods.variant_ref, line.quantity, line.gross_minor) for line in facts.lines} == {
        (str(coke.pk), 3, 1500),
        (str(cake.pk), 1, 750),
    }
    assert [line.undiscounted_minor for line in facts.lines] == [
        line.gross_minor for line in facts.lines
    ]
    assert (facts.user_ref, facts.email) == (str(user.pk), "ada@shop.example")
    assert facts.is_user_confirmed
    assert facts.checkout_ref == str(checkout.pk)
    assert (facts.origin, facts.state) == (Origin.CHECKOUT, OrderState.OPEN)
    assert facts.is_paid
    assert facts.paid_at is not None
    assert facts.fulfilled_at is None
    assert (facts.refunded_minor, facts.refunded_shipping_minor) == (0, 0)
    assert facts.effective_share_ppm == 1_000_000
    assert (facts.currency, facts.exponent) == ("USD", 2)


def test_unpaid_order(shop: Host, make: Any) -> None:
    """Money that is only authorized is not paid."""
    checkout = make.make_checkout(make.make_user(), {make.make_product("5.00"): 1})
    order = make.complete(checkout, paid=False)

    facts = seen(shop, order)

    assert (facts.is_paid, facts.paid_at) == (False, None)


def test_guest_order(shop: Host, make: Any) -> None:
    """A guest's order has an e-mail address and nobody's account."""
    order = make.complete(make.make_checkout(None, {make.make_product("5.00"): 1}))

    facts = seen(shop, order)

    assert (facts.user_ref, facts.email, facts.is_user_confirmed) == (
        None,
        "guest@shop.example",
        False,
    )


def test_partial_and_full_refund(shop: Host, make: Any) -> None:
    """Money that went back is counted, and the order stays one that was paid."""
    order = make.complete(make.make_checkout(make.make_user(), {make.make_product("30.00"): 1}))

    make.refund(order, "15.00")
    half = seen(shop, order)
    make.refund(order, "25.00")
    whole = seen(shop, order)

    assert (half.refunded_minor, half.is_paid) == (1500, True)
    assert (whole.refunded_minor, whole.is_paid) == (4000, True)


def test_canceled_order(shop: Host, make: Any) -> None:
    """A canceled order keeps nothing."""
    order = make.complete(make.make_checkout(make.make_user(), {make.make_product("5.00"): 1}))

    make.cancel(order)

    assert seen(shop, order).state is OrderState.CANCELED


def test_fulfilled_in_two_parts(shop: Host, make: Any) -> None:
    """An order is fulfilled when the last goods have left."""
    coke, cake = make.make_product("5.00"), make.make_product("7.50")
    order = make.complete(make.make_checkout(make.make_user(), {coke: 2, cake: 1}))
    lines = {line.variant_id: line for line in order.lines.all()}

    make.fulfil(order, {lines[coke.pk]: 2})
    partly = seen(shop, order)
    make.fulfil(order, {lines[cake.pk]: 1})
    wholly = seen(shop, order)

    assert partly.fulfilled_at is None
    assert wholly.fulfilled_at is not None


def test_draft(shop: Host, make: Any) -> None:
    """A draft is a draft until staff completes it, and tells its origin afterwards."""
    order = make.draft(make.make_user(), {make.make_product("5.00"): 2})

    before = seen(shop, order)
    make.complete_draft(order)
    make.mark_paid(order)
    after = seen(shop, order)

    assert (before.state, before.origin, before.is_paid) == (OrderState.DRAFT, Origin.DRAFT, False)
    assert (after.state, after.origin, after.is_paid) == (OrderState.OPEN, Origin.DRAFT, True)
    assert [line.gross_minor for line in after.lines] == [1000]


def test_how_many_orders_customers_placed(shop: Host, make: Any) -> None:
    """In channels that are asked about; absent for who placed none."""
    ann, ben = make.make_user(), make.make_user()
    goods = make.make_product("5.00")
    for user in (ann, ann, ben):
        order = make.complete(make.make_checkout(user, {goods: 1}))
    type(order).objects.filter(pk=order.pk).update(status="canceled")
    refs = [str(ann.pk), str(ben.pk), "x"]
    places = [place.ref for place in shop.channels()]

    assert shop.order_counts(places, refs) == {str(ann.pk): 2}
    assert shop.order_counts([], refs) == {}


def test_since_when_goods_are_seen(shop: Host, make: Any) -> None:
    """A product and its variant; nothing that is hidden or gone."""
    variant = make.make_product("5.00")
    places = [place.ref for place in shop.channels()]
    product_ref, variant_ref = str(variant.product_id), str(variant.pk)

    since = shop.published_since("products", product_ref, places)

    assert since is not None
    assert since <= timezone.now()
    assert shop.published_since("variants", variant_ref, places) == since
    assert shop.published_since("products", product_ref, []) is None
    assert shop.published_since("products", "0", places) is None
    product = variant.product
    hidden = getattr(product, "channel_listings", None) or type(product).objects.filter(
        pk=product.pk
    )
    hidden.update(is_published=False)
    assert shop.published_since("products", product_ref, places) is None
    assert shop.published_since("variants", variant_ref, places) is None


def test_orders_of_unknown_reference(shop: Host, make: Any) -> None:
    """References that are no key, or nobody's, are absent."""
    order = make.complete(make.make_checkout(make.make_user(), {make.make_product("5.00"): 1}))

    found = shop.orders_facts([str(order.pk), "", "x", "-1", str(uuid.UUID(int=0))])

    assert set(found) == {str(order.pk)}
    assert shop.order_facts("nothing") is None


def test_orders_changed_since(shop: Host, make: Any) -> None:
    """Orders that changed are found, oldest change first; drafts and earlier ones are not."""
    product, user = make.make_product("5.00"), make.make_user()
    early = make.complete(make.make_checkout(user, {product: 1}))
    since = timezone.now()
    first = make.complete(make.make_checkout(user, {product: 1}))
    second = make.complete(make.make_checkout(user, {product: 1}))
    make.draft(user, {product: 1})

    found = [ref for ref, _at in shop.order_refs_updated_since(since, 10)]

    assert found == [str(first.pk), str(second.pk)]
    assert str(early.pk) not in found
    assert len(shop.order_refs_updated_since(since - dt.timedelta(days=1), 2)) == 2


def test_order_of_checkout(shop: Host, make: Any) -> None:
    """An order is found by the checkout it was made from."""
    checkout = make.make_checkout(make.make_user(), {make.make_product("5.00"): 1})
    checkout_ref = str(checkout.pk)
    before = shop.order_ref_of_checkout(checkout_ref)

    order = make.complete(checkout)

    assert before is None
    assert shop.order_ref_of_checkout(checkout_ref) == str(order.pk)


# --- checkouts ------------------------------------------------------------------------------------


def test_checkout_facts(shop: Host, make: Any) -> None:
    """The basket has the lines before our discounts, and the customer."""
    channel = make.make_channel()
    user = make.make_user()
    make_member(make_program(channel), user, "vip")
    product = make.make_product("20.00")
    checkout = make.make_checkout(user, {product: 2})

    facts = shop.checkout_facts(str(checkout.pk))

    assert facts is not None
    assert facts.basket.user_ref == str(user.pk)
    (line,) = facts.basket.lines
    assert (line.goods.variant_ref, line.quantity) == (str(product.pk), 2)
    assert (line.unit_minor, line.total_minor) == (2000, 4000)
    assert (facts.is_money_committed, facts.outer_share_ppm) == (False, 1_000_000)


def test_checkout_that_is_gone(shop: Host) -> None:
    """A checkout that is gone has no facts, no lock and no existence."""
    with transaction.atomic():
        assert not shop.lock_checkout(str(uuid.UUID(int=0)))
        assert not shop.lock_checkout("x")
    assert shop.checkout_facts(str(uuid.UUID(int=0))) is None
    assert shop.checkout_facts("x") is None
    assert shop.existing_checkouts([str(uuid.UUID(int=0)), "x"]) == set()


def test_lock_and_existence(shop: Host, make: Any) -> None:
    """A checkout that is there can be locked."""
    checkout_ref = str(make.make_checkout(None, {make.make_product("5.00"): 1}).pk)

    with transaction.atomic():
        assert shop.lock_checkout(checkout_ref)
    assert shop.existing_checkouts([checkout_ref, "x"]) == {checkout_ref}


def test_money_committed(shop: Host, make: Any) -> None:
    """Money that was charged for a checkout is committed."""
    checkout = make.make_checkout(make.make_user(), {make.make_product("5.00"): 1})

    make.pay(checkout)

    facts = shop.checkout_facts(str(checkout.pk))
    assert facts is not None
    assert facts.is_money_committed


def test_free_checkout_has_no_money_committed(shop: Host, make: Any) -> None:
    """A checkout that costs nothing counts as paid in Saleor; there is no money in it."""
    free = make.make_product("0.00", is_shipped=False)
    checkout = make.make_checkout(make.make_user(), {free: 1}, has_delivery=False)
    make.checkout_total(checkout)

    facts = shop.checkout_facts(str(checkout.pk))

    assert facts is not None
    assert not facts.is_money_committed


def test_percentage_voucher_takes_its_part(shop: Host, make: Any) -> None:
    """With 20 % off the order, four fifths of a line discount reach the total."""
    user = make.make_user()
    checkout = make.make_checkout(user, {make.make_product("50.00"): 1})
    voucher = make.make_voucher("20", discount_value_type="percentage")
    make.add_voucher(checkout, getattr(voucher, "code", voucher), user)

    facts = shop.checkout_facts(str(checkout.pk))

    assert facts is not None
    assert facts.outer_share_ppm == 800_000


# --- prices ---------------------------------------------------------------------------------------


def test_member_price(make: Any) -> None:
    """A member pays ten per cent less for goods, shipping apart; the order costs what was shown."""
    channel = make.make_channel()
    user = make.make_user()
    make_member(make_program(channel), user, "vip")

    lines = {make.make_product("20.00"): 2, make.make_product("9.99"): 3}
    checkout = make.make_checkout(user, lines)
    total = make.checkout_total(checkout, user)
    order = make.complete(checkout)

    # 40.00 - 4.00, 29.97 - 3 x 1.00, shipping 10.00
    assert total == Decimal("72.97")
    assert order.total_gross_amount == Decimal("72.97")


def test_nobody_else_pays_less_and_nothing_is_stored(make: Any) -> None:
    """A guest pays list prices and leaves no row, also where a program is active."""
    make_program(make.make_channel())

    checkout = make.make_checkout(None, {make.make_product("20.00"): 1})

    assert make.checkout_total(checkout) == Decimal("30.00")
    assert not StoredQuote.objects.exists()


def test_without_program_nothing_is_stored(make: Any) -> None:
    """Without an active program in the channel there is not one row."""
    user = make.make_user()

    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})

    assert make.checkout_total(checkout, user) == Decimal("30.00")
    assert not StoredQuote.objects.exists()


def test_cart_changes(make: Any) -> None:
    """The member price follows the quantity."""
    channel, user = make.make_channel(), make.make_user()
    make_member(make_program(channel), user, "vip")
    product = make.make_product("20.00")
    checkout = make.make_checkout(user, {product: 1})

    make.set_quantity(checkout, product, 3, user)

    assert make.checkout_total(checkout, user) == Decimal("64.00")


def test_attach_and_detach(make: Any) -> None:
    """The price follows the customer: attached it falls, detached it rises."""
    channel, user = make.make_channel(), make.make_user()
    make_member(make_program(channel), user, "vip")
    checkout = make.make_checkout(None, {make.make_product("20.00"): 1})
    as_guest = make.checkout_total(checkout)

    make.attach(checkout, user)
    as_member = make.checkout_total(checkout, user)
    make.detach(checkout, user)
    as_guest_again = make.checkout_total(checkout)

    assert (as_guest, as_member, as_guest_again) == (
        Decimal("30.00"),
        Decimal("28.00"),
        Decimal("30.00"),
    )


def test_points_on_top_of_the_member_price(shop: Host, make: Any) -> None:
    """Held points come off after the member price, and the quote says how many."""
    channel, user = make.make_channel(), make.make_user()
    account = make_member(make_program(channel), user, "vip")
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})

    hold(account, checkout, 500)
    shop.reprice(str(checkout.pk))

    assert make.checkout_total(checkout, user) == Decimal("23.00")
    quote = stored(checkout)
    assert quote is not None
    assert (quote.points_applied, quote.account_id, quote.tier) == (500, account.pk, "vip")


def test_free_shipping(shop: Host, make: Any) -> None:
    """A gold member's shipping is free, in the checkout and on the order."""
    channel, user = make.make_channel(), make.make_user()
    make_member(make_program(channel), user, "gold")
    assert shop.refusal_of("free_shipping") is None

    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    total = make.checkout_total(checkout, user)
    order = make.complete(checkout)

    assert total == Decimal("18.00")
    assert (order.total_gross_amount, order.shipping_price_gross_amount) == (
        Decimal("18.00"),
        Decimal("0.00"),
    )


def test_repricing_a_channel(shop: Host, make: Any) -> None:
    """After more than the cart changed, a channel's checkouts are priced afresh, in batches."""
    channel, user = make.make_channel(), make.make_user()
    account = make_member(make_program(channel), user)
    product = make.make_product("20.00")
    checkouts = [make.make_checkout(user, {product: 1}) for _ in range(2)]
    Account.objects.filter(pk=account.pk).update(tier="vip")
    channel_ref = str(channel.pk) if hasattr(channel, "pk") else channel.ref

    after: str | None = ""
    rounds = 0
    while after is not None and rounds < 5:
        after = shop.reprice_channels([channel_ref], after, 1)
        rounds += 1

    assert after is None
    assert [make.checkout_total(checkout, user) for checkout in checkouts] == [Decimal("28.00")] * 2


def test_switched_off(make: Any) -> None:
    """Prices stop at once when the plugin is switched off, and come back when it is on again."""
    channel, user = make.make_channel(), make.make_user()
    make_member(make_program(channel), user, "vip")
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    before = make.checkout_total(checkout, user)

    switch(is_on=False)
    off = make.checkout_total(checkout, user)
    has_quote = stored(checkout) is not None
    switch(is_on=True)
    make.set_delivery(checkout, user)
    on = make.checkout_total(checkout, user)

    assert (before, off, has_quote, on) == (
        Decimal("28.00"),
        Decimal("30.00"),
        False,
        Decimal("28.00"),
    )


def test_strip_own_rows(shop: Host, make: Any) -> None:
    """Stripping some checkouts leaves the others alone."""
    channel, user = make.make_channel(), make.make_user()
    make_member(make_program(channel), user, "vip")
    product = make.make_product("20.00")
    one, other = (make.make_checkout(user, {product: 1}) for _ in range(2))
    for checkout in (one, other):
        make.checkout_total(checkout, user)

    shop.strip_own_rows([str(one.pk)])

    assert (stored(one) is None, stored(other) is None) == (True, False)


def test_engine_fault_keeps_the_quote_of_the_same_basket(
    shop: Host, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the engine fails, the price that was shown stays while the cart is the same."""
    channel, user = make.make_channel(), make.make_user()
    make_member(make_program(channel), user, "vip")
    product = make.make_product("20.00")
    checkout = make.make_checkout(user, {product: 1})
    make.checkout_total(checkout, user)
    monkeypatch.setattr(engine_pricing, "price", _fail)

    shop.reprice(str(checkout.pk))
    same = make.checkout_total(checkout, user)
    make.set_quantity(checkout, product, 2, user)
    changed = make.checkout_total(checkout, user)

    assert (same, changed) == (Decimal("28.00"), Decimal("50.00"))


def test_paid_quote_is_honored(shop: Host, make: Any) -> None:
    """A tier that ends after the customer paid changes nothing for the same cart."""
    channel, user = make.make_channel(), make.make_user()
    account = make_member(make_program(channel), user, "vip")
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    make.pay(checkout)

    Account.objects.filter(pk=account.pk).update(tier="")
    shop.reprice(str(checkout.pk))
    total = make.checkout_total(checkout, user)
    make.post(_complete(make), {"id": make.gid("Checkout", checkout)}, user)
    order_ref = shop.order_ref_of_checkout(str(checkout.pk))

    assert total == Decimal("28.00")
    assert order_ref is not None
    facts = shop.order_facts(order_ref)
    assert facts is not None
    assert facts.total_minor == 2800


def test_hooks_settle_the_order(make: Any) -> None:
    """An order that was completed is settled: its points are on the account."""
    channel, user = make.make_channel(), make.make_user()
    account = make_member(make_program(channel), user, "vip")

    order = make.complete(make.make_checkout(user, {make.make_product("20.00"): 1}))

    record = OrderRecord.objects.get(order_ref=str(order.pk))
    account.refresh_from_db()
    assert (record.earned, record.tier, record.account_id) == (18, "vip", account.pk)
    assert account.available == 18


# --- people and goods -----------------------------------------------------------------------------


def test_people(shop: Host, make: Any) -> None:
    """Customers are found by key, by words, and by their exact address whatever its case."""
    ada, bob = make.make_user("ada@shop.example"), make.make_user("bob@shop.example")
    make.make_user("new@shop.example", is_confirmed=False)

    known = shop.users([str(ada.pk), "-1", "x"])

    assert set(known) == {str(ada.pk)}
    assert (known[str(ada.pk)].email, known[str(ada.pk)].is_confirmed) == ("ada@shop.example", True)
    assert shop.find_user_refs("shop.example bob", 10) == [str(bob.pk)]
    assert shop.find_user_refs("", 10) == []
    assert shop.find_user_by_email("ADA@shop.example") == str(ada.pk)
    assert shop.find_user_by_email("new@shop.example") is None


def test_purchases(shop: Host, make: Any) -> None:
    """Units of a variant by customer, oldest first; no canceled order, and of nobody else."""
    ada, bob = make.make_user("ada@shop.example"), make.make_user("bob@shop.example")
    tea, pot = make.make_product("20.00"), make.make_product("30.00")
    (place,) = shop.channels()
    bought = [
        make.complete(make.make_checkout(user, lines))
        for user, lines in ((ada, {tea: 2, pot: 1}), (bob, {tea: 5}), (ada, {tea: 1}))
    ]
    canceled = make.complete(make.make_checkout(ada, {tea: 9}))
    type(canceled).objects.filter(pk=canceled.pk).update(status="canceled")
    refs = [str(ada.pk), str(bob.pk)]

    def asked(variants: list[Any], channel: str, users: list[str]) -> list[tuple[str, str, int]]:
        found = shop.purchases([str(variant.pk) for variant in variants], [channel], users)
        return [(each.user_ref, each.variant_ref, each.quantity) for each in found]

    mine = [(refs[0], str(tea.pk), 2), (refs[0], str(tea.pk), 1)]
    assert asked([tea], place.ref, refs[:1]) == mine
    assert asked([tea], place.ref, refs) == [mine[0], (refs[1], str(tea.pk), 5), mine[1]]
    assert asked([pot, tea], place.ref, refs[1:]) == [(refs[1], str(tea.pk), 5)]
    assert asked([tea], "-1", refs) == []
    (first, *_) = shop.purchases([str(pot.pk)], [place.ref], refs)
    assert first.at == getattr(bought[0], "created_at", None) or bought[0].created


def test_phones(shop: Host, make: Any) -> None:
    """The number of the default shipping address goes before that of billing; none is absent."""
    from saleor.account.models import Address

    ada, bob, eve = (make.make_user(f"{name}@shop.example") for name in ("ada", "bob", "eve"))
    ada.default_billing_address = Address.objects.create(phone="+12025550111")
    ada.default_shipping_address = Address.objects.create(phone="+12025550122")
    bob.default_billing_address = Address.objects.create(phone="+12025550133")
    eve.default_billing_address = Address.objects.create()
    for user in (ada, bob, eve):
        user.save()

    found = shop.phones_of([str(user.pk) for user in (ada, bob, eve)])

    assert found == {str(ada.pk): "+12025550122", str(bob.pk): "+12025550133"}
    assert shop.phones_of([]) == {}


def test_places(shop: Host, make: Any) -> None:
    """Homes and phones of the whole address book, alike for two who share them; none is absent."""
    from saleor.account.models import Address

    ada, bob, eve = (make.make_user(f"{name}@shop.example") for name in ("ada", "bob", "eve"))
    home = {"country": "US", "postal_code": "10001", "city": "New York"}
    ada.addresses.add(
        Address.objects.create(street_address_1="12 Main St.", **home),
        Address.objects.create(phone="+12025550122"),
    )
    bob.addresses.add(
        Address.objects.create(street_address_1="12 main st", phone="+12025550122", **home)
    )
    eve.addresses.add(Address.objects.create())

    found = shop.places_of([str(user.pk) for user in (ada, bob, eve)])

    assert len(found[str(ada.pk)]) == 2
    assert found[str(ada.pk)] == found[str(bob.pk)]
    assert found.get(str(eve.pk), frozenset()) == frozenset()
    assert shop.places_of([]) == {}


def test_who_has_ordered(shop: Host, make: Any) -> None:
    """Drafts and orders that were called off do not count."""
    from saleor.order import OrderStatus

    ada, bob = (make.make_user(f"{name}@shop.example") for name in ("ada", "bob"))
    order = make.complete(make.make_checkout(ada, {make.make_product("10.00"): 1}))

    assert (shop.has_ordered(str(ada.pk)), shop.has_ordered(str(bob.pk))) == (True, False)
    for status in (OrderStatus.DRAFT, OrderStatus.CANCELED):
        order.status = status
        order.save(update_fields=["status"])
        assert not shop.has_ordered(str(ada.pk))


def test_notify(shop: Host) -> None:
    """Saleor 3.x tells who listens, here nobody; 2.10 has no such event and says so beforehand."""
    assert shop.notify("retention_campaign", {"recipient_email": "ada@shop.example"}) is False

    assert shop.hears_notify() is False
    assert (shop.refusal_of("notify") is None) is (shop.name == "3")


def test_many_people_by_address(make: Any) -> None:
    """As one by one: confirmed, whatever the case of the address, in a few statements."""
    ada, bob = make.make_user("ada@shop.example"), make.make_user("bob@shop.example")
    make.make_user("new@shop.example", is_confirmed=False)
    type(bob).objects.filter(pk=bob.pk).update(email="Bob@Shop.example")

    found = Directory().by_email(["ADA@shop.example", "bob@shop.example", "new@shop.example", "x"])

    assert {address: user.ref for address, user in found.items()} == {
        "ada@shop.example": str(ada.pk),
        "bob@shop.example": str(bob.pk),
    }


def test_goods(shop: Host, make: Any) -> None:
    """Goods know their product, their category with all above it, and their collections."""
    upper = make.make_category("Upper")
    lower = make.make_category("Lower", upper)
    summer = make.make_collection("Summer")
    product = make.make_product("5.00", category=lower, collections=[summer])

    goods = shop.goods_of_variants([str(product.pk), "x", "-1"])

    (facts,) = goods.values()
    assert facts.product_ref == str(product.product_id)
    assert facts.category_refs == {str(upper.pk), str(lower.pk)}
    assert facts.collection_refs == {str(summer.pk)}
    assert shop.resolve_slugs("categories", [lower.slug, "no"]) == {lower.slug: str(lower.pk)}
    assert shop.slugs_of("variants", [str(product.pk)]) == {str(product.pk): product.sku}


def test_shelf_prices(shop: Host, make: Any) -> None:
    """What a variant costs on the shelf; unknown ones and other channels' are absent."""
    product = make.make_product("5.25")
    (channel,) = shop.channels()

    found = shop.shelf_prices([str(product.pk), "x"], channel.ref)

    (price,) = found.values()
    assert (price.list_minor, price.unit_minor) == (525, 525)
    assert (price.currency, price.exponent) == ("USD", 2)
    assert shop.shelf_prices([str(product.pk)], "-1") == {}
    assert shop.variants_of_products([str(product.product_id)], channel.ref) == {
        str(product.product_id): [str(product.pk)]
    }


def hide(shop: Host, variant: Any) -> None:
    """Publish a product no more."""
    product = variant.product
    rows = type(product).objects.filter(pk=product.pk)
    (rows if shop.name == "2.10" else product.channel_listings).update(is_published=False)


def test_what_is_sold_of_a_selection(shop: Host, make: Any) -> None:
    """The cheapest first, of categories with all below them; hidden goods are not sold."""
    upper = make.make_category("Upper")
    lower = make.make_category("Lower", upper)
    summer = make.make_collection("Summer")
    cup = make.make_product("5.00", category=lower)
    pot = make.make_product("3.00", category=upper, collections=[summer])
    tea, other = make.make_product("4.00"), make.make_product("1.00")
    hidden = make.make_product("2.00", category=upper)
    hide(shop, hidden)
    (channel,) = shop.channels()
    selection = Selection(
        products=frozenset([str(tea.product_id), "x"]),
        categories=frozenset([str(upper.pk)]),
        collections=frozenset([str(summer.pk)]),
    )

    found = shop.sold_of(selection, channel.ref, 10)

    assert found == [str(each.pk) for each in (pot, tea, cup)]
    assert shop.sold_of(selection, channel.ref, 2) == found[:2]
    assert shop.sold_of(Selection(variants=frozenset([str(other.pk)])), channel.ref, 9) == [
        str(other.pk)
    ]
    assert shop.sold_of(selection, "-1", 10) == []


def test_what_a_checkout_can_have_one_more_of(shop: Host, make: Any) -> None:
    """Not what is sold out, hidden, or in the cart to the last unit; in few statements."""
    customer = make.make_user("stock@example.com")
    plenty, last, none, hidden = (
        make.make_product("5.00", stock=stock) for stock in (1000, 1, 0, 5)
    )
    hide(shop, hidden)
    checkout = make.make_checkout(customer, {last: 1, plenty: 2})
    more = [make.make_product("6.00", stock=number % 2) for number in range(6)]
    refs = [str(each.pk) for each in (plenty, last, none, hidden)]

    with CaptureQueriesContext(connection) as few:
        found = shop.in_stock(refs[:2], str(checkout.pk))
    with CaptureQueriesContext(connection) as many:
        shop.in_stock([*refs, *(str(each.pk) for each in more)], str(checkout.pk))

    assert found == {refs[0]}
    assert shop.in_stock(refs, str(checkout.pk)) == {refs[0]}
    assert len(many) <= len(few) + 3
    assert shop.in_stock(refs, "00000000-0000-0000-0000-000000000000") == set()


def test_currencies(shop: Host) -> None:
    """Minor units have as many digits as the shop rounds to."""
    assert [shop.currency_exponent(code) for code in ("JPY", "USD", "KWD")] == [0, 2, 3]


@pytest.mark.usefixtures("make")
@pytest.mark.parametrize("is_gross", [True, False])
def test_how_prices_are_entered(shop: Host, is_gross: bool) -> None:  # noqa: FBT001
    """With tax or without, by channel; of a channel that is not there, without."""
    if shop.name == "2.10":
        from saleor.site.models import SiteSettings

        SiteSettings.objects.update(include_taxes_in_prices=is_gross)
        Site.objects.clear_cache()
    else:
        from saleor.tax.models import TaxConfiguration

        TaxConfiguration.objects.update(prices_entered_with_tax=is_gross)
    (channel,) = shop.channels()

    assert shop.has_tax_in_prices(channel.ref) is is_gross
    assert shop.has_tax_in_prices("999999") is False
    Site.objects.clear_cache()


def test_global_ids(shop: Host) -> None:
    """Ids go both ways; one of another type, or none at all, is no key."""
    user_id = shop.to_global_id("User", "7")

    assert shop.from_global_id(user_id, "User") == "7"
    assert shop.from_global_id(user_id, "Order") is None
    assert shop.from_global_id("nonsense", "User") is None
    number = shop.to_global_id("Checkout", "2147483648")
    assert shop.from_global_id(number, "Checkout") is None


def _fail(*_args: object, **_kwargs: object) -> None:
    raise ZeroDivisionError("the engine failed")


def _complete(make: Any) -> str:
    argument = "id" if hasattr(make, "COMPLETE") else "checkoutId"
    return f"mutation($id: ID!) {{ checkoutComplete({argument}: $id) {{ order {{ id }} }} }}"
