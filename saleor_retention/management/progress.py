"""How far a long command is, in a line every few seconds."""

from __future__ import annotations

import time

PROGRESS_SECONDS = 2.0


class Progress:
    """Counts what is done of a known total."""

    def __init__(self, total: int, what: str) -> None:
        """Begin to count; ``what`` is the plural of what is counted."""
        self._total, self._what, self._done = total, what, 0
        self._began = self._said = time.monotonic()

    def line(self, done: int) -> str:
        """Count ``done`` more; return a line when it is time for one, otherwise ""."""
        self._done += done
        now = time.monotonic()
        if now - self._said < PROGRESS_SECONDS:
            return ""
        self._said = now
        seconds = max(now - self._began, 0.001)
        share = min(self._done / max(self._total, 1), 1) or 1
        left = round(seconds / share - seconds)
        return (
            f"{self._done} {self._what} ({round(100 * share)} %), "
            f"{round(self._done / seconds)} a second, {left} s left"
        )
