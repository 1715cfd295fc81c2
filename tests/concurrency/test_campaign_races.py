"""Workers at one campaign with a budget: what they plan and give stays within it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from saleor_retention.models import Account, Campaign, ConsentEntry, Dispatch
from saleor_retention.selectors import campaigns as due
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.consenting import consent_links, consents
from saleor_retention.services.setting_up import programs
from tests.campaigns import PURPOSE, QUESTIONS, campaign_of
from tests.graphql.world import customer, open_shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY = dt.timedelta(days=1)


def test_workers_that_plan_and_give_at_once_stay_within_the_budget(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six who never agreed are due twice: points come without a message, for three of them."""
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    monkeypatch.setattr(due, "CHUNK", 1)
    world = open_shop()
    programs.update_program(program=world.program, changes={"questions": QUESTIONS})
    world.program.refresh_from_db()
    for number in range(6):
        world.account(customer(f"m{number}@example.com"))
    before = available()
    now = timezone.now()
    days = [(now + ahead * DAY).date().isoformat() for ahead in (2, 3)]
    campaign = campaigns.start_campaign(
        campaign_of(
            world.program,
            {"kind": "holiday", "holiday": "own", "days": days, "days_before": 4},
            benefit={"points": 10},
            limits={"points_max": 35},
        ),
        now - 5 * DAY,
    )

    def work(number: int) -> None:
        for _round in range(4):
            if number % 2:
                campaign_planning.plan(Campaign.objects.get(pk=campaign.pk))
            while sending.send_due():
                pass

    at_once(work, 4)
    work(1)

    assert Dispatch.objects.count() == 12
    assert sum(Dispatch.objects.values_list("points_given", flat=True)) == 30
    assert available() - before == 30


def test_links_that_are_followed_while_workers_send_wake_each_message_once(settings: Any) -> None:
    """None is left waiting, none goes twice, whoever comes first."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    world = open_shop()
    asked = [{**question, "double_opt_in": True} for question in QUESTIONS["consents"][:1]]
    programs.update_program(program=world.program, changes={"questions": {"consents": asked}})
    world.program.refresh_from_db()
    campaign = campaigns.start_campaign(
        campaign_of(world.program, {"kind": "welcome"}, limits={"cap": {"messages": 1, "days": 1}})
    )
    accounts = [world.account(customer(f"m{number}@example.com")) for number in range(6)]
    for account in accounts:
        consents.give(account, channel="email", purpose=PURPOSE, text_version="1")
    campaign_planning.plan(campaign)
    mail.outbox = []
    tokens = [consent_links.confirmation_token(entry) for entry in ConsentEntry.objects.all()]

    def work(number: int) -> None:
        if number % 2:
            for token in tokens[number // 2 :: 2]:
                consents.confirm(str(token))
            return
        for _round in range(6):
            sending.send_due()

    refused = [each for each in at_once(work, 4) if each is not None]

    assert refused == []
    states = Dispatch.objects.values_list("account_id", "state", "attempts")
    assert sorted(states) == sorted((account.pk, "sent", 1) for account in accounts)
    addresses = [address for message in mail.outbox for address in message.to]
    assert sorted(addresses) == [f"m{number}@example.com" for number in range(6)]


def available() -> int:
    """Return how many points all members have."""
    return sum(Account.objects.values_list("available", flat=True))
