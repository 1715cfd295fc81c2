"""Campaigns to begin a test with, and customers who agreed to be written to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail

from saleor_retention.models import Account, Campaign, Dispatch, Program, SkippedSend
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.consenting import consents
from tests import ledger
from tests.fakes import at
from tests.ledger import LAUNCH, Shop

NOW = at("2026-06-10 12:00")

PURPOSE = "marketing"
QUESTIONS: dict[str, Any] = {
    "consents": [
        {"channel": channel, "purpose": PURPOSE, "version": "1", "text": "Write to me."}
        for channel in ("email", "sms")
    ]
}
TEXTS: dict[str, Any] = {
    "en": {
        "subject": "Hello {{ first_name|default:'you' }}",
        "text": "Dear {{ email }},\n{% if benefit_points %}{{ benefit_points }} points.{% endif %}",
        "html": "<p>Dear {{ email }}</p>",
    },
    "zh-hant": {"subject": "您好", "text": "親愛的 {{ email }}"},
}
MESSAGE: dict[str, Any] = {"channel": "email", "texts": TEXTS}


def open_mailing_shop(patch: pytest.MonkeyPatch, settings: Any, **rules: Any) -> Shop:
    """Open a shop in memory that asks ``QUESTIONS`` and can send mail."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    mail.outbox = []
    return ledger.open_shop(patch, **{"questions": QUESTIONS, **rules})


def agree(account: Account, channel: str = "email") -> Account:
    """Have a customer agree to be written to; needs a program that asks ``QUESTIONS``."""
    consents.give(account, channel=channel, purpose=PURPOSE, text_version="1", now=LAUNCH)
    return account


def reader(shop: Shop, name: str) -> Account:
    """Add a member who agreed to e-mails."""
    return agree(shop.member(name))


def campaign_of(
    program: Program, trigger: dict[str, Any], *, slug: str = "hello", **document: Any
) -> Campaign:
    """Create a draft with a message, unless the document says another."""
    content = {"trigger": trigger, "message": MESSAGE, **document}
    return campaigns.create_campaign(program, slug=slug, name=slug.title(), document=content)


def started(
    shop: Shop, trigger: dict[str, Any], now: dt.datetime = NOW, **document: Any
) -> Campaign:
    """Create a campaign and start it."""
    return campaigns.start_campaign(campaign_of(shop.program, trigger, **document), now)


def run(campaign: Campaign, now: dt.datetime) -> dict[int, str]:
    """Plan and send what is due at an instant; return what became of everybody."""
    campaign.refresh_from_db()
    campaign_planning.plan(campaign, now)
    while sending.send_due(now=now):
        pass
    return outcome(campaign)


def outcome(campaign: Campaign) -> dict[int, str]:
    """Return what became of each account's message: its state, or the reason if left out."""
    reasons = dict(
        SkippedSend.objects.filter(dispatch__campaign=campaign).values_list("dispatch", "reason")
    )
    return {
        row.account_id: reasons.get(row.pk, row.state)
        for row in Dispatch.objects.filter(campaign=campaign).order_by("pk")
    }
