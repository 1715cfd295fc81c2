"""Several thresholds by per cent: each is rounded by itself, and a proof has to allow for all."""

from __future__ import annotations

from saleor_retention.engine.offers.kinds import MemberPrice
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import (
    amount,
    offer,
    percent,
    products,
    quote,
    set_of,
    situation,
    threshold,
)
from tests.unit.offers.oracles import by_brute_force


def test_two_roundings_may_both_go_up() -> None:
    """5.90 and 5.50 are rounded to 6 each: what one half more than the sum allows is too little."""
    lines = basket(basket_line(1, 60), basket_line(2, 55), basket_line(3, 56))
    offers = [
        offer("1", threshold((26, percent(10)), of=products(1))),
        offer("2", threshold((35, percent(5)), of=products(2, 3))),
        offer("3", set_of(2, 3, cut=amount(2))),
        offer("4", set_of(1, 3, cut=amount(2))),
    ]

    found = quote(lines, *offers)

    assert by_brute_force(lines, offers, situation()) == 14
    assert found.bound_minor >= 14
    assert not found.is_optimal or found.saving_minor == 14


def test_what_nothing_else_touches_is_rounded_once() -> None:
    """9.40 and 2.35 take off 9 and 2: nothing is left open, and the checker sees that too."""
    lines = basket(basket_line(1, 50), basket_line(2, 50), basket_line(3, 50))
    offers = [
        offer("1", threshold((7, percent(5)))),
        offer("2", threshold((7, percent(10)), of=products(1, 2))),
        offer("3", MemberPrice(products(), percent(5))),
    ]

    found = quote(lines, *offers)

    assert found.is_optimal
    assert found.saving_minor == 20
