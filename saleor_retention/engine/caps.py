"""How much a member's orders may still earn under the program's caps.

A cap counts what orders earned before anything was taken back: what was returned leaves no room for
others, or a refund that is reversed would break the cap. So the room of an order, once part of it
was used, can only be taken by nobody else, and never grows back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from saleor_retention.engine.periods import end_of_local_day, local_date, start_of_local_day
from saleor_retention.engine.periods import end_of_month_plus as end_of_month
from saleor_retention.engine.rules import EarnCaps

Span = tuple[dt.datetime, dt.datetime]
"""From an instant on, until another one, in UTC."""


@dataclass(frozen=True, slots=True)
class Used:
    """Points that count against caps: in the local day, in the local month, ever."""

    in_day: int = 0
    in_month: int = 0
    ever: int = 0


def day_of(at: dt.datetime, tz: str) -> Span:
    """Return the local day of an instant.

    >>> day_of(dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC), "Europe/Paris")  # 23 hours
    ... # doctest: +NORMALIZE_WHITESPACE
    (datetime.datetime(2026, 3, 28, 23, 0, tzinfo=datetime.timezone.utc),
     datetime.datetime(2026, 3, 29, 22, 0, tzinfo=datetime.timezone.utc))
    """
    day = local_date(at, tz)
    return start_of_local_day(day, tz), end_of_local_day(day, tz)


def month_of(at: dt.datetime, tz: str) -> Span:
    """Return the local calendar month of an instant."""
    first = local_date(at, tz).replace(day=1)
    return start_of_local_day(first, tz), end_of_month(at, 0, tz)


def room_for_order(caps: EarnCaps, others: Used) -> int | None:
    """Return the most points that one order may earn beside the member's others; None: any.

    ``others`` is what the other orders earned in the day and the month of this one's payment, and
    ever. The cap of a single order is not looked at here: it is part of what the order comes to.

    >>> room_for_order(EarnCaps(per_day=100, per_member=1000), Used(in_day=70, ever=200))
    30
    """
    return least_left(
        (caps.per_day, others.in_day),
        (caps.per_month, others.in_month),
        (caps.per_member, others.ever),
    )


def least_left(*limits: tuple[int | None, int]) -> int | None:
    """Return the least that any of (limit, used) leaves, never below zero; None without limits."""
    left = [max(0, limit - used) for limit, used in limits if limit is not None]
    return min(left, default=None)
