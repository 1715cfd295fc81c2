"""Worker processes on a broker: how fast they get through the periodic work, and what a kill costs.

``WORKERS`` real Celery workers of one process each, on the Saleor that the benchmark runs on, with
``MEMBERS`` members of whom each has a lot to mature, a lot that died and a tier that is over;
``HOLDS`` of whom have a hold whose time is over, and ``ORDERS``, spread evenly among them, an order
that no event told of. One task after the other is dispatched once, as beat does, and watched in the
database until nothing of its kind is due. When half of a task's work is left and every worker is at
it, one of them is killed (SIGKILL) and the others finish; a new worker takes its place for the next
task. Beat comes again only when all that are left are idle and something is due. Afterwards the
ledger is held against the work and its invariants.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from sandbox.console import SandboxError

MEMBERS = world.size("MEMBERS", 200_000)
HOLDS = world.size("HOLDS", 5_000)
ORDERS = world.size("ORDERS", 2_000)
WORKERS = world.size("WORKERS", 2)
BATCH = world.size("BATCH", 1000)
SECONDS_MAX = 1800
LOOK_SECONDS = 0.25
STUCK_SECONDS = 5.0  # without progress, until the workers are asked whether they are idle
SHOWN_EACH = 10.0  # seconds

TIERS = {
    "metric": "spend",
    "window": "calendar_year",
    "grace_days": 0,
    "ladder": [{"slug": "vip", "name": "VIP", "threshold": "500.00"}],
}
WORK = (
    ("mature", "lots to mature", MEMBERS),
    ("expire", "lots to expire", MEMBERS),
    ("evaluate_tiers", "tiers to evaluate", MEMBERS),
    ("lapse_holds", "holds to lapse", HOLDS),
    ("reconcile", "orders to reconcile", ORDERS),
)
PARTS = {"reconcile": {"reconcile", "settle_noted"}}  # a task that hands its work to another


@dataclass
class Shift:
    """A task's work, watched by what is due; seconds count from the dispatch."""

    fleet: Any
    task: str
    kind: str
    total: int
    beats: int = 0
    left: int = 0  # when one was killed
    killed_at: float = 0.0
    ended_at: float = 0.0
    _began: float = field(default_factory=time.perf_counter)
    _shown: tuple[float, int] = (0.0, 0)  # seconds and work done

    def run(self) -> list[str]:
        """Have it done, by fewer workers in the end than at the start; return what was wrong."""
        found = self._remaining()
        problems = [] if found == self.total else [f"{self.task}: {found} due, not {self.total}"]
        self._began = time.perf_counter()
        self._beat()
        problems += self._to_the_kill()
        self._to_the_end()
        return problems

    @property
    def seconds(self) -> float:
        """Return how long it has been going on."""
        return time.perf_counter() - self._began

    def _beat(self) -> None:
        self.fleet.send(self.task)
        self.beats += 1

    def _to_the_kill(self) -> list[str]:
        """Wait until half is done and every worker is at it; kill the oldest of them."""
        parts = PARTS.get(self.task, {self.task})
        while True:
            left = self._look()
            if left == 0:
                return [f"{self.task}: there was no time to kill a worker in"]
            if left <= self.total // 2 and all(
                parts & set(self.fleet.doing(name)) for name in self.fleet.running
            ):
                break
            time.sleep(LOOK_SECONDS)
        victim = next(iter(self.fleet.running))
        self.fleet.kill(victim)
        self.killed_at, self.left = self.seconds, self._remaining()
        print(f"    {self.killed_at:6.1f} s  {victim} killed, {self.left:,} left")
        return [] if self.left else [f"{self.task}: nothing was left for the others"]

    def _to_the_end(self) -> None:
        last, since = -1, self.seconds
        while left := self._look():
            if left != last:
                last, since = left, self.seconds
            elif self.seconds - since > STUCK_SECONDS:
                since = self.seconds
                if self.fleet.are_idle() and self._remaining():
                    self._beat()
            time.sleep(LOOK_SECONDS)
        self.ended_at = self.seconds

    def _look(self) -> int:
        """Return how much is left; print what the command that watches prints, now and then."""
        left, seconds = self._remaining(), self.seconds
        assert seconds < SECONDS_MAX, self.fleet.said()
        before, done_before = self._shown
        if seconds - before >= SHOWN_EACH or not left:
            done = self.total - left
            rate = (done - done_before) / (seconds - before)
            print(f"    {seconds:6.1f} s  {done:,} of {self.total:,}, {rate:,.0f} a second")
            self._shown = seconds, done
        return left

    def _remaining(self) -> int:
        from tests import workers

        return workers.remaining([self.kind])


def make_shop() -> tuple[Any, int]:
    """Make the members and their work; return the program, and the points of an order."""
    from saleor_retention import host
    from saleor_retention.models import OrderRecord
    from saleor_retention.services.ordering.reconciling import reconcile
    from tests import workers
    from tests.factories.current import factories
    from tests.factories.loyalty import make_program

    make = factories()
    program = make_program(make.make_channel(), tiers=TIERS)
    order = make.complete(make.make_checkout(make.make_user(), {make.make_product("20.00"): 1}))
    with host.current().writer():
        reconcile()  # so that what is not there yet is what changed since
    points = OrderRecord.objects.get(program=program).earned
    workers.seed(program, MEMBERS, HOLDS)
    workers.copies(order, ORDERS, workers.give_users(program, MEMBERS, ORDERS))
    return program, points


def wrong(program: Any, points: int) -> list[str]:
    """Return what was lost or doubled: points, postings, records, holds or changes of tier."""
    from saleor_retention.models import Account, Hold, OrderRecord, TierChange, Transaction
    from tests import workers

    expected = (MEMBERS + HOLDS) * workers.POINTS + (1 + ORDERS) * points
    problems = world.ledger_problems(program, expected, reads_orders=True)
    postings = Transaction.objects.filter(program=program)
    ended = Hold.objects.filter(state__in=("lapsed", "released"))
    seeded = Account.objects.filter(program=program, member_number__startswith="W")
    for name, found, right in (
        ("postings of mature", postings.filter(kind="mature").count(), MEMBERS),
        ("postings of expire", postings.filter(kind="expire").count(), MEMBERS),
        ("holds given back", postings.filter(kind__in=("lapse", "release")).count(), HOLDS),
        ("postings of earn", postings.filter(kind="earn").count(), 1 + ORDERS),
        ("records of orders", OrderRecord.objects.filter(earned=points).count(), 1 + ORDERS),
        ("orders of seeded members", _orders_of(seeded), ORDERS),
        ("holds that ended", ended.count(), HOLDS),
        ("changes of tier", TierChange.objects.filter(kind="downgrade").count(), MEMBERS),
        ("members without a tier", seeded.filter(tier="").count(), MEMBERS),
        ("due in all", workers.remaining(), 0),
    ):
        if found != right:
            problems.append(f"{found} {name}, not {right}")
    return problems


def _orders_of(accounts: Any) -> int:
    """Return how many members have an order."""
    from saleor_retention.models import OrderRecord

    records = OrderRecord.objects.filter(account__in=accounts)
    return records.values("account_id").distinct().count()


def show(shifts: list[Shift]) -> None:
    """Print rates before and after the kill."""
    world.line("", "done", "a second, all", "left at kill", "a second after", "beats")
    for shift in shifts:
        first = (shift.total - shift.left) / shift.killed_at if shift.killed_at else 0
        rest = shift.left / (shift.ended_at - shift.killed_at)
        cells = (f"{shift.total:,}", f"{first:,.0f}", f"{shift.left:,}", f"{rest:,.0f}")
        world.line(shift.task, *cells, f"{shift.beats}")


def main() -> int:
    """Measure and print; 1 when something was lost, doubled or left, or a worker had no share."""
    with world.fresh_database():
        from tests import workers

        names = [f"bench{number}" for number in range(1, WORKERS + 1)]
        with workers.workers(*names, batch=BATCH) as fleet:
            start = time.perf_counter()
            program, points = make_shop()
            print(f"\n{MEMBERS:,} members made in {time.perf_counter() - start:.0f} s")
            print(f"{WORKERS} workers, {BATCH} lots in a database transaction\n")
            shifts, problems = [], []
            for number, (task, kind, total) in enumerate(WORK, start=WORKERS + 1):
                fleet.wait_until_up()
                print(f"  {task}")
                shifts.append(Shift(fleet, task, kind, total))
                problems += shifts[-1].run()
                if len(shifts) < len(WORK):
                    fleet.start(f"bench{number}")
        print()
        show(shifts)
        print("\ncorrectness")
        return 0 if world.verdict("workers", [*problems, *wrong(program, points)]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SandboxError as error:
        print(f"left out: no broker for worker processes here ({error})")
