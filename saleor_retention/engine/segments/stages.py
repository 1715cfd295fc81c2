"""The 5A stage of a customer and when it began, as far as behaviour in this shop tells (C43).

Kotler's five are aware, appeal, ask, act and advocate. An account says that somebody is aware, a
first order that he acts; a second one is the repurchase that the model counts as advocacy. What
appeals to him and what he asks leaves no trace that the plugin keeps, so that nobody is ever said
to be in those two, and a rule that names them is refused.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from saleor_retention.engine.segments.customers import Rollup

TAG_PREFIX = "stage:"
"""Stages are among a customer's tags with this before their name; no other tag begins so."""


class Stage(StrEnum):
    """The stages that are known, in the order in which they are reached."""

    AWARE = "aware"
    ACT = "act"
    ADVOCATE = "advocate"


UNKNOWN_STAGES = ("appeal", "ask")


def stage_of(rollup: Rollup | None) -> Stage:
    """Return the furthest stage of an account."""
    if rollup is None:
        return Stage.AWARE
    return Stage.ACT if rollup.orders == 1 else Stage.ADVOCATE


def stage_dates(joined_at: dt.datetime, rollup: Rollup | None) -> dict[Stage, dt.datetime]:
    """Return when each stage that was reached began."""
    dates = {Stage.AWARE: joined_at}
    if rollup is not None:
        dates[Stage.ACT] = rollup.first_order_at
        if rollup.second_order_at is not None:
            dates[Stage.ADVOCATE] = rollup.second_order_at
    return dates
