"""Reads and writes the sections ``events`` and ``referral`` of a rules document."""

from __future__ import annotations

from typing import Any

from saleor_retention.engine.engagement import (
    KNOWN_KINDS,
    NO_REFERRALS,
    EventRule,
    ReferralRules,
)
from saleor_retention.engine.fields import LIMIT_MAX, Fields

EVENTS_MAX = 50
KIND_LENGTH_MAX = 48
NAME_LENGTH_MAX = 80
DAYS_MAX = 3650


def read_events(top: Fields) -> tuple[EventRule, ...]:
    """Read the section ``events`` of a rules document, by kind; problems are noted."""
    entries = top.keyed("events")
    if len(entries) > EVENTS_MAX:
        rule = f"must have at most {EVENTS_MAX} kinds; it has {len(entries)}."
        top.note("events", "TOO_MANY", rule, max=EVENTS_MAX)
        return ()
    return tuple(sorted((_event(top, *entry) for entry in entries), key=lambda rule: rule.kind))


def events_document(events: tuple[EventRule, ...]) -> dict[str, Any]:
    """Return the section that ``read_events`` reads equal rules from."""
    return {rule.kind: _event_document(rule) for rule in events}


def read_referral(top: Fields) -> ReferralRules:
    """Read the section ``referral`` of a rules document; problems are noted."""
    section = top.section("referral")
    rules = ReferralRules(
        advocate_points=section.whole("advocate_points", 0, high=LIMIT_MAX),
        friend_points=section.whole("friend_points", 0, high=LIMIT_MAX),
        window_days=section.whole("window_days", NO_REFERRALS.window_days, high=DAYS_MAX),
        per_month_max=section.limit("per_month_max", low=1),
    )
    section.close()
    return rules


def referral_document(rules: ReferralRules) -> dict[str, Any]:
    """Return the section that ``read_referral`` reads equal rules from."""
    document = {
        "advocate_points": rules.advocate_points,
        "friend_points": rules.friend_points,
        "window_days": rules.window_days,
    }
    if rules.per_month_max is not None:
        document["per_month_max"] = rules.per_month_max
    return document


def _event(top: Fields, kind: str, value: Any) -> EventRule:
    path = f"events.{kind}"
    top.slug_of(path, kind, KIND_LENGTH_MAX)
    fields = Fields(value, top.at(path), top.problems)
    fields.require("points", "how many points the event brings; 0 to record it only")
    if kind not in KNOWN_KINDS:
        fields.require("name", "what customers read of an event of your own")
    rule = EventRule(
        kind=kind,
        points=fields.whole("points", 0, high=LIMIT_MAX),
        name=fields.text("name", NAME_LENGTH_MAX),
        maturing_days=fields.whole("maturing_days", 0, high=DAYS_MAX),
        per_object_max=fields.whole("per_object_max", 1, low=1, high=LIMIT_MAX),
        per_day_max=fields.limit("per_day_max", low=1),
        per_month_max=fields.limit("per_month_max", low=1),
        per_member_max=fields.limit("per_member_max", low=1),
    )
    fields.close()
    return rule


def _event_document(rule: EventRule) -> dict[str, Any]:
    document: dict[str, Any] = {
        "points": rule.points,
        "maturing_days": rule.maturing_days,
        "per_object_max": rule.per_object_max,
    }
    if rule.name:
        document["name"] = rule.name
    for key in ("per_day_max", "per_month_max", "per_member_max"):
        limit = getattr(rule, key)
        if limit is not None:
            document[key] = limit
    return document
