"""Reading a member's points, of those with a short history and with a long one.

The balance, the first page of the history and a page from its middle, of members with few entries
and with many. The peer is what a ledger without kept balances does: it sums the member's entries.
All take turns; every answer is compared with plain SQL over the entries.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import NOW, rows, timed

SHORT = world.size("SHORT", 100)
LONG = world.size("LONG", 100_000)
OTHERS = world.size("OTHERS", 1000)  # other members, each with a short history
READS = world.size("READS", 200)
PAGE = 20
LIVE = 10  # lots that are left of a history; all others are spent
FAR = NOW.replace(year=NOW.year + 5)

SUMS = """
    SELECT coalesce(sum(points) FILTER (WHERE book = 'available'), 0),
           coalesce(sum(points) FILTER (WHERE book = 'pending'), 0),
           coalesce(sum(points) FILTER (WHERE book = 'held'), 0),
           -coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0)
    FROM saleor_retention_entry WHERE account_id = %s
"""
POSTINGS = """
    SELECT transaction.id, sum(entry.points)
    FROM saleor_retention_entry AS entry
    JOIN saleor_retention_transaction AS transaction ON transaction.id = entry.transaction_id
    WHERE entry.account_id = %s
    GROUP BY transaction.id ORDER BY transaction.id DESC
"""


class Member:
    """One member and what plain SQL says of him."""

    def __init__(self, program: Any, account_id: int, entries: int, live: int) -> None:
        from saleor_retention.models import Account

        lots = (entries + live) // 2  # a spent lot has two entries, a live one has one
        world.fill(program, [account_id], lots=lots, spent=lots - live, expires_at=FAR)
        self.account = Account.objects.get(pk=account_id)
        self.postings = [tuple(map(int, row)) for row in rows(POSTINGS, account_id)]
        self.middle_id = self.postings[len(self.postings) // 2][0]
        self.name = f"{len(self.postings):,} entries, {live:,} lots left"

    def balance(self) -> tuple[int, ...]:
        """Return the four balances by our selector."""
        from saleor_retention.selectors.balances import balance_of

        found = balance_of(self.account, NOW)
        return found.available, found.pending, found.held, found.deficit

    def summed(self) -> tuple[int, ...]:
        """Return the four balances by summing the member's entries."""
        return tuple(map(int, rows(SUMS, self.account.pk)[0]))

    def first_page(self) -> list[tuple[int, int]]:
        """Return the newest postings and their points by our selector."""
        return self._page(None)

    def middle_page(self) -> list[tuple[int, int]]:
        """Return postings from the middle of the history by our selector."""
        return self._page(self.middle_id)

    def problems(self) -> list[str]:
        """Compare every answer with plain SQL."""
        middle = [each for each in self.postings if each[0] < self.middle_id]
        pairs = {
            "balance": (self.balance(), self.summed()),
            "first page": (self.first_page(), self.postings[:PAGE]),
            "middle page": (self.middle_page(), middle[:PAGE]),
        }
        return [f"{name}: {a}, not {b}" for name, (a, b) in pairs.items() if a != b]

    def _page(self, after_id: int | None) -> list[tuple[int, int]]:
        from saleor_retention.selectors.history import page

        found = page(self.account.pk, PAGE, after_id)
        return [(movement.id, movement.points) for movement in found.movements]


def statements(act: Callable[[], Any]) -> int:
    """Return how many statements a read takes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def show(title: str, reads: dict[str, Callable[[], Any]], note: str) -> None:
    """Measure one read of all members in turn; print medians and ratios to the first."""

    def one(act: Callable[[], Any]) -> Callable[[], float]:
        return lambda: timed(act)

    seconds = world.in_turn({name: one(act) for name, act in reads.items()}, READS)
    first = next(iter(seconds.values()))
    print(f"\n{title}")
    world.line("", "statements", "median ms", "ratio", "goal")
    for place, (name, act) in enumerate(reads.items()):
        median = statistics.median(seconds[name])
        cells = [str(statements(act)), f"{median * 1000:.2f}"]
        cells.append(f"{median / statistics.median(first):.2f}")
        world.line(name, *cells, note if place == 1 else "")


def main() -> int:
    """Measure and print; 1 when an answer differs from plain SQL."""
    with world.fresh_database():
        program = world.make_program("reading")
        short_id, long_id, hoarder_id, *others = world.make_members(program, OTHERS + 3)
        world.fill(program, others, lots=SHORT // 2 + 5, spent=SHORT // 2 - 5, expires_at=FAR)
        members = [
            Member(program, short_id, SHORT, min(LIVE, SHORT)),
            Member(program, long_id, LONG, min(LIVE, LONG)),
            Member(program, hoarder_id, LONG, LONG),
        ]
        world.settle_statistics()
        for title, method in (
            ("Balance", Member.balance),
            (f"First page of {PAGE}", Member.first_page),
            (f"Page of {PAGE} from the middle", Member.middle_page),
        ):
            reads = {each.name: lambda each=each, read=method: read(each) for each in members}
            show(title, reads, "about 1")
        sums = {f"sum of {each.name}": each.summed for each in members}
        show("Peer: the balance as a sum of entries", sums, "")
        print("\ncorrectness")
        results = [world.verdict(each.name, each.problems()) for each in members]
        points = sum(each.balance()[0] for each in members) + OTHERS * 10 * 10
        results.append(world.verdict("ledger", world.ledger_problems(program, points)))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
