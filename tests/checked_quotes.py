"""Holds every price that is searched for a basket to the separate checker, in whatever process."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

Search = Callable[..., Any]

PROVED, REFUSED = "proved", "refused: "


def checked(search: Search) -> Search:
    """Return the search with the checker behind it; raises ``Refused`` for what it finds wrong."""
    from saleor_retention.engine.offers.checker import check

    @wraps(search)
    def verified(basket: Any, offers: Any, situation: Any, **options: Any) -> Any:
        quote = search(basket, offers, situation, **options)
        check(quote, basket, offers, situation)
        return quote

    return verified


def check_in_this_process(log: Path) -> None:
    """Let every search of this process be checked from now on; a line of the log for each.

    A price pass that fails goes on without offers, so the log says what was refused.
    """
    from saleor_retention.engine.offers import quoting
    from saleor_retention.engine.offers.checker import Refused

    verify = checked(quoting.best_offers)

    def noted(*facts: Any, **options: Any) -> Any:
        line = PROVED
        try:
            return verify(*facts, **options)
        except Refused as refusal:
            line = f"{REFUSED}{refusal}"
            raise
        finally:
            with log.open("a") as file:
                file.write(f"{line}\n")

    quoting.best_offers = noted


def noted_in(log: Path) -> list[str]:
    """Return what the checker said of each search, in their order."""
    return log.read_text().splitlines() if log.exists() else []
