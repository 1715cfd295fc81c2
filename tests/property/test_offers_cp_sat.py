"""On baskets too large to look at every choice, OR-tools CP-SAT finds the same saving.

The solver runs in an environment of its own, which the first run installs.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.checker import check
from saleor_retention.engine.offers.kinds import (
    Bundle,
    Cut,
    MemberPrice,
    Offer,
    Part,
    SpendStep,
    SpendThreshold,
)
from saleor_retention.engine.rules import Selection
from sandbox import bootstrap, locks, paths
from tests.property.offer_strategies import Case
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import situation
from tests.unit.offers.oracles import programs, worth

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "peers" / "cp_sat.py"
BASKETS = 24


@pytest.fixture(scope="module")
def solver() -> Path:
    """The interpreter that has OR-tools."""
    with locks.exclusive(paths.STATE / "bootstrap.lock", "it is installing the sandbox"):
        bootstrap.install(paths.ORACLE, [paths.HERE / "requirements-oracle.txt"])
    return paths.python_of(paths.ORACLE)


def case(seed: int) -> Case:
    """Return ten to sixteen lines and ten offers: bundles, a member price, and a threshold."""
    draw = random.Random(seed)  # noqa: S311
    count = draw.randint(10, 16)
    lines = []
    for number in range(count):
        quantity = draw.randint(1, 3)
        lines.append(basket_line(number, draw.randint(50, 3000) * quantity, quantity))

    def some(low: int, high: int) -> Selection:
        chosen = draw.sample(range(count), draw.randint(low, high))
        return Selection(products=frozenset(f"p{number}" for number in chosen))

    offers = []
    for index in range(8):
        if index % 3 == 0:
            benefit = Bundle((Part(some(3, 5), draw.randint(2, 3)),), free_units=1)
        elif index % 3 == 1:
            price = Cut(price_minor=draw.randint(500, 4000))
            benefit = Bundle((Part(some(4, 6), draw.randint(2, 3)),), price)
        else:
            cut = Cut(percent=Decimal(draw.choice(["12.5", "20", "33"])))
            benefit = Bundle((Part(some(2, 4), 1), Part(some(2, 4), 1)), cut)
        uses = draw.choice([None, None, 1])
        offers.append(Offer(str(index), f"Offer {index}", benefit, uses_per_order=uses))
    total = sum(line.total_minor for line in lines)
    if seed % 2:
        cut = draw.choice([Cut(amount_minor=total // 10), Cut(percent=Decimal(8))])
        step = SpendStep(total * draw.randint(70, 95) // 100, cut)
        offers.append(Offer("8", "Spend", SpendThreshold((step,))))
    if seed % 3 == 0:
        offers.append(Offer("9", "Member", MemberPrice(some(3, 6), Cut(percent=Decimal(7)))))
    return Case(basket(*lines), tuple(offers), situation())


def test_cp_sat_saves_as_much(solver: Path) -> None:
    """Seeded baskets of up to sixteen lines, with limits, member prices and thresholds."""
    cases = [case(seed) for seed in range(BASKETS)]
    quotes = [best_offers(each.basket, each.offers, each.situation) for each in cases]
    for each, quote in zip(cases, quotes, strict=True):
        check(quote, each.basket, each.offers, each.situation)

    asked = [list(programs(each.basket, each.offers, each.situation)) for each in cases]
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [str(solver), str(SCRIPT)],
        input=json.dumps([program for each in asked for program in each]),
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    maxima = iter(json.loads(answer.stdout))
    found = [max(worth(program, next(maxima)) for program in each) for each in asked]

    assert [quote.saving_minor for quote in quotes] == found
    assert all(quote.is_optimal for quote in quotes)
