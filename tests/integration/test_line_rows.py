"""The discount rows on Saleor 3.x lines: one for all prices of a line, one for points."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from saleor_retention import host
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.models import Offer, Program, StoredQuote
from saleor_retention.services.checkout import pricing
from tests.factories.loyalty import hold, make_member, make_program, stored
from tests.factories.offer_rows import any_of, change_offer, put_offer

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def program(make: Any) -> Program:
    """A program in that shop, whose VIPs pay 10 % less, with three of tea for 30.00."""
    return make_program(make.make_channel())


@pytest.fixture
def checkout(make: Any, program: Program) -> Any:
    """A VIP's three of tea, 36.00, for 27.00 by an offer and the member's price."""
    tea = make.make_product("12.00")
    put_offer(program, "Tea", bundle={"parts": [any_of(3, tea)], "price": {"USD": "30.00"}})
    user = make.make_user()
    account = make_member(program, user, "vip")
    found = make.make_checkout(user, {tea: 3})
    found.account = account
    assert make.checkout_total(found, user) == Decimal("37.00")
    return found


def rows(checkout: Any) -> list[tuple[str, Decimal, Decimal, str]]:
    """Return the rows of a checkout in Saleor's order: name, value, amount, reason."""
    from saleor.discount.models import CheckoutLineDiscount

    found = CheckoutLineDiscount.objects.filter(line__checkout_id=checkout.pk)
    return [(row.name, row.value, row.amount_value, row.reason) for row in found]


def as_of_an_earlier_version(checkout: Any) -> None:
    """Put a row for each rule on each line, as earlier versions did, in place of ours."""
    from saleor.discount.models import CheckoutLineDiscount

    from saleor_retention.host.saleor_3.basket import own_row_id

    quote = load_quote(stored(checkout).payload)
    CheckoutLineDiscount.objects.filter(line__checkout_id=checkout.pk).delete()
    made = [
        CheckoutLineDiscount.objects.create(
            id=own_row_id(item.line_ref, item.rule_key),
            line_id=item.line_ref,
            type="order_promotion",
            value_type=item.value_type,
            value=Decimal(item.value),
            amount_value=Decimal(item.amount_minor) / 100,
            currency="USD",
            name=item.name,
            translated_name="",
            reason=pricing.reason_of(item, quote),
        )
        for item in quote.allocations
    ]
    StoredQuote.objects.update(own_row_ids=[row.pk for row in made])


def buy(make: Any, checkout: Any) -> Any:
    """Complete a checkout that is paid, and look at nothing of it before; return the order."""
    from saleor.order.models import Order

    make.do(make.COMPLETE, {"id": make.gid("Checkout", checkout)}, checkout.user)
    return Order.objects.get()


def test_rules_share_a_row_and_points_have_their_own(make: Any, checkout: Any) -> None:
    """Its amount is theirs together, its value that of a unit; the quote says which took what."""
    hold(checkout.account, checkout, 500)
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("32.00")
    assert rows(checkout) == [
        ("Tea & VIP", Decimal(3), Decimal(9), "Tea & VIP"),
        ("Points", Decimal(5), Decimal(5), "Points: 500"),
    ]
    quote = load_quote(stored(checkout).payload)
    assert [(item.name, item.amount_minor) for item in quote.allocations] == [
        ("Tea", 600),
        ("VIP", 300),
        ("Points", 500),
    ]
    (line,) = make.complete(checkout).lines.all()
    assert line.unit_discount_reason == "Tea & VIP & Points: 500"
    assert [(row.name, row.amount_value) for row in line.discounts.all()] == [
        ("Tea & VIP", 9),
        ("Points", 5),
    ]


def test_a_row_of_many_long_names_fits(make: Any, program: Program, checkout: Any) -> None:
    """A name is cut to what Saleor's column holds, reasons are not."""
    steps = [{"from": {"USD": "1.00"}, "amount": {"USD": "1.00"}}]
    one = put_offer(program, "One", threshold={"steps": steps})
    change_offer(Offer.objects.get(name="Tea"), name="T" * 128)
    change_offer(one, name="O" * 128)
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("36.00")
    reason = f"{'T' * 128} & VIP & {'O' * 128}"
    assert rows(checkout) == [(reason[:255], Decimal("3.33"), Decimal(10), reason)]


def test_rows_of_an_earlier_version_become_ours(make: Any, checkout: Any) -> None:
    """The next look at a cart that was priced before an update puts its rows together."""
    as_of_an_earlier_version(checkout)
    assert [row[0] for row in rows(checkout)] == ["Tea", "VIP"]
    fingerprint = stored(checkout).fingerprint
    host.current().reprice(str(checkout.pk))

    assert make.checkout_total(checkout, checkout.user) == Decimal("37.00")
    assert [row[0] for row in rows(checkout)] == ["Tea & VIP"]
    assert stored(checkout).fingerprint == fingerprint


@pytest.mark.parametrize("points", [0, 500])
def test_a_cart_of_an_earlier_version_is_bought_at_its_price(
    make: Any, checkout: Any, points: int
) -> None:
    """The last look before the order finds the price it was shown at, in whatever rows it is."""
    if points:
        hold(checkout.account, checkout, points)
        host.current().reprice(str(checkout.pk))
    total = make.checkout_total(checkout, checkout.user)
    make.pay(checkout)
    as_of_an_earlier_version(checkout)

    order = buy(make, checkout)

    assert order.total_gross_amount == total == Decimal(37) - Decimal(points) / 100
    (line,) = order.lines.all()
    assert line.unit_discount_reason == "Tea & VIP" + (" & Points: 500" if points else "")


@pytest.mark.parametrize("name", ["Tea", "VIP"])
def test_a_cart_that_lost_a_row_is_not_bought(make: Any, checkout: Any, name: str) -> None:
    """Rows that take off something else than the price does are still refused."""
    from saleor.discount.models import CheckoutLineDiscount

    make.pay(checkout)
    as_of_an_earlier_version(checkout)
    CheckoutLineDiscount.objects.filter(name=name).delete()

    with pytest.raises(AssertionError, match="INVALID"):
        buy(make, checkout)


def test_free_shipping_that_is_lost_is_not_bought(make: Any, program: Program) -> None:
    """The mark takes nothing off, and is looked for all the same."""
    from saleor.discount.models import CheckoutLineDiscount

    user = make.make_user()
    make_member(program, user, "gold")
    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    make.checkout_total(checkout, user)
    make.pay(checkout)
    assert CheckoutLineDiscount.objects.filter(name="Free shipping").delete()[0] == 1

    with pytest.raises(AssertionError, match="INVALID"):
        buy(make, checkout)


def test_only_rows_of_lines_that_differ_are_written(make: Any, checkout: Any) -> None:
    """The row of another line stays the one that it was, down to when it was made."""
    from saleor.discount.models import CheckoutLineDiscount

    cake, tea = make.make_product("20.00"), checkout.lines.get().variant
    both = make.make_checkout(checkout.user, {tea: 3, cake: 1})
    assert make.checkout_total(both, checkout.user) == Decimal("55.00")
    made = CheckoutLineDiscount.objects.filter(line__checkout_id=both.pk)
    before = dict(made.values_list("line__variant__pk", "created_at"))

    make.set_quantity(both, tea, 2, checkout.user)

    assert make.checkout_total(both, checkout.user) == Decimal("49.60")
    after = dict(made.values_list("line__variant__pk", "created_at"))
    assert after[cake.pk] == before[cake.pk]
    assert after[tea.pk] > before[tea.pk]


def test_rows_of_a_line_stay_in_order(make: Any, checkout: Any) -> None:
    """Points take what they took, and are still said after the prices, which changed."""
    hold(checkout.account, checkout, 500)
    host.current().reprice(str(checkout.pk))
    assert make.checkout_total(checkout, checkout.user) == Decimal("32.00")

    make.set_quantity(checkout, checkout.lines.get().variant, 2, checkout.user)

    assert make.checkout_total(checkout, checkout.user) == Decimal("26.60")
    assert rows(checkout) == [
        ("VIP", Decimal(10), Decimal("2.40"), "VIP: 10 %"),
        ("Points", Decimal(5), Decimal(5), "Points: 500"),
    ]
