"""Rules about events and referrals: read, written, said in words, and decided by."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.engine.engagement import (
    NO_REFERRALS,
    EventRule,
    Outcome,
    ReferralRules,
    Rewarded,
    home_key,
    is_same_mailbox,
    outcome_of,
)
from saleor_retention.engine.parsing import dump_program, parse_program
from saleor_retention.engine.phrases import render
from saleor_retention.engine.sentences import sentences
from tests.unit.builders import EXPONENTS

BASE: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}
EVENTS: dict[str, Any] = {
    "review": {"points": 50, "maturing_days": 14, "per_day_max": 3, "per_month_max": 10},
    "follow": {"points": 10},
    "app_opened": {"points": 1, "name": "Opening the app", "per_object_max": 5},
}
REFERRAL = {"advocate_points": 500, "friend_points": 200, "window_days": 14, "per_month_max": 2}


def test_rules_are_read_by_kind() -> None:
    """With an event about one object rewarded once unless said."""
    rules, problems = parse_program({**BASE, "events": EVENTS, "referral": REFERRAL}, EXPONENTS)

    assert problems == []
    assert rules is not None
    assert rules.events == (
        EventRule("app_opened", 1, name="Opening the app", per_object_max=5),
        EventRule("follow", 10),
        EventRule("review", 50, maturing_days=14, per_day_max=3, per_month_max=10),
    )
    assert rules.event("follow") == EventRule("follow", 10)
    assert rules.event("wave") is None
    assert rules.referral == ReferralRules(500, 200, 14, 2)


def test_rules_survive_being_written_and_read() -> None:
    """A program without them has no such sections."""
    rules, _ = parse_program({**BASE, "events": EVENTS, "referral": REFERRAL}, EXPONENTS)
    plain, _ = parse_program(BASE, EXPONENTS)

    assert rules is not None
    assert plain is not None
    assert parse_program(dump_program(rules, EXPONENTS), EXPONENTS) == (rules, [])
    assert (plain.events, plain.referral) == ((), NO_REFERRALS)
    assert {"events", "referral"}.isdisjoint(dump_program(plain, EXPONENTS))


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"events": {"wave": {"points": 1}}}, "events.wave.name", "REQUIRED"),
        ({"events": {"review": {}}}, "events.review.points", "REQUIRED"),
        ({"events": {"review": {"points": -1}}}, "events.review.points", "NEGATIVE"),
        ({"events": {"A wave": {"points": 1, "name": "x"}}}, "events.A wave", "NOT_A_SLUG"),
        (
            {"events": {"review": {"points": 1, "per_day_max": 0}}},
            "events.review.per_day_max",
            "TOO_SMALL",
        ),
        ({"events": {"review": {"points": 1, "day": 1}}}, "events.review.day", "UNKNOWN_KEY"),
        (
            {"events": {f"k{n}": {"points": 1, "name": "x"} for n in range(51)}},
            "events",
            "TOO_MANY",
        ),
        ({"referral": {"points": 5}}, "referral.points", "UNKNOWN_KEY"),
        ({"referral": {"per_month_max": 0}}, "referral.per_month_max", "TOO_SMALL"),
        ({"referral": {"window_days": 1.5}}, "referral.window_days", "NOT_WHOLE"),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    changes: dict[str, Any], field: str, code: str
) -> None:
    """By field."""
    rules, problems = parse_program({**BASE, **changes}, EXPONENTS)

    assert rules is None
    assert [(problem.field, problem.code) for problem in problems] == [(field, code)]


def test_rules_are_said_in_words() -> None:
    """A sentence for each; what brings nothing is not spoken of."""
    events = {**EVENTS, "favorite": {"points": 0}}
    rules, _ = parse_program({**BASE, "events": events, "referral": REFERRAL}, EXPONENTS)

    assert rules is not None
    said = [
        render(sentence)
        for sentence in sentences(rules, EXPONENTS)
        if sentence.rule_key.startswith(("events", "referral"))
    ]
    assert said == [
        "Opening the app earns 1 point, at most 5 for each item.",
        "Following the shop earns 10 points.",
        "A review earns 50 points, at most 1 for each item, 3 a day, 10 a month.",
        (
            "Referring a friend earns 500 points, 14 days after the friend's first order is paid, "
            "unless it is returned."
        ),
        (
            "A referred friend gets 200 points, 14 days after the first order is paid, unless it "
            "is returned."
        ),
        "At most 2 friends a month are rewarded.",
    ]


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        (Rewarded(), Outcome.REWARDED),
        (Rewarded(of_object=1, in_day=1, in_month=1, ever=1), Outcome.OBJECT_MAX),
        (Rewarded(in_day=2, in_month=2, ever=2), Outcome.DAY_MAX),
        (Rewarded(in_day=1, in_month=3, ever=3), Outcome.MONTH_MAX),
        (Rewarded(in_day=1, in_month=2, ever=4), Outcome.MEMBER_MAX),
        (Rewarded(in_day=1, in_month=2, ever=3), Outcome.REWARDED),
    ],
)
def test_the_first_limit_that_is_used_up_is_named(before: Rewarded, outcome: Outcome) -> None:
    """From the narrowest on."""
    rule = EventRule("review", 5, per_day_max=2, per_month_max=3, per_member_max=4)

    assert outcome_of(rule, before) is outcome
    assert outcome_of(EventRule("review", 0), before) is Outcome.NO_POINTS


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Ann@Example.com", " ann@example.com", True),
        ("ann+2@example.com", "ann@example.com", True),
        ("a.n.n@gmail.com", "ann+x@googlemail.com", True),
        ("a.nn@example.com", "ann@example.com", False),
        ("ann@example.com", "ann@example.org", False),
        ("", "", False),
    ],
)
def test_mailboxes(one: str, other: str, *, is_same: bool) -> None:
    """As far as addresses tell."""
    assert is_same_mailbox(one, other) is is_same
    assert is_same_mailbox(other, one) is is_same


def test_homes() -> None:
    """Spelling makes no other home; the flat does, and no address is no home."""
    here = home_key("US", "10001", "New York", "12 Main St", "4")

    assert home_key("us", "10-001", "NEW YORK", "12 Main St.", "#4") == here
    assert home_key("US", "10001", "New York", "12 Main St", "5") != here
    assert home_key("", "", "") == ""
