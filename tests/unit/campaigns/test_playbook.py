"""The ready campaigns are valid, one for each recency band that the playbook names."""

from __future__ import annotations

import datetime as dt

from saleor_retention.engine.campaigns.parsing import Surroundings, parse_campaign
from saleor_retention.engine.campaigns.playbook import playbook
from saleor_retention.engine.campaigns.terms import TriggerKind
from saleor_retention.engine.parsing import parse_program
from saleor_retention.engine.segments.bands import Band
from tests.unit.builders import EXPONENTS

ON = dt.date(2026, 3, 17)
BASE = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}


def test_each_is_valid_and_does_what_the_playbook_says() -> None:
    """New items, an event, a larger offer, a question: each to the band that it is for."""
    terms = {}
    for play in playbook(ON):
        around = Surroundings({play.segment.get("slug", "")}, set(), set(play.feedback))
        terms[play.band], problems = parse_campaign(play.document, around)
        assert problems == []
    read = {band: each for band, each in terms.items() if each is not None}

    assert list(read) == [Band.ACTIVE, Band.SLEEPING, Band.AT_RISK, Band.LOST]
    assert read[Band.ACTIVE].trigger.on == ON
    for band in (Band.SLEEPING, Band.AT_RISK, Band.LOST):
        assert (read[band].trigger.kind, read[band].trigger.band) == (TriggerKind.WIN_BACK, band)
    assert [band for band, each in read.items() if each.benefit.is_some] == [Band.AT_RISK]
    assert read[Band.LOST].message is not None
    assert read[Band.LOST].message.feedback == "lost-reason"
    assert all(each.holdout_per_mille and each.limits.cap for each in read.values())


def test_whoever_it_is_for_can_leave() -> None:
    """Every message has its link, in every language."""
    for play in playbook(ON):
        for texts in play.document["message"]["texts"].values():
            assert "{{ unsubscribe_url }}" in texts["text"]


def test_what_it_asks_is_a_questionnaire_of_the_rules() -> None:
    """Read without a problem, with words in every language that its message has."""
    document = {key: value for play in playbook(ON) for key, value in play.feedback.items()}
    rules, problems = parse_program({**BASE, "feedback": document}, EXPONENTS)

    assert problems == []
    assert rules is not None
    asked = rules.asked("lost-reason")
    assert [question.key for question in asked.questions] == ["reason", "wish"]
    for words in (asked.intros, *(question.labels for question in asked.questions)):
        assert [language for language, _text in words] == ["zh-hans", "zh-hant"]
