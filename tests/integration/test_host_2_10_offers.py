"""Offers on Saleor 2.10.1: what units and a remainder can express, from the cart to the order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention import host
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.models import Program, StoredQuote
from tests.factories.offer_rows import any_of, change_offer, put_offer, select
from tests.integration import test_host_2_10_prices
from tests.integration.test_host_2_10_prices import assert_adds_up, cart, join, priced, spend, start

taxed = test_host_2_10_prices.taxed
pytestmark = [pytest.mark.saleor2, pytest.mark.django_db]


@pytest.fixture
def make() -> ModuleType:
    """The factories of this Saleor, and a shop that has everything but goods."""
    from tests.factories import saleor_2_10

    saleor_2_10.make_channel()
    return saleor_2_10


def three_for_twenty(program: Program, *goods: Any) -> None:
    """Offer any three of some goods for 20.00."""
    put_offer(program, "Tea", bundle={"parts": [any_of(3, *goods)], "price": {"USD": "20.00"}})


def test_a_bundle_that_units_cannot_express_leaves_a_remainder(make: ModuleType) -> None:
    """Three for 20.00 are 6.67 each, and one cent off the total; so it is on the order."""
    tea = make.make_product("10.00")
    three_for_twenty(start(), tea)
    checkout = make.make_checkout(make.make_user(), {tea: 3})

    assert cart(make, checkout) == priced("20.01", off="0.01")
    order = make.complete(checkout)

    assert order.total_gross_amount == Decimal("30.00")
    assert (order.discount_amount, order.discount_name) == (Decimal("0.01"), "Tea")
    assert_adds_up(order)


def test_lanes_add_up(make: ModuleType) -> None:
    """A bundle of two lines, the tier's price on what it leaves, and a threshold."""
    tea, pot = make.make_product("10.00"), make.make_product("40.00")
    program = start()
    put_offer(
        program, "Set", bundle={"parts": [any_of(1, tea), any_of(1, pot)], "amount": {"USD": "5"}}
    )
    put_offer(
        program, "Forty", threshold={"steps": [{"from": {"USD": "40.00"}, "amount": {"USD": "4"}}]}
    )
    user = make.make_user()
    join(program, user)
    checkout = make.make_checkout(user, {tea: 1, pot: 1})

    # 9.00 and 36.00 after the set, 8.10 and 32.40 after the tier: 40.50, of which 4.00
    assert cart(make, checkout) == priced("7.30", "29.20")
    order = make.complete(checkout)
    assert order.total_gross_amount == Decimal("46.50")
    assert_adds_up(order)


def test_offers_with_a_voucher(make: ModuleType) -> None:
    """A voucher of the shop is computed on what the offers leave."""
    tea = make.make_product("10.00")
    three_for_twenty(start(), tea)
    checkout = make.make_checkout(make.make_user(), {tea: 3})

    make.add_voucher(
        checkout, make.make_voucher("10", discount_value_type="percentage").code, checkout.user
    )

    # 3 x 6.67, less the voucher's 2.00 and a cent that units cannot express; 10.00 for shipping
    assert cart(make, checkout).total == Decimal("28.00")
    assert_adds_up(make.complete(checkout))


def test_offers_take_off_what_a_sale_of_the_shop_leaves(make: ModuleType) -> None:
    """Every lane looks at the sale price, which is the cart's and the order's too."""
    tea, pot = make.make_product("10.00"), make.make_product("40.00")
    make.make_sale(10, tea)
    program = start()
    put_offer(
        program, "Set", bundle={"parts": [any_of(1, tea), any_of(1, pot)], "amount": {"USD": "5"}}
    )
    put_offer(
        program, "Four", threshold={"steps": [{"from": {"USD": "30.00"}, "amount": {"USD": "4"}}]}
    )
    user = make.make_user()
    join(program, user)
    checkout = make.make_checkout(user, {tea: 1, pot: 1})

    # 9.00 and 40.00; 0.92 and 4.08 by the set, 10 % of 8.08 and 35.92 by the tier; of 7.27 and
    # 32.33 the threshold takes 0.73 and 3.27
    assert cart(make, checkout) == priced("6.54", "29.06")
    order = make.complete(checkout)
    assert order.total_gross_amount == Decimal("45.60")  # with 10.00 of shipping
    assert_adds_up(order)


@pytest.mark.parametrize(
    ("percent", "unit", "off"),
    [(10, "20.01", "0.01"), (40, "18.00", None)],
    ids=["the offer is better", "the sale is better"],
)
def test_a_price_for_a_set_beside_a_sale(
    make: ModuleType, percent: int, unit: str, off: str | None
) -> None:
    """Three for 20.00 stay 20.00, unless the sale asks for less than that."""
    tea = make.make_product("10.00")
    make.make_sale(percent, tea)
    three_for_twenty(start(), tea)
    checkout = make.make_checkout(make.make_user(), {tea: 3})

    assert cart(make, checkout) == (priced(unit) if off is None else priced(unit, off=off))
    order = make.complete(checkout)
    assert order.total_gross_amount == Decimal(unit) - Decimal(off or 0) + 10
    assert_adds_up(order)


def test_points_pay_what_offers_leave(make: ModuleType) -> None:
    """Points fill what the bundle could not express, and never pay more than the goods cost."""
    tea = make.make_product("10.00")
    program = start()
    three_for_twenty(program, tea)
    user = make.make_user()
    join(program, user, tier="", points=5000)
    checkout = make.make_checkout(user, {tea: 3})

    hold = spend(checkout, 5000)

    assert hold.points == 2000
    assert cart(make, checkout).total == Decimal("10.00")
    assert_adds_up(make.complete(checkout))


@pytest.mark.parametrize(("is_included", "off"), [(True, "1.50"), (False, "1.80")])
def test_taxes_follow_offers(
    make: ModuleType, taxed: Callable[..., None], *, is_included: bool, off: str
) -> None:
    """Whichever price is entered, the bundle's is exact there, and the tax follows."""
    taxed(is_included=is_included)
    tea, pot = make.make_product("10.00"), make.make_product("8.00")
    put_offer(
        start(), "Set", bundle={"parts": [any_of(1, tea), any_of(1, pot)], "price": {"USD": "15"}}
    )
    checkout = make.make_checkout(make.make_user(), {tea: 1, pot: 1})
    with_all = cart(make, checkout).total

    put_offer(
        Program.objects.get(), "More", threshold={"steps": [{"from": {"USD": "1"}, "percent": 10}]}
    )

    assert with_all - cart(make, checkout).total == Decimal(off)
    assert_adds_up(make.complete(checkout))


def test_free_shipping_by_an_offer(make: ModuleType) -> None:
    """From an amount on shipping costs nothing, in the cart and on the order."""
    tea = make.make_product("10.00")
    put_offer(start(), "Ships", free_shipping={"from": {"USD": "20.00"}})
    checkout = make.make_checkout(make.make_user(), {tea: 2})

    assert cart(make, checkout) == priced("20.00", shipping="0.00")
    (applied,) = load_quote(StoredQuote.objects.get().payload).applied
    assert applied.amount_minor == 1000
    assert make.complete(checkout).total_gross_amount == Decimal("20.00")


def test_what_costs_nothing_is_not_given_here(make: ModuleType) -> None:
    """A gift is left out whole, with the reason, and other offers go on."""
    tea, cup = make.make_product("10.00"), make.make_product("8.00")
    program = start()
    put_offer(program, "Gift", gift={"variants": [str(cup.pk)], "opens": {"from": {"USD": "5"}}})
    put_offer(program, "Half", member_price={"select": dict(select(tea)), "percent": 50})
    checkout = make.make_checkout(make.make_user(), {tea: 1, cup: 1})

    assert cart(make, checkout) == priced("5.00", "8.00")
    for capability in ("gifts", "punch_cards"):
        assert "cannot cost nothing" in (host.current().refusal_of(capability) or "")


def test_offers_that_change_reach_an_open_cart(make: ModuleType) -> None:
    """An offer that is switched off is gone with the next look; money committed keeps it."""
    tea = make.make_product("10.00")
    offer = put_offer(start(), "Half", member_price={"select": dict(select(tea)), "percent": 50})
    one, other = (make.make_checkout(make.make_user(), {tea: 1}) for _number in range(2))
    assert cart(make, one) == cart(make, other) == priced("5.00")
    make.pay(other)

    change_offer(offer, is_active=False)

    assert cart(make, one) == priced("10.00")
    assert cart(make, other) == priced("5.00")


def test_a_hundred_offers_cost_no_statement(make: ModuleType) -> None:
    """A look at a cart takes as many statements with offers as without."""
    tea = make.make_product("10.00")
    program = start()
    user = make.make_user()
    join(program, user)
    checkout = make.make_checkout(user, {tea: 3})

    def looked() -> int:
        cart(make, checkout)  # stores what changed, and loads offers that are new to the process
        with CaptureQueriesContext(connection) as captured:
            cart(make, checkout)
        return len(captured)

    without = looked()
    for number in range(100):
        put_offer(
            program,
            f"Offer {number}",
            bundle={"parts": [any_of(2, tea)], "amount": {"USD": f"{1 + number / 100:.2f}"}},
        )

    assert looked() == without
    assert cart(make, checkout).lines == [Decimal("25.23")]
