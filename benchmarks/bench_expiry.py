"""Expiring lots: the set-based sweep against a loop of the ORM, lots a second.

The sweep empties ``LOTS`` lots of points as the periodic task does, one call for each database
transaction. The loop does the same to a sample on the same tables (lock, posting, entries, lot,
balance, commit): its time does not depend on how many there are, so its rate is that of the whole.
They take turns, and afterwards the ledger of both is held against its invariants.
"""

from __future__ import annotations

import datetime as dt
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import NOW, rows

LOTS = world.size("LOTS", 1_000_000)
LOTS_EACH = world.size("LOTS_EACH", 4)
TURNS = world.size("TURNS", 10)
SAMPLE = world.size("SAMPLE", 50)  # lots of the loop in each turn
POINTS = 10
LATER = NOW + dt.timedelta(days=30)  # the loop's lots die only then, so that no sweep takes them
SLOWEST_MAX = 0.5


class Sweep:
    """The service, called as the task calls it."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, int]] = []  # seconds and lots of each transaction
        self.postings = 0

    def run(self, until: int) -> tuple[int, float]:
        """Expire lots until so many are done in all; return how many in how many seconds."""
        from saleor_retention.services.ledger.expiring import expire_due

        before, start = self.postings, time.perf_counter()
        while self.postings < until:
            call = time.perf_counter()
            posted = expire_due(NOW)
            self.calls.append((time.perf_counter() - call, posted))
            if not posted:
                break
            self.postings += posted
        return self.postings - before, time.perf_counter() - start


def expire_in_a_loop(program: Any, count: int) -> tuple[int, float]:
    """Expire some lots with the ORM, one by one; return how many in how many seconds."""
    from django.db import transaction

    from saleor_retention.models import Account, Book, Entry, Lot, Transaction, TransactionKind

    start = time.perf_counter()
    due = Lot.objects.filter(
        account__program=program, remaining__gt=0, expires_at__lte=LATER
    ).order_by("expires_at", "pk")
    lots = list(due[:count])
    for stale in lots:
        with transaction.atomic():
            account = Account.objects.select_for_update().get(pk=stale.account_id)
            lot = Lot.objects.get(pk=stale.pk)
            points = lot.remaining
            posted = Transaction.objects.create(
                program=program,
                account=account,
                kind=TransactionKind.EXPIRE,
                key=f"expire:{lot.pk}:{lot.expired}",
                recorded_at=LATER,
                effective_at=lot.expires_at,
                cause="time:expire",
            )
            Entry.objects.bulk_create(
                [
                    Entry(
                        transaction=posted,
                        book=Book.AVAILABLE,
                        account=account,
                        lot=lot,
                        points=-points,
                    ),
                    Entry(transaction=posted, book=Book.BREAKAGE, lot=lot, points=points),
                ]
            )
            lot.expired += points
            lot.remaining = 0
            lot.save(update_fields=["expired", "remaining"])
            account.available -= points
            account.save(update_fields=["available"])
    return len(lots), time.perf_counter() - start


def measure(sweep: Sweep, loop_program: Any) -> tuple[list[float], list[float]]:
    """Let both take turns; return lots a second of each turn, the sweep's first."""
    rates: tuple[list[float], list[float]] = ([], [])
    for turn in range(1, TURNS + 1):
        for contender in (0, 1) if turn % 2 else (1, 0):
            if contender == 0:
                done, seconds = sweep.run(LOTS * turn // TURNS)
            else:
                done, seconds = expire_in_a_loop(loop_program, SAMPLE)
            if done:
                rates[contender].append(done / seconds)
    return rates


def breakage(program: Any) -> tuple[int, int]:
    """Return how many postings of breakage a program has, and their points."""
    statement = """
        SELECT count(*), coalesce(sum(entry.points), 0)
        FROM saleor_retention_entry AS entry
        JOIN saleor_retention_transaction AS transaction ON transaction.id = entry.transaction_id
        WHERE transaction.program_id = %s AND entry.book = 'breakage'
    """
    postings, points = rows(statement, program.pk)[0]
    return int(postings), int(points)


def check(name: str, program: Any, due: int, expired: int) -> bool:
    """Print the correctness row: all breakage is there, and nothing else has changed."""
    problems = world.ledger_problems(program, (due - expired) * POINTS)
    if breakage(program) != (expired, expired * POINTS):
        problems.append(f"breakage is {breakage(program)}, not {(expired, expired * POINTS)}")
    return world.verdict(name, problems)


def main() -> int:
    """Measure and print; 1 when a point was lost, doubled or left."""
    with world.fresh_database():
        members = -(-LOTS // LOTS_EACH)
        lots = members * LOTS_EACH
        ours, theirs = world.make_program("sweep"), world.make_program("loop")
        for program, count, at in (
            (ours, members, NOW),
            (theirs, -(-SAMPLE * TURNS // LOTS_EACH), LATER),
        ):
            account_ids = world.make_members(program, count)
            world.fill(program, account_ids, lots=LOTS_EACH, expires_at=at, points=POINTS)
        world.settle_statistics()
        sweep = Sweep()
        swept, looped = measure(sweep, theirs)
        sweep.run(lots + 1)  # what is left over, and one run that must find nothing
        slowest, slowest_lots = max(sweep.calls)

        print(f"\nExpiring {lots:,} lots of {members:,} members")
        world.line("", "lots/s", "ratio", "goal")
        rate = [statistics.median(rates) for rates in (swept, looped)]
        world.line("sweep", f"{rate[0]:.0f}", f"{rate[0] / rate[1]:.0f}", ">= 100")
        world.line(f"ORM loop, on {SAMPLE * TURNS} lots", f"{rate[1]:.0f}", "1")
        name = f"sweep, longest transaction, {slowest_lots:,} lots"
        world.line(name, f"{slowest:.3f} s", "", f"<= {SLOWEST_MAX} s")
        print("\ncorrectness")
        loop_lots = -(-SAMPLE * TURNS // LOTS_EACH) * LOTS_EACH
        results = [
            check("sweep", ours, lots, lots),
            check("ORM loop", theirs, loop_lots, SAMPLE * TURNS),
        ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
