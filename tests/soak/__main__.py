"""Run the simulation from a shell: ``python -m tests.soak --seconds 60 --seed 7``."""

from __future__ import annotations

import argparse
import random
import sys
import time

COMPLAINTS_SHOWN = 40


def main(arguments: list[str]) -> int:
    """Run it and print what came of it; 0 when every promise was kept."""
    import django

    django.setup()
    from sandbox import processes
    from tests.soak import arena, sabotage
    from tests.soak.simulation import Wish, simulate

    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="drawn when it is not given")
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--spare-server", action="store_true", help="do not crash the server")
    parser.add_argument("--break", dest="broken", default="", choices=("", *sabotage.NAMES))
    processes.exit_on_signals()
    chosen = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    say(f"seed {seed}: {chosen.workers} workers for {chosen.seconds:g} s")
    started = time.monotonic()
    wish = Wish(seed, chosen.seconds, chosen.workers, not chosen.spare_server, chosen.broken)
    outcome = simulate(wish, say)
    if not outcome.can_crash:
        say("The server was not crashed: it is not ours, or it was asked to be spared.")
    show(outcome)
    if outcome.complaints:
        say(f"\n{len(outcome.complaints)} promises broken (seed {seed}):")
        for complaint in outcome.complaints[:COMPLAINTS_SHOWN]:
            say(f"- {complaint}")
        say(f"The log of the server that crashed: {arena.log()}")
        return 1
    say(f"\nevery promise was kept (seed {seed}, {time.monotonic() - started:.0f} s)")
    return 0


def show(outcome: object) -> None:
    """Print the table of what happened."""
    from tests.soak.simulation import Outcome

    assert isinstance(outcome, Outcome)
    told = outcome.told
    outcomes = ("done", "refused", "busy", "lost", "fault")
    say(f"\n{'deed':<16}" + "".join(f"{name:>9}" for name in outcomes))
    for deed in sorted({deed for deed, _ in told.deeds}):
        say(f"{deed:<16}" + "".join(f"{told.deeds[deed, name]:>9}" for name in outcomes))
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.faults.items()))
    say(f"\nfaults                  {faults or 'none'}")
    say(f"processes               {outcome.processes}")
    say(f"looks while under way   {outcome.looks}")
    say(f"requests under a key    {len(told.keys)}, {outcome.in_doubt} in doubt")
    say(f"orders, postings        {outcome.orders}, {outcome.postings}")


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
