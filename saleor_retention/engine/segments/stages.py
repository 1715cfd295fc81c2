"""The 5A stage of a customer and when it began, as far as behaviour in this shop tells (C43).

Kotler's five are aware, appeal, ask, act and advocate. An account says that somebody is aware, a
favorite or following the shop that something appeals to him, a question of his that he asks, a
first order that he acts. He is an advocate by a second order, the repurchase that the model counts
so, by a review, or by a friend whom he referred and was rewarded for. The furthest is his stage;
nobody has to have been at those before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from saleor_retention.engine.segments.customers import Rollup

TAG_PREFIX = "stage:"
"""Stages are among a customer's tags with this before their name; no other tag begins so."""

APPEALING = ("favorite", "follow")
ASKING = ("question",)
ADVOCATING = ("review",)
"""The kinds of events that tell of a stage. Who answers a survey was asked, and asked nothing."""


class Stage(StrEnum):
    """The stages, in the order in which they are reached."""

    AWARE = "aware"
    APPEAL = "appeal"
    ASK = "ask"
    ACT = "act"
    ADVOCATE = "advocate"


@dataclass(frozen=True, slots=True)
class Deeds:
    """When a customer first did what tells of a stage, besides ordering; None: never."""

    appealed_at: dt.datetime | None = None
    asked_at: dt.datetime | None = None
    advocated_at: dt.datetime | None = None


NO_DEEDS = Deeds()


def deeds_of(
    events: Iterable[tuple[str, dt.datetime]], rewarded: Iterable[dt.datetime] = ()
) -> Deeds:
    """Sum up events that were not taken back, by kind, and when referrals were rewarded."""
    told = list(events)

    def first(kinds: Collection[str], *others: dt.datetime) -> dt.datetime | None:
        return min((*(at for kind, at in told if kind in kinds), *others), default=None)

    return Deeds(first(APPEALING), first(ASKING), first(ADVOCATING, *rewarded))


def stage_of(rollup: Rollup | None, deeds: Deeds = NO_DEEDS) -> Stage:
    """Return the furthest stage of an account."""
    if deeds.advocated_at is not None or (rollup is not None and rollup.orders > 1):
        return Stage.ADVOCATE
    if rollup is not None:
        return Stage.ACT
    if deeds.asked_at is not None:
        return Stage.ASK
    return Stage.AWARE if deeds.appealed_at is None else Stage.APPEAL


def stage_dates(
    joined_at: dt.datetime, rollup: Rollup | None, deeds: Deeds = NO_DEEDS
) -> dict[Stage, dt.datetime]:
    """Return when each stage that was reached began, in the order of the stages."""
    again = None if rollup is None else rollup.second_order_at
    advocated = [at for at in (again, deeds.advocated_at) if at is not None]
    dates = {
        Stage.AWARE: joined_at,
        Stage.APPEAL: deeds.appealed_at,
        Stage.ASK: deeds.asked_at,
        Stage.ACT: None if rollup is None else rollup.first_order_at,
        Stage.ADVOCATE: min(advocated, default=None),
    }
    return {stage: at for stage, at in dates.items() if at is not None}
