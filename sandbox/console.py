"""What the sandbox says while it works: one line a step, with the seconds it took."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK_SECONDS = 10


class SandboxError(Exception):
    """Something the person at the keyboard can mend; its text says how."""


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show a step that may take long, again every few seconds so that nobody waits in silence."""
    started = time.monotonic()
    done = threading.Event()

    def remind() -> None:
        while not done.wait(TICK_SECONDS):
            say(f"  ... {text}, {time.monotonic() - started:.0f} s so far")

    say(f"- {text}")
    reminder = threading.Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield
    finally:
        done.set()
        reminder.join()
    say(f"  done in {time.monotonic() - started:.1f} s")


def fail(error: SandboxError) -> int:
    """Print an error to the error stream and return the exit code that goes with it."""
    print(f"\nsaleor-retention sandbox: {error}", file=sys.stderr, flush=True)
    return 2
