"""Settling many orders in one run: how long each takes, and what that time is made of.

Orders of a real Saleor 3.x, all copies of one that went through a checkout, which no event ever
told of: the hourly reconcile finds and settles them, and settles nothing when it runs again. There
is no peer; what bounds it is shown: statements, the time they take, and the time outside them.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import re
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import rows, timed

ORDERS = world.size("ORDERS", 10_000)
CUSTOMERS = world.size("CUSTOMERS", 1000)
SAMPLE = world.size("SAMPLE", 500)  # orders of the run whose statements are counted and timed
SHOWN = 8

COPIED_ORDERS = """
    INSERT INTO order_order ({columns}, id, number, user_id, created_at, updated_at)
    SELECT {columns}, gen_random_uuid(), 1000000 + number,
           (%(user_ids)s::integer[])[1 + number %% %(users)s], now(), now()
    FROM (SELECT {columns} FROM order_order WHERE id = %(order_id)s) AS original,
         generate_series(%(first)s, %(last)s) AS copy (number)
"""
COPIED_LINES = """
    INSERT INTO order_orderline ({columns}, id, order_id)
    SELECT {line_columns}, gen_random_uuid(), copy.id
    FROM order_orderline AS line
    JOIN order_order AS copy ON copy.number > 1000000
    WHERE line.order_id = %(order_id)s
      AND NOT EXISTS (SELECT 1 FROM order_orderline AS there WHERE there.order_id = copy.id)
"""


class Shop:
    """A shop with an order that can be copied, and customers who are members."""

    def __init__(self) -> None:
        from saleor.account.models import User

        from tests.factories import loyalty, saleor_3

        channel = saleor_3.make_channel()
        variants = [saleor_3.make_product(price) for price in ("80.00", "30.00", "50.00")]
        buyer = saleor_3.make_user()
        checkout = saleor_3.make_checkout(buyer, dict.fromkeys(variants, 1), channel=channel)
        saleor_3.set_delivery(checkout, buyer)
        self.order = saleor_3.complete(checkout)
        self.program = loyalty.make_program(channel)
        names = [f"copy{number}@example.com" for number in range(CUSTOMERS)]
        users = [User(email=name, is_active=True, is_confirmed=True) for name in names]
        self.user_ids = [user.pk for user in User.objects.bulk_create(users)]
        self.copied = 0
        self._enrol()

    def copy(self, count: int) -> None:
        """Copy the order so many times, each for the next of the customers."""
        order_columns = columns(
            "order_order", "id", "number", "user_id", "created_at", "updated_at"
        )
        line_columns = columns("order_orderline", "id", "order_id", "old_id")
        parameters = {
            "order_id": self.order.pk,
            "user_ids": self.user_ids,
            "users": len(self.user_ids),
            "first": self.copied + 1,
            "last": self.copied + count,
        }
        line = ", ".join(f"line.{name}" for name in line_columns.split(", "))
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(COPIED_ORDERS.format(columns=order_columns), parameters)
            statement = COPIED_LINES.format(columns=line_columns, line_columns=line)
            cursor.execute(statement, parameters)
            cursor.execute("ANALYZE order_order")
            cursor.execute("ANALYZE order_orderline")
        self.copied += count

    def _enrol(self) -> None:
        from saleor_retention.services.membership import members

        for user_id in self.user_ids:
            members.member_of(self.program, str(user_id))


def columns(table: str, *left_out: str) -> str:
    """Return the columns of a table that a copy takes over."""
    found = rows(
        """
        SELECT column_name FROM information_schema.columns
        WHERE table_name = %s AND is_generated = 'NEVER' AND column_name <> ALL (%s)
        ORDER BY ordinal_position
        """,
        table,
        list(left_out),
    )
    return ", ".join(f'"{name}"' for (name,) in found)


@contextmanager
def listened(taken: Counter[str], count: Counter[str]) -> Any:
    """Add up how long statements take, by the tables that they begin with."""
    from django.db import connection

    def listen(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        start = time.perf_counter()
        try:
            return execute(statement, parameters, many, context)
        finally:
            name = name_of(statement)
            taken[name] += time.perf_counter() - start
            count[name] += 1

    with connection.execute_wrapper(listen):
        yield


def name_of(statement: str) -> str:
    """Return the verb and the first table or function of a statement."""
    plain = re.sub(r"^--.*$", "", statement, flags=re.MULTILINE).replace('"', "")
    subject = re.search(r"\b(?:FROM|INTO|UPDATE)\s+(\w+)", plain)
    return f"{plain.split()[0]} {subject.group(1) if subject else ''}"


def reconcile(expected: int) -> float:
    """Run the task's service; return the seconds it took."""
    from saleor_retention import host
    from saleor_retention.services.ordering.reconciling import reconcile as run

    found = []
    with host.current().writer():
        seconds = timed(lambda: found.append(run()))
    assert found[0].failures == 0, found
    assert found[0].orders >= expected, found
    return seconds


def show(seconds: float, again: float) -> None:
    """Print the rates."""
    world.line("", "orders/s", "ms an order")
    for name, taken in (("settled", seconds), ("looked at again", again)):
        world.line(name, f"{ORDERS / taken:.0f}", f"{taken / ORDERS * 1000:.2f}")


def show_parts(total: float, taken: Counter[str], count: Counter[str]) -> None:
    """Print what the time of the sample is made of."""
    in_database = sum(taken.values())
    print(f"\nwhat an order's time is made of ({SAMPLE} orders, listening included)")
    world.line("", "ms", "statements")
    for name, seconds in taken.most_common(SHOWN):
        world.line(name, f"{seconds / SAMPLE * 1000:.2f}", f"{count[name] / SAMPLE:.2f}")
    rest = in_database - sum(seconds for _name, seconds in taken.most_common(SHOWN))
    others = sum(count.values()) - sum(count[name] for name, _ in taken.most_common(SHOWN))
    world.line("other statements", f"{rest / SAMPLE * 1000:.2f}", f"{others / SAMPLE:.2f}")
    world.line(
        "Python, and the database's own commits", f"{(total - in_database) / SAMPLE * 1000:.2f}"
    )


def show_profile(shop: Shop) -> None:
    """Print the functions of Python that take longest; another sample is settled for it."""
    shop.copy(SAMPLE)
    profile = cProfile.Profile()
    profile.runcall(reconcile, SAMPLE)
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def check(shop: Shop) -> bool:
    """Print the correctness row: 160 points of each order, and nothing else."""
    booked = rows(
        """
        SELECT count(*), coalesce(sum(earned), 0) FROM saleor_retention_orderrecord
        WHERE program_id = %s AND earned > 0
        """,
        shop.program.pk,
    )[0]
    orders = shop.copied
    problems = [] if booked == (orders, orders * 160) else [f"orders and points are {booked}"]
    problems += world.ledger_problems(shop.program, orders * 160)
    print("\ncorrectness")
    return world.verdict("settling", problems)


def main() -> int:
    """Measure and print; 1 when an order is booked wrong."""
    if os.environ["RETENTION_HOST"] == "2.10":
        print("left out: it copies orders of Saleor 3.x")
        return 0
    with world.fresh_database():
        from django.test import override_settings

        shop = Shop()
        shop.copy(ORDERS)
        seconds = reconcile(ORDERS)
        again = reconcile(0)
        show(seconds, again)
        shop.copy(SAMPLE)
        taken: Counter[str] = Counter()
        count: Counter[str] = Counter()
        with override_settings(RETENTION_RECONCILE_OVERLAP_MINUTES=0):
            with listened(taken, count):
                total = reconcile(SAMPLE)
            show_parts(total, taken, count)
            if os.environ.get("PROFILE"):
                show_profile(shop)
        return 0 if check(shop) else 1


if __name__ == "__main__":
    sys.exit(main())
