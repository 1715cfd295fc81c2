"""How records say days, counts and values, one like another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from saleor_retention.selectors.holdings import Holding, Section

Told = tuple[str, dict[str, Any]]
"""A sentence for people and the values for programs."""

Table = Mapping[Section, Callable[[Holding], Told]]
"""How the rows of some sections are told."""


def values(row: Any, names: str) -> dict[str, Any]:
    """Return attributes of a row, instants as text: ``"at points order=order_ref"``.

    ``name=path`` gives an attribute another name; the path may lead on to another row, as
    ``offer.slug`` does.
    """
    found = {}
    for word in names.split():
        name, _, path = word.partition("=")
        value = attrgetter(path or name)(row)
        is_instant = isinstance(value, dt.datetime)
        found[name] = value.astimezone(dt.UTC).isoformat() if is_instant else value
    return found


def day(at: dt.datetime) -> str:
    """Return the day of an instant, in UTC."""
    return at.astimezone(dt.UTC).date().isoformat()


def until(at: dt.datetime | None) -> str:
    """Return " until" that day, or nothing where there is no end."""
    return "" if at is None else f" until {day(at)}"


def many(count: int, what: str) -> str:
    """Return "1 line" or "2 lines"."""
    return f"1 {what}" if count == 1 else f"{count} {what}s"
