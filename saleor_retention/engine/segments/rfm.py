"""RFM scores: each customer's fifth among all, by last day, days of buying, and kept spend.

The score is 1 + floor(5 x (customers with less) / (customers)), from 1 to 5: whoever is equal gets
the same score, whatever order the rows come in, so that fifths can be of different sizes. The twin
is ``sql/customers/wrong.sql``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saleor_retention.engine.segments.customers import Rollup

SCORE_MAX = 5


@dataclass(frozen=True, slots=True)
class Scores:
    """From 1 to 5, the more the better; 0 for a customer who was not scored yet."""

    recency: int = 0
    frequency: int = 0
    monetary: int = 0


def scores(rollups: Mapping[int, Rollup]) -> dict[int, Scores]:
    """Score all customers of a program, by their keys."""
    recency = _fifths({key: each.last_on for key, each in rollups.items()})
    frequency = _fifths({key: each.order_days for key, each in rollups.items()})
    monetary = _fifths({key: each.spend_minor for key, each in rollups.items()})
    return {key: Scores(recency[key], frequency[key], monetary[key]) for key in rollups}


def _fifths(values: Mapping[int, Any]) -> dict[int, int]:
    ordered: Sequence[Any] = sorted(values.values())
    return {
        key: 1 + bisect_left(ordered, value) * SCORE_MAX // len(ordered)
        for key, value in values.items()
    }
