"""A member's postings, newest first, by keyset: a page costs the same in a long history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from saleor_retention import conf, sql

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting and what it changed in the member's four balances (``deficit``: owed more)."""

    id: int
    kind: str
    at: dt.datetime  # when it took effect
    recorded_at: dt.datetime
    order_ref: str
    rule_key: str
    cause: str
    actor_ref: str
    note: str  # the words of staff, "" when there are none or they were redacted
    available: int
    pending: int
    held: int
    deficit: int

    @property
    def points(self) -> int:
        """Return what the member has more or less in all; zero where points only changed books."""
        return self.available + self.pending + self.held - self.deficit

    @property
    def moved(self) -> int:
        """Return how many points changed books or were gained; the size of what happened."""
        changes = (self.available, self.pending, self.held, -self.deficit)
        gained = sum(change for change in changes if change > 0)
        return gained or -sum(changes)


@dataclass(frozen=True, slots=True)
class Page:
    """Some postings; ``after_id`` of the next page is the last one's id."""

    movements: tuple[Movement, ...]
    has_next: bool


def page(account_id: int, first: int, after_id: int | None = None) -> Page:
    """Return up to ``first`` postings older than ``after_id`` (or the newest), in one statement.

    At most ``RETENTION_PAGE_SIZE_MAX`` at once. What is due by time and not posted yet is in the
    balance (``selectors.balances``) and comes into the history when it is posted.
    """
    size = max(0, min(first, int(conf.get("PAGE_SIZE_MAX"))))
    parameters = {
        "account_id": account_id,
        "before_id": NEWEST if after_id is None else after_id,
        "limit": size + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.load("history"), parameters)
        rows = cursor.fetchall()
    movements = tuple(Movement(*row[:9], *(int(value) for value in row[9:])) for row in rows[:size])
    return Page(movements, has_next=len(rows) > size)
