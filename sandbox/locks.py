"""File locks between processes; the kernel drops them when a process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.console import say


def open_lock(path: Path) -> int:
    """Open a lock file, making it if needed. The descriptor is not inherited by children."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def try_exclusive(descriptor: int) -> bool:
    """Take the lock alone if nobody holds it; never wait."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_shared(descriptor: int) -> None:
    """Hold the lock together with others; waits for one who holds it alone."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def release(descriptor: int) -> None:
    """Give the lock back, keeping the file open."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def exclusive(path: Path, waiting_for: str) -> Iterator[None]:
    """Hold a lock alone for a block; says what it waits for when another process holds it."""
    descriptor = open_lock(path)
    try:
        if not try_exclusive(descriptor):
            say(f"- waiting for another process: {waiting_for}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
