"""Member prices, free shipping and points in a quote."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from saleor_retention.engine import pricing
from saleor_retention.engine.facts import BasketFacts, BasketLine
from saleor_retention.engine.pricing import (
    basket_fingerprint,
    fingerprint,
    member_discount,
    redeemable_base,
)
from saleor_retention.engine.quote import Allocation, Quote
from saleor_retention.engine.rules import (
    Ladder,
    PriceBenefit,
    ProgramRules,
    RedemptionLimits,
    Selection,
)
from tests.unit.builders import amount_off, basket, basket_line, goods, ladder, member, rules, tier
from tests.unit.invariants import check_quote

VIP = rules(ladder=ladder(tier("regular"), tier("vip", 50_000, percent="5")))


@pytest.fixture(autouse=True)
def _checked_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check what holds for every quote on each one that a test of this module makes."""
    original = pricing.price

    def price(facts: BasketFacts, *args: Any, **kwargs: Any) -> Quote:
        quote = original(facts, *args, **kwargs)
        check_quote(facts, quote)
        return quote

    monkeypatch.setattr(pricing, "price", price)


def amounts(quote: Quote, rule_key: str) -> dict[str, int]:
    """Return what one rule takes off each line."""
    return {
        item.line_ref: item.amount_minor for item in quote.allocations if item.rule_key == rule_key
    }


def verdicts(quote: Quote) -> dict[str, str]:
    """Return the code of every rule's verdict."""
    return {verdict.rule_key: verdict.code for verdict in quote.verdicts}


PER_CENT = """
    total | quantity | percent | off
     1000 |        1 | 5       | 50
     1000 |        2 | 5       | 50
     1010 |        1 | 5       | 51
     1009 |        1 | 5       | 50
      999 |        3 | 5       | 51
      333 |        1 | 5       | 17
     1000 |        3 | 10      | 99
     1000 |        3 | 100     | 1000
     1001 |        3 | 50      | 502
        1 |        1 | 50      | 1
        1 |        1 | 49      | 0
        5 |       10 | 50      | 3
        0 |        3 | 50      | 0
     1000 |        1 | 0.125   | 1
     1000 |        1 | 99.999  | 1000
"""


@pytest.mark.parametrize("row", PER_CENT.strip().splitlines()[1:])
def test_per_cent_off_is_rounded_on_one_unit(row: str) -> None:
    """All units of a line cost the same; odd cents of the shop's discount count as one more."""
    total, quantity, percent, off = (cell.strip() for cell in row.split("|"))
    line = basket_line(1, int(total), quantity=int(quantity))
    program = rules(ladder=ladder(tier("vip", percent=percent)))

    quote = pricing.price(basket(line), member("vip"), program, 0)

    assert quote.discount_minor == int(off)
    if int(total) % int(quantity) == 0:
        assert (int(total) - quote.discount_minor) % int(quantity) == 0


@pytest.mark.parametrize(
    ("total", "quantity", "each", "off"),
    [
        (1000, 1, 300, 300),
        (1000, 2, 300, 600),
        (1000, 2, 500, 1000),
        (1000, 2, 900, 1000),  # never below zero
        (1000, 3, 333, 999),
        (1000, 3, 334, 1000),
        (0, 3, 334, 0),
    ],
)
def test_amounts_off_are_per_unit(total: int, quantity: int, each: int, off: int) -> None:
    """So much off each unit, down to zero."""
    line = basket_line(1, total, quantity=quantity)
    program = rules(ladder=ladder(tier("vip", prices=(amount_off(USD=each),))))

    quote = pricing.price(basket(line), member("vip"), program, 0)

    assert amounts(quote, "member:vip") == ({"line-1": off} if off else {})


def test_rows_for_the_host() -> None:
    """An allocation carries what the shopper reads: name, kind and value."""
    prices = (
        PriceBenefit(percent=Decimal("12.5"), selection=Selection(products=frozenset({"p1"}))),
        amount_off(Selection(products=frozenset({"p2"})), USD=100),
    )
    program = rules(ladder=ladder(tier("vip", prices=prices)))

    quote = pricing.price(basket(1000, basket_line(2, 1000, 2)), member("vip"), program, 10)

    assert quote.allocations == (
        Allocation("line-1", "member:vip", 125, "Vip", "percentage", "12.5"),
        Allocation("line-2", "member:vip", 200, "Vip", "fixed", "2.00"),
        Allocation("line-1", "points", 5, "Points", "fixed", "0.05"),
        Allocation("line-2", "points", 5, "Points", "fixed", "0.05"),
    )


def test_each_line_gets_the_best_price() -> None:
    """Of several prices that match a line the one that takes most applies, not their sum."""
    prices = (
        PriceBenefit(percent=Decimal(10)),
        PriceBenefit(percent=Decimal(20), selection=Selection(products=frozenset({"p2"}))),
        amount_off(Selection(collections=frozenset({"summer"})), USD=150),
    )
    lines = (
        basket_line(1, 1000),
        basket_line(2, 1000),
        basket_line(3, 1000, goods=goods(3, collection="summer")),
        basket_line(4, 9000, goods=goods(4, collection="summer")),
    )
    program = rules(ladder=ladder(tier("vip", prices=prices)))

    quote = pricing.price(basket(*lines), member("vip"), program, 0)

    assert amounts(quote, "member:vip") == {
        "line-1": 100,
        "line-2": 200,
        "line-3": 150,
        "line-4": 900,
    }


def test_equal_prices_keep_the_merchants_order() -> None:
    """Of two that take the same the first one is named."""
    prices = (amount_off(USD=100), PriceBenefit(percent=Decimal(10)))
    program = rules(ladder=ladder(tier("vip", prices=prices)))

    quote = pricing.price(basket(1000), member("vip"), program, 0)

    assert [item.value_type for item in quote.allocations] == ["fixed"]


def test_gifts_and_gift_cards_are_left_alone() -> None:
    """Neither member prices nor points touch them."""
    lines = (
        basket_line(1, 1000),
        basket_line(2, 1000, is_gift=True),
        basket_line(3, 1000, is_gift_card=True),
    )

    quote = pricing.price(basket(*lines), member("vip"), VIP, 5000)

    assert {item.line_ref for item in quote.allocations} == {"line-1"}
    assert quote.discount_minor == 1000
    assert redeemable_base(basket(*lines), member("vip"), VIP) == 950


def test_an_amount_in_another_currency() -> None:
    """A price without an amount in the basket's currency is no price there."""
    program = rules(ladder=ladder(tier("vip", prices=(amount_off(EUR=100),))))

    quote = pricing.price(basket(1000), member("vip"), program, 0)

    assert quote.allocations == ()
    assert verdicts(quote) == {"member:vip": "NO_MATCHING_GOODS", "points": "NO_REDEMPTION"}


POINTS = """
    lines     | held | value | share | placed      | burned | verdict
    1000 3000 |    0 |     1 |     1 |             |      0 | NO_REDEMPTION
    1000 3000 |  400 |     1 |     1 | 100 300     |    400 | APPLIED
    1000 3000 | 4000 |     1 |     1 | 1000 3000   |   4000 | APPLIED
    1000 3000 | 9000 |     1 |     1 | 1000 3000   |   4000 | PARTLY_APPLIED
    1000 3000 | 9000 |     1 |   1/2 | 500 1500    |   2000 | PARTLY_APPLIED
    1000 1000 |    3 |     1 |     1 | 2 1         |      3 | APPLIED
    1000 3000 |  405 |  1/10 |     1 | 10 30       |    400 | APPLIED
    1000 3000 |    9 |  1/10 |     1 |             |      0 | NOTHING_TO_REDEEM_ON
    50 100    |    2 |   100 |     1 | 33 67       |      1 | PARTLY_APPLIED
    50 40     |    2 |   100 |     1 |             |      0 | NOTHING_TO_REDEEM_ON
    0 0       |  400 |     1 |     1 |             |      0 | NOTHING_TO_REDEEM_ON
    0 1000    |  400 |     1 |     1 | 0 400       |    400 | APPLIED
"""


@pytest.mark.parametrize("row", POINTS.strip().splitlines()[1:])
def test_points_are_spread_over_the_lines(row: str) -> None:
    """In proportion, down to zero at most; only whole points that give their whole value burn."""
    lines, held, value, share, placed, burned, verdict = (cell.strip() for cell in row.split("|"))
    limits = RedemptionLimits(order_share_max=Fraction(share))
    program = rules(point_values={"USD": Fraction(value)}, redemption=limits)
    facts = basket(*(int(amount) for amount in lines.split()))

    quote = pricing.price(facts, member(), program, int(held))

    spread = amounts(quote, "points")
    expected = [int(amount) for amount in placed.split()] or [0] * len(facts.lines)
    assert [spread.get(line.ref, 0) for line in facts.lines] == expected
    assert (quote.points_held, quote.points_applied) == (int(held), int(burned))
    assert verdicts(quote) == {"points": verdict}


def test_points_come_after_member_prices() -> None:
    """They pay what member prices leave."""
    quote = pricing.price(basket(1000, 1000), member("vip"), VIP, 5000)

    assert amounts(quote, "member:vip") == {"line-1": 50, "line-2": 50}
    assert amounts(quote, "points") == {"line-1": 950, "line-2": 950}
    assert quote.points_applied == 1900


@pytest.mark.parametrize(
    ("program", "code", "message"),
    [
        (
            rules(redemption=RedemptionLimits(is_enabled=False)),
            "REDEMPTION_DISABLED",
            "This program does not take points.",
        ),
        (rules(point_values={}), "NO_POINT_VALUE", "Points have no value in USD."),
    ],
)
def test_points_that_the_program_does_not_take(
    program: ProgramRules, code: str, message: str
) -> None:
    """Held points take nothing off, and the verdict says why."""
    quote = pricing.price(basket(1000), member(), program, 100)

    assert (quote.allocations, quote.points_applied) == ((), 0)
    assert [(verdict.code, verdict.message) for verdict in quote.verdicts] == [(code, message)]


STEPS = ladder(
    tier("regular", 0, percent="1"),
    tier("vip", 50_000, percent="5", has_free_shipping=True),
    tier("supreme", 150_000, percent="10", has_free_shipping=True),
)


def test_verdicts_of_a_guest() -> None:
    """Prices for members say that there is no member."""
    quote = pricing.price(basket(1000), None, rules(ladder=STEPS), 0)

    assert quote.allocations == ()
    assert not quote.has_free_shipping
    assert verdicts(quote) == {
        "member:regular": "NOT_A_MEMBER",
        "member:vip": "NOT_A_MEMBER",
        "member:supreme": "NOT_A_MEMBER",
        "shipping:vip": "NOT_A_MEMBER",
        "shipping:supreme": "NOT_A_MEMBER",
        "points": "NO_REDEMPTION",
    }


def test_verdicts_of_a_member_name_what_is_missing() -> None:
    """The own tier applied, the lower is decided by it, the higher says its gap and its worth."""
    quote = pricing.price(
        basket(10_000), member("vip"), rules(ladder=STEPS), 0, metric_value=120_000
    )

    found = [(item.rule_key, item.code, item.amount_minor, item.gap) for item in quote.verdicts]
    assert found == [
        ("member:regular", "OTHER_TIER", 0, None),
        ("member:vip", "APPLIED", 500, None),
        ("member:supreme", "TIER_TOO_LOW", 0, 30_000),
        ("shipping:vip", "APPLIED", 0, None),
        ("shipping:supreme", "TIER_TOO_LOW", 0, 30_000),
        ("points", "NO_REDEMPTION", 0, None),
    ]
    assert [item.message for item in quote.verdicts[:3]] == [
        "Vip is the higher tier and decides instead of Regular.",
        "Vip takes 5.00 USD off this basket.",
        "Supreme is not reached yet; it would take 5.00 USD more off this basket.",
    ]
    assert quote.has_free_shipping


def test_verdicts_of_a_member_without_tier() -> None:
    """Every tier is still to be reached; without a standing no gap can be named."""
    quote = pricing.price(basket(1000), member(), rules(ladder=STEPS), 0)

    assert verdicts(quote)["member:regular"] == "TIER_TOO_LOW"
    assert {item.gap for item in quote.verdicts} == {None}


@pytest.mark.parametrize(
    ("steps", "total", "code", "message"),
    [
        (
            ladder(tier("vip", prices=(amount_off(Selection(products=frozenset({"p9"})), USD=1),))),
            1000,
            "NO_MATCHING_GOODS",
            "Vip has no price for any goods in this basket.",
        ),
        (
            ladder(tier("vip", percent="1")),
            49,
            "NO_EFFECT",
            "Vip takes nothing off these goods at their prices.",
        ),
        (
            ladder(tier("vip", percent="1")),
            0,
            "NO_EFFECT",
            "Vip takes nothing off these goods at their prices.",
        ),
    ],
)
def test_verdicts_where_the_own_tier_takes_nothing(
    steps: Ladder, total: int, code: str, message: str
) -> None:
    """No goods match, or rounding leaves nothing: two different things."""
    quote = pricing.price(basket(total), member("vip"), rules(ladder=steps), 0)

    assert quote.allocations == ()
    assert (quote.verdicts[0].code, quote.verdicts[0].message) == (code, message)


def test_a_higher_tier_without_a_price_for_these_goods() -> None:
    """It is no near miss: reaching it would change nothing here."""
    far = tier("far", 9, prices=(amount_off(Selection(products=frozenset({"p9"})), USD=1),))

    quote = pricing.price(basket(1000), member(), rules(ladder=ladder(far)), 0, metric_value=0)

    assert (quote.verdicts[0].code, quote.verdicts[0].gap) == ("NO_MATCHING_GOODS", None)


def test_the_order_of_lines_changes_nothing() -> None:
    """Odd cents go by line reference, not by position."""
    lines = tuple(basket_line(number, 1000) for number in (1, 2, 3))
    forth = pricing.price(basket(*lines), member("vip"), VIP, 100)
    back = pricing.price(basket(*reversed(lines)), member("vip"), VIP, 100)

    assert forth == back
    assert amounts(forth, "points") == {"line-1": 34, "line-2": 33, "line-3": 33}


def test_lines_of_no_units_and_negative_totals() -> None:
    """Impossible lines are left alone; they make no discount for the others either."""
    lines = (basket_line(1, 1000), replace(basket_line(2, 500), quantity=0), basket_line(3, -300))

    quote = pricing.price(basket(*lines), member("vip"), VIP, 5000)

    assert {item.line_ref for item in quote.allocations} == {"line-1"}
    assert quote.discount_minor == 1000


@pytest.mark.parametrize(
    ("lines", "held", "message"),
    [
        (
            (basket_line(1, 1000), basket_line(1, 500)),
            0,
            "Two basket lines have the same reference",
        ),
        ((basket_line(1, 1000),), -1, "Points held cannot be negative"),
    ],
)
def test_baskets_that_make_no_sense(lines: tuple[BasketLine, ...], held: int, message: str) -> None:
    """They are refused, and the shell then leaves the shop's own price."""
    with pytest.raises(ValueError, match=message):
        pricing.price(basket(*lines), member(), VIP, held)


def test_empty_baskets() -> None:
    """They cost nothing and say so."""
    quote = pricing.price(basket(), member("vip"), VIP, 100)

    assert quote.allocations == ()
    assert verdicts(quote) == {"member:vip": "NO_MATCHING_GOODS", "points": "NOTHING_TO_REDEEM_ON"}


CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "checkout": ({"ref": "other"}, False),
    "user": ({"user_ref": "8"}, True),
    "no user": ({"user_ref": None}, True),
    "currency": ({"currency": "EUR"}, True),
    "channel": ({"channel_ref": "2"}, True),
    "quantity": ({"lines": (basket_line(1, 1000, 2), basket_line(2, 500))}, True),
    "price": ({"lines": (basket_line(1, 1001), basket_line(2, 500))}, True),
    "list price": ({"lines": (basket_line(1, 1000, unit_minor=1), basket_line(2, 500))}, True),
    "gift": ({"lines": (basket_line(1, 1000, is_gift=True), basket_line(2, 500))}, True),
    "gift card": ({"lines": (basket_line(1, 1000, is_gift_card=True), basket_line(2, 500))}, True),
    "one line less": ({"lines": (basket_line(1, 1000),)}, True),
    "other order": ({"lines": (basket_line(2, 500), basket_line(1, 1000))}, False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_basket_fingerprint(name: str) -> None:
    """It changes with what the shopper put together, and with nothing else."""
    changes, is_other = CHANGES[name]
    facts = basket(1000, 500)

    changed = replace(facts, **changes)

    assert (basket_fingerprint(changed) != basket_fingerprint(facts)) is is_other


def test_fingerprint_of_everything_that_decides() -> None:
    """Tier, points, version and what goods are selected by change it, the basket's own not."""
    facts = basket(1000)
    moved = basket(basket_line(1, 1000, goods=goods(1, collection="summer")))
    prints = {
        fingerprint(facts, member(), 0),
        fingerprint(facts, None, 0),
        fingerprint(facts, member("vip"), 0),
        fingerprint(facts, member(), 1),
        fingerprint(facts, member(), 0, version="2"),
        fingerprint(moved, member(), 0),
    }

    assert len(prints) == 6
    assert all(len(text) == 64 for text in prints)
    assert basket_fingerprint(moved) == basket_fingerprint(facts)
    assert fingerprint(facts, member(available=5), 0) == fingerprint(facts, member(), 0)


def test_member_price_of_one_unit() -> None:
    """What a product page shows is what the basket gets."""
    step = tier("vip", prices=(PriceBenefit(percent=Decimal("12.5")), amount_off(USD=100)))

    assert member_discount(basket_line(1, 999), step, "USD") == 125
    assert member_discount(basket_line(1, 500), step, "USD") == 100
    assert member_discount(basket_line(1, 500), step, "EUR") == 63
    assert member_discount(basket_line(1, 500), tier("none"), "USD") == 0
