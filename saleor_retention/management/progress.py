"""How far a long command is: a line every few seconds, or one with a bar on a terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

PROGRESS_SECONDS = 2.0
TERMINAL_SECONDS = 0.2  # a terminal's line is written over
BAR_CELLS = 24


class Progress:
    """Counts what is done and says so on a stream, while it is entered.

    On a terminal one line is written over again and again, and ended at the end; elsewhere lines
    follow each other.
    """

    def __init__(self, stream: Any, total: int | None, what: str) -> None:
        """Begin to count; ``what`` is the plural of what is counted, ``total`` None if unknown.

        ``stream`` is a command's standard error.
        """
        self._stream, self._total, self._what = stream, total, what
        self._done = self._width = 0
        self._is_terminal = bool(stream.isatty())
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Self:
        """Return this; nothing is said before something is done."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the terminal's line with where it came to, also after a fault."""
        if self._is_terminal and self._done:
            self._write_over(time.monotonic())
            self._stream.write("\n", style_func=str)

    def add(self, done: int) -> None:
        """Count ``done`` more, and say where it is when it is time for that."""
        self._done += done
        now = time.monotonic()
        if now - self._said < (TERMINAL_SECONDS if self._is_terminal else PROGRESS_SECONDS):
            return
        self._said = now
        if self._is_terminal:
            self._write_over(now)
        else:
            self._stream.write(self._text(now))

    def _text(self, now: float) -> str:
        seconds = max(now - self._began, 0.001)
        return text_of(self._done, self._total, self._what, seconds)

    def _write_over(self, now: float) -> None:
        bar = f"{bar_of(self._done, self._total)} " if self._total else ""
        text = f"{bar}{self._text(now)}"
        # No color of errors, and no line end; a longer text before it is blotted out.
        self._stream.write(f"\r{text.ljust(self._width)}", style_func=str, ending="")
        self._width = len(text)


def text_of(done: int, total: int | None, what: str, seconds: float) -> str:
    """Return what is done, of how much, how fast, and how long the rest takes at that rate.

    >>> text_of(250_000, 1_000_000, "rows", 100)
    '250,000 of 1,000,000 rows (25 %), 2,500 a second, 300 s left'
    >>> text_of(500, None, "rows", 2)
    '500 rows, 250 a second'
    """
    rate = f"{round(done / seconds):,} a second"
    if total is None:
        return f"{done:,} {what}, {rate}"
    share = _share(done, total)
    left = f", {round(seconds / share - seconds):,} s left" if share else ""
    return f"{done:,} of {total:,} {what} ({round(100 * share)} %), {rate}{left}"


def bar_of(done: int, total: int) -> str:
    """Return a bar that is as full as the work is done.

    >>> bar_of(1, 4)
    '[######..................]'
    """
    full = int(BAR_CELLS * _share(done, total))
    return f"[{'#' * full}{'.' * (BAR_CELLS - full)}]"


def _share(done: int, total: int) -> float:
    return min(done / total, 1) if total else 1
