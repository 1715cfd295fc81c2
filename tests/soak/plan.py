"""What the workers do and what befalls them, drawn from the seed alone.

Each process has a generator of its own, named by (seed, place, generation), and each step draws
all its numbers, used or not. So a plan does not depend on what became of the steps before.

What the seed reproduces: the sequence of deeds of every process with all their numbers (which of
those that are there, how many points, how often and how late it is delivered), and the sequence of
faults with the pauses between them and whom they hit. What it does not reproduce: how the operating
system and PostgreSQL interleave the processes, how far each comes before it is killed, and
therefore which member, cart or order a number picks. A failure is found again by running the seed
for as long again, not by replaying it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

MEMBERS = 3
PROGRAMS = 2
GUESTS = 4
RUSH_SECONDS = 1.0  # that often all workers want all points of one member at once

# How often each deed is done, in relation to the others.
DEEDS = {
    "buy": 8,
    "buy_as_guest": 3,
    "attach_guest": 1,
    "pay": 5,
    "refund": 6,
    "send_back": 6,
    "cancel": 2,
    "redeem": 10,
    "redeem_all": 5,
    "change_points": 5,
    "change_cart": 5,
    "commit_money": 2,
    "complete": 9,
    "abandon": 2,
    "grant": 6,
    "adjust": 4,
    "deliver_again": 5,
    "mature": 1,
    "expire": 1,
    "lapse": 2,
    "reconcile": 1,
}
# How the shop's event of a change arrives.
DELIVERIES = {"now": 6, "lost": 2, "late": 3, "stale": 2}

KILL, DROP, STALL, CRASH = "kill", "drop", "stall", "crash"
ROUND = (*[KILL] * 5, *[DROP] * 4, *[STALL] * 2, CRASH)
PAUSE_SECONDS = (0.02, 0.35)


@dataclass(frozen=True, slots=True)
class Step:
    """One deed. ``pick`` and ``other`` choose among what is there when it is done."""

    deed: str
    pick: int
    other: int
    cents: int
    points: int
    times: int  # that it is delivered, one after the other
    delivery: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, after a pause. ``pick`` chooses among those that it can hit."""

    pause: float  # seconds
    kind: str
    pick: int


def steps(seed: int, place: int, generation: int) -> Iterator[Step]:
    """Yield without end what the process does that is the n-th in its place."""
    draw = random.Random(f"worker:{seed}:{place}:{generation}")  # noqa: S311
    while True:
        yield Step(
            deed=draw.choices(list(DEEDS), list(DEEDS.values()))[0],
            pick=draw.randrange(10_000),
            other=draw.randrange(10_000),
            cents=draw.randrange(100, 9000),
            points=draw.randrange(1, 120),
            times=draw.choice((1, 1, 1, 2, 3)),
            delivery=draw.choices(list(DELIVERIES), list(DELIVERIES.values()))[0],
        )


def faults(seed: int, *, has_crashes: bool) -> Iterator[Fault]:
    """Yield faults without end: each round holds all kinds, in another order."""
    draw = random.Random(f"faults:{seed}")  # noqa: S311
    while True:
        kinds = list(ROUND)
        draw.shuffle(kinds)
        for kind in kinds:
            fault = Fault(draw.uniform(*PAUSE_SECONDS), kind, draw.randrange(10_000))
            if has_crashes or kind != CRASH:
                yield fault
