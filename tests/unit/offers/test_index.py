"""Which offers a basket touches."""

from __future__ import annotations

import pytest

from saleor_retention.engine.offers.index import OfferIndex
from saleor_retention.engine.offers.kinds import Opening
from saleor_retention.engine.rules import Selection
from tests.unit.builders import basket, basket_line, goods
from tests.unit.offers.builders import (
    AddOn,
    FreeShipping,
    Gift,
    MemberPrice,
    amount,
    any_of,
    offer,
    percent,
    products,
    quote,
    steps,
    threshold,
)

ONE_OF_EACH = basket(
    basket_line(1, 1000, goods=goods(1, category="shoes", collection="new")), basket_line(2, 500)
)


@pytest.mark.parametrize(
    ("selection", "is_touched"),
    [
        (Selection(), True),
        (Selection(variants=frozenset({"v1", "v9"})), True),
        (Selection(products=frozenset({"p2"})), True),
        (Selection(categories=frozenset({"shoes"})), True),
        (Selection(collections=frozenset({"new"})), True),
        (Selection(products=frozenset({"p9"}), categories=frozenset({"shoes"})), True),
        (Selection(products=frozenset({"p9", "v1", "shoes"})), False),
        (Selection(variants=frozenset({"p1"}), collections=frozenset({"shoes"})), False),
    ],
)
def test_a_reference_in_common_is_enough(selection: Selection, *, is_touched: bool) -> None:
    """Variant, product, category or collection: each list holds references of its own kind."""
    price = offer("1", MemberPrice(selection, percent(10)))

    assert OfferIndex([price]).candidates(ONE_OF_EACH) == ((price,) if is_touched else ())


def test_every_selection_of_an_offer_counts() -> None:
    """Any part of a bundle, the add-on or what opens it, any choice of a gift."""
    touched = [
        offer("9", any_of(3, 2, 7, free=1)),
        offer("8", AddOn(products(7), amount(100), Opening(main=products(1)))),
        offer("7", AddOn(products(2), amount(100), Opening(main=products(7)))),
        offer("6", Gift(frozenset({"v2", "v7"}))),
        offer("5", FreeShipping()),
        offer("4", threshold((500, amount(100)))),
    ]
    others = [
        offer("3", any_of(3, 7, 8, free=1)),
        offer("2", AddOn(products(7), amount(100), Opening(from_minor=100))),
        offer("1", Gift(frozenset({"v7"}))),
        offer("0", threshold((500, amount(100)), of=products(7))),
    ]

    found = OfferIndex([*others[:2], *touched, *others[2:]]).candidates(ONE_OF_EACH)

    assert found == tuple(touched)  # as they were given, whatever their ids
    assert OfferIndex([]).candidates(ONE_OF_EACH) == ()


def test_five_hundred_offers_and_one_of_five_thousand_products() -> None:
    """Of five hundred offers a basket meets the few that name its goods."""
    wide = Selection(products=frozenset(f"p{number}" for number in range(5000)))
    offers = [offer("0", steps((2, percent(10)), of=wide))]
    offers += [offer(str(n), any_of(2, n, n + 1, n + 2, free=1)) for n in range(1, 500)]
    lines = basket(basket_line(100, 1000), basket_line(101, 900), basket_line(4999, 800))

    some = OfferIndex(offers).candidates(lines)

    assert [each.id for each in some] == ["0", "98", "99", "100", "101"]
    assert quote(lines, *some).saving_minor == quote(lines, *offers).saving_minor == 980
