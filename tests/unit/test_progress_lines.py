"""What a long command says of how far it is."""

from __future__ import annotations

import pytest

from saleor_retention.management.progress import bar_of, text_of


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (
            250_000,
            1_000_000,
            100,
            "250,000 of 1,000,000 rows (25 %), 2,500 a second, 300 s left",
        ),
        (3, 3, 2, "3 of 3 rows (100 %), 2 a second, 0 s left"),
        (0, 10, 5, "0 of 10 rows (0 %), 0 a second"),
        (12, 10, 1, "12 of 10 rows (100 %), 12 a second, 0 s left"),
        (4, 0, 1, "4 of 0 rows (100 %), 4 a second, 0 s left"),
        (1500, None, 3, "1,500 rows, 500 a second"),
    ],
)
def test_the_line(done: int, total: int | None, seconds: float, text: str) -> None:
    """How much of how much, how fast, how long the rest takes; more than all is all."""
    assert text_of(done, total, "rows", seconds) == text


@pytest.mark.parametrize(
    ("done", "total", "full"), [(0, 9, 0), (1, 4, 6), (3, 4, 18), (99, 100, 23), (7, 7, 24)]
)
def test_the_bar(done: int, total: int, full: int) -> None:
    """It is full when all is done, and not before; its length stays."""
    assert bar_of(done, total) == f"[{'#' * full}{'.' * (24 - full)}]"
