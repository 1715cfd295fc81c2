"""A choice that is not proved is mended part by part."""

from __future__ import annotations

from saleor_retention.engine.offers.greedy import value_of
from saleor_retention.engine.offers.mending import mended
from saleor_retention.engine.offers.packing import Column
from saleor_retention.engine.offers.search import Problem

# In a chain of four units the dear middle pair is worth less than the two outer ones.
OUTER = [Column(60, ((0, 1), (1, 1)), 1), Column(60, ((2, 1), (3, 1)), 1)]
MIDDLE = Column(100, ((1, 1), (2, 1)), 1)
COLUMNS = [MIDDLE, *OUTER]
PRICES = [0, 60, 60, 0]  # cover every column; all units are worth 120
CHAIN = Problem(columns=COLUMNS, caps=[1] * 4, rows_count=4, costs=[20, 0, 0], prices=PRICES)


def test_what_is_given_up_is_filled_better() -> None:
    """The middle pair saves 100, the outer ones 120."""
    chosen, nodes = mended(CHAIN, {0: 1}, denominator=1, most=20, nodes_max=1_000)

    assert chosen == {1: 1, 2: 1}
    assert value_of(chosen, COLUMNS) == 120
    assert nodes > 0


def test_a_choice_that_cannot_be_mended_stays() -> None:
    """Nothing saves more than the bound: the best choice is returned as it is."""
    assert mended(CHAIN, {1: 1, 2: 1}, denominator=1, most=1, nodes_max=1_000)[0] == {1: 1, 2: 1}


def test_without_nodes_nothing_is_mended() -> None:
    """The budget holds here too."""
    assert mended(CHAIN, {0: 1}, denominator=1, most=20, nodes_max=0) == ({0: 1}, 0)
