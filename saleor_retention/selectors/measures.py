"""Whether a program's customers come back, asked of its order records: one statement each.

``engine.measures`` has the definitions; nothing is rounded here. Orders of customers whose data was
erased stay in every sum under their pseudonym. Guests are customers by the hash of their address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection

from saleor_retention import sql
from saleor_retention.engine.measures.cohorts import Cell
from saleor_retention.engine.measures.figures import Figures
from saleor_retention.engine.measures.seconds import WITHIN_DAYS, Seconds
from saleor_retention.engine.measures.spans import Interval, Span, bounds, spans
from saleor_retention.engine.periods import local_date
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Program, Segment
from saleor_retention.selectors.programs import rules_of

PERIODS_MAX = 366
FIRST_DAY_MIN = dt.date(1970, 1, 1)
LAST_DAY_MAX = dt.date(9998, 12, 31)


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one period."""

    span: Span
    figures: Figures


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of some periods, and of all of them together, in which nobody counts twice."""

    rows: tuple[Row, ...]
    total: Figures


@dataclass(frozen=True, slots=True)
class Comparison:
    """As many days before a program began as after: a description, which shows no cause.

    Other things changed on that day too, and orders from before are known as far as a backfill has
    brought them in.
    """

    before: Row
    after: Row


def table(
    program: Program,
    *,
    first_day: dt.date,
    last_day: dt.date,
    interval: Interval = Interval.MONTH,
    channel_ref: str | None = None,
    segment: Segment | None = None,
) -> Table:
    """Return the figures of the periods from ``first_day`` to ``last_day``, both included.

    ``segment`` chooses customers who are in it now, whatever they were then. Refusals: INVALID for
    days in the wrong order or far away, LIMIT_REACHED for more than ``PERIODS_MAX`` periods.
    """
    _require_days(first_day, last_day)
    periods = list(islice(spans(first_day, last_day, interval), PERIODS_MAX + 1))
    if len(periods) > PERIODS_MAX:
        raise _too_many()
    return _table(program, periods, channel_ref, segment)


def comparison(
    program: Program, *, now: dt.datetime, channel_ref: str | None = None
) -> Comparison | None:
    """Return the figures before and after the program's first day; None on that day itself.

    As many whole days as the program is old, today left out, 365 at most.
    """
    time_zone = _time_zone(program)
    begun = local_date(program.created_at, time_zone)
    days = min((local_date(now, time_zone) - begun).days, 365)
    if days < 1:
        return None
    length = dt.timedelta(days=days)
    one_day = dt.timedelta(days=1)
    periods = [Span(begun - length, begun - one_day), Span(begun, begun + length - one_day)]
    before, after = _table(program, periods, channel_ref, None).rows
    return Comparison(before, after)


def sides_of(found: Comparison | None) -> list[tuple[Span, Figures]]:
    """Return the days and figures before and after, as a table takes them; nothing of None."""
    return [] if found is None else [(row.span, row.figures) for row in (found.before, found.after)]


def cohorts(program: Program, *, first_day: dt.date, last_day: dt.date) -> list[Cell]:
    """Return what customers of each month of first orders did since. Refuses as ``table``."""
    _require_days(first_day, last_day)
    parameters = _days_of(program, first_day, last_day)
    return [Cell(*row) for row in _rows("measures/cohorts", parameters)]


def second_orders(program: Program, *, first_day: dt.date, last_day: dt.date) -> Seconds:
    """Return how long second orders took. Refuses as ``table``."""
    _require_days(first_day, last_day)
    parameters = _days_of(program, first_day, last_day) | {"within_days": list(WITHIN_DAYS)}
    ((customers, again, days, median_days, within),) = _rows("measures/seconds", parameters)
    return Seconds(customers, again, days, median_days, tuple(within))


def _table(
    program: Program,
    periods: Sequence[Span],
    channel_ref: str | None,
    segment: Segment | None,
) -> Table:
    instants = bounds(list(periods), _time_zone(program))
    parameters = {
        "program_id": program.pk,
        "bounds": instants,
        "start_at": instants[0],
        "end_at": instants[-1],
        "channel_ref": channel_ref,
        "segment_id": None if segment is None else segment.pk,
    }
    found = {row[0]: Figures(*row[1:]) for row in _rows("measures/periods", parameters)}
    rows = [Row(period, found.get(place, Figures())) for place, period in enumerate(periods, 1)]
    return Table(tuple(rows), found[None])


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.load(statement), parameters)
        return cursor.fetchall()


def _days_of(program: Program, first_day: dt.date, last_day: dt.date) -> dict[str, Any]:
    return {
        "program_id": program.pk,
        "time_zone": _time_zone(program),
        "first_day": first_day,
        "last_day": last_day,
    }


def _time_zone(program: Program) -> str:
    return rules_of(program.current_version_id).time_zone


def _require_days(first_day: dt.date, last_day: dt.date) -> None:
    if first_day < FIRST_DAY_MIN or last_day > LAST_DAY_MAX:
        message = f"Days lie from {FIRST_DAY_MIN} to {LAST_DAY_MAX}."
        raise Refusal(Code.INVALID, message, "since" if first_day < FIRST_DAY_MIN else "until")
    if last_day < first_day:
        raise Refusal(Code.INVALID, "The last day lies before the first one.", "until")


def _too_many() -> Refusal:
    message = f"Ask for {PERIODS_MAX} periods at most, or for longer ones."
    return Refusal(Code.LIMIT_REACHED, message, "until")
