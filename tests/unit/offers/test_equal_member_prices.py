"""Member prices that equal each other: leaving one of them out is no other case."""

from __future__ import annotations

from saleor_retention.engine.offers.kinds import MemberPrice, Offer
from saleor_retention.engine.offers.result import OfferQuote
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import (
    any_of,
    offer,
    percent,
    products,
    quote,
    steps,
    threshold,
)

CART = basket(basket_line(1, 7000, 7), basket_line(2, 2200, 2), basket_line(3, 3600, 3))
OFFERS = (
    offer("1", threshold((10_000, percent(5)))),
    offer("2", steps((3, percent(8)), of=products(1, 2))),
    offer("3", any_of(3, 3, free=1)),
    offer("4", MemberPrice(products(2), percent(12))),
    offer("5", MemberPrice(products(), percent(10))),
)


def proved(*more: Offer) -> OfferQuote:
    """Return the price, which is proved to be the lowest; the checker accepts it."""
    found = quote(CART, *OFFERS, *more)
    assert found.is_optimal
    return found


def test_the_price_is_lower_without_one_of_them() -> None:
    """The step of 100.00 is reached because the price of the second goods is left out."""
    found = proved()

    assert found.certificate.declined == ("4",)
    assert found.saving_minor == 3299


def test_an_equal_one_is_not_searched_again() -> None:
    """Each of the new cases is one that is known, with its proof."""
    once, twice = proved(), proved(offer("6", MemberPrice(products(2), percent(12))))

    assert twice.certificate.declined == ("4", "6")
    assert (twice.saving_minor, twice.nodes) == (once.saving_minor, once.nodes)
    assert {proof.declined for proof in twice.certificate.proofs} >= {("4",), ("6",), ("4", "6")}


def test_another_floor_is_another_price() -> None:
    """It takes off less, so it is no equal: the case with it alone is one of its own, and wins."""
    found = proved(offer("6", MemberPrice(products(2), percent(12)), floor_minor=1_000))

    assert found.certificate.declined == ("4",)
    assert found.saving_minor == 3299
