"""What a hundred offers cost in a checkout on Saleor 3.x, by the number of the cart's lines.

Carts of 3, 20 and 50 lines in a program whose hundred offers meet all goods: bundles, quantity
prices, add-ons, member prices and thresholds. The price is held against the engine's checker, which
is other code.

Two carts are changed in turn, one with the plugin and one without, in another order each time. A
change is compared with the one next to it, and the median of these ratios is what counts: a machine
that runs at half its speed for some seconds does so for both.

Each change makes the cart one that was not there before, in a process that met it when it was
created: what is kept of a price, or of a part of it, helps only where it would in a shop. COLD=1
forgets all of it before each change, as when another process answers.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import bench_checkout_cost as cost
from saleor_retention.engine.offers import best

SIZES = tuple(int(size) for size in os.environ.get("SIZES", "3,20,50").split(","))
OFFERS = int(os.environ.get("OFFERS", "100"))
IS_COLD = bool(os.environ.get("COLD"))
UPDATE = cost.STEPS[1]
STATEMENTS_MAX = 6
SLOWER_MAX = 1.08


class OfferShop(cost.Shop):
    """The shop with as many products as the largest cart has lines, and the offers on them."""

    quantities = (3, 4, 5, 6, 7)  # no cart twice: the price of one is kept

    def __init__(self) -> None:
        super().__init__()
        self.shelf = [
            self.make.make_product(f"{10 + n % 17}.00", stock=1_000_000) for n in range(max(SIZES))
        ]
        for number in range(OFFERS):
            self._put(number)

    def fill(self, size: int) -> None:
        """Make the cart of the next journeys so large."""
        self.products = self.shelf[:size]

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


def measure(shop: OfferShop) -> cost.Figures:
    """Change the cart in turn with the plugin and without it."""
    figures = cost.Figures()
    for number in range(cost.ROUNDS + cost.COUNTED + 1):
        carts = {}
        for is_on in (True, False):
            with cost.plugin(is_on=is_on):
                forget()
                carts[is_on] = shop.checkout(shop.begin())
        for turn, quantity in enumerate(shop.quantities, start=number):
            for is_on in (turn % 2 == 0, turn % 2 == 1):
                total = change(shop, figures, carts[is_on], quantity, is_on=is_on, number=number)
                if quantity == shop.quantities[-1]:
                    figures.totals.setdefault(is_on, set()).add(total)
    return figures


def change(
    shop: OfferShop, figures: cost.Figures, cart: Any, quantity: int, *, is_on: bool, number: int
) -> Decimal:
    """Change a cart, timed or counted, and return what it costs then."""
    if IS_COLD:
        forget()
    is_counting = number > cost.ROUNDS
    run = cost.counter(figures, is_on) if is_counting else cost.timer(figures, is_on, number)
    gc.collect()
    with cost.plugin(is_on=is_on):
        answer = run(
            UPDATE, lambda: shop.make.do(cost.UPDATE, shop.update(cart, quantity), shop.user)
        )
    return Decimal(str(answer["checkout"]["totalPrice"]["gross"]["amount"]))


def forget() -> None:
    """Forget what is known of the prices of earlier carts."""
    from saleor_retention.services.checkout import pricing

    pricing.forget()
    best.forget()


def ratio(values: dict[tuple[str, bool], list[float]]) -> float:
    """Return the median of what a change takes with the plugin over the one next to it without."""
    pairs = zip(values[UPDATE, True], values[UPDATE, False], strict=True)
    return statistics.median([on / off for on, off in pairs])


def report(size: int, figures: cost.Figures, verdict: str) -> bool:
    """Print a row; False when a limit is passed, or runs disagree on the total."""
    before, after = (max(figures.statements[UPDATE, is_on]) for is_on in (False, True))
    slow, fast = (
        statistics.median(figures.seconds[UPDATE, is_on]) * 1000 for is_on in (True, False)
    )
    times, busy = ratio(figures.seconds), ratio(figures.processor)
    calls = min(figures.calls[UPDATE, True]) / min(figures.calls[UPDATE, False])
    is_within = after - before <= STATEMENTS_MAX and times <= SLOWER_MAX
    totals: dict[bool, set[Decimal]] = figures.totals
    is_steady = all(len(found) == 1 for found in totals.values())
    print(
        f"  {size:5} {before:4} -> {after:4} ({after - before:+3})   {fast:7.1f} -> {slow:7.1f}   "
        f"{times:5.3f}   {busy:5.3f}   {calls:5.3f}   {verdict}"
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
            is_right = report(size, measure(shop), verdict) and is_right
    finally:
        database.tear_down()
    print(f"rounds: {cost.ROUNDS} of each, in turn")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
