"""Offers in the price of a real checkout on Saleor 3.x, from the cart to the order and back."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.offers import quoting
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.quote import Quote
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.models import Account, Program, StoredQuote
from saleor_retention.services.checkout import pricing, redeeming
from saleor_retention.services.offering.offer_explaining import explain
from tests.factories.loyalty import make_member, make_program, stored
from tests.factories.offer_rows import any_of, change_offer, put_offer, select

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def program(make: Any) -> Program:
    """A program in that shop, whose VIPs pay 10 % less."""
    return make_program(make.make_channel())


def rows(checkout: Any) -> dict[str, Decimal]:
    """Return what the rows of each name take off a checkout."""
    from saleor.discount.models import CheckoutLineDiscount

    found: dict[str, Decimal] = {}
    for row in CheckoutLineDiscount.objects.filter(line__checkout_id=checkout.pk):
        found[row.name] = found.get(row.name, Decimal(0)) + row.amount_value
    return found


def taken(quote: Quote) -> dict[str, int]:
    """Return what each offer of a quote takes off all lines, in minor units."""
    found: dict[str, int] = {}
    for item in quote.allocations:
        found[item.name] = found.get(item.name, 0) + item.amount_minor
    return found


def vip(make: Any, program: Program) -> Any:
    """Return a customer who is a VIP."""
    user = make.make_user()
    make_member(program, user, "vip")
    return user


def reprice(make: Any, checkout: Any) -> Decimal:
    """Let prices expire; return the total that the shopper sees then."""
    host.current().reprice(str(checkout.pk))
    total: Decimal = make.checkout_total(checkout, checkout.user)
    return total


def assert_adds_up(order: Any) -> None:
    """Lines, shipping and the order's own discounts are the total, net and gross."""
    for kind in ("gross", "net"):
        lines = sum(getattr(line, f"total_price_{kind}_amount") for line in order.lines.all())
        shipping = getattr(order, f"shipping_price_{kind}_amount")
        assert lines + shipping == getattr(order, f"total_{kind}_amount")


# --- from the cart to the order -----------------------------------------------------------------


def test_bundle_member_price_and_threshold_reach_the_order(make: Any, program: Program) -> None:
    """The cart's price is the order's; its lines say why, and a refund gives back what was paid."""
    tea, pot = make.make_product("12.00"), make.make_product("40.00")
    put_offer(program, "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "30.00"}})
    put_offer(
        program, "Sixty", threshold={"steps": [{"from": {"USD": "60.00"}, "amount": {"USD": "7"}}]}
    )
    checkout = make.make_checkout(vip(make, program), {tea: 3, pot: 1})

    # tea 36.00 - 6.00 - 3.00, pot 40.00 - 4.00: 63.00; less 7.00, and 10.00 for shipping
    assert make.checkout_total(checkout, checkout.user) == Decimal("66.00")
    assert rows(checkout) == {"Tea & VIP & Sixty": 12, "VIP & Sixty": 8}
    quote = load_quote(stored(checkout).payload)
    assert taken(quote) == {"Tea": 600, "VIP": 700, "Sixty": 700}
    assert [(item.uses, item.amount_minor) for item in quote.applied] == [(1, 600), (1, 700)]

    order = make.complete(checkout)

    assert order.total_gross_amount == Decimal("66.00")
    assert_adds_up(order)
    lines = {line.variant_id: line for line in order.lines.all()}
    assert lines[tea.pk].unit_discount_reason == "Tea & VIP & Sixty"
    assert lines[pot.pk].unit_discount_reason == "VIP: 10 % & Sixty"
    facts = host.current().order_facts(str(order.pk))
    assert facts is not None
    assert sorted(line.gross_minor for line in facts.lines) == [2400, 3200]
    assert make.grant_refund(order, {lines[tea.pk]: 3}).amount_value == Decimal("24.00")


def test_a_command_proves_what_a_cart_costs(make: Any, program: Program) -> None:
    """The separate checker agrees, and the cart carries that price; another price is told of."""
    tea = make.make_product("12.00")
    put_offer(program, "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "30.00"}})
    checkout = make.make_checkout(vip(make, program), {tea: 3})
    make.checkout_total(checkout, checkout.user)
    said = io.StringIO()

    call_command("retention_check", str(checkout.pk), stdout=said)

    assert [line.split("  ")[-1].strip() for line in said.getvalue().splitlines()] == [
        "1",
        "Tea",
        "9.00 USD",
        "the lowest, after 0 nodes",
        "agrees",
    ]
    put_offer(program, "More", bundle={"parts": [any_of(3, tea)], "price": {"USD": "20.00"}})
    with pytest.raises(CommandError, match="carries another price"):
        call_command("retention_check", str(checkout.pk), stdout=said)


def test_the_command_ends_with_what_the_checker_refuses(
    make: Any, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that takes off more than the rules give is found out."""
    tea = make.make_product("12.00")
    put_offer(program, "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "30.00"}})
    checkout = make.make_checkout(make.make_user(), {tea: 3})

    def greedy(*args: Any, **options: Any) -> Any:
        found = best_offers(*args, **options)
        return replace(found, saving_minor=found.saving_minor + 1)

    monkeypatch.setattr(quoting, "best_offers", greedy)

    with pytest.raises(CommandError, match="the saving is not the sum of its parts"):
        call_command("retention_check", str(checkout.pk), stdout=io.StringIO())


@pytest.mark.usefixtures("program")
def test_a_cart_that_is_gone_has_no_proof(make: Any) -> None:
    """And neither has one where no offer ever ran."""
    checkout = make.make_checkout(make.make_user(), {make.make_product("12.00"): 1})
    for token in (str(checkout.pk), str(uuid.uuid4())):
        with pytest.raises(CommandError, match="no such checkout"):
            call_command("retention_check", token)


@pytest.mark.parametrize(
    ("voucher", "total"),
    [
        # 3 x 10.00 for 20.00, and 40.00: 60.00, less the voucher, and 10.00 for shipping
        ({"value": "20", "discount_value_type": "percentage"}, "58.00"),
        ({"value": "15"}, "55.00"),
        ({"value": "7", "type": "shipping"}, "63.00"),
    ],
)
def test_vouchers_come_after_offers(
    make: Any, program: Program, voucher: dict[str, Any], total: str
) -> None:
    """A voucher of the shop applies to what the offers leave, in the cart and on the order."""
    tea, pot = make.make_product("10.00"), make.make_product("40.00")
    put_offer(program, "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "20.00"}})
    checkout = make.make_checkout(make.make_user(), {tea: 3, pot: 1})

    make.add_voucher(checkout, make.make_voucher(**voucher), checkout.user)

    assert make.checkout_total(checkout, checkout.user) == Decimal(total)
    order = make.complete(checkout)
    assert order.total_gross_amount == Decimal(total)
    assert_adds_up(order)


def test_a_bundle_of_promoted_goods(make: Any, program: Program) -> None:
    """The shop's own promotion comes first: the bundle is of what it left."""
    tea = make.make_product("10.00")
    make.make_promotion("10", tea)
    put_offer(program, "Tea", bundle={"parts": [any_of(3, tea)], "cheapest_free": 1})
    checkout = make.make_checkout(make.make_user(), {tea: 4})

    # 4 x 9.00 less one of them, and 10.00 for shipping
    assert make.checkout_total(checkout, checkout.user) == Decimal("37.00")
    assert_adds_up(make.complete(checkout))


@pytest.mark.parametrize(("entered_with_tax", "total"), [(True, "30.00"), (False, "33.00")])
def test_taxes_follow_offers(make: Any, *, entered_with_tax: bool, total: str) -> None:
    """Flat taxes are those of the price that the offers leave, net or gross as entered."""
    channel = make.make_channel("taxed", tax_percent=10, prices_entered_with_tax=entered_with_tax)
    tea = make.make_product("10.00", channel=channel)
    put_offer(
        make_program(channel), "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "20.00"}}
    )
    checkout = make.make_checkout(make.make_user(), {tea: 3}, channel=channel)

    assert make.checkout_total(checkout, checkout.user) == Decimal(total)
    order = make.complete(checkout)
    assert order.total_gross_amount == Decimal(total)
    assert order.total_net_amount == (Decimal(total) / Decimal("1.1")).quantize(Decimal("0.01"))
    assert_adds_up(order)


def test_free_shipping_by_an_offer(make: Any, program: Program) -> None:
    """From an amount on shipping costs nothing, and its undiscounted price is still told."""
    tea = make.make_product("10.00")
    put_offer(program, "Ships", free_shipping={"from": {"USD": "30.00"}})
    checkout = make.make_checkout(make.make_user(), {tea: 3})

    assert make.checkout_total(checkout, checkout.user) == Decimal("30.00")
    (applied,) = load_quote(stored(checkout).payload).applied
    assert applied.amount_minor == 1000
    make.set_quantity(checkout, tea, 2, checkout.user)
    assert make.checkout_total(checkout, checkout.user) == Decimal("30.00")
    make.set_quantity(checkout, tea, 3, checkout.user)
    order = make.complete(checkout)
    assert (order.total_gross_amount, order.undiscounted_base_shipping_price_amount) == (30, 10)


def test_a_gift_in_the_cart_costs_nothing(make: Any, program: Program) -> None:
    """Goods that the shopper put into the cart are the gift; a second unit of them is paid."""
    tea, cup = make.make_product("50.00"), make.make_product("8.00")
    put_offer(
        program,
        "Gift",
        gift={"variants": [str(cup.pk)], "opens": {"from": {"USD": "50.00"}}},
    )
    checkout = make.make_checkout(make.make_user(), {tea: 1, cup: 2})

    assert make.checkout_total(checkout, checkout.user) == Decimal("68.00")
    (applied,) = load_quote(stored(checkout).payload).applied
    assert applied.gift_refs == (str(cup.pk),)
    order = make.complete(checkout)
    assert sorted(line.total_price_gross_amount for line in order.lines.all()) == [8, 50]


def test_points_pay_what_offers_leave(make: Any, program: Program) -> None:
    """The most that points can pay is what the goods cost after offers."""
    from saleor_retention.services.ledger import granting

    tea = make.make_product("10.00")
    put_offer(program, "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "20.00"}})
    user = make.make_user()
    account = make_member(program, user)
    granting.grant(account_id=account.pk, points=9000, reason="test", actor_ref="", key="grant")
    checkout = make.make_checkout(user, {tea: 3})

    hold = redeeming.set_redemption(
        checkout_ref=str(checkout.pk), user_ref=str(user.pk), points=9000
    )

    assert hold is not None
    assert hold.points == 2000
    assert make.checkout_total(checkout, user) == Decimal("10.00")
    assert rows(checkout) == {"Tea": 10, "Points": 20}


# --- what the pass costs ------------------------------------------------------------------------


def test_a_hundred_offers_cost_no_statement(
    make: Any, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass asks once and writes once, as without; one that changes nothing searches nothing."""
    from saleor.checkout.fetch import fetch_checkout_lines

    from saleor_retention.host.saleor_3 import price_pass

    goods = [make.make_product("10.00") for _number in range(4)]
    checkout = make.make_checkout(vip(make, program), dict.fromkeys(goods, 3))
    for number in range(100):
        tea = goods[number % 4]
        put_offer(
            program,
            f"Offer {number}",
            bundle={"parts": [any_of(2, tea)], "amount": {"USD": f"{1 + number / 100:.2f}"}},
        )
    searches = []
    search = quoting.best_offers
    monkeypatch.setattr(
        quoting, "best_offers", lambda *a, **k: searches.append(1) or search(*a, **k)
    )
    with host.current().writer():
        lines_info, _ = fetch_checkout_lines(checkout)
        price_pass.look(lines_info)  # a process that does not know the offers loads them once

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            price_pass.price_lines(lines_info)
        return len(captured)

    assert (statements(), len(searches)) == (2, 1)  # the look's own
    assert (statements(), len(searches)) == (1, 1)
    Account.objects.update(tier="gold")
    assert (statements(), len(searches)) == (2, 2)
    assert taken(load_quote(stored(checkout).payload))["Offer 99"] == 199


def test_a_program_without_offers_asks_no_facts(make: Any, program: Program) -> None:
    """Where there never was an offer the function that gathers a shopper's facts is not called."""
    checkout = make.make_checkout(vip(make, program), {make.make_product("10.00"): 1})
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION saleor_retention_offer_facts("
            "p_program_id bigint, p_account_id bigint, p_checkout_ref text) RETURNS jsonb "
            "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it was called'; END $$"
        )

    assert reprice(make, checkout) == Decimal("19.00")
    Program.objects.update(offers_stamp=1)
    assert reprice(make, checkout) == Decimal("20.00")  # called, and our rows fall to the fault


# --- what moves the price -----------------------------------------------------------------------


def test_an_offer_that_ends_is_not_sold_at_the_last_look(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that closes while the cart's prices are valid: the order is refused once."""
    channel = make.make_channel("invoice", allow_unpaid=True)
    tea = make.make_product("20.00", channel=channel)
    ends_at = timezone.now().replace(microsecond=0) + dt.timedelta(minutes=10)
    put_offer(
        make_program(channel),
        "Happy hour",
        member_price={"select": dict(select(tea)), "percent": 25},
        ends_at=ends_at.isoformat(),
    )
    user = make.make_user()
    checkout = make.make_checkout(user, {tea: 1}, channel=channel)
    assert make.checkout_total(checkout, user) == Decimal("25.00")
    monkeypatch.setattr(pricing.timezone, "now", lambda: ends_at)

    refused = make.ask(make.COMPLETE, {"id": make.gid("Checkout", checkout)}, user)
    shown = make.checkout_total(checkout, user)
    done = make.ask(make.COMPLETE, {"id": make.gid("Checkout", checkout)}, user)

    assert refused["checkoutComplete"]["errors"][0]["code"] == "INVALID"
    assert shown == Decimal("30.00")
    assert done["checkoutComplete"]["errors"] == []


def test_an_offer_for_members_follows_the_customer(make: Any, program: Program) -> None:
    """Who attaches to the cart brings the offer, and takes it along."""
    tea = make.make_product("10.00")
    put_offer(
        program,
        "Club",
        bundle={"parts": [any_of(2, tea)], "amount": {"USD": "3.00"}},
        audience={"members_only": True},
    )
    checkout = make.make_checkout(None, {tea: 2})
    user = make.make_user(email="guest@shop.example")
    make_member(program, user)

    assert make.checkout_total(checkout) == Decimal("30.00")
    make.attach(checkout, user)
    assert make.checkout_total(checkout, user) == Decimal("27.00")
    make.detach(checkout, user)
    assert make.checkout_total(checkout) == Decimal("30.00")


def test_an_offer_of_another_channel_is_not_given(make: Any) -> None:
    """An offer may keep to some of the program's channels."""
    here, there = make.make_channel(), make.make_channel("there")
    program = make_program(here)
    program.channels.create(channel_ref=str(there.pk))
    tea, too = make.make_product("10.00"), make.make_product("10.00", channel=there)
    put_offer(
        program,
        "There",
        member_price={"select": dict(select(tea, too)), "percent": 50},
        channels=[str(there.pk)],
    )

    first = make.make_checkout(make.make_user(), {tea: 1})
    second = make.make_checkout(make.make_user(), {too: 1}, channel=there)

    assert make.checkout_total(first, first.user) == Decimal("20.00")
    assert make.checkout_total(second, second.user) == Decimal("15.00")


def test_a_switched_off_plugin_leaves_no_offer(make: Any, program: Program) -> None:
    """Stripping takes the rows of offers too, also of one that is retired since."""
    from saleor.plugins.models import PluginConfiguration

    from saleor_retention import conf

    tea = make.make_product("10.00")
    offer = put_offer(program, "Tea", member_price={"select": dict(select(tea)), "percent": 50})
    checkout = make.make_checkout(make.make_user(), {tea: 1})
    assert make.checkout_total(checkout, checkout.user) == Decimal("15.00")
    change_offer(offer, is_active=False, retired_at=timezone.now())

    PluginConfiguration.objects.update_or_create(
        identifier=conf.PLUGIN_ID, channel=None, defaults={"active": False}
    )

    assert reprice(make, checkout) == Decimal("20.00")
    assert (rows(checkout), StoredQuote.objects.count()) == ({}, 0)


def test_rows_without_a_stored_quote_are_known_by_the_offer(make: Any, program: Program) -> None:
    """Rows of offers are recognized by line and rule when our own table has lost them."""
    tea = make.make_product("10.00")
    put_offer(
        program,
        "Club",
        member_price={"select": dict(select(tea)), "percent": 50},
        audience={"members_only": True},
    )
    checkout = make.make_checkout(vip(make, program), {tea: 1})
    assert rows(checkout) == {"Club": 5}
    StoredQuote.objects.all().delete()
    Account.objects.update(state="left")

    assert reprice(make, checkout) == Decimal("20.00")
    assert rows(checkout) == {}


def test_a_fault_of_the_search_keeps_the_stored_price(
    make: Any, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same basket keeps its quote although the offers moved; another basket has none."""
    tea = make.make_product("10.00")
    offer = put_offer(program, "Tea", member_price={"select": dict(select(tea)), "percent": 50})
    checkout = make.make_checkout(make.make_user(), {tea: 1})
    assert make.checkout_total(checkout, checkout.user) == Decimal("15.00")
    change_offer(offer, name="Other")

    def fail(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("the search failed")

    monkeypatch.setattr(quoting, "best_offers", fail)

    assert reprice(make, checkout) == Decimal("15.00")
    make.set_quantity(checkout, tea, 2, checkout.user)
    assert make.checkout_total(checkout, checkout.user) == Decimal("30.00")
    assert rows(checkout) == {}


def test_committed_money_keeps_an_offer_that_ended(make: Any, program: Program) -> None:
    """Once money is authorized the quote is honored for the same basket."""
    from saleor.order.models import Order

    tea = make.make_product("10.00")
    offer = put_offer(program, "Tea", member_price={"select": dict(select(tea)), "percent": 50})
    checkout = make.make_checkout(make.make_user(), {tea: 2})
    make.authorize(checkout)
    change_offer(offer, is_active=False)

    assert reprice(make, checkout) == Decimal("20.00")
    make.do(make.COMPLETE, {"id": make.gid("Checkout", checkout)}, checkout.user)
    assert Order.objects.get().total_gross_amount == Decimal("20.00")


# --- on request ---------------------------------------------------------------------------------


def test_explaining_tells_of_offers_that_the_basket_does_not_touch(
    make: Any, program: Program
) -> None:
    """A near miss of one offer, a gift to choose of another, and the tier's own price by name."""
    from saleor.checkout.fetch import fetch_checkout_info, fetch_checkout_lines
    from saleor.plugins.manager import get_plugins_manager

    from saleor_retention.host.saleor_3 import checkouts

    tea, cup = make.make_product("10.00"), make.make_product("8.00")
    bundle = put_offer(
        program, "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "20.00"}}
    )
    gift = put_offer(
        program, "Gift", gift={"variants": [str(cup.pk)], "opens": {"from": {"USD": "15.00"}}}
    )
    checkout = make.make_checkout(vip(make, program), {tea: 2})
    with host.current().writer():
        lines, _ = fetch_checkout_lines(checkout)
        info = fetch_checkout_info(checkout, lines, get_plugins_manager(allow_replica=False))
        priced = checkouts.priced_checkout(info, lines)
        assert priced is not None
        quote, shelf = explain(priced)

    assert [(miss.offer_id, miss.missing) for miss in quote.near_misses] == [(str(bundle.pk), 1)]
    assert [(each.offer_id, each.variant_refs) for each in quote.gifts] == [
        (str(gift.pk), (str(cup.pk),))
    ]
    assert shelf.names["member:vip:0"] == "VIP"
    assert {item.rule_key for item in priced.decision.quote.allocations} == {"member:vip"}


def test_goods_below_a_category_are_of_it(make: Any, program: Program) -> None:
    """However deep; what is beside it, above it or in no other is not."""
    drinks = make.make_category("Drinks", parent=make.make_category("Food"))
    cold = make.make_category("Cold", parent=make.make_category("Soft", parent=drinks))
    put_offer(
        program,
        "Drinks",
        quantity={
            "select": {"categories": [str(drinks.pk)]},
            "steps": [{"from": 1, "percent": 50}],
        },
    )
    goods = [
        make.make_product("10.00", category=category)
        for category in (cold, drinks, drinks.parent, make.make_category("Cakes"))
    ]
    user = make.make_user()

    checkout = make.make_checkout(user, dict.fromkeys(goods, 1))

    assert rows(checkout) == {"Drinks": Decimal("10.00")}
