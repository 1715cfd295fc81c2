"""Prices per unit and their remainder on Saleor 2.10.1, and the arithmetic of its vouchers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine import pricing
from saleor_retention.engine.facts import BasketFacts, BasketLine, CustomerFacts, GoodsFacts
from saleor_retention.engine.money import allocate
from saleor_retention.engine.quote import Allocation, Quote
from saleor_retention.engine.rules import Ladder, PriceBenefit, ProgramRules, Tier

pytestmark = pytest.mark.saleor2

VIP = CustomerFacts(account_id=1, tier="vip")


def basket(*lines: tuple[int, int]) -> BasketFacts:
    """Return a basket of (quantity, unit price) lines: line 1, line 2, ..."""
    return BasketFacts(
        ref="checkout",
        channel_ref="default",
        currency="USD",
        exponent=2,
        user_ref="7",
        lines=tuple(
            BasketLine(
                ref=str(number),
                goods=GoodsFacts(f"v{number}", f"p{number}"),
                quantity=quantity,
                unit_minor=unit,
                total_minor=quantity * unit,
            )
            for number, (quantity, unit) in enumerate(lines, start=1)
        ),
    )


def quote(goods: BasketFacts, points: int, percent: int = 0) -> Quote:
    """Return the engine's quote of a basket for a VIP who spends points worth a cent each."""
    prices = (PriceBenefit(percent=Decimal(percent)),) if percent else ()
    rules = ProgramRules(
        point_values={"USD": Fraction(1)},
        ladder=Ladder(tiers=(Tier("vip", "VIP", 0, prices=prices),)),
    )
    return pricing.price(goods, VIP, rules, points)


def in_units(goods: BasketFacts, priced: Quote) -> Any:
    """Return the quote as 2.10.1 can express it."""
    from saleor_retention.host.saleor_2_10 import units

    return units.in_units(priced, goods)


LINES = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 5000)), min_size=1, max_size=5)


@given(LINES, st.integers(0, 20_000), st.integers(0, 100))
def test_nothing_is_lost_on_the_way_to_units(
    lines: list[tuple[int, int]], points: int, percent: int
) -> None:
    """Lines, remainder and allocations say the same, and the sum is what the engine decided."""
    goods = basket(*lines)
    priced = quote(goods, points, percent)

    expressed = in_units(goods, priced)

    off = {line.ref: 0 for line in goods.lines} | {"": 0}
    for item in expressed.quote.allocations:
        off[item.line_ref] += item.amount_minor
        assert item.amount_minor > 0
    for line in goods.lines:
        price = expressed.lines.get(line.ref)
        after = line.total_minor if price is None else price.quantity * price.unit_minor
        assert after == line.total_minor - off[line.ref]
        assert 0 <= after <= line.total_minor
    assert off[""] == expressed.remainder_minor
    assert expressed.quote.discount_minor == priced.discount_minor


@given(LINES, st.integers(0, 20_000), st.integers(0, 100))
def test_the_remainder_is_small(lines: list[tuple[int, int]], points: int, percent: int) -> None:
    """It is at most a cent for each unit; a line of one unit that has room leaves none."""
    goods = basket(*lines)

    expressed = in_units(goods, quote(goods, points, percent))

    assert 0 <= expressed.remainder_minor <= sum(quantity for quantity, _ in lines)
    for price in expressed.lines.values():
        assert price.unit_minor >= 1
    spent_on = {item.line_ref for item in expressed.quote.allocations if item.rule_key == "points"}
    if any(
        expressed.lines[ref].quantity == 1 and expressed.lines[ref].unit_minor > 1
        for ref in spent_on - {""}
    ):
        assert expressed.remainder_minor == 0


@given(LINES, st.integers(0, 20_000), st.integers(0, 100))
def test_a_quote_in_units_stays_as_it_is(
    lines: list[tuple[int, int]], points: int, percent: int
) -> None:
    """A stored quote that is honored later is expressed in the same units again."""
    goods = basket(*lines)
    once = in_units(goods, quote(goods, points, percent))

    assert in_units(goods, once.quote) == once


def test_an_amount_that_a_single_unit_takes() -> None:
    """1.00 spread over three units and one: the one takes what the three cannot."""
    goods = basket((3, 500), (1, 500))

    expressed = in_units(goods, quote(goods, 100))

    assert {ref: price.unit_minor for ref, price in expressed.lines.items()} == {"1": 475, "2": 475}
    assert [(item.line_ref, item.amount_minor) for item in expressed.quote.allocations] == [
        ("1", 75),
        ("2", 25),
    ]
    assert expressed.remainder_minor == 0


def test_the_remainder_is_an_allocation_of_the_whole_order() -> None:
    """What no unit can take has no line; its text says the amount."""
    goods = basket((3, 500))

    expressed = in_units(goods, quote(goods, 100))

    assert expressed.quote.allocations == (
        Allocation("1", "points", 99, "Points", "fixed", "0.99"),
        Allocation("", "points", 1, "Points", "fixed", "0.01"),
    )


def test_goods_that_points_pay_for_cost_a_cent_each() -> None:
    """2.10.1 divides by the price of a unit; the cents come back with the remainder."""
    goods = basket((3, 500))

    expressed = in_units(goods, quote(goods, 1500))

    assert expressed.lines["1"].unit_minor == 1
    assert expressed.remainder_minor == 3
    assert expressed.quote.discount_minor == 1500


def test_a_member_price_is_never_moved() -> None:
    """A per cent of each unit is exact as it is."""
    goods = basket((3, 999), (2, 101))
    priced = quote(goods, 0, 10)

    assert in_units(goods, priced).quote == priced


# --- vouchers -------------------------------------------------------------------------------------


def terms(**changes: Any) -> Any:
    """Return the terms of a voucher of 20 % off the order, or as the changes say."""
    from saleor_retention.host.saleor_2_10.vouchers import Terms

    plain = {"type": "entire_order", "is_percentage": True, "value": Fraction(20)}
    return Terms(**{**plain, "is_once_per_order": False, "eligible": None, **changes})


def units(*lines: tuple[int, int]) -> list[Any]:
    """Return lines of (quantity, unit price): v1, v2, ..."""
    from saleor_retention.host.saleor_2_10.vouchers import Units

    return [Units(f"v{number}", *line) for number, line in enumerate(lines, start=1)]


@pytest.mark.parametrize(
    ("changes", "off"),
    [
        ({}, 499),  # 20 % of 24.98 rounded down
        ({"is_percentage": False, "value": Fraction(1000)}, 1000),
        ({"is_percentage": False, "value": Fraction(9000)}, 2498),
        ({"type": "shipping"}, 0),
        ({"type": "specific_product"}, 498),  # 2 x 199 + 2 x 50
        ({"type": "specific_product", "eligible": frozenset(["v2"])}, 100),
        ({"type": "specific_product", "is_once_per_order": True}, 50),
        ({"type": "specific_product", "is_percentage": False, "value": Fraction(300)}, 1100),
    ],
)
def test_what_a_voucher_takes(changes: dict[str, Any], off: int) -> None:
    """The same amount that Saleor computes for the same lines."""
    from saleor_retention.host.saleor_2_10 import vouchers

    assert vouchers.discount_of(terms(**changes), units((2, 999), (2, 250))) == off


def test_a_voucher_takes_its_part_of_points() -> None:
    """20 % of the goods means 20 % less of what points take off them, to the cent."""
    from saleor_retention.host.saleor_2_10 import vouchers

    share = vouchers.share_ppm(terms(), units((1, 2498)), units((1, 1497)))

    # 4.99 off 24.98 and 2.99 off 14.97, each rounded down: of 10.01 in points 8.01 arrive.
    assert share == 800_200


@given(
    st.integers(1, 100_000),
    st.integers(1, 100_000),
    st.integers(1, 100),
    st.booleans(),
)
def test_the_share_finds_the_exact_amount_again(
    goods: int,
    points: int,
    value: int,
    is_percentage: bool,  # noqa: FBT001
) -> None:
    """``effective_points`` rounds down, the share rounds up: together they are exact."""
    from saleor_retention.engine.redemption import effective_points
    from saleor_retention.host.saleor_2_10 import vouchers

    placed = min(goods, points)
    voucher = terms(is_percentage=is_percentage, value=Fraction(value))
    before, after = units((1, goods)), units((1, goods - placed))
    paid = lambda lines: lines[0].total_minor - vouchers.discount_of(voucher, lines)  # noqa: E731

    share = vouchers.share_ppm(voucher, before, after)

    assert effective_points(placed, placed, share, Fraction(1)) == paid(before) - paid(after)


@given(
    st.integers(0, 20_000),
    st.lists(st.integers(0, 5000), max_size=5),
    st.integers(0, 2000),
    st.booleans(),
)
def test_an_order_s_discount_is_spread_whole(
    discount: int,
    lines: list[int],
    shipping: int,
    is_on_shipping: bool,  # noqa: FBT001
) -> None:
    """Nothing falls below zero, and nothing is dropped that had room."""
    from saleor_retention.host.saleor_2_10 import vouchers

    off, off_shipping = vouchers.spread(discount, lines, shipping, is_on_shipping=is_on_shipping)

    assert all(0 <= part <= price for part, price in zip(off, lines, strict=True))
    assert 0 <= off_shipping <= shipping
    assert sum(off) + off_shipping == min(discount, sum(lines) + shipping)
    if is_on_shipping:
        assert off_shipping == min(discount, shipping)
    else:
        assert off == allocate(min(discount, sum(lines)), lines)


# --- what is remembered ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "is_read"),
    [
        ("SELECT 1", True),
        ("\n  select * FROM x", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("SAVEPOINT s1", True),
        ("RELEASE SAVEPOINT s1", True),
        ("WITH a AS (INSERT INTO b VALUES (1) RETURNING 1) SELECT * FROM a", False),
        ("WITH a AS (DELETE FROM b RETURNING 1) SELECT * FROM a", False),
        ("SELECT * FROM x FOR UPDATE", False),
        ("UPDATE x SET y = 1", False),
        ("INSERT INTO x VALUES (1)", False),
        ("DELETE FROM x", False),
        ("ROLLBACK TO SAVEPOINT s1", False),
        ("TRUNCATE x", False),
        ("-- a posting\nWITH a AS (INSERT INTO b VALUES (1)) SELECT 1", False),
        (object(), False),
    ],
)
def test_which_statements_change_nothing(statement: Any, is_read: bool) -> None:  # noqa: FBT001
    """What is not surely a read counts as a write; so does a lock, which waits for writes."""
    from saleor_retention.host.saleor_2_10 import memo

    assert memo.is_read(statement) is is_read


@pytest.mark.django_db(transaction=True)
def test_what_is_remembered_ends_with_each_write_and_transaction() -> None:
    """Writes, commits, rollbacks and the end of a request forget; reads and savepoints do not."""
    from django.core.signals import request_finished, request_started
    from django.db import connection, transaction

    from saleor_retention.host.saleor_2_10 import memo

    asked: list[int] = []

    def look() -> int:
        """Return how many times the value had to be computed."""
        return memo.recall("key", lambda: asked.append(1) or len(asked))

    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    assert [look(), look()] == [1, 2]
    request_started.send(sender=None)
    try:
        run("SELECT 1")  # a request begins without a connection
        assert [look(), look()] == [3, 3]
        run("SELECT 1")
        assert look() == 3
        run("CREATE TEMPORARY TABLE scratch (id integer)")
        assert [look(), look()] == [4, 4]
        with transaction.atomic():
            assert look() == 4
            with transaction.atomic():
                assert look() == 4
            assert look() == 4
            run("INSERT INTO scratch VALUES (1)")
            assert [look(), look()] == [5, 5]
            transaction.set_rollback(True)
        assert [look(), look()] == [6, 6]
        with transaction.atomic():
            pass
        assert look() == 7
    finally:
        request_finished.send(sender=None)
    assert [look(), look()] == [8, 9]
    assert connection.execute_wrappers == []
