"""A campaign that ends while a worker is at its messages: none of them stays planned for good."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from saleor_retention.models import Campaign, CampaignState
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.campaigning.providers import NotTaken
from tests.campaigns import NOW, open_mailing_shop, outcome, reader, started
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

ONCE: dict[str, Any] = {"kind": "once", "on": "2026-06-10"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop that can send mail."""
    return open_mailing_shop(monkeypatch, settings)


def test_a_message_that_was_claimed_as_the_campaign_ended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that has it leaves it out, where the end has passed over its locked row."""
    ada = reader(shop, "ada")
    campaign = started(shop, ONCE)
    campaign_planning.plan(campaign, NOW)
    claim = sending._claim

    def and_then_it_ends(*arguments: Any) -> list[int]:
        claimed = claim(*arguments)
        Campaign.objects.update(state=CampaignState.ENDED)
        return claimed

    monkeypatch.setattr(sending, "_claim", and_then_it_ends)
    sending.send_due(now=NOW)

    assert outcome(campaign) == {ada.pk: "ended"}
    assert mail.outbox == []


def test_a_message_that_was_put_back_after_the_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server did not take it, and meanwhile the campaign has ended: the next turn sees it."""
    ada = reader(shop, "ada")
    campaign = started(shop, ONCE)
    campaign_planning.plan(campaign, NOW)

    class Slow:
        def send(self, _message: Any) -> None:
            campaigns.end_campaign(campaign, NOW)
            raise NotTaken("mail server: 450", passes=True)

    monkeypatch.setattr(sending, "provider_of", lambda *_whose: Slow())
    sending.send_due(now=NOW)
    assert outcome(campaign) == {ada.pk: "planned"}

    assert campaigns.turn_campaigns(NOW) == 0
    assert outcome(campaign) == {ada.pk: "ended"}
