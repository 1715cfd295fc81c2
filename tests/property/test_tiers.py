"""Tier decisions for every ladder, history and day."""

from __future__ import annotations

import datetime as dt

from hypothesis import assume, given
from hypothesis import strategies as st

from saleor_retention.engine.rules import Ladder
from saleor_retention.engine.tiers import (
    Decision,
    DecisionKind,
    HeldTier,
    Standing,
    counting_windows,
    decide,
    progress,
    reached,
)
from tests.property.strategies import instants, ladders, zones

JOINED_ON = dt.date(2005, 2, 28)
LEAVING = (DecisionKind.DOWNGRADE, DecisionKind.WITHDRAW)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Ladder, HeldTier, list[Standing], dt.datetime]:
    """A member with any tier at any time, and the sums over the windows that count then."""
    ladder = draw(ladders(steps=True))
    now = draw(instants)
    reached_at = draw(st.none() | st.integers(0, 900).map(lambda days: now - dt.timedelta(days)))
    windows = counting_windows(ladder, now, draw(zones), JOINED_ON, reached_at)
    standings = [Standing(draw(st.integers(0, 12_000)), item.valid_until) for item in windows]
    held = HeldTier(
        slug=draw(st.sampled_from([None, "gone", *(tier.slug for tier in ladder.tiers)])),
        valid_until=draw(
            st.none() | st.integers(-400, 900).map(lambda days: now + dt.timedelta(days))
        ),
        is_manual=draw(st.booleans()),
        metric_value=draw(st.none() | st.integers(0, 12_000)),
    )
    return ladder, held, standings, now


def rank(ladder: Ladder, slug: str | None) -> int:
    """Return a tier's place, -1 for none."""
    return next((place for place, tier in enumerate(ladder.tiers) if tier.slug == slug), -1)


@given(situation=situations())
def test_decisions_settle(situation: tuple[Ladder, HeldTier, list[Standing], dt.datetime]) -> None:
    """Carried out, a decision is not followed by another at the same instant."""
    ladder, held, standings, now = situation
    first = decide(ladder, held, standings, now)
    after = HeldTier(
        slug=first.tier.slug if first.tier else None,
        valid_until=first.valid_until,
        is_manual=held.is_manual and first.kind is DecisionKind.KEEP,
        metric_value=first.metric_value,
        is_warned=True,
    )

    second = decide(ladder, after, standings, now)

    if first.kind is DecisionKind.KEEP and held.slug is not None:
        after = HeldTier(
            held.slug, held.valid_until, held.is_manual, metric_value=held.metric_value
        )
        second = decide(ladder, after, standings, now)
    assert second == Decision(DecisionKind.KEEP, first.tier, first.valid_until, first.metric_value)


@given(situation=situations())
def test_what_is_reached_is_given(
    situation: tuple[Ladder, HeldTier, list[Standing], dt.datetime],
) -> None:
    """Without a hand on it nobody is left below the tier that any counting window reaches."""
    ladder, held, standings, now = situation
    assume(not held.is_manual)

    decision = decide(ladder, held, standings, now)

    best = reached(ladder, max(standing.value for standing in standings))
    given_rank = rank(ladder, decision.tier.slug if decision.tier else None)
    assert given_rank >= rank(ladder, best.slug if best else None)
    if decision.kind in LEAVING:
        assert given_rank < rank(ladder, held.slug)
    if decision.kind is DecisionKind.UPGRADE:
        assert given_rank > rank(ladder, held.slug)
        assert decision.tier == best


@given(situation=situations())
def test_nobody_falls_before_the_time(
    situation: tuple[Ladder, HeldTier, list[Standing], dt.datetime],
) -> None:
    """A downgrade comes after validity and grace; a withdrawal only after reversed orders."""
    ladder, held, standings, now = situation

    decision = decide(ladder, held, standings, now)

    if decision.kind is DecisionKind.DOWNGRADE:
        assert held.valid_until is not None
        assert now >= held.valid_until + dt.timedelta(days=ladder.grace_days)
    if decision.kind is DecisionKind.WITHDRAW:
        threshold = ladder.tiers[rank(ladder, held.slug)].threshold
        assert max(standing.value for standing in standings) < threshold
        assert held.metric_value is None or held.metric_value >= threshold


@given(ladder=ladders(steps=True), value=st.integers(0, 12_000), more=st.integers(0, 5_000))
def test_climbing_by_what_is_missing(ladder: Ladder, value: int, more: int) -> None:
    """More never reaches less, and adding the gap reaches the next tier."""
    now_at = reached(ladder, value)
    slug = now_at.slug if now_at else None

    assert rank(ladder, slug) <= rank(ladder, getattr(reached(ladder, value + more), "slug", None))
    ahead = progress(ladder, slug, value)
    if ahead.next_tier is None or ahead.missing is None:
        assert rank(ladder, slug) == len(ladder.tiers) - 1
    else:
        assert ahead.missing > 0
        assert reached(ladder, value + ahead.missing) == ahead.next_tier
        assert reached(ladder, value + ahead.missing - 1) == now_at


@given(ladder=ladders(steps=True), now=instants, tz=zones, days=st.none() | st.integers(0, 900))
def test_counting_windows_are_still_valid(
    ladder: Ladder, now: dt.datetime, tz: str, days: int | None
) -> None:
    """What speaks for a member began before now and has not run out; the present comes first."""
    reached_at = None if days is None else now - dt.timedelta(days=days)

    windows = counting_windows(ladder, now, tz, JOINED_ON, reached_at)

    assert 1 <= len(windows) <= 2
    for window in windows:
        assert window.start_at is None or window.start_at <= now
        assert window.valid_until is None or window.valid_until > now
    assert windows[0].end_at is None or windows[0].end_at > now
