"""Threads that start together, each with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

from saleor_retention.errors import Refusal

START_SECONDS = 30


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    """Run ``work`` in ``count`` threads that start together; refusals are results, faults raise."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        try:
            barrier.wait(timeout=START_SECONDS)
            return work(number)
        except Refusal as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
