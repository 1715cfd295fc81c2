"""The best price of a basket: time, share proved and gap, by lines x offers.

Realistic baskets: a range of goods in categories, half of the offers 'k for the price of k-1' and
half 'any k of a range for a price', with a spend threshold in every third. Hard ones: every offer
takes any goods, prices are random. The same seeds give the same baskets on every machine. Each size
is priced twice: with the budget of nodes that the engine has by itself, and with the price pass'.
The correctness row lets the separate checker verify every quote, and CP-SAT where it is installed.
The peer is django-oscar in a process of its own, on the same baskets without the threshold; it and
we take turns basket by basket.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.best import NODES_MAX, best_offers, forget
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
CATALOG = 200
PRICE_PASS_NODES = 5_000
CHECKER_NODES = 3_000_000  # the checker looks at more choices than the search does


@dataclass(frozen=True)
class Size:
    """How large baskets are, and what is wanted of them."""

    lines: int
    offers: int
    baskets: int
    oscar_baskets: int  # oscar takes seconds each
    is_hard: bool = False
    median_ms: float | None = None
    shipped: int | None = None  # so many times as fast as oscar as it is shipped
    cached: int = 1  # ... and with its ranges cached
    are_all_proved: bool = False
    cp_sat_baskets: int = 10


SOME = max(1, BASKETS // 4)
SIZES = {
    "20 x 20": Size(20, 20, BASKETS, 10, median_ms=5, shipped=100, cached=15, are_all_proved=True),
    "20 x 100": Size(20, 100, SOME, 2),
    "50 x 20": Size(50, 20, SOME, 2),
    "50 x 100": Size(50, 100, SOME, 5, cp_sat_baskets=3),
    "hard 20 x 20": Size(20, 20, SOME, 2, is_hard=True),
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


def run(cases: list[Case], nodes_max: int = NODES_MAX) -> tuple[list[float], list[OfferQuote]]:
    """Price all baskets, each three times afresh; return the least milliseconds and quotes."""
    taken, quotes = [], []
    given = situation()
    for case in cases:
        times = []
        for _time in range(3):
            forget()
            start = time.perf_counter()
            quote = best_offers(case.basket, case.offers, given, nodes_max=nodes_max)
            times.append((time.perf_counter() - start) * 1000)
        taken.append(min(times))
        quotes.append(quote)
    return taken, quotes


def refused(cases: list[Case], quotes: list[OfferQuote]) -> list[str]:
    """Return what the checker refuses."""
    problems = []
    for number, (case, quote) in enumerate(zip(cases, quotes, strict=True)):
        try:
            check(quote, case.basket, case.offers, situation(), nodes_max=CHECKER_NODES)
        except Refused as reason:
            problems.append(f"basket {number}: {reason}")
    return problems


def cp_sat_differs(
    cases: list[Case], quotes: list[OfferQuote], python: str
) -> tuple[list[str], int]:
    """Let CP-SAT, in an environment of its own, look for the saving of each proved quote.

    Returns those it does not agree with, and how many it agrees with; those it did not finish
    within its time are neither.
    """
    problems, agreed = [], 0
    for number, (case, quote) in enumerate(zip(cases, quotes, strict=True)):
        if not quote.is_optimal:
            continue
        asked = list(programs(case.basket, case.offers, situation()))
        found = asked_of(python, ORACLE, asked)
        if None in found:
            continue
        best = max(worth(each, value) for each, value in zip(asked, found, strict=True))
        agreed += best == quote.saving_minor
        if best != quote.saving_minor:
            problems.append(f"basket {number}: {quote.saving_minor}, CP-SAT {best}")
    return problems, agreed


def asked_of(python: str, script: Path, question: list[Any]) -> list[Any]:
    """Return what a script in another environment answers."""
    answer = subprocess.run(
        [python, str(script)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
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


def in_turn(
    cases: list[Case], python: str
) -> tuple[list[dict[str, Any]], list[float], list[float], list[OfferQuote]]:
    """Let oscar and us price one basket after the other.

    Return its answers, our milliseconds, those with the price pass' budget, and our quotes.
    """
    theirs: list[dict[str, Any]] = []
    taken: list[float] = []
    hasty: list[float] = []
    quotes: list[OfferQuote] = []
    with subprocess.Popen(
        [python, str(OSCAR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        for case in cases:
            peer.stdin.write(json.dumps(oscar_case(case)) + "\n")
            peer.stdin.flush()
            theirs.append(json.loads(peer.stdout.readline()))
            times, found = run([case])
            taken += times
            quotes += found
            hasty += run([case], PRICE_PASS_NODES)[0]
        peer.stdin.close()
    return theirs, taken, hasty, quotes


def environment() -> dict[str, str]:
    """Return what a process of another interpreter may see of ours."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def against_oscar(cases: list[Case], size: Size, python: str) -> None:
    """Print oscar's time and discount beside ours, on baskets without a threshold."""
    bundles = [
        Case(case.basket, [each for each in case.offers if isinstance(each.benefit, Bundle)])
        for case in cases[: size.oscar_baskets]
    ]
    theirs, taken, hasty, quotes = in_turn(bundles, python)
    goals = {"shipped": size.shipped, "cached": size.cached}
    for way, goal in goals.items():
        median = statistics.median(each[way] for each in theirs)
        ratio, of_hasty = (
            statistics.median(each[way] / ours for each, ours in zip(theirs, mine, strict=True))
            for mine in (taken, hasty)
        )
        print(
            f"  django-oscar, ranges {way}: {median:.0f} ms, {ratio:.1f} times ours"
            f"{goal_of(goal, is_met=ratio >= (goal or 0), sign='>=')}, "
            f"{of_hasty:.1f} times the price pass'"
        )
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


def goal_of(goal: float | None, *, is_met: bool, sign: str) -> str:
    """Return a goal in brackets, and whether it is met."""
    return "" if goal is None else f" (goal {sign}{goal:g}: {'met' if is_met else 'MISSED'})"


def show(title: str, size: Size, taken: list[float], quotes: list[OfferQuote]) -> None:
    """Print the row of a size."""
    median, count = statistics.median(taken), len(quotes)
    proved = sum(quote.is_optimal for quote in quotes)
    gaps = sorted(quote.gap_minor / max(1, quote.bound_minor) for quote in quotes)
    print(
        f"{title:24} {median:10.2f} {max(taken):8.1f} {proved:>4}/{count:<4} "
        f"{statistics.median(gaps):>10.2%} {gaps[-1]:>9.2%}"
        f"{goal_of(size.median_ms, is_met=median <= (size.median_ms or 0), sign='<=')}"
        f"{goal_of(count, is_met=proved == count, sign='') if size.are_all_proved else ''}"
    )


def main() -> int:
    """Print the rows of each size; 1 when a result is wrong."""
    python, peers = (os.environ.get(f"RETENTION_{name}", "") for name in ("ORACLE", "PEERS"))
    is_right = True
    head = f"{'lines x offers':24} {'median ms':>10} {'worst':>8} {'proved':>9}"
    print(f"{head} {'gap median':>10} {'worst':>9}", flush=True)
    for title, size in SIZES.items():
        cases = [
            make(size.lines, size.offers, seed, is_hard=size.is_hard)
            for seed in range(size.baskets)
        ]
        taken, quotes = run(cases)
        show(title, size, taken, quotes)
        hasty_taken, hasty = run(cases, PRICE_PASS_NODES)
        show("  as the price pass", replace(size, median_ms=None), hasty_taken, hasty)
        problems = refused(cases, quotes) + refused(cases, hasty)
        print(
            f"  checker: {2 * len(cases) - len(problems)} of {2 * len(cases)} verified", *problems
        )
        if python:
            some = slice(size.cp_sat_baskets)
            differs, agreed = cp_sat_differs(cases[some], quotes[some], python)
            proved = sum(quote.is_optimal for quote in quotes[some])
            print(f"  CP-SAT: the same saving in {agreed} of {proved} proved ones", *differs)
            problems += differs
        if peers:
            against_oscar(cases, size, peers)
        sys.stdout.flush()
        is_right = is_right and not problems
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
