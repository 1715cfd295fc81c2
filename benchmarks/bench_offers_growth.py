"""What a quote costs as a shop's offers grow from ten to five hundred, and its customers to many.

The basket meets the same ten offers in every shop; all others name other goods, and one names five
thousand. With the index the cost must not grow with the others; beside it what it costs without.
What the database says of a shopper is found by keys: its time is measured with a hundredth of the
counters and with all of them. Every answer is compared.
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
MEMBERS = world.size("MEMBERS", 10_000)
LIMITED = 100  # offers with a limit per customer: a counter for each member and each of them
READS = world.size("READS", 200)
GROWTH_MAX = 1.2  # with the index, from the fewest offers to the most

COUNTERS = """
    INSERT INTO saleor_retention_offercounter (offer_id, account_id, used)
    SELECT offer_id, account_id, 1 + (offer_id + account_id) %% 3
    FROM unnest(%s::bigint[]) AS offer_id, unnest(%s::bigint[]) AS account_id
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
    """Measure a member's facts with few counters and with many; return whether they are right."""
    from saleor_retention.models import Offer as OfferRow

    program = world.make_program("growing")
    offers = OfferRow.objects.bulk_create(
        OfferRow(program=program, slug=f"offer-{number}", name="An offer", kind="bundle")
        for number in range(LIMITED)
    )
    offer_ids = sorted(offer.pk for offer in offers)
    account_ids = world.make_members(program, MEMBERS)
    few = max(1, MEMBERS // 100)
    print(f"\nWhat the database says of a member, {LIMITED} offers with a limit per customer")
    world.line("", "median ms", "ratio", "goal")
    problems: list[str] = []
    medians: list[float] = []
    for some in (account_ids[:few], account_ids[few:]):
        rows(COUNTERS, offer_ids, some)
        rows("VACUUM ANALYZE saleor_retention_offercounter")
        draw, taken = random.Random(5), []  # noqa: S311
        for account_id in draw.choices(account_ids[:few], k=READS):
            facts: dict[str, Any] = {}
            taken.append(timed(lambda a=account_id, f=facts: f.update(facts_of(program, a))))
            wanted = [[o, True, None, 1 + (o + account_id) % 3] for o in offer_ids]
            if facts.get("used") != wanted:
                problems.append(f"member {account_id}: {facts}")
        medians.append(statistics.median(taken))
        count = rows("SELECT count(*) FROM saleor_retention_offercounter")[0][0]
        name = f"{count:,} counters"
        ratio = f"{medians[-1] / medians[0]:.2f}"
        world.line(name, f"{medians[-1] * 1000:.2f}", ratio, "" if len(medians) == 1 else "about 1")
    return world.verdict("every counter is the member's", problems)


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
