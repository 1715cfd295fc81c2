"""Bounds that know that half of a way is none."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from saleor_retention.engine.offers.bound import Simplex
from saleor_retention.engine.offers.checker import Refused, check
from saleor_retention.engine.offers.packing import Column
from saleor_retention.engine.offers.pairs import broken_sets, with_sets
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import any_of, fixed, offer, quote, situation

PAIR = Column(100, ((0, 2),), 1)  # two units of the first row
MIXED = Column(10, ((0, 1), (1, 1)), 2)
CAPS = [3, 2]


def bound(caps: list[int], columns: list[Column]) -> Simplex:
    """Return prices of a relaxation that was solved."""
    simplex = Simplex(caps, columns)
    simplex.run([])
    return simplex


def test_the_relaxation_takes_half_a_pair_and_the_set_forbids_it() -> None:
    """Three units are one pair: 150 falls to 110, which is what can be saved."""
    loose = bound(CAPS, [PAIR, MIXED])
    assert sum(price * cap for price, cap in zip(loose.prices, CAPS, strict=True)) == 150

    sets = broken_sets(loose.amounts, [PAIR, MIXED], CAPS, rows_count=2)
    extended = with_sets([PAIR, MIXED], sets, first=2)

    assert sets == [(0,)]
    assert extended == [PAIR._replace(pairs=((0, 2), (2, 1))), MIXED]
    tight = bound([*CAPS, 1], extended)
    assert sum(price * cap for price, cap in zip(tight.prices, [*CAPS, 1], strict=True)) == 110


def test_what_is_taken_whole_breaks_no_set() -> None:
    """A choice of whole ways takes as many pairs as there are at most."""
    assert broken_sets([(0, 1, 1), (1, 1, 1)], [PAIR, MIXED], CAPS, rows_count=2) == []


def test_limits_make_no_pairs() -> None:
    """Only rows of units do: a limit is no row, although a way takes one of each."""
    limited = [Column(100, ((0, 1), (1, 1)), 1)]

    assert broken_sets([(0, 3, 2)], limited, [1, 2], rows_count=2) == [(0, 1)]
    assert broken_sets([(0, 3, 2)], limited, [1, 2], rows_count=1) == []


def test_a_proof_with_pairs_is_verified() -> None:
    """A basket that needs them: the checker accepts the price, and refuses it without them."""
    draw = random.Random(4)  # noqa: S311
    lines = basket(*[basket_line(n, draw.choice([500, 799, 999]) * 3, 3) for n in range(24)])
    offers = []
    for number in range(30):
        goods = draw.sample(range(24), 6)
        if number % 2:
            bundle = any_of(draw.choice([2, 3]), *goods, free=1)
        else:
            bundle = any_of(2, *goods, cut=fixed(draw.choice([900, 1100])))
        offers.append(offer(str(number), bundle))
    found = quote(lines, *offers, nodes_max=5_000)

    (proof,) = found.certificate.proofs
    assert proof.pair_prices
    bare = replace(found.certificate, proofs=(replace(proof, pair_prices=()),))
    with pytest.raises(Refused, match="the prices do not cover a way of"):
        check(replace(found, certificate=bare), lines, offers, situation())
