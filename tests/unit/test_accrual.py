"""What an order earns, what it keeps, and what a cart would earn."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from saleor_retention.engine.accrual import (
    SHIPPING_REF,
    Accrual,
    EarnTerms,
    earn,
    keeps_goods,
    kept,
    kept_shares,
    kept_spend,
    may_earn,
    quoted,
)
from saleor_retention.engine.facts import OrderFacts, OrderState, Origin
from saleor_retention.engine.rules import EarnRate, Multiplier, ProgramRules, Selection
from tests.unit.builders import (
    NOON,
    basket_line,
    instant,
    ladder,
    order,
    refunded,
    returned,
    rules,
    tier,
    with_line,
)

PER_UNIT = EarnTerms(rules("1.00"))


def points(facts: OrderFacts, program: ProgramRules, tier_slug: str | None = None) -> int:
    """Return what the order earns under the rules."""
    return earn(facts, EarnTerms(program, tier_slug)).points


@pytest.mark.parametrize(
    ("lines", "per", "earned"),
    [
        ((1500, 1500), "10.00", 3),  # V3: one floor, not one a line
        ((99,), "1.00", 0),
        ((100,), "1.00", 1),
        ((199,), "1.00", 1),
        ((33, 33, 34), "1.00", 1),
        ((0,), "1.00", 0),
        ((10**12,), "0.01", 10**12),
        ((), "1.00", 0),
    ],
)
def test_one_floor_per_order(lines: tuple[int, ...], per: str, earned: int) -> None:
    """All lines are added up before the one rounding down."""
    assert points(order(*lines), rules(per)) == earned


@pytest.mark.parametrize(
    ("lines", "per", "by_line"),
    [
        ((1500, 1500), "10.00", (("line-1", 2), ("line-2", 1))),  # tie: the earlier line
        ((1400, 1600), "10.00", (("line-1", 1), ("line-2", 2))),
        ((500, 500, 500), "10.00", (("line-1", 1),)),
        ((1000, 2000), "10.00", (("line-1", 1), ("line-2", 2))),
    ],
)
def test_points_fall_on_lines(
    lines: tuple[int, ...], per: str, by_line: tuple[tuple[str, int], ...]
) -> None:
    """By largest remainder, and the parts add up to the whole."""
    accrual = earn(order(*lines), EarnTerms(rules(per)))

    assert accrual.by_line == by_line
    assert sum(share for _, share in by_line) == accrual.points


def test_gift_cards_bought_earn_nothing() -> None:
    """They are money that is spent later, and earn then."""
    facts = with_line(order(5000, 2000), "line-1", is_gift_card=True)

    assert earn(facts, PER_UNIT) == Accrual(20, (("line-2", 20),))


@pytest.mark.parametrize(("on_tax", "earned"), [(True, 12), (False, 10)])
def test_tax_is_a_setting(*, on_tax: bool, earned: int) -> None:
    """The basis is what the customer pays, with or without tax."""
    facts = with_line(order(1200), "line-1", net_minor=1000)

    assert points(facts, rules(earns_on_tax=on_tax)) == earned


@pytest.mark.parametrize(
    ("on_shipping", "on_tax", "accrual"),
    [
        (False, True, Accrual(10, (("line-1", 10),))),
        (True, True, Accrual(16, (("line-1", 10), (SHIPPING_REF, 6)))),
        (True, False, Accrual(15, (("line-1", 10), (SHIPPING_REF, 5)))),
    ],
)
def test_shipping_is_a_setting(*, on_shipping: bool, on_tax: bool, accrual: Accrual) -> None:
    """Shipping earns only where the program says so, on the same basis."""
    facts = order(1000, shipping_gross_minor=600, shipping_net_minor=500)
    program = rules(earns_on_shipping=on_shipping, earns_on_tax=on_tax)

    assert earn(facts, EarnTerms(program)) == accrual


def test_other_currencies_need_a_rate() -> None:
    """There is no conversion: without a rate of its own a currency earns nothing."""
    facts = order(1000, currency="EUR")
    both = rules(earn_rates={"USD": EarnRate(Fraction(1), 100), "EUR": EarnRate(Fraction(3), 200)})

    assert points(facts, rules()) == 0
    assert points(facts, both) == 15


def test_rates_are_exact() -> None:
    """A third of a point per cent is a third: three cents make one point, always."""
    third = rules(earn_rates={"USD": EarnRate(Fraction(1, 3), 1)})

    assert [points(order(cents), third) for cents in (2, 3, 299, 300)] == [0, 1, 99, 100]


def test_a_higher_tier_earns_more() -> None:
    """C10: the tier's multiplier applies to everything."""
    steps = ladder(tier("regular"), tier("vip", 1, earn_multiplier=Fraction("1.5")))
    program = rules(ladder=steps)

    assert points(order(999), program, "regular") == 9
    assert points(order(999), program, "vip") == 14
    assert points(order(999), program, "gone") == 9  # a tier that is not on the ladder
    assert points(order(999), program) == 9


def test_multipliers_multiply() -> None:
    """Every multiplier that matches a line applies, on top of the tier's."""
    program = rules(
        ladder=ladder(tier("vip", earn_multiplier=Fraction(2))),
        multipliers=(
            Multiplier("all", Fraction(3)),
            Multiplier("p1", Fraction(5), Selection(products=frozenset({"p1"}))),
            Multiplier("none of these", Fraction(7), Selection(products=frozenset({"p9"}))),
        ),
    )

    accrual = earn(order(1000, 1000), EarnTerms(program, "vip"))

    assert accrual == Accrual(360, (("line-1", 300), ("line-2", 60)))


def test_a_factor_of_zero_excludes_goods() -> None:
    """Chosen goods may earn nothing."""
    program = rules(
        multipliers=(Multiplier("no sale", Fraction(0), Selection(products=frozenset({"p1"}))),)
    )

    assert earn(order(1000, 1000), EarnTerms(program)) == Accrual(10, (("line-2", 10),))


def test_shipping_takes_part_in_what_is_for_everything() -> None:
    """A multiplier on chosen goods does not touch shipping, one on everything does."""
    facts = order(1000, shipping_gross_minor=1000)
    on_goods = Multiplier("p1", Fraction(5), Selection(products=frozenset({"p1"})))

    program = rules(earns_on_shipping=True, multipliers=(Multiplier("all", Fraction(2)), on_goods))

    assert earn(facts, EarnTerms(program)).by_line == (("line-1", 100), (SHIPPING_REF, 20))


@pytest.mark.parametrize(
    ("at", "earned"),
    [
        ("2026-03-08 22:59", 10),  # Sunday in Paris
        ("2026-03-08 23:00", 20),  # Monday in Paris, the first day
        ("2026-03-09 22:59", 20),
        ("2026-03-09 23:00", 10),
        ("2026-03-02 12:00", 10),  # a Monday before it starts
        ("2026-03-16 12:00", 20),  # the last day counts whole
        ("2026-03-23 12:00", 10),
    ],
)
def test_member_days(at: str, earned: int) -> None:
    """C32: dates and weekdays are those of the program's time zone when the order was created."""
    mondays = Multiplier(
        "Member Monday",
        Fraction(2),
        starts_on=dt.date(2026, 3, 9),
        ends_on=dt.date(2026, 3, 16),
        weekdays=frozenset({0}),
    )
    program = rules(time_zone="Europe/Paris", multipliers=(mondays,))

    assert points(order(1000, created_at=instant(at)), program) == earned


@pytest.mark.parametrize(
    ("origin", "setting", "default"),
    [
        (Origin.CHECKOUT, None, True),
        (Origin.POS, None, True),
        (Origin.DRAFT, "earns_on_drafts", True),
        (Origin.REISSUE, "earns_on_reissues", False),
        (Origin.BULK, "earns_on_bulk_orders", False),
    ],
)
def test_origins(origin: Origin, setting: str | None, *, default: bool) -> None:
    """Drafts, reissues and bulk imports follow their settings; a replacement never earns twice."""
    facts = order(1000, origin=origin)

    assert may_earn(facts, rules()) is default
    assert (points(facts, rules()), kept_spend(facts, PER_UNIT)) == (
        (10, 1000) if default else (0, 0)
    )
    if setting is not None:
        other = rules(**{setting: not default})
        assert may_earn(facts, other) is not default
        assert points(facts, other) == (0 if default else 10)


REFUNDS = """
    lines      | returned   | money | shipping | kept shares
    1000 1000  |            |     0 |        0 | 1 1
    1000 1000  | 1          |     0 |        0 | 0 1
    1000 1000  | 1          |  1000 |        0 | 0 1
    1000 1000  | 1 2        |  2000 |        0 | 0 0
    1000 1000  |            |  1000 |        0 | 1/2 1/2
    1000 3000  |            |  1000 |        0 | 3/4 3/4
    1000 1000  |            |  2000 |        0 | 0 0
    1000 1000  |            |   500 |      500 | 1 1
    1000 1000  |            |  2500 |      500 | 0 0
    1000 1000  | 1          |  1500 |        0 | 0 1/2
    1000 1000  | 1          |  1500 |      500 | 0 1
    1000 1000  |            |  9999 |        0 | 0 0
    1000 1000  |            |   500 |      900 | 1 1
    1000 0     |            |   500 |        0 | 1/2 1/2
    1000 0     | 2          |     0 |        0 | 1 0
    0 0        | 1          |     0 |        0 | 0 1
    0 0        |            |   500 |      500 | 1 1
"""


@pytest.mark.parametrize("row", REFUNDS.strip().splitlines()[1:])
def test_kept_shares(row: str) -> None:
    """Goods leave by line; money beyond their value is spread over what is kept."""
    lines, back, money, shipping, shares = (cell.strip() for cell in row.split("|"))
    facts = order(*(int(amount) for amount in lines.split()))
    for number in back.split():
        facts = returned(facts, f"line-{number}")
    facts = refunded(facts, int(money), int(shipping))

    assert kept_shares(facts) == [Fraction(share) for share in shares.split()]


@pytest.mark.parametrize(
    ("total", "quantity", "back", "money"),
    [
        (1000, 3, 1, 333),  # the shop refunds a third of 10.00 as 3.33
        (1000, 3, 2, 667),  # ... two thirds as 6.67
        (2000, 3, 2, 1334),  # ... or twice the rounded unit price
        (10050, 100, 50, 5050),  # a unit of 1.005 is sold as 1.01
        (1000, 3, 3, 1000),
    ],
)
def test_odd_cents_are_no_refund_of_money(total: int, quantity: int, back: int, money: int) -> None:
    """A return paid out at the rounded unit price takes the returned units and no more."""
    facts = with_line(order(total), "line-1", quantity=quantity)

    facts = refunded(returned(facts, "line-1", back), money)

    assert kept_shares(facts) == [Fraction(quantity - back, quantity)]


def test_impossible_quantities_are_cut() -> None:
    """More returned than bought is all; a line of no units keeps nothing."""
    facts = order(1000, 1000)

    assert kept_shares(returned(facts, "line-1", 5)) == [Fraction(0), Fraction(1)]
    assert kept_shares(with_line(facts, "line-1", quantity=0)) == [Fraction(0), Fraction(1)]


def test_canceled_orders_keep_nothing() -> None:
    """Whatever was shipped or refunded."""
    facts = order(1000, 1000, state=OrderState.CANCELED)

    assert kept(facts, PER_UNIT) == Accrual(0)
    assert kept_spend(facts, PER_UNIT) == 0
    assert not keeps_goods(facts)


def test_shipping_is_kept_while_goods_are() -> None:
    """A shipping refund claws nothing; with the last goods shipping's points go too."""
    program = EarnTerms(rules(earns_on_shipping=True))
    facts = order(1000, 0, shipping_gross_minor=500)

    assert kept(refunded(facts, 500, 500), program).points == 15
    # The free gift of line 2 stays with the customer and keeps no shipping.
    assert kept(returned(refunded(facts, 1500, 500), "line-1"), program).points == 0


def test_a_free_gift_keeps_no_order() -> None:
    """What was paid for decides; where nothing was, any goods do."""
    assert not keeps_goods(returned(order(1000, 0), "line-1"))
    assert keeps_goods(returned(order(1000, 0), "line-2"))
    assert keeps_goods(returned(order(0, 0), "line-2"))
    assert not keeps_goods(returned(returned(order(0, 0), "line-2"), "line-1"))


def test_spend_is_the_kept_basis() -> None:
    """Ladders count what is kept, in whole minor units, without rates and multipliers."""
    program = rules(multipliers=(Multiplier("all", Fraction(3)),))

    assert kept_spend(refunded(order(1000, 333), 1), EarnTerms(program)) == 1332
    assert kept_spend(returned(order(1000, 333), "line-1"), EarnTerms(program)) == 333


def test_quotes_say_what_a_cart_would_earn() -> None:
    """The same floor and factors as the order will have; gift cards earn nothing."""
    lines = [
        (basket_line(1, 2000), 1500),
        (basket_line(2, 2000), 1500),
        (basket_line(3, 9000, is_gift_card=True), 9000),
    ]
    steps = ladder(tier("vip", earn_multiplier=Fraction(2)))
    program = rules("10.00", ladder=steps)

    assert quoted(lines, "USD", NOON, EarnTerms(program)) == 3
    assert quoted(lines, "USD", NOON, EarnTerms(program, "vip")) == 6
    assert quoted(lines, "EUR", NOON, EarnTerms(program)) == 0
    assert quoted([], "USD", NOON, EarnTerms(program)) == 0


def test_a_quote_is_what_the_order_earns() -> None:
    """A cart of the same goods at the same instant promises what is kept."""
    program = rules(
        "3.00", multipliers=(Multiplier("p2", Fraction(2), Selection(products=frozenset({"p2"}))),)
    )
    facts = order(1234, 2345, 3456)
    lines = [
        (basket_line(number, 1), line.gross_minor) for number, line in enumerate(facts.lines, 1)
    ]

    assert quoted(lines, "USD", NOON, EarnTerms(program)) == points(facts, program)


def test_negative_lines_count_nothing() -> None:
    """An adjustment line below zero takes no points from the others."""
    assert points(order(1000, -500), rules()) == 10
