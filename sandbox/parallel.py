"""Several Saleors at once: each suite in a process of its own, its lines behind its version.

The suite of one Saleor keeps about one processor busy, so that as many run together as there are
processors. JOBS says another number; with 1 they follow one another.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sandbox import paths, processes
from sandbox.console import SandboxError, say

T = TypeVar("T")


def jobs(wanted: int) -> int:
    """Return how many of so many suites run at once."""
    text = os.environ.get("JOBS", "")
    if text and not (text.isdecimal() and int(text) > 0):
        raise SandboxError(f'JOBS must be a number of at least 1, not "{text}"')
    return min(wanted, int(text) if text else os.cpu_count() or 1)


class Runs:
    """Commands of the sandbox that run beside each other and all end with us."""

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[str]] = []

    def each(self, count: int, act: Callable[[T], object], items: Sequence[T]) -> None:
        """Call ``act`` with each item, ``count`` at a time; on Ctrl-C none is begun any more."""
        with ThreadPoolExecutor(count) as pool:
            futures = [pool.submit(act, item) for item in items]
            try:
                for future in futures:
                    future.result()
            except KeyboardInterrupt:  # the children got it too, and say what was running
                pool.shutdown(cancel_futures=True)
            except BaseException:
                for future in futures:
                    future.cancel()
                for child in self._children:
                    child.terminate()
                raise

    def pytest(self, name: str, arguments: Sequence[str]) -> int:
        """Run pytest on the named Saleor, print its lines behind the name; return the exit code."""
        child = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "pytest", name, *arguments],
            cwd=paths.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=processes.die_with_parent(),
        )
        self._children.append(child)
        assert child.stdout is not None
        for line in child.stdout:
            say(f"[{name}] {line.rstrip()}")
        return child.wait()
