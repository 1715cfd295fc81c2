"""The cart of the story: greedy choice costs money, the best price is proved, a gift comes once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sandbox import bargains


def test_the_best_set_first_is_not_the_best_price() -> None:
    """Worked out by hand: 65.00 less 10.00 or less 15.00, and a VIP's tenth off."""
    best_by_itself = max(bargains.BUNDLES, key=bargains.saves)

    assert (best_by_itself, bargains.saves(best_by_itself)) == ("breakfast", Decimal(10))
    greedy, best = bargains.GREEDY, bargains.BEST
    assert (greedy, best) == (Decimal("49.50"), Decimal("45.00"))


def test_the_engine_proves_the_same_figures() -> None:
    """Before and after what was missing for the treat is in the cart."""
    missing = bargains.SPENT_FROM - bargains.BEST

    assert bargains.proved(bargains.CART) == bargains.BEST
    assert bargains.for_vip(bargains.PRICES[bargains.ADDED]) == missing
    assert bargains.proved(bargains.MORE) == bargains.BEST_WITH_MORE == Decimal(80)


@pytest.mark.parametrize(
    ("had", "left"),
    [((), ["Cup", "Decaf"]), (("Cup",), ["Decaf"]), (("Cup", "Decaf"), [])],
)
def test_a_gift_is_never_given_twice(had: tuple[str, ...], left: list[str]) -> None:
    """What a customer has had is no choice any more."""
    assert bargains.gifts_left(frozenset(had)) == left
