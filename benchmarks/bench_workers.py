"""Worker processes on a broker: how fast they get through the periodic work, and how they share it.

``WORKERS`` real Celery workers of one process each, on the Saleor that the benchmark runs on, with
``MEMBERS`` members of whom each has a lot to mature, a lot that died and a tier that is over, and
``HOLDS`` of whom have a hold whose time is over. One task after the other is dispatched once, as
beat does, and watched in the database until nothing of its kind is due. Afterwards the ledger is
held against its invariants.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from sandbox.console import SandboxError

MEMBERS = world.size("MEMBERS", 200_000)
HOLDS = world.size("HOLDS", 5_000)
WORKERS = world.size("WORKERS", 2)
BATCH = world.size("BATCH", 1000)
SECONDS_MAX = 1800
LOOK_SECONDS = 0.25

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
)


def main() -> int:
    """Measure and print; 1 when a point was lost, doubled or left, or a worker had no share."""
    with world.fresh_database():
        from saleor_retention.models import TierChange, Transaction
        from tests import workers

        names = [f"bench{number}" for number in range(1, WORKERS + 1)]
        program = world.make_program("club", tiers=TIERS, reference={"currency": "USD"})
        with workers.workers(*names, batch=BATCH) as fleet:
            start = time.perf_counter()
            workers.seed(program, MEMBERS, HOLDS)
            print(f"\n{MEMBERS:,} members made in {time.perf_counter() - start:.0f} s")
            fleet.wait_until_up()
            print(f"{WORKERS} workers, {BATCH} lots in a database transaction")
            world.line("", "done", "seconds", "a second")
            for task, kind, total in WORK:
                start = time.perf_counter()
                fleet.send(task)
                while workers.remaining([kind]):
                    time.sleep(LOOK_SECONDS)
                    assert time.perf_counter() - start < SECONDS_MAX, fleet.said()
                seconds = time.perf_counter() - start
                world.line(task, f"{total:,}", f"{seconds:.1f}", f"{total / seconds:,.0f}")
        shares = {name: fleet.did(name) for name in names}
        for task in ("mature", "expire", "lapse_holds"):
            world.line(f"{task}, by each worker", *(f"{shares[name][task]:,}" for name in names))
        print("\ncorrectness")
        problems = world.ledger_problems(program, (MEMBERS + HOLDS) * workers.POINTS)
        for kind, expected in (("mature", MEMBERS), ("expire", MEMBERS), ("lapse", HOLDS)):
            found = Transaction.objects.filter(kind=kind).count()
            if found != expected:
                problems.append(f"{found} postings of {kind}, not {expected}")
        if TierChange.objects.count() != MEMBERS:
            problems.append(f"{TierChange.objects.count()} changes of tier, not {MEMBERS}")
        idle = [name for name in names if not shares[name]["mature"]]
        if idle:
            problems.append(f"without a share: {', '.join(idle)}")
        return 0 if world.verdict("workers", problems) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SandboxError as error:
        print(f"left out: no broker for worker processes here ({error})")
