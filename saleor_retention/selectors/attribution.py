"""The orders that messages, campaigns or offers are given: one statement for any number of touches.

``engine.experiments.attribution`` has the definition. Touches are handed over, so that whatever
reaches customers can be asked about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection

from saleor_retention import sql
from saleor_retention.engine.experiments.attribution import Attributed, Touch
from saleor_retention.engine.periods import end_of_local_day, start_of_local_day
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Program
from saleor_retention.selectors.programs import rules_of

WINDOW_MAX = dt.timedelta(days=365)


def attributed(
    program: Program,
    touches: Iterable[Touch],
    *,
    window: dt.timedelta,
    first_day: dt.date,
    last_day: dt.date,
) -> list[Attributed]:
    """Return what each source is given of the orders from ``first_day`` to ``last_day``.

    Days are the program's. Touches of other programs' accounts change nothing. Refusals (INVALID):
    a window that is not above nothing and at most ``WINDOW_MAX``, days in the wrong order.
    """
    if not dt.timedelta(0) < window <= WINDOW_MAX:
        message = f"A window is longer than nothing and at most {WINDOW_MAX.days} days."
        raise Refusal(Code.INVALID, message, "window")
    if last_day < first_day:
        raise Refusal(Code.INVALID, "The last day lies before the first one.", "until")
    reached = list(touches)
    time_zone = rules_of(program.current_version_id).time_zone
    parameters = {
        "program_id": program.pk,
        "account_ids": [touch.account for touch in reached],
        "instants": [touch.at for touch in reached],
        "source_keys": [touch.source_key for touch in reached],
        "start_at": start_of_local_day(first_day, time_zone),
        "end_at": end_of_local_day(last_day, time_zone),
        "window": window,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.load("measures/attribution"), parameters)
        return [Attributed(*row) for row in cursor.fetchall()]
