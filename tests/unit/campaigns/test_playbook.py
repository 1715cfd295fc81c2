"""The ready campaigns are valid, one for each recency band that the playbook names."""

from __future__ import annotations

import datetime as dt

from saleor_retention.engine.campaigns.parsing import Surroundings, parse_campaign
from saleor_retention.engine.campaigns.playbook import playbook
from saleor_retention.engine.campaigns.terms import TriggerKind
from saleor_retention.engine.segments.bands import Band

ON = dt.date(2026, 3, 17)


def test_each_is_valid_and_does_what_the_playbook_says() -> None:
    """New items, an event, a larger offer, a question: each to the band that it is for."""
    terms = {}
    for play in playbook(ON):
        around = Surroundings(segments={play.segment.get("slug", "")}, tiers=set())
        terms[play.band], problems = parse_campaign(play.document, around)
        assert problems == []
    read = {band: each for band, each in terms.items() if each is not None}

    assert list(read) == [Band.ACTIVE, Band.SLEEPING, Band.AT_RISK, Band.LOST]
    assert read[Band.ACTIVE].trigger.on == ON
    for band in (Band.SLEEPING, Band.AT_RISK, Band.LOST):
        assert (read[band].trigger.kind, read[band].trigger.band) == (TriggerKind.WIN_BACK, band)
    assert [band for band, each in read.items() if each.benefit.is_some] == [Band.AT_RISK]
    assert all(each.holdout_per_mille and each.limits.cap for each in read.values())


def test_whoever_it_is_for_can_leave() -> None:
    """Every message has its link, in every language."""
    for play in playbook(ON):
        for texts in play.document["message"]["texts"].values():
            assert "{{ unsubscribe_url }}" in texts["text"]
