"""What the plugin costs in a checkout on Saleor 3.x: statements and time, on against off.

Runs the same journey with the plugin and without it in turn, in one process, with a broker that
nobody empties, so that tasks are sent and not run in the request. Without it means: its wrappers
taken off, its class not among the shop's plugins. Times are medians of requests to Saleor's own
GraphQL view, statements are counted in runs of their own, because counting takes time.
"""

from __future__ import annotations

import contextlib
import cProfile
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROUNDS = int(os.environ.get("ROUNDS", "40"))
COUNTED = 3
QUANTITIES = (3, 4, 5, 4, 3)  # a cart is changed and looked at more often than it is bought

FIELDS = """
  totalPrice { net { amount } gross { amount } } subtotalPrice { gross { amount } }
  shippingPrice { gross { amount } }
  lines { id quantity unitPrice { gross { amount } } totalPrice { gross { amount } } }
"""
CREATE = f"""mutation($input: CheckoutCreateInput!) {{ checkoutCreate(input: $input) {{
  checkout {{ id token {FIELDS} }} errors {{ field message code }} }} }}"""
UPDATE = f"""mutation($id: ID!, $lines: [CheckoutLineUpdateInput!]!) {{
  checkoutLinesUpdate(id: $id, lines: $lines) {{
    checkout {{ {FIELDS} }} errors {{ field message code }} }} }}"""
QUERY = f"query($id: ID!) {{ checkout(id: $id) {{ {FIELDS} }} }}"

STEPS = ("checkoutCreate", "checkoutLinesUpdate", "query, prices valid", "checkoutComplete")
LIMITS = {
    "member with a tier": dict.fromkeys(STEPS, 6) | {"query, prices valid": 0},
    "... who redeems points": {"query, prices valid": 0, "checkoutComplete": 14},
}
SLOWER_MAX = 1.05
TIMED = "member with a tier"  # the case whose times have a limit, ...
UNTIMED = "query, prices valid"  # ... all but this, of which the statements are limited


@dataclass
class Figures:
    """What one case measured: by step, without the plugin and with it."""

    statements: dict[tuple[str, bool], list[int]] = field(default_factory=dict)
    seconds: dict[tuple[str, bool], list[float]] = field(default_factory=dict)
    processor: dict[tuple[str, bool], list[float]] = field(default_factory=dict)  # of our process
    calls: dict[tuple[str, bool], list[int]] = field(default_factory=dict)  # of functions
    totals: dict[bool, set[Decimal]] = field(default_factory=dict)


class Shop:
    """A shop with three products, a program and its members."""

    quantities = QUANTITIES  # of the first line, one after the other

    def __init__(self) -> None:
        from tests.factories import loyalty, saleor_3

        self.make = saleor_3
        self.channel = saleor_3.make_channel()
        self.products = [
            saleor_3.make_product(price, stock=1_000_000) for price in ("80.00", "30.00", "50.00")
        ]
        self.program = loyalty.make_program(self.channel)
        self.user = saleor_3.make_user()
        self.account = loyalty.make_member(self.program, self.user, "vip")

    def journey(self, run: Callable[[str, Callable[[], Any]], Any], *, points: int) -> Decimal:
        """Walk from an empty cart to an order; each step through ``run``; return the total."""
        make = self.make
        answer = run(STEPS[0], lambda: make.do(CREATE, {"input": self._cart()}, self.user))
        checkout = self.checkout(answer["checkout"]["token"])
        for quantity in self.quantities:
            run(STEPS[1], lambda: make.do(UPDATE, self.update(checkout, quantity), self.user))  # noqa: B023  (called at once)
        make.set_delivery(checkout, self.user)
        if points:
            self._redeem(checkout, points)
        identity = {"id": make.gid("Checkout", checkout)}
        make.ask(QUERY, identity, self.user)
        for _look in QUANTITIES:
            seen = run(STEPS[2], lambda: make.ask(QUERY, identity, self.user))
        make.pay(checkout)
        make.ask(QUERY, identity, self.user)
        run(STEPS[3], lambda: make.do(make.COMPLETE, identity, self.user))
        return Decimal(str(seen["checkout"]["totalPrice"]["gross"]["amount"]))

    def goods(self) -> list[tuple[Any, int]]:
        """Return what is put into a cart: variants and how many of each."""
        return list(zip(self.products, (2, 1, 1), strict=True))

    def _cart(self) -> dict[str, Any]:
        make = self.make
        return {
            "channel": self.channel.slug,
            "email": self.user.email,
            "lines": [
                {"variantId": make.gid("ProductVariant", variant), "quantity": quantity}
                for variant, quantity in self.goods()
            ],
            "shippingAddress": make.ADDRESS,
            "billingAddress": make.ADDRESS,
        }

    def update(self, checkout: Any, quantity: int) -> dict[str, Any]:
        """Return the variables of a change of the first line."""
        line = {"variantId": self.make.gid("ProductVariant", self.products[0])}
        return {
            "id": self.make.gid("Checkout", checkout),
            "lines": [line | {"quantity": quantity}],
        }

    def checkout(self, token: str) -> Any:
        """Return the row of a checkout."""
        from saleor.checkout.models import Checkout

        return Checkout.objects.get(pk=token)

    def _redeem(self, checkout: Any, points: int) -> None:
        from saleor_retention import host
        from saleor_retention.services.checkout import redeeming
        from saleor_retention.services.ledger import granting

        with host.current().writer():
            granting.grant(
                account_id=self.account.pk,
                points=points,
                reason="benchmark",
                actor_ref="",
                key=f"benchmark:{checkout.pk}",
            )
            redeeming.set_redemption(
                checkout_ref=str(checkout.pk), user_ref=str(self.user.pk), points=points
            )


def measure(shop: Shop, *, points: int) -> Figures:
    """Run the journey with the plugin and without it in turn."""
    figures = Figures()
    for number in range(ROUNDS + COUNTED + 1):
        for is_on in (False, True) if number % 2 else (True, False):
            is_counting = number > ROUNDS
            gc.collect()
            with plugin(is_on=is_on):
                run = counter(figures, is_on) if is_counting else timer(figures, is_on, number)
                total = shop.journey(run, points=points if is_on else 0)
            figures.totals.setdefault(is_on, set()).add(total)
    return figures


def timer(figures: Figures, is_on: bool, number: int) -> Callable[..., Any]:  # noqa: FBT001
    """Return what times a step of a round; the first round only warms caches up."""

    def run(step: str, act: Callable[[], Any]) -> Any:
        gc.disable()  # a collection takes longer than what is measured, and falls where it likes
        start, busy = time.perf_counter(), time.process_time()
        answer = act()
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        gc.enable()
        if number:
            figures.seconds.setdefault((step, is_on), []).append(seconds)
            figures.processor.setdefault((step, is_on), []).append(busy)
        return answer

    return run


def counter(figures: Figures, is_on: bool) -> Callable[..., Any]:  # noqa: FBT001
    """Return what counts a step's statements and calls of functions."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def run(step: str, act: Callable[[], Any]) -> Any:
        profile = cProfile.Profile()
        with CaptureQueriesContext(connection) as captured, profile:
            answer = act()
        calls = sum(each.callcount for each in profile.getstats())
        figures.calls.setdefault((step, is_on), []).append(calls)
        figures.statements.setdefault((step, is_on), []).append(len(captured))
        if os.environ.get("SHOW") == step:
            show(captured.captured_queries, is_on)
        return answer

    return run


def show(queries: list[dict[str, str]], is_on: bool) -> None:  # noqa: FBT001
    """Print our statements, or all of them numbered, to see where they come from."""
    for query in queries:
        if is_on and ("retention" in query["sql"] or "SAVEPOINT" in query["sql"]):
            print("   ", " ".join(query["sql"].split())[:160])


def plugin(*, is_on: bool) -> contextlib.AbstractContextManager[None]:
    """Leave the plugin on, or take it off for a while."""
    return contextlib.nullcontext() if is_on else without_plugin()


@contextlib.contextmanager
def without_plugin() -> Iterator[None]:
    """Take the wrappers off and the plugin out, for a while."""
    from django.conf import settings

    from saleor_retention.host.saleor_3 import seam

    wrappers = {
        each: getattr(sys.modules[each.modules[0]], each.name) for each, _wrap in seam.SEAMS
    }
    plugins = settings.PLUGINS
    settings.PLUGINS = [plugin for plugin in plugins if "saleor_retention" not in plugin]
    for each, wrapper in wrappers.items():
        _hold(each, wrapper.__wrapped__)
    try:
        yield
    finally:
        settings.PLUGINS = plugins
        for each, wrapper in wrappers.items():
            _hold(each, wrapper)


def _hold(each: Any, function: Any) -> None:
    for module in each.modules:
        setattr(sys.modules[module], each.name, function)


def report(name: str, figures: Figures) -> bool:
    """Print the table of a case; False when a limit is passed."""
    print(f"\n{name}")
    print(f"  {'':22} {'statements':>16}   {'median ms':>20}   ratio")
    is_right = True
    for step in STEPS:
        before, after = (max(figures.statements[step, is_on]) for is_on in (False, True))
        slow, fast = (
            statistics.median(figures.seconds[step, is_on]) * 1000 for is_on in (True, False)
        )
        more = after - before
        limit = LIMITS[name].get(step)
        is_fast = name != TIMED or step == UNTIMED or slow <= fast * SLOWER_MAX
        is_within = limit is None or (more <= limit and is_fast)
        is_right = is_right and is_within
        mark = "" if is_within else "  <- over the limit"
        print(
            f"  {step:22} {before:4} -> {after:4} ({more:+3})   "
            f"{fast:7.1f} -> {slow:7.1f}   {slow / fast:5.3f}{mark}"
        )
    return is_right


def send_tasks_to_memory(app: Any) -> None:
    """Give Celery a broker in this process, so that tasks are sent and nobody runs them."""
    from django.conf import settings

    settings.CELERY_TASK_ALWAYS_EAGER = False
    settings.CELERY_BROKER_URL = "memory://"
    assert app.conf.broker_url is not None  # loads the settings, which would undo what follows
    app.conf.task_always_eager = False
    app.conf.broker_url = "memory://"
    from saleor_retention import tasks

    assert not tasks.settle.app.conf.task_always_eager


def main() -> int:
    """Measure and print; 1 when a price is wrong or a limit is passed."""
    import django

    django.setup()
    from saleor.celeryconf import app

    from tests import database

    database.set_up()
    send_tasks_to_memory(app)
    try:
        shop = Shop()
        plain = measure(shop, points=0)
        redeeming = measure(shop, points=500)
    finally:
        database.tear_down()
    is_right = report("member with a tier", plain)
    is_right = report("... who redeems points", redeeming) and is_right
    # 3 x 80.00 + 30.00 + 50.00 + 10.00 for shipping; 10 % off the goods; 5.00 for points
    prices = (plain.totals, redeeming.totals)
    are_right = prices == (
        {False: {Decimal("330.0")}, True: {Decimal("298.0")}},
        {False: {Decimal("330.0")}, True: {Decimal("293.0")}},
    )
    print(f"\ncorrectness: totals {'right in every run' if are_right else f'WRONG: {prices}'}")
    print(
        f"rounds: {ROUNDS} of each, in turn, with {len(QUANTITIES)} changes and looks; "
        f"counted in {COUNTED} more"
    )
    return 0 if is_right and are_right else 1


if __name__ == "__main__":
    sys.exit(main())
