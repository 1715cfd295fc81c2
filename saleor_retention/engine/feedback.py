"""What a program asks without an order: about itself, or why somebody stays away.

Each questionnaire has a slug and is answered once in a period of the program's own calendar.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from saleor_retention.engine.surveys import NO_SURVEY, Survey


class Per(StrEnum):
    """How often somebody may answer."""

    EVER = "ever"
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Feedback:
    """A questionnaire: its stable name, what it asks, and how often."""

    slug: str
    survey: Survey = NO_SURVEY
    per: Per = Per.YEAR


def period_of(per: Per, day: dt.date) -> str:
    """Return the name of the period that a day falls in; no two periods share one.

    >>> day = dt.date(2026, 5, 31)
    >>> [period_of(per, day) for per in Per]
    ['ever', '2026', '2026-q2', '2026-05']
    """
    match per:
        case Per.EVER:
            return "ever"
        case Per.YEAR:
            return f"{day:%Y}"
        case Per.QUARTER:
            return f"{day:%Y}-q{(day.month + 2) // 3}"
        case Per.MONTH:
            return f"{day:%Y-%m}"
