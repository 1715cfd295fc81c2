"""Member prices, points and free shipping among all else that moves a price on Saleor 3.x."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext

from saleor_retention import host
from saleor_retention.engine import pricing as engine_pricing
from saleor_retention.models import Account, StoredQuote
from tests.factories.loyalty import hold, make_member, make_program, stored

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]


def rows(checkout: Any) -> list[tuple[str, Decimal, str]]:
    """Return the discount rows of a checkout: name, amount, reason."""
    from saleor.discount.models import CheckoutLineDiscount

    found = CheckoutLineDiscount.objects.filter(line__checkout_id=checkout.pk)
    return sorted((row.name, row.amount_value, row.reason) for row in found)


def member_checkout(
    make: Any, lines: dict[Any, int], *, tier: str = "vip", channel: Any = None
) -> Any:
    """Return a member's checkout, with ``checkout.user`` and ``checkout.account``."""
    channel = channel or make.make_channel()
    user = make.make_user()
    account = make_member(make_program(channel), user, tier)
    checkout = make.make_checkout(user, lines, channel=channel)
    checkout.account = account
    return checkout


# --- the rows -------------------------------------------------------------------------------------


def test_rows_say_why(make: Any) -> None:
    """Each rule has a row on each line, with the reason that the order line will show."""
    checkout = member_checkout(make, {make.make_product("20.00"): 2}, tier="gold")
    hold(checkout.account, checkout, 500)
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("31.00")
    assert rows(checkout) == [
        ("Free shipping", Decimal("0.000"), "Free shipping"),
        ("Gold", Decimal("4.000"), "Gold: 10 %"),
        ("Points", Decimal("5.000"), "Points: 500"),
    ]
    order = make.complete(checkout)
    (line,) = order.lines.all()
    assert line.total_price_gross_amount == Decimal("31.000")
    assert line.unit_discount_reason == "Gold: 10 % & Points: 500 & Free shipping"
    assert order.undiscounted_base_shipping_price_amount == Decimal("10.000")
    assert order.shipping_price_gross_amount == Decimal("0.000")


def test_our_rows_are_known_by_id_and_those_of_others_stay(make: Any) -> None:
    """A row of the same type that somebody else wrote is theirs: it counts, and it stays."""
    from saleor.discount.models import CheckoutLineDiscount

    product = make.make_product("20.00")
    checkout = member_checkout(make, {product: 1})
    line = checkout.lines.get()
    foreign = CheckoutLineDiscount.objects.create(
        id=uuid.uuid5(uuid.NAMESPACE_URL, "somebody else"),
        line=line,
        type="order_promotion",
        value_type="fixed",
        value=Decimal(5),
        amount_value=Decimal(5),
        currency="USD",
        name="Foreign",
    )
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("23.50")  # 15.00 - 1.50 + 10.00
    host.current().strip_own_rows()
    assert [row.pk for row in CheckoutLineDiscount.objects.all()] == [foreign.pk]
    assert StoredQuote.objects.count() == 0


def test_a_row_that_somebody_deleted_comes_back(make: Any) -> None:
    """Rows that differ from the quote are put right with the next recalculation."""
    from saleor.discount.models import CheckoutLineDiscount

    checkout = member_checkout(make, {make.make_product("20.00"): 1})
    CheckoutLineDiscount.objects.filter(line__checkout=checkout).delete()
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("28.00")
    assert rows(checkout) == [("VIP", Decimal("2.000"), "VIP: 10 %")]


def test_rows_without_a_stored_quote_are_removed(make: Any) -> None:
    """Own rows are recognized by line and rule even when our own table has lost them."""
    checkout = member_checkout(make, {make.make_product("20.00"): 1})
    make.checkout_total(checkout, checkout.user)
    StoredQuote.objects.all().delete()
    Account.objects.update(tier="")
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("30.00")
    assert rows(checkout) == []


def test_gifts_and_gift_cards_cost_what_they_cost(make: Any) -> None:
    """Ten per cent off takes nothing off a gift card."""
    card = make.make_product("50.00", is_gift_card=True, is_shipped=False)
    checkout = member_checkout(make, {card: 1, make.make_product("20.00"): 1})

    assert make.checkout_total(checkout, checkout.user) == Decimal("78.00")


def test_points_pay_everything_and_no_more(make: Any) -> None:
    """More points than goods make the goods free, never cheaper than that; shipping stays."""
    checkout = member_checkout(make, {make.make_product("20.00"): 1, make.make_product("0.05"): 1})
    hold(checkout.account, checkout, 5000)
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("10.00")
    quote = stored(checkout)
    assert quote is not None
    assert quote.points_applied == 1804  # 20.00 - 2.00 and 0.05 - 0.01, which is 0.005 rounded up


# --- with the shop's own discounts --------------------------------------------------------------


def test_catalogue_promotion_first(make: Any) -> None:
    """Ten per cent come off what the shop's own promotion left."""
    product = make.make_product("50.00")
    make.make_promotion("20", product)
    checkout = member_checkout(make, {product: 2})

    # goods 100.00 less the shop's 20.00 and our 8.00, plus 10.00 for shipping
    assert make.checkout_total(checkout, checkout.user) == Decimal("82.00")


@pytest.mark.parametrize(
    ("voucher", "total"),
    [
        # 2 x 50.00 - 10.00 = 90.00, less the voucher, and 10.00 for shipping
        ({"value": "20", "discount_value_type": "percentage"}, "82.00"),
        ({"value": "15"}, "85.00"),
        (
            {"value": "20", "discount_value_type": "percentage", "apply_once_per_order": True},
            "91.00",
        ),
        ({"value": "7", "type": "shipping"}, "93.00"),
    ],
)
def test_vouchers_come_after(make: Any, voucher: dict[str, Any], total: str) -> None:
    """A voucher of the shop applies to the member's price."""
    checkout = member_checkout(make, {make.make_product("50.00"): 2})

    make.add_voucher(checkout, make.make_voucher(**voucher), checkout.user)

    assert make.checkout_total(checkout, checkout.user) == Decimal(total)
    assert make.complete(checkout).total_gross_amount == Decimal(total)


def test_voucher_on_one_product(make: Any) -> None:
    """A voucher on one product takes its per cent off that line's member price."""
    one, other = make.make_product("50.00"), make.make_product("10.00")
    checkout = member_checkout(make, {one: 1, other: 1})
    code = make.make_voucher(
        "20", type="specific_product", discount_value_type="percentage", products=[one]
    )

    make.add_voucher(checkout, code, checkout.user)

    # 45.00 - 9.00 + 9.00 + 10.00
    assert make.checkout_total(checkout, checkout.user) == Decimal("55.00")


def test_order_promotion_comes_after(make: Any) -> None:
    """The shop's promotion on the whole order is computed on the member's prices."""
    channel = make.make_channel()
    make.make_order_promotion(channel, "10")
    checkout = member_checkout(make, {make.make_product("50.00"): 2})

    assert make.checkout_total(checkout, checkout.user) == Decimal("91.00")


def test_native_gift_stays_free(make: Any) -> None:
    """The shop's gift line is left alone, and our rows outlive it."""
    channel = make.make_channel()
    make.make_order_promotion(channel, gifts=[make.make_product("8.00")])
    checkout = member_checkout(make, {make.make_product("50.00"): 2})

    assert make.checkout_total(checkout, checkout.user) == Decimal("100.00")
    order = make.complete(checkout)
    assert sorted(line.total_price_gross_amount for line in order.lines.all()) == [0, 90]


def test_gift_card_pays(make: Any) -> None:
    """A gift card is a means of payment: it changes no price."""
    checkout = member_checkout(make, {make.make_product("50.00"): 2})

    make.add_voucher(checkout, make.make_gift_card("30.00"), checkout.user)

    assert make.checkout_total(checkout, checkout.user) == Decimal("70.00")


@pytest.mark.parametrize(("entered_with_tax", "total"), [(True, "100.00"), (False, "110.00")])
def test_taxes_follow(make: Any, *, entered_with_tax: bool, total: str) -> None:
    """Flat taxes are those of the discounted price, whichever price was entered."""
    channel = make.make_channel("taxed", tax_percent=10, prices_entered_with_tax=entered_with_tax)
    product = make.make_product("50.00", channel=channel)
    checkout = member_checkout(make, {product: 2}, channel=channel)

    assert make.checkout_total(checkout, checkout.user) == Decimal(total)
    order = make.complete(checkout)
    assert order.total_gross_amount == Decimal(total)
    assert order.total_net_amount == (Decimal(total) / Decimal("1.1")).quantize(Decimal("0.01"))


def test_shipping_voucher_with_free_shipping(make: Any) -> None:
    """A shipping voucher has nothing left to take, and the total does not fall below the goods."""
    checkout = member_checkout(make, {make.make_product("50.00"): 2}, tier="gold")
    assert make.checkout_total(checkout, checkout.user) == Decimal("90.00")

    make.add_voucher(checkout, make.make_voucher("7", type="shipping"), checkout.user)

    assert make.checkout_total(checkout, checkout.user) == Decimal("90.00")
    order = make.complete(checkout)
    assert (order.total_gross_amount, order.shipping_price_gross_amount) == (90, 0)
    assert order.undiscounted_base_shipping_price_amount == 10


def test_free_shipping_with_taxes(make: Any) -> None:
    """Free shipping has no tax either, and its undiscounted price is still told."""
    channel = make.make_channel("taxed", tax_percent=10, prices_entered_with_tax=False)
    checkout = member_checkout(
        make, {make.make_product("50.00", channel=channel): 2}, tier="gold", channel=channel
    )

    assert make.checkout_total(checkout, checkout.user) == Decimal("99.00")
    order = make.complete(checkout)
    assert (order.total_net_amount, order.total_gross_amount) == (90, 99)
    assert (order.shipping_price_net_amount, order.shipping_price_gross_amount) == (0, 0)
    assert order.undiscounted_base_shipping_price_amount == 10


# --- how much of the points reaches the total ---------------------------------------------------


@pytest.mark.parametrize(
    ("voucher", "points", "share"),
    [
        (None, 500, 1_000_000),
        ({"value": "20", "discount_value_type": "percentage"}, 500, 800_000),
        ({"value": "15"}, 500, 1_000_000),
        # 1 x 90.00 on 100.00 less 10.00 less 5.00: the voucher takes the rest, and 5.00 less of it
        ({"value": "90"}, 500, 0),
        # on one of two units of 50.00 - 5.00 - 2.50
        (
            {"value": "20", "discount_value_type": "percentage", "apply_once_per_order": True},
            500,
            900_000,
        ),
    ],
)
def test_share_of_points_that_reaches_the_total(
    make: Any, voucher: dict[str, Any] | None, points: int, share: int
) -> None:
    """The share, told before the order and after it, is what the total really fell by."""
    checkout = member_checkout(make, {make.make_product("50.00"): 2})
    if voucher:
        make.add_voucher(checkout, make.make_voucher(**voucher), checkout.user)
    before = make.checkout_total(checkout, checkout.user)

    hold(checkout.account, checkout, points)
    host.current().reprice(str(checkout.pk))
    after = make.checkout_total(checkout, checkout.user)
    facts = host.current().checkout_facts(str(checkout.pk))
    order = make.complete(checkout)

    order_facts = host.current().order_facts(str(order.pk))
    assert facts is not None
    assert order_facts is not None
    assert facts.outer_share_ppm == share
    assert order_facts.effective_share_ppm == share
    assert (before - after) * 100 == points * share // 1_000_000


def test_share_with_an_order_promotion(make: Any) -> None:
    """A promotion of ten per cent on the order takes a tenth of the points' discount back."""
    make.make_order_promotion(make.make_channel(), "10")
    checkout = member_checkout(make, {make.make_product("50.00"): 2})
    hold(checkout.account, checkout, 500)
    host.current().reprice(str(checkout.pk))
    assert make.checkout_total(checkout, checkout.user) == Decimal("86.50")

    facts = host.current().checkout_facts(str(checkout.pk))
    order_facts = host.current().order_facts(str(make.complete(checkout).pk))

    assert facts is not None
    assert order_facts is not None
    assert (facts.outer_share_ppm, order_facts.effective_share_ppm) == (900_000, 900_000)


# --- statements and races -----------------------------------------------------------------------


def test_statements_of_the_pass(make: Any) -> None:
    """The price pass costs one statement, and one more when something changed."""
    from saleor.checkout.fetch import fetch_checkout_lines

    from saleor_retention.host.saleor_3 import price_pass

    checkout = member_checkout(make, {make.make_product("20.00"): 1})
    make.checkout_total(checkout, checkout.user)
    with host.current().writer():
        lines_info, _ = fetch_checkout_lines(checkout)

    with CaptureQueriesContext(connection) as unchanged:
        price_pass.price_lines(lines_info)
    Account.objects.update(tier="gold")
    with CaptureQueriesContext(connection) as changed:
        price_pass.price_lines(lines_info)

    assert (len(unchanged), len(changed)) == (1, 2)


def test_a_member_without_benefit_is_written_once(make: Any) -> None:
    """The terms of a member's checkout are stored once; cart changes write nothing more."""
    product = make.make_product("20.00")
    checkout = member_checkout(make, {product: 1}, tier="")
    first = stored(checkout)

    make.set_quantity(checkout, product, 5, checkout.user)

    again = stored(checkout)
    assert first is not None
    assert again is not None
    assert (first.priced_at, first.own_row_ids) == (again.priced_at, [])
    assert (first.user_ref, first.tier) == (str(checkout.user.pk), "")


def test_a_fault_in_a_transaction_leaves_it_usable(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement of ours that fails inside Saleor's transaction is undone alone."""
    from saleor.checkout.fetch import fetch_checkout_lines

    from saleor_retention.host.saleor_3 import price_pass

    checkout = member_checkout(make, {make.make_product("20.00"): 1})
    with host.current().writer():
        lines_info, _ = fetch_checkout_lines(checkout)
    monkeypatch.setattr(price_pass, "STANDING", "SELECT nothing FROM nowhere")

    with transaction.atomic():
        price_pass.price_lines(lines_info)
        Account.objects.update(tier="gold")

    assert Account.objects.get().tier == "gold"
    assert [info.discounts for info in lines_info] == [[]]


@pytest.mark.parametrize("is_in_transaction", [False, True], ids=["alone", "in a transaction"])
def test_a_deadlock_is_tried_again(
    make: Any, monkeypatch: pytest.MonkeyPatch, *, is_in_transaction: bool
) -> None:
    """The pass is run once more, but not where Saleor's transaction was part of the deadlock."""
    from saleor.checkout.fetch import fetch_checkout_lines

    from saleor_retention.host.saleor_3 import price_pass

    checkout = member_checkout(make, {make.make_product("20.00"): 1})
    hold(checkout.account, checkout, 500)
    write, calls = price_pass._write, []

    def deadlock_first(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise OperationalError("deadlock detected")
        return write(*arguments)

    monkeypatch.setattr(price_pass, "_write", deadlock_first)
    with host.current().writer():
        lines_info, _ = fetch_checkout_lines(checkout)
        with transaction.atomic() if is_in_transaction else nullcontext():
            price_pass.price_lines(lines_info)

    in_memory = sorted(row.amount_value for info in lines_info for row in info.discounts)
    if is_in_transaction:
        assert (len(calls), in_memory) == (1, [])
    else:
        assert (len(calls), in_memory) == (2, [Decimal(2), Decimal(5)])
        assert [amount for _name, amount, _reason in rows(checkout)] == [Decimal(5), Decimal(2)]


def test_no_line_falls_below_zero_after_a_fault(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fixed amounts of a bigger cart are taken off when the engine fails on a smaller one."""
    product = make.make_product("20.00")
    checkout = member_checkout(make, {product: 5})
    hold(checkout.account, checkout, 9000)
    host.current().reprice(str(checkout.pk))
    assert make.checkout_total(checkout, checkout.user) == Decimal("10.00")
    monkeypatch.setattr(engine_pricing, "price", _fail)

    make.set_quantity(checkout, product, 1, checkout.user)

    assert make.checkout_total(checkout, checkout.user) == Decimal("30.00")
    assert rows(checkout) == []


@pytest.mark.parametrize(
    ("change", "outcome"),
    [("quantity", "LINES_CHANGED"), ("quote", "QUOTE_CHANGED"), ("checkout", "GONE"), ("", "DONE")],
)
def test_what_a_write_refuses(make: Any, change: str, outcome: str) -> None:
    """A write against what another request changed since writes nothing."""
    from saleor.checkout.fetch import fetch_checkout_lines

    from saleor_retention.host.saleor_3 import line_rows, price_pass
    from saleor_retention.host.saleor_3 import rows as own

    checkout = member_checkout(make, {make.make_product("20.00"): 1})
    with host.current().writer():
        lines_info, _ = fetch_checkout_lines(checkout)
        Account.objects.update(tier="gold")
        found = price_pass.look(lines_info)
        assert found is not None
        standing, decision = found
        if change == "quantity":
            checkout.lines.update(quantity=2)
        elif change == "quote":
            StoredQuote.objects.update(fingerprint="of another request")
        elif change == "checkout":
            type(checkout).objects.filter(pk=checkout.pk).delete()
        before = rows(checkout)

        written = price_pass._write(
            lines_info,
            standing,
            decision,
            line_rows.rows_of(lines_info, decision.quote),
            price_pass.own_ids(lines_info, standing),
        )

    assert written is own.Written[outcome]
    assert (rows(checkout) == before) is (outcome != "DONE")


def test_parallel_recalculations_leave_one_row_each(make: Any) -> None:
    """Sixteen recalculations of a changed price at once end with one row for each line and rule."""
    from saleor.checkout.fetch import fetch_checkout_lines
    from saleor.checkout.models import Checkout

    from saleor_retention.host.saleor_3 import price_pass

    checkout = member_checkout(make, {make.make_product("20.00"): 1, make.make_product("30.00"): 2})
    hold(checkout.account, checkout, 700)
    barrier = threading.Barrier(16)

    def recalculate(_number: int) -> list[Decimal]:
        try:
            with host.current().writer():
                mine = Checkout.objects.get(pk=checkout.pk)
                lines_info, _ = fetch_checkout_lines(mine)
                barrier.wait(timeout=60)
                price_pass.price_lines(lines_info)
            return sorted(row.amount_value for info in lines_info for row in info.discounts)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(recalculate, range(16)))

    expected = [Decimal(amount) for amount in ("1.75", "2.00", "5.25", "6.00")]
    assert seen == [expected] * 16
    assert sorted(amount for _name, amount, _reason in rows(checkout)) == expected


# --- orders that do not come from a checkout's completion ---------------------------------------


def test_price_that_changed_since_the_last_look_is_not_sold(make: Any) -> None:
    """An order at another price than shown is refused once; the next look shows the new one."""
    channel = make.make_channel("invoice", allow_unpaid=True)
    product = make.make_product("20.00", channel=channel)
    checkout = member_checkout(make, {product: 1}, channel=channel)
    user = checkout.user
    assert make.checkout_total(checkout, user) == Decimal("28.00")
    Account.objects.update(tier="")

    refused = make.ask(make.COMPLETE, {"id": make.gid("Checkout", checkout)}, user)
    shown = make.checkout_total(checkout, user)
    done = make.ask(make.COMPLETE, {"id": make.gid("Checkout", checkout)}, user)

    assert refused["checkoutComplete"] == {
        "order": None,
        "errors": [
            {
                "field": None,
                "code": "INVALID",
                "message": "Member prices of this cart have changed. "
                "Please review the new total and try again.",
            }
        ],
    }
    assert shown == Decimal("30.00")
    assert done["checkoutComplete"]["errors"] == []


def test_staff_drafts_have_list_prices(make: Any) -> None:
    """A draft is priced by staff: no member price, no row; it earns like any order."""
    user = make.make_user()
    account = make_member(make_program(make.make_channel()), user, "gold")

    order = make.draft(user, {make.make_product("20.00"): 1})
    make.complete_draft(order)
    make.mark_paid(order)

    order.refresh_from_db()
    account.refresh_from_db()
    assert order.total_gross_amount == Decimal("30.00")
    assert StoredQuote.objects.count() == 0
    assert account.available == 20


def test_unconfirmed_order_keeps_the_member_price_when_staff_edits_it(make: Any) -> None:
    """Confirmed later and edited before: each unit keeps the price that the member had."""
    channel = make.make_channel("slow", confirms_orders=False)
    product = make.make_product("20.00", channel=channel)
    checkout = member_checkout(make, {product: 1}, channel=channel)
    order = make.complete(checkout)
    (line,) = order.lines.all()

    make.do(
        """mutation($id: ID!) { orderLineUpdate(id: $id, input: {quantity: 3}) {
             order { total { gross { amount } } } errors { message } } }""",
        {"id": make.gid("OrderLine", line)},
        make.owner(),
    )

    order.refresh_from_db()
    assert order.status == "unconfirmed"
    assert order.total_gross_amount == Decimal("64.00")  # 3 x 18.00 + 10.00


def test_an_edit_beside_a_voucher_on_products_is_priced_by_saleor(make: Any) -> None:
    """Saleor computes a line with such a voucher from its list price again; others keep theirs."""
    channel = make.make_channel("slow", confirms_orders=False)
    product = make.make_product("20.00", channel=channel)
    other = make.make_product("30.00", channel=channel)
    checkout = member_checkout(make, {product: 1, other: 1}, channel=channel)
    code = make.make_voucher("5.00", channel=channel, type="specific_product", products=[product])
    make.add_voucher(checkout, code, checkout.user)
    order = make.complete(checkout)
    sold = {line.variant_id: line.base_unit_price_amount for line in order.lines.all()}

    make.do(
        """mutation($id: ID!) { orderLineUpdate(id: $id, input: {quantity: 3}) {
             order { total { gross { amount } } } errors { message } } }""",
        {"id": make.gid("OrderLine", order.lines.get(variant=product))},
        make.owner(),
    )

    order.refresh_from_db()
    edited = {line.variant_id: line.base_unit_price_amount for line in order.lines.all()}
    assert sold == {product.pk: Decimal("13.00"), other.pk: Decimal("27.00")}
    assert edited == {product.pk: Decimal("15.00"), other.pk: Decimal("27.00")}
    assert order.total_gross_amount == Decimal("82.00")  # 3 x 15.00 + 27.00 + 10.00


def _fail(*_args: object, **_kwargs: object) -> None:
    raise ZeroDivisionError("the engine failed")
