"""What the ledger should hold for an order, and when its points mature."""

from __future__ import annotations

import datetime as dt

import pytest

from saleor_retention.engine.accrual import EarnTerms
from saleor_retention.engine.facts import OrderFacts, OrderState, Origin
from saleor_retention.engine.rules import Maturing, MaturingRule
from saleor_retention.engine.settlement import (
    Booked,
    Delta,
    Target,
    deltas,
    is_void,
    matures_at,
    restored_points,
    target_of,
)
from tests.unit.books import Books
from tests.unit.builders import (
    NOON,
    instant,
    ladder,
    order,
    refunded,
    returned,
    rules,
    tier,
    with_line,
)

TERMS = EarnTerms(rules("1.00"))

STORIES = """
    bought             | earn 50
    bought             |
    half back          | claw 25
    half back          |
    half refunded      |
    half and 5 more    | claw 5
    half refunded      | claw -5
    all refunded       | claw 25
    half refunded      | claw -25
    canceled           | claw 25
    canceled           |
"""


def test_a_story_of_events() -> None:
    """A return and its refund claw once; a reversed refund gives back; repeats do nothing."""
    bought = order(2500, 2500)
    half_back = returned(bought, "line-1")
    states = {
        "bought": bought,
        "half back": half_back,
        "half refunded": refunded(half_back, 2500),
        "half and 5 more": refunded(half_back, 3000),
        "all refunded": refunded(half_back, 5000),
        "canceled": order(2500, 2500, state=OrderState.CANCELED),
    }
    books = Books(TERMS)

    for row in STORIES.strip().splitlines():
        event, effect = (cell.strip() for cell in row.split("|"))
        delta = books.deliver(states[event])
        parts = [f"{name} {getattr(delta, name)}" for name in ("earn", "claw", "restore")]

        assert [part for part in parts if not part.endswith(" 0")] == (
            [effect] if effect else []
        ), row


@pytest.mark.parametrize(
    ("facts", "earned"),
    [
        (order(5000, is_paid=False), 0),
        (order(5000, is_paid=False, state=OrderState.CANCELED), 0),
        (order(5000, state=OrderState.DRAFT), 0),
        (order(5000, state=OrderState.UNCONFIRMED), 50),
        (order(5000, origin=Origin.REISSUE), 0),
        (order(5000), 50),
    ],
)
def test_only_paid_orders_earn(facts: OrderFacts, earned: int) -> None:
    """Posted once the order was fully paid; a draft is no order yet, a replacement never is."""
    assert target_of(facts, TERMS).earned == earned


def test_what_was_earned_stays_on_the_books() -> None:
    """An order edited down after payment is clawed back, and up again earns the difference."""
    books = Books(TERMS)
    books.deliver(order(5000))

    assert books.deliver(order(3000)) == Delta(claw=20)
    assert books.deliver(order(6000)) == Delta(earn=10, claw=-20)
    assert books.booked == Booked(earned=60)


def test_an_order_that_is_called_unpaid_again_keeps_its_points() -> None:
    """Paid means: at some time. Only returns, refunds and cancels take back."""
    books = Books(TERMS)
    books.deliver(order(5000))

    assert books.deliver(order(5000, is_paid=False)) == Delta()


def test_targets_and_deltas() -> None:
    """The difference between what should be and what is, with its sign."""
    target = Target(earned=50, clawed=10, restored=5, is_void=False)

    assert deltas(target, Booked()) == Delta(earn=50, claw=10, restore=5)
    assert deltas(target, Booked(50, 20, 9)) == Delta(claw=-10, restore=-4)
    assert not deltas(target, Booked(50, 10, 5, redeemed=7))


RESTORED = """
    lines          | returned | money | redeemed | restored
    1250 1250      |          |     0 |      500 | 0
    1250 1250      | 2        |     0 |      500 | 250
    1250 1250      | 2        |  1250 |      500 | 250
    1250 1250      | 1 2      |     0 |      500 | 500
    1000 1000 1000 | 1        |     0 |      100 | 33
    1000 1000 1000 | 1 2      |     0 |      100 | 66
    1000 1000 1000 | 1 2 3    |     0 |      100 | 100
    1000 1000      |          |   500 |      101 | 25
    0 0            | 1        |     0 |      100 | 50
    0 0            | 1 2      |     0 |      100 | 100
    1000 0         | 1        |     0 |      100 | 100
    1000 0         | 2        |     0 |      100 | 0
    1000 1000      | 1        |     0 |        0 | 0
"""


@pytest.mark.parametrize("row", RESTORED.strip().splitlines()[1:])
def test_redeemed_points_return(row: str) -> None:
    """In proportion to the money of the goods that went back, all of them with the last."""
    lines, back, money, redeemed, restored = (cell.strip() for cell in row.split("|"))
    facts = order(*(int(amount) for amount in lines.split()))
    for number in back.split():
        facts = returned(facts, f"line-{number}")
        facts = with_line(facts, f"line-{number}", undiscounted_minor=1000)
    if lines == "0 0":  # points paid for everything: list prices weigh
        facts = with_line(facts, "line-1", undiscounted_minor=1000)
        facts = with_line(facts, "line-2", undiscounted_minor=1000)
    facts = refunded(facts, int(money))

    assert restored_points(facts, int(redeemed)) == int(restored)


def test_gift_cards_were_not_paid_with_points() -> None:
    """So their return gives no points back, and that of the goods gives all."""
    facts = with_line(order(5000, 4000), "line-1", is_gift_card=True)

    assert restored_points(returned(facts, "line-1"), 100) == 0
    assert restored_points(returned(facts, "line-2"), 100) == 100
    only_cards = with_line(order(5000, 4000), "line-1", is_gift_card=True)
    only_cards = with_line(only_cards, "line-2", is_gift_card=True)
    assert restored_points(returned(only_cards, "line-1"), 100) == 0


def test_points_come_back_from_an_order_that_was_never_paid() -> None:
    """A failed payment cancels the order: nothing earned, nothing clawed, all points back."""
    canceled = order(5000, is_paid=False, state=OrderState.CANCELED)

    assert target_of(canceled, TERMS, Booked(redeemed=70)) == Target(0, 0, 70, is_void=True)


def test_void_orders() -> None:
    """Nothing that was paid for is kept."""
    assert not is_void(order(1000, 1000))
    assert not is_void(returned(order(1000, 1000), "line-1"))
    assert is_void(refunded(returned(order(1000, 1000), "line-1"), 2000))
    assert is_void(order(1000, state=OrderState.CANCELED))


PAID_AT = instant("2026-03-20 12:00")
SHIPPED_AT = instant("2026-03-25 12:00")


@pytest.mark.parametrize(
    ("rule", "days", "fulfilled_at", "expected"),
    [
        (MaturingRule.AT_ONCE, 0, None, PAID_AT),
        (MaturingRule.ON_FULFILMENT, 0, None, None),
        (MaturingRule.ON_FULFILMENT, 0, SHIPPED_AT, SHIPPED_AT),
        (MaturingRule.ON_FULFILMENT, 0, NOON, PAID_AT),  # shipped first, paid later
        (MaturingRule.DAYS_AFTER_PAYMENT, 5, None, instant("2026-03-25 12:00")),
        (MaturingRule.DAYS_AFTER_PAYMENT, 14, None, instant("2026-04-03 11:00")),  # summer time
        (MaturingRule.DAYS_AFTER_FULFILMENT, 14, None, None),
        (MaturingRule.DAYS_AFTER_FULFILMENT, 14, SHIPPED_AT, instant("2026-04-08 11:00")),
        (MaturingRule.DAYS_AFTER_FULFILMENT, 1, NOON, PAID_AT),
    ],
)
def test_maturing(
    rule: MaturingRule, days: int, fulfilled_at: dt.datetime | None, expected: dt.datetime | None
) -> None:
    """At once, on fulfilment, or so many local days after either; never before payment."""
    program = rules(time_zone="Europe/Paris", maturing=Maturing(rule, days))
    facts = order(1000, fulfilled_at=fulfilled_at)

    assert matures_at(facts, EarnTerms(program), PAID_AT) == expected


@pytest.mark.parametrize(
    ("own_days", "expected"),
    [
        (None, "2026-03-30 12:00"),
        (0, "2026-03-20 12:00"),
        (3, "2026-03-23 12:00"),
        (99, "2026-03-30 12:00"),
    ],
)
def test_a_tier_shortens_maturing(own_days: int | None, expected: str) -> None:
    """A tier's days count where they are fewer; they lengthen nothing."""
    program = rules(
        maturing=Maturing(MaturingRule.DAYS_AFTER_PAYMENT, 10),
        ladder=ladder(tier("vip", maturing_days=own_days)),
    )

    assert matures_at(order(1000), EarnTerms(program, "vip"), PAID_AT) == instant(expected)
