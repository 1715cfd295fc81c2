"""Campaign documents are read whole, and everything wrong with one is said at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saleor_retention.engine.campaigns.parsing import Surroundings, parse_campaign
from saleor_retention.engine.campaigns.quiet import QuietHours
from saleor_retention.engine.campaigns.terms import (
    Audience,
    Benefit,
    Cap,
    Channel,
    Trigger,
    TriggerKind,
    Via,
    normal_language,
)
from saleor_retention.engine.campaigns.verdicts import Reason, Recipient, Verdict, decide
from saleor_retention.engine.segments.bands import Band

AROUND = Surroundings({"tea", "lost-ones"}, {"vip"}, {"program"}, {"review"})
TEXTS = {"en": {"subject": "Hello", "text": "Hello you."}}
MESSAGE = {"channel": "email", "texts": TEXTS}


def trigger_of(**content: Any) -> Trigger:
    """Return the trigger of a campaign that is right otherwise."""
    terms, problems = parse_campaign({"trigger": content, "message": MESSAGE}, AROUND)
    assert terms is not None, problems
    return terms.trigger


def wrong(document: Any) -> list[str]:
    """Return the fields that are wrong."""
    terms, problems = parse_campaign(document, AROUND)
    assert terms is None
    return [problem.field for problem in problems]


def test_a_whole_campaign() -> None:
    """Everything that can be said, as it is meant."""
    terms, problems = parse_campaign(
        {
            "trigger": {"kind": "birthday", "days_before": 7},
            "audience": {"segments": ["tea"], "without": ["lost-ones"], "tiers": ["vip"]},
            "message": {**MESSAGE, "via": "notify", "purpose": "birthday"},
            "benefit": {"points": 50},
            "limits": {
                "send_at": "08:30",
                "quiet": {"from": "21:00", "to": "08:00"},
                "cap": {"messages": 2, "days": 7},
                "sends_max": 1000,
                "points_max": 4990,
            },
            "holdout_per_mille": 100,
        },
        AROUND,
    )

    assert problems == []
    assert terms is not None
    assert terms.trigger == Trigger(TriggerKind.BIRTHDAY, (7,))
    assert terms.audience == Audience(
        frozenset({"tea"}), frozenset({"lost-ones"}), frozenset({"vip"})
    )
    assert terms.message is not None
    assert (terms.message.via, terms.message.purpose) == (Via.NOTIFY, "birthday")
    assert terms.limits.send_at == dt.time(8, 30)
    assert terms.limits.quiet == QuietHours(dt.time(21), dt.time(8))
    assert terms.limits.cap == Cap(2, 7)
    assert (terms.limits.sends_max, terms.limits.points_max) == (1000, 4990)
    assert terms.holdout_per_mille == 100


def test_triggers() -> None:
    """Each kind takes its own keys."""
    assert trigger_of(kind="once", on="2026-12-01").on == dt.date(2026, 12, 1)
    assert trigger_of(kind="points_expiring").days_before == (30, 7, 1)
    assert trigger_of(kind="points_expiring", days_before=[1, 14]).days_before == (14, 1)
    assert trigger_of(kind="coupon_expiring").days_before == (3,)
    assert trigger_of(kind="coupon_expiring", days_before=[1, 7]).days_before == (7, 1)
    assert trigger_of(kind="win_back", band="at_risk").band is Band.AT_RISK
    assert trigger_of(kind="segment_entered", segment="tea").segment == "tea"
    assert trigger_of(kind="holiday", holiday="qixi", days_before=3).days_before == (3,)
    own = trigger_of(kind="holiday", holiday="own", days=["2027-05-02", "2026-05-01"])
    assert own.own_days == (dt.date(2026, 5, 1), dt.date(2027, 5, 2))
    assert trigger_of(kind="holiday", holiday="public:TW:Labor Day").holiday.endswith("Labor Day")
    assert trigger_of(kind="second_purchase_due", days_after=40).days_after == 40
    assert trigger_of(kind="survey").days_after == 1
    assert trigger_of(kind="survey", days_after=7).days_after == 7
    assert trigger_of(kind="event", event="review") == Trigger(TriggerKind.EVENT, event="review")
    assert trigger_of(kind="event", event="review", days_after=3).days_after == 3
    assert trigger_of(kind="announce", offer="spring") == Trigger(
        TriggerKind.ANNOUNCE, offer="spring"
    )
    assert trigger_of(kind="announce", product="7", on="2026-12-01") == Trigger(
        TriggerKind.ANNOUNCE, on=dt.date(2026, 12, 1), product="7"
    )


@pytest.mark.parametrize(
    ("trigger", "fields"),
    [
        ({}, ["trigger.kind"]),
        ({"kind": "birthdy"}, ["trigger.kind"]),
        ({"kind": "once"}, ["trigger.on"]),
        ({"kind": "birthday", "days_before": 61}, ["trigger.days_before"]),
        ({"kind": "birthday", "band": "lost"}, ["trigger.band"]),
        ({"kind": "event"}, ["trigger.event"]),
        ({"kind": "event", "event": "reviews"}, ["trigger.event"]),
        ({"kind": "event", "event": "review", "days_after": -1}, ["trigger.days_after"]),
        ({"kind": "announce"}, ["trigger.offer"]),
        ({"kind": "announce", "product": "7"}, ["trigger.on"]),
        ({"kind": "announce", "variant": "7", "on": "soon"}, ["trigger.on"]),
        ({"kind": "announce", "offer": "spring", "segment": "tea"}, ["trigger.segment"]),
        (
            {"kind": "announce", "product": "7", "offer": "spring", "on": "2026-12-01"},
            ["trigger.offer"],
        ),
        ({"kind": "holiday", "holiday": "qixy"}, ["trigger.holiday"]),
        ({"kind": "holiday", "holiday": "own", "days": ["x"]}, ["trigger.days.0"]),
        ({"kind": "win_back", "band": "best"}, ["trigger.band"]),
        ({"kind": "segment_left", "segment": "te"}, ["trigger.segment"]),
        ({"kind": "points_expiring", "days_before": [0]}, ["trigger.days_before.0"]),
        ({"kind": "points_expiring", "days_before": []}, ["trigger.days_before"]),
        ({"kind": "survey", "days_after": 0}, ["trigger.days_after"]),
        ({"kind": "survey", "days_before": 1}, ["trigger.days_before"]),
    ],
)
def test_wrong_triggers(trigger: Any, fields: list[str]) -> None:
    """What is wrong is named by its path."""
    assert wrong({"trigger": trigger, "message": MESSAGE}) == fields


def test_everything_wrong_is_said_at_once() -> None:
    """Message, benefit, limits and unknown keys together."""
    found = wrong(
        {
            "trigger": {"kind": "welcome"},
            "audience": {"segments": ["tee"], "tiers": ["gold"]},
            "message": {
                "channel": "sms",
                "via": "notify",
                "texts": {"de": {}, "en": {"html": "x"}},
            },
            "benefit": {"points": 5, "coupon": {}, "offer": {"valid_for_days": 0}},
            "limits": {"send_at": "25:00", "quiet": {"from": "21:00", "to": "21:00"}, "cap": {}},
            "holdout_per_mille": 1000,
            "colour": "red",
        }
    )

    assert sorted(found) == [
        "audience.segments",
        "audience.tiers",
        "benefit.coupon",
        "benefit.coupon.kind",
        "benefit.offer",
        "benefit.offer.slug",
        "benefit.offer.valid_for_days",
        "colour",
        "holdout_per_mille",
        "limits.cap.days",
        "limits.cap.messages",
        "limits.quiet.to",
        "limits.send_at",
        "message.texts.de",
        "message.texts.en.html",
        "message.texts.en.text",
        "message.via",
    ]


def test_an_offer_is_a_benefit() -> None:
    """It needs no message, and is had for thirty days unless said."""
    document = {"trigger": {"kind": "birthday"}, "benefit": {"offer": {"slug": "gift"}}}
    terms, problems = parse_campaign(document, AROUND)

    assert problems == []
    assert terms is not None
    assert terms.benefit == Benefit(offer="gift", valid_for_days=30)


def test_a_campaign_does_something() -> None:
    """Neither message nor benefit is a mistake."""
    assert wrong({"trigger": {"kind": "welcome"}}) == ["message"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("zh-TW", "zh-hant"),
        ("zh_HK", "zh-hant"),
        ("zh-Hant-HK", "zh-hant"),
        ("zh", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("en-US", "en"),
        ("fr", "fr"),
    ],
)
def test_languages(asked: str, given: str) -> None:
    """Codes of hosts and browsers lead to our three."""
    assert normal_language(asked) == given


NOW = dt.datetime(2026, 3, 10, 23, tzinfo=dt.UTC)


def verdict(**changes: Any) -> Verdict:
    """Decide on somebody who would get the message at once."""
    terms, _ = parse_campaign(
        {
            "trigger": {"kind": "welcome"},
            "message": MESSAGE,
            "limits": {
                "quiet": {"from": "22:00", "to": "08:00"},
                "cap": {"messages": 1, "days": 1},
            },
        },
        AROUND,
    )
    assert terms is not None
    given: dict[str, Any] = {
        "is_present": True,
        "is_still_due": True,
        "has_address": True,
        "zone": "America/New_York",
        "useful_until": NOW + dt.timedelta(days=1),
        "sent_at": (),
        "consent": lambda: None,
        "is_requested": lambda: False,
        **changes,
    }
    return decide(Recipient(**given), terms.limits, NOW)


def test_verdicts() -> None:
    """Each reason, and a message that waits for the morning in Paris."""
    assert verdict() == Verdict(NOW)
    assert verdict(zone="Europe/Paris") == Verdict(dt.datetime(2026, 3, 11, 7, tzinfo=dt.UTC))
    assert verdict(is_present=False).reason is Reason.GONE
    assert verdict(is_still_due=False).reason is Reason.NO_LONGER_DUE
    assert verdict(useful_until=NOW).reason is Reason.TOO_LATE
    assert verdict(has_address=False).reason is Reason.NO_ADDRESS
    assert verdict(consent=lambda: Reason.SUPPRESSED).reason is Reason.SUPPRESSED
    assert verdict(sent_at=(NOW,)).reason is Reason.CAP
    short = NOW + dt.timedelta(hours=1)
    assert verdict(zone="Europe/Paris", useful_until=short).reason is Reason.QUIET_HOURS


def test_a_consent_that_is_requested_is_asked_again_each_hour() -> None:
    """As long as it would still help; what was never requested is not waited for."""
    hour = dt.timedelta(hours=1)
    lacking: dict[str, Any] = {"consent": lambda: Reason.CONSENT, "is_requested": lambda: True}

    assert verdict(**lacking) == Verdict(NOW + hour, Reason.CONSENT)
    assert verdict(**lacking, useful_until=NOW + hour) == Verdict(None, Reason.CONSENT)
    assert verdict(consent=lambda: Reason.CONSENT) == Verdict(None, Reason.CONSENT)
    suppressed = {**lacking, "consent": lambda: Reason.SUPPRESSED}
    assert verdict(**suppressed) == Verdict(None, Reason.SUPPRESSED)


def test_channels_of_messages() -> None:
    """A text message has neither subject nor HTML."""
    terms, problems = parse_campaign(
        {
            "trigger": {"kind": "welcome"},
            "message": {"channel": "sms", "texts": {"en": {"text": "Hi"}}},
        },
        AROUND,
    )

    assert problems == []
    assert terms is not None
    assert terms.message is not None
    assert terms.message.channel is Channel.SMS
    assert terms.message.texts_for("zh-TW") == ("en", terms.message.texts[0][1])
