"""What a quote costs as a shop's offers grow from ten to five hundred, and its customers to many.

The basket meets the same ten offers in every shop; all others name other goods, and one names five
thousand. With the index the cost must not grow with the others; beside it what it costs without.
What the database says of a shopper is found by keys: its time is measured with a hundredth of the
members' counters and with all of them, where ten offers have a limit in total and where all have
one. Every answer is compared.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import rows, timed
from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.best import best_offers, forget
from saleor_retention.engine.offers.index import OfferIndex
from saleor_retention.engine.offers.kinds import (
    Bundle,
    Cut,
    Offer,
    Part,
    QuantityStep,
    QuantitySteps,
)
from saleor_retention.engine.rules import Selection
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import situation

OFFERS = (10, 50, 100, 500)
MET = 10  # offers that the basket meets
LINES = 20
WIDE = 5_000  # products that one of the others names
ROUNDS = world.size("ROUNDS", 40)
MEMBERS = world.size("MEMBERS", 1_000_000)
USED = 10  # offers with a limit per customer that each member has used
READS = world.size("READS", 200)
GROWTH_MAX = 1.2  # with the index, from the fewest offers to the most

COUNTERS = """
    INSERT INTO saleor_retention_offercounter (offer_id, account_id, used)
    SELECT offer_id, account_id, 1 + (offer_id + account_id) %% 3
    FROM unnest(%s::bigint[]) AS account_id,
         LATERAL (SELECT offer_id FROM unnest(%s::bigint[]) AS offer_id
                  WHERE offer_id %% %s = account_id %% %s) AS used
"""
IN_TOTAL = """
    INSERT INTO saleor_retention_offercounter (offer_id, used)
    SELECT offer_id, offer_id %% 90 FROM unnest(%s::bigint[]) AS offer_id
"""


def named(start: int, count: int) -> Selection:
    """Return a selection of so many products in a row."""
    return Selection(products=frozenset(f"p{number}" for number in range(start, start + count)))


def shop(offers_count: int) -> list[Offer]:
    """Return offers of which the first ten name the basket's goods."""
    offers = []
    for number in range(offers_count):
        start = 2 * number if number < MET else 1_000 + 20 * number
        if number == MET:  # the first one that is of no interest
            benefit: Any = QuantitySteps(
                named(100_000, WIDE), (QuantityStep(2, Cut(percent=Decimal(5))),)
            )
        elif number % 2:
            benefit = Bundle((Part(named(start, 5), 3),), free_units=1)
        else:
            benefit = Bundle((Part(named(start, 5), 2),), Cut(price_minor=900))
        offers.append(Offer(str(number), f"Offer {number}", benefit))
    return offers


def cart() -> BasketFacts:
    """Return the basket that every shop prices."""
    draw = random.Random(11)  # noqa: S311
    return basket(
        *[
            basket_line(number, draw.choice([299, 499, 799, 999]) * quantity, quantity)
            for number in range(LINES)
            for quantity in [draw.choice([1, 1, 2])]
        ]
    )


def quotes() -> bool:
    """Measure quotes with the index and without, of all sizes in turn; return whether right."""
    lines, given = cart(), situation()
    contenders: dict[str, Callable[[], float]] = {}
    savings = set()
    for count in OFFERS:
        offers = shop(count)
        index = OfferIndex(offers)

        def found(index: OfferIndex = index) -> Any:
            forget()
            return best_offers(lines, index.candidates(lines), given)

        def every(offers: list[Offer] = offers) -> Any:
            forget()
            return best_offers(lines, offers, given)

        savings |= {found().saving_minor, every().saving_minor}
        contenders[f"{count} offers, index"] = lambda act=found: timed(act)
        contenders[f"{count} offers, all of them"] = lambda act=every: timed(act)
    seconds = world.in_turn(contenders, ROUNDS)
    print(f"\nA quote of {LINES} lines that meet {MET} offers")
    world.line("", "median ms", "ratio", "goal")
    first = statistics.median(seconds[f"{OFFERS[0]} offers, index"])
    growth = 0.0
    for name, taken in seconds.items():
        growth = statistics.median(taken) / first
        goal = f"<= {GROWTH_MAX}" if name == f"{OFFERS[-1]} offers, index" else ""
        world.line(name, f"{first * growth * 1000:.2f}", f"{growth:.2f}", goal)
    problems = [] if len(savings) == 1 else [f"savings {sorted(savings)}"]
    return world.verdict("every quote saves the same", problems)


def counters() -> bool:
    """Measure a member's facts as members and limits grow; return whether they are right."""
    from saleor_retention.models import Offer as OfferRow

    program = world.make_program("growing")
    offers = OfferRow.objects.bulk_create(
        OfferRow(program=program, slug=f"offer-{number}", name="An offer", kind="bundle")
        for number in range(OFFERS[-1])
    )
    offer_ids = sorted(offer.pk for offer in offers)
    account_ids = world.make_members(program, MEMBERS)
    some = account_ids[: max(1, MEMBERS // 100)]
    print(f"\nWhat the database says of a member who has used {USED} of {len(offer_ids)} offers")
    world.line("", "median ms", "ratio", "goal")
    rows(IN_TOTAL, offer_ids[:MET])
    add_counters(some, offer_ids)
    problems, first = read(program, some, offer_ids, offer_ids[:MET])
    shown(f"{len(some):,} members, {MET} limits in total", first, first, "")
    add_counters(account_ids[len(some) :], offer_ids)
    more, taken = read(program, some, offer_ids, offer_ids[:MET])
    shown(f"{MEMBERS:,} members, {MET} limits in total", taken, first, "about 1")
    rows(IN_TOTAL, offer_ids[MET:])
    rows("ANALYZE saleor_retention_offercounter")
    most, taken = read(program, some, offer_ids, offer_ids)
    shown(f"{MEMBERS:,} members, {len(offer_ids)} limits in total", taken, first, "")
    return world.verdict("every counter is the member's", problems + more + most)


def add_counters(account_ids: list[int], offer_ids: list[int]) -> None:
    """Let each member have used some offers, as many as the others."""
    every = len(offer_ids) // USED
    rows(COUNTERS, account_ids, offer_ids, every, every)
    rows("VACUUM ANALYZE saleor_retention_offercounter")


def read(
    program: Any, account_ids: list[int], offer_ids: list[int], in_total: list[int]
) -> tuple[list[str], float]:
    """Read the facts of members drawn; return what is wrong with them, and the median seconds."""
    every = len(offer_ids) // USED
    draw, seconds, problems = random.Random(5), [], []  # noqa: S311
    for account_id in draw.choices(account_ids, k=READS):
        facts: dict[str, Any] = {}
        seconds.append(timed(lambda a=account_id, f=facts: f.update(facts_of(program, a))))
        own = [o for o in offer_ids if o % every == account_id % every]
        wanted = [[o, True, None, 1 + (o + account_id) % 3] for o in own]
        wanted += [[o, False, None, o % 90] for o in in_total]
        if sorted(facts.get("used", [])) != sorted(wanted):
            problems.append(f"member {account_id}: {facts}")
    return problems, statistics.median(seconds)


def shown(name: str, seconds: float, first: float, goal: str) -> None:
    """Print how long it takes, and how many times as long as at first."""
    world.line(name, f"{seconds * 1000:.2f}", f"{seconds / first:.2f}", goal)


def facts_of(program: Any, account_id: int) -> dict[str, Any]:
    """Return what the price pass is told of a member."""
    ((found,),) = rows(
        "SELECT saleor_retention_offer_facts(%s, %s, %s)::text", program.pk, account_id, "cart"
    )
    return json.loads(found)


def main() -> int:
    """Measure and print; 1 when an answer is wrong."""
    is_right = quotes()
    with world.fresh_database():
        is_right = counters() and is_right
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
