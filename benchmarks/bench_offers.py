"""The best price of a basket: time, share proved and gap, by lines x offers.

Realistic baskets: a range of goods in categories, half of the offers 'k for the price of k-1' and
half 'any k of a range for a price', with a spend threshold in every third. Hard ones: every offer
takes any goods, prices are random. The same seeds give the same baskets on every machine. The
correctness row lets the separate checker verify every quote, and CP-SAT where it is installed.
The peer is django-oscar in a process of its own, on the same baskets without the threshold.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.checker import Refused, check
from saleor_retention.engine.offers.kinds import (
    Bundle,
    Cut,
    Offer,
    Part,
    SpendStep,
    SpendThreshold,
)
from saleor_retention.engine.offers.result import OfferQuote
from saleor_retention.engine.rules import Selection
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import situation
from tests.unit.offers.oracles import programs, worth

BASKETS = int(os.environ.get("BASKETS", "60"))
HERE = Path(__file__).parent
ORACLE, OSCAR = HERE / "peers" / "cp_sat.py", HERE / "peers" / "oscar_peer.py"
OSCAR_BASKETS = int(os.environ.get("OSCAR_BASKETS", "4"))  # of each size: oscar takes seconds each
CATALOG = 200
SIZES = {  # title: (lines, offers, baskets, is hard)
    "20 x 20": (20, 20, BASKETS, False),
    "20 x 100": (20, 100, max(1, BASKETS // 4), False),
    "50 x 20": (50, 20, max(1, BASKETS // 4), False),
    "50 x 100": (50, 100, max(1, BASKETS // 4), False),
    "hard 20 x 20": (20, 20, max(1, BASKETS // 4), True),
}


@dataclass(frozen=True)
class Case:
    """One seeded basket and its offers."""

    basket: BasketFacts
    offers: list[Offer]


def make(lines_count: int, offers_count: int, seed: int, *, is_hard: bool) -> Case:
    """Return the basket of a seed."""
    draw = random.Random(f"{lines_count} {offers_count} {seed} {is_hard}")  # noqa: S311
    catalog = [draw.choice([199, 299, 499, 799, 999, 1499, 1999, 2999]) for _ in range(CATALOG)]
    if is_hard:
        catalog = [draw.randint(100, 5000) for _ in range(CATALOG)]
    numbers = draw.sample(range(CATALOG), lines_count)
    lines = []
    for number in numbers:
        quantity = draw.choice([1, 1, 1, 2, 2, 3])
        lines.append(basket_line(number, catalog[number] * quantity, quantity))
    offers = []
    for index in range(offers_count):
        size = draw.randint(2, 4) if is_hard else draw.choice([2, 2, 3, 3, 4])
        if is_hard:
            goods = draw.sample(numbers, draw.randint(4, 8))
        else:
            start = draw.randrange(CATALOG)
            width = draw.choice([10, 20, 30])
            goods = [(start + step) % CATALOG for step in range(width)]
        part = Part(Selection(products=frozenset(f"p{number}" for number in goods)), size)
        if index % 2 and not is_hard:
            benefit = Bundle((part,), free_units=1)
        else:
            usual = sum(sorted(catalog[number] for number in goods)[-size:])
            price = int(usual * Decimal(draw.choice(["0.7", "0.8", "0.85"])))
            benefit = Bundle((part,), Cut(price_minor=price))
        offers.append(Offer(str(index), f"Offer {index}", benefit))
    if not is_hard and seed % 3 == 0:
        total = sum(line.total_minor for line in lines)
        spend = SpendStep(total * 9 // 10, Cut(amount_minor=total // 20))
        offers[-1] = Offer(str(offers_count - 1), "Spend", SpendThreshold((spend,)))
    return Case(basket(*lines), offers)


def run(cases: list[Case]) -> tuple[list[float], list[OfferQuote]]:
    """Price all baskets; return milliseconds and quotes."""
    taken, quotes = [], []
    given = situation()
    for case in cases:
        best = None
        for _time in range(3):
            start = time.perf_counter()
            quote = best_offers(case.basket, case.offers, given)
            spent = (time.perf_counter() - start) * 1000
            best = spent if best is None else min(best, spent)
        taken.append(best)
        quotes.append(quote)
    return taken, quotes


def refused(cases: list[Case], quotes: list[OfferQuote]) -> list[str]:
    """Return what the checker refuses."""
    problems = []
    for number, (case, quote) in enumerate(zip(cases, quotes, strict=True)):
        try:
            check(quote, case.basket, case.offers, situation())
        except Refused as reason:
            problems.append(f"basket {number}: {reason}")
    return problems


def cp_sat_differs(cases: list[Case], quotes: list[OfferQuote], python: str) -> list[str]:
    """Return the proved quotes that CP-SAT, in an environment of its own, does not agree with."""
    problems = []
    for number, (case, quote) in enumerate(zip(cases, quotes, strict=True)):
        if not quote.is_optimal:
            continue
        asked = list(programs(case.basket, case.offers, situation()))
        found = asked_of(python, ORACLE, asked)
        best = max(worth(each, value) for each, value in zip(asked, found, strict=True))
        if best != quote.saving_minor:
            problems.append(f"basket {number}: {quote.saving_minor}, CP-SAT {best}")
    return problems


def asked_of(python: str, script: Path, question: list[Any]) -> list[Any]:
    """Return what a script in another environment answers."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [python, str(script)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    return json.loads(answer.stdout)


def oscar_case(case: Case) -> dict[str, Any]:
    """Return a basket and its bundles as the peer reads them; oscar has no threshold like ours."""
    offers = []
    for offer in case.offers:
        benefit = offer.benefit
        if isinstance(benefit, Bundle):
            (part,) = benefit.parts
            goods = sorted(int(ref[1:]) for ref in part.selection.products)
            price = benefit.cut.price_minor if benefit.cut else None
            offers.append({"goods": goods, "size": part.quantity, "price": price})
    lines = [
        [int(line.goods.product_ref[1:]), line.unit_minor, line.quantity]
        for line in case.basket.lines
    ]
    return {"lines": lines, "offers": offers}


def against_oscar(cases: list[Case], python: str) -> None:
    """Print oscar's time and discount beside ours, on baskets without a threshold."""
    bundles = [
        Case(case.basket, [each for each in case.offers if isinstance(each.benefit, Bundle)])
        for case in cases[:OSCAR_BASKETS]
    ]
    taken, quotes = run(bundles)
    theirs = asked_of(python, OSCAR, [oscar_case(case) for case in bundles])
    ours = statistics.median(taken)
    for way in ("shipped", "cached"):
        median = statistics.median(each[way] for each in theirs)
        print(f"  django-oscar, ranges {way}: {median:.0f} ms, {median / ours:.0f} times ours")
    shares = [
        each["discount"] / quote.saving_minor
        for each, quote in zip(theirs, quotes, strict=True)
        if quote.saving_minor
    ]
    lowest = min(each["lowest_line"] for each in theirs)
    queries = statistics.median(each["queries"] for each in theirs)
    print(
        f"  django-oscar: {queries:.0f} queries; its discount is {min(shares):.2f} to "
        f"{max(shares):.2f} of ours; lowest line {lowest} minor units"
    )


def main() -> int:
    """Print a row for each size; 1 when a result is wrong."""
    python, peers = (os.environ.get(f"RETENTION_{name}", "") for name in ("ORACLE", "PEERS"))
    is_right = True
    print(f"{'lines x offers':14} {'median ms':>10} {'worst':>8} {'proved':>9} {'worst gap':>10}")
    for title, (lines, offers, count, is_hard) in SIZES.items():
        cases = [make(lines, offers, seed, is_hard=is_hard) for seed in range(count)]
        taken, quotes = run(cases)
        proved = sum(quote.is_optimal for quote in quotes)
        gap = max(quote.gap_minor / max(1, quote.bound_minor) for quote in quotes)
        print(
            f"{title:14} {statistics.median(taken):10.2f} {max(taken):8.1f} "
            f"{proved:>4}/{count:<4} {gap:>10.2%}"
        )
        problems = refused(cases, quotes)
        print(f"  checker: {count - len(problems)} of {count} verified {problems or ''}")
        if python:
            differs = cp_sat_differs(cases[:10], quotes[:10], python)
            print(f"  CP-SAT: {differs or 'the same saving in every proved one of the first ten'}")
            problems += differs
        if peers:
            against_oscar(cases, peers)
        is_right = is_right and not problems
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
