"""Who paid more than an offer would have asked: per line, exact, only what is kept and paid."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest

from saleor_retention.engine.facts import GoodsFacts, OrderFacts, OrderLine, OrderState, Origin
from saleor_retention.engine.offers.fairness import overpaid, points_to_make_good, window_of
from saleor_retention.engine.offers.kinds import Audience, MemberPrice
from saleor_retention.engine.rules import Selection
from tests.unit import builders
from tests.unit.offers.builders import (
    amount,
    any_of,
    fixed,
    offer,
    percent,
    products,
    steps,
    threshold,
)

TEA = GoodsFacts(variant_ref="v1", product_ref="p1")
CUP = GoodsFacts(variant_ref="v2", product_ref="p2")
NOW = builders.NOON


def line(ref: str, gross_minor: int, **facts: Any) -> OrderLine:
    """Return one unit of untaxed goods, at its list price."""
    given = {
        "ref": ref,
        "quantity": 1,
        "quantity_returned": 0,
        "net_minor": gross_minor,
        "gross_minor": gross_minor,
        "undiscounted_minor": gross_minor,
    }
    return OrderLine(**(given | facts))


def order(*lines: OrderLine, **facts: Any) -> OrderFacts:
    """Return a paid order of these lines."""
    total_minor = sum(each.gross_minor for each in lines)
    return builders.order(**({"lines": lines, "total_minor": total_minor} | facts))


def over(bought: OrderFacts, benefit: Any, *, is_gross: bool = True, **changes: Any) -> list[Any]:
    """Return (line, units, paid, with the offer) of each line that cost more."""
    found = overpaid(bought, offer("1", benefit, **changes), has_tax_in_prices=is_gross)
    return [(each.line_ref, each.quantity, each.paid_minor, each.offer_minor) for each in found]


def tea(gross_minor: int, **facts: Any) -> OrderFacts:
    """Return an order of tea and one cup at 5.00."""
    return order(line("a", gross_minor, goods=TEA, **facts), line("b", 500, goods=CUP))


def test_a_full_price_of_days_ago() -> None:
    """Ten per cent off tea: only the tea is compared."""
    assert over(tea(1000), MemberPrice(products(1), percent(10))) == [("a", 1, 1000, 900)]


def test_who_had_a_discount_already_paid_no_more_or_less_more() -> None:
    """What was paid counts, not the list price."""
    cut = MemberPrice(products(1), percent(10))

    assert over(tea(950, undiscounted_minor=1000), cut) == [("a", 1, 950, 900)]
    assert over(tea(900, undiscounted_minor=1000), cut) == []
    assert over(tea(700, undiscounted_minor=1000), cut) == []


def test_only_goods_that_are_kept_count() -> None:
    """Of three units one came back: two are compared."""
    cut = MemberPrice(products(1), percent(10))

    assert over(tea(3000, quantity=3, quantity_returned=1), cut) == [("a", 2, 2000, 1800)]
    assert over(tea(3000, quantity=3, quantity_returned=3), cut) == []


def test_money_that_came_back_was_not_paid() -> None:
    """A refund of money alone is taken off first, spread over all lines."""
    bought = order(line("a", 1000, goods=TEA), refunded_minor=60)

    assert over(bought, MemberPrice(products(1), percent(10))) == [("a", 1, 940, 900)]


@pytest.mark.parametrize(
    "facts",
    [
        {"is_paid": False},
        {"state": OrderState.CANCELED},
        {"state": OrderState.UNCONFIRMED},
        {"origin": Origin.REISSUE},
    ],
)
def test_who_paid_nothing_paid_no_more(facts: dict[str, Any]) -> None:
    """Unpaid, canceled, not accepted yet, or a replacement."""
    bought = order(line("a", 1000, goods=TEA), **facts)

    assert over(bought, MemberPrice(products(1), percent(10))) == []


def test_gift_cards_are_no_goods() -> None:
    """Money in another form has no better price."""
    bought = order(line("a", 1000, goods=TEA, is_gift_card=True))

    assert over(bought, MemberPrice(Selection(), percent(10))) == []


def test_quantity_prices_go_by_the_units_kept() -> None:
    """Three of five units are kept, and three reach the first step only."""
    cut = steps((3, percent(10)), (5, percent(20)), of=products(1))

    assert over(tea(5000, quantity=5), cut) == [("a", 5, 5000, 4000)]
    assert over(tea(5000, quantity=5, quantity_returned=2), cut) == [("a", 3, 3000, 2700)]
    assert over(tea(2000, quantity=2), cut) == []


def test_a_bundle_is_split_over_its_lines() -> None:
    """Tea for 10.00 and a cup for 5.00, both together for 12.00: 2.00 and 1.00 less."""
    both = any_of(2, 1, 2, cut=fixed(1200))

    assert over(tea(1000), both) == [("a", 1, 1000, 800), ("b", 1, 500, 400)]


def test_a_threshold_is_split_over_what_counts() -> None:
    """From 15.00 spent, 1.50 off: 1.00 and 0.50; below it nothing."""
    assert over(tea(1000), threshold((1500, amount(150)))) == [
        ("a", 1, 1000, 900),
        ("b", 1, 500, 450),
    ]
    assert over(tea(999), threshold((1500, amount(150)))) == []


def test_amounts_are_in_the_basis_in_which_prices_are_entered() -> None:
    """10.00 without tax is 12.00 with it: an amount of 1.00 off is 1.20 to the customer."""
    bought = order(line("a", 1200, net_minor=1000, goods=TEA))
    cut = MemberPrice(products(1), amount(100))

    assert over(bought, cut, is_gross=False) == [("a", 1, 1200, 1080)]
    assert over(bought, cut) == [("a", 1, 1200, 1100)]


def test_neither_window_nor_audience_nor_group_is_asked() -> None:
    """The offer has not started, and may be for others: that is who it hurts."""
    changes = {
        "starts_at": NOW + dt.timedelta(days=30),
        "weekdays": frozenset({6}),
        "audience": Audience(is_members_only=True, tiers=frozenset({"vip"})),
        "group": "spring",
    }

    assert over(tea(1000), MemberPrice(products(1), percent(10)), **changes) == [
        ("a", 1, 1000, 900)
    ]


def test_a_floor_is_kept() -> None:
    """No unit would have been sold below it."""
    assert over(tea(1000), MemberPrice(products(1), percent(50)), floor_minor=800) == [
        ("a", 1, 1000, 800)
    ]


def test_half_a_minor_unit_goes_up() -> None:
    """Ten per cent of 0.95 is 0.095: the unit's fall is rounded as at the checkout."""
    assert over(tea(95), MemberPrice(products(1), percent(10))) == [("a", 1, 95, 85)]


def test_points_are_rounded_up_once() -> None:
    """Two lines of 1.00 over at 0.03 a point are 66.7, so 67 points; not 34 twice."""
    bought = order(line("a", 1000, goods=TEA), line("b", 1000, goods=TEA))
    found = overpaid(
        bought, offer("1", MemberPrice(products(1), percent(10))), has_tax_in_prices=True
    )

    assert points_to_make_good(found, {"USD": Fraction(3)}) == 67
    assert points_to_make_good(found, {"USD": Fraction(1, 2)}) == 400
    assert points_to_make_good(found, {"EUR": Fraction(3)}) is None


def test_the_days_before_the_offer() -> None:
    """Up to its start, and never beyond now."""
    day = dt.timedelta(days=1)

    assert window_of(None, 14, NOW) == (NOW - 14 * day, NOW)
    assert window_of(NOW - 3 * day, 14, NOW) == (NOW - 17 * day, NOW - 3 * day)
    assert window_of(NOW + 4 * day, 14, NOW) == (NOW - 10 * day, NOW)
