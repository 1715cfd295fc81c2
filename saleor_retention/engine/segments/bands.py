"""Recency bands: how long ago a customer last bought, in calendar months of the program.

A band ends with the day that is so many months back, which still belongs to it: on 31 March the
last month begins on 28 February (29 in a leap year). Capability: C41.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from saleor_retention.engine.periods import add_months

MONTHS_MAX = 120


class Band(StrEnum):
    """How recent the last order is. The best are active too."""

    BEST = "best"
    ACTIVE = "active"
    SLEEPING = "sleeping"
    AT_RISK = "at_risk"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many months back each band reaches; whoever is beyond the last is lost."""

    best: int = 1
    active: int = 3
    sleeping: int = 6
    at_risk: int = 12

    def problem(self) -> str | None:
        """Say which limit is wrong; None where they make sense."""
        months = (self.best, self.active, self.sleeping, self.at_risk)
        if min(months) < 1 or max(months) > MONTHS_MAX:
            return f"Each band reaches back from 1 to {MONTHS_MAX} months."
        if self.best > self.active:
            return "best must not reach further back than active."
        if not self.active < self.sleeping < self.at_risk:
            return "sleeping must reach further back than active, and at_risk than sleeping."
        return None


@dataclass(frozen=True, slots=True)
class Edges:
    """The first day of each band, as of some day: what SQL compares with."""

    best: dt.date
    active: dt.date
    sleeping: dt.date
    at_risk: dt.date


def edges(today: dt.date, limits: Limits) -> Edges:
    """Return the first days of the bands.

    >>> edges(dt.date(2026, 3, 31), Limits()).best
    datetime.date(2026, 2, 28)
    """
    return Edges(
        add_months(today, -limits.best),
        add_months(today, -limits.active),
        add_months(today, -limits.sleeping),
        add_months(today, -limits.at_risk),
    )


def band_of(last_on: dt.date, today: dt.date, limits: Limits) -> Band:
    """Return the narrowest band of a customer who bought last on that day."""
    first = edges(today, limits)
    if last_on >= first.best:
        return Band.BEST
    if last_on >= first.active:
        return Band.ACTIVE
    if last_on >= first.sleeping:
        return Band.SLEEPING
    return Band.AT_RISK if last_on >= first.at_risk else Band.LOST
