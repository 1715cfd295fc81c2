"""What a hundred offers cost in a checkout on Saleor 3.x, by the number of the cart's lines.

The journey of ``bench_checkout_cost`` with carts of 3, 20 and 50 lines, in a program whose hundred
offers meet all goods: bundles, quantity prices, add-ons, member prices and thresholds. The price is
held against the engine's checker, which is other code.

Each change makes the cart one that was not there before, in a process that met it when it was
created: what is kept of a price, or of a part of it, helps only where it would in a shop. COLD=1
forgets all of it before each change, as when another process answers.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import bench_checkout_cost as cost
from saleor_retention.engine.offers import best

SIZES = tuple(int(size) for size in os.environ.get("SIZES", "3,20,50").split(","))
OFFERS = int(os.environ.get("OFFERS", "100"))
IS_COLD = bool(os.environ.get("COLD"))
CREATE, UPDATE = cost.STEPS[:2]
STATEMENTS_MAX = 6
SLOWER_MAX = 1.08


class OfferShop(cost.Shop):
    """The shop with as many products as the largest cart has lines, and the offers on them."""

    quantities = (3, 4, 5, 6, 7)  # no cart twice: the price of one is kept

    def __init__(self) -> None:
        super().__init__()
        self.shelf = [self.make.make_product(f"{10 + n % 17}.00") for n in range(max(SIZES))]
        for number in range(OFFERS):
            self._put(number)

    def fill(self, size: int) -> None:
        """Make the cart of the next journeys so large."""
        self.products = self.shelf[:size]

    def journey(self, run: Callable[[str, Callable[[], Any]], Any], *, points: int) -> Decimal:
        """Walk as ``cost.Shop`` does, forgetting before it what is known of earlier carts."""
        from saleor_retention.services.checkout import pricing

        def forgetting(step: str, act: Callable[[], Any]) -> Any:
            if step == CREATE or (IS_COLD and step == UPDATE):
                pricing.forget()
                best.forget()
            return run(step, act)

        return super().journey(forgetting, points=points)

    def begin(self) -> str:
        """Put the goods into a new checkout; return its reference."""
        answer = self.make.do(cost.CREATE, {"input": self._cart()}, self.user)
        return str(answer["checkout"]["token"])

    def goods(self) -> list[tuple[Any, int]]:
        """Return the goods of the cart, one to three of each."""
        return [(variant, 1 + number % 3) for number, variant in enumerate(self.products)]

    def _put(self, number: int) -> None:
        from tests.factories.offer_rows import any_of, put_offer, select

        goods = [self.shelf[(number * 7 + step) % len(self.shelf)] for step in range(3)]
        chosen = dict(select(*goods))
        documents: tuple[dict[str, Any], ...] = (
            {"bundle": {"parts": [any_of(1, goods[0]), any_of(1, *goods[1:])], "percent": 15}},
            {"bundle": {"parts": [any_of(3, *goods)], "cheapest_free": 1}},
            {"quantity": {"select": chosen, "steps": [{"from": 3, "percent": 8}]}},
            {"member_price": {"select": dict(select(goods[0])), "percent": 12}},
            {
                "add_on": {
                    "select": dict(select(goods[0])),
                    "percent": 20,
                    "opens": {"select": dict(select(goods[1]))},
                }
            },
        )
        document = documents[number % len(documents)]
        if number % 50 == 0:
            steps = [{"from": {"USD": f"{100 + number}.00"}, "percent": 5}]
            document = {"threshold": {"steps": steps}}
        put_offer(self.program, f"Offer {number}", **document)


def certified(shop: OfferShop) -> str:
    """Return what the checker says of a cart's price, and how far it may be from the lowest."""
    from saleor_retention import host
    from saleor_retention.services.offering.proving import prove

    with host.current().writer():
        proved = prove(shop.begin())
    assert proved is not None
    if proved.refused:
        return f"REFUSED by the checker: {proved.refused}"
    gap = f"at most {proved.gap} from the lowest" if proved.gap else "the lowest"
    return f"{gap}, {proved.offers_met} offers met, {proved.nodes} nodes"


def report(size: int, figures: cost.Figures, verdict: str) -> bool:
    """Print a row; False when a limit is passed, or runs disagree on the total."""
    before, after = (max(figures.statements[UPDATE, is_on]) for is_on in (False, True))
    slow, fast = (
        statistics.median(figures.seconds[UPDATE, is_on]) * 1000 for is_on in (True, False)
    )
    busy, idle = (statistics.median(figures.processor[UPDATE, is_on]) for is_on in (True, False))
    calls = min(figures.calls[UPDATE, True]) / min(figures.calls[UPDATE, False])
    is_within = after - before <= STATEMENTS_MAX and slow <= fast * SLOWER_MAX
    totals: dict[bool, set[Decimal]] = figures.totals
    is_steady = all(len(found) == 1 for found in totals.values())
    print(
        f"  {size:5} {before:4} -> {after:4} ({after - before:+3})   {fast:7.1f} -> {slow:7.1f}   "
        f"{slow / fast:5.3f}   {busy / idle:5.3f}   {calls:5.3f}   {verdict}"
        f"{'' if is_within else '  <- over the limit'}"
        f"{'' if is_steady else '  <- TOTALS DIFFER'}",
        flush=True,
    )
    return is_within and is_steady and not verdict.startswith("REFUSED")


def main() -> int:
    """Measure and print; 1 when a price is wrong or a limit is passed."""
    import django

    django.setup()
    from saleor.celeryconf import app

    from tests import database

    database.set_up()
    cost.send_tasks_to_memory(app)
    print(f"\n{UPDATE} with {OFFERS} offers, plugin off -> on")
    print(
        f"  {'lines':>5} {'statements':>16}   {'median ms':>20}   ratio     cpu   calls   price",
        flush=True,
    )
    is_right = True
    try:
        shop = OfferShop()
        for size in SIZES:
            shop.fill(size)
            verdict = certified(shop)
            is_right = report(size, cost.measure(shop, points=0), verdict) and is_right
    finally:
        database.tear_down()
    print(f"rounds: {cost.ROUNDS} of each, in turn")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
