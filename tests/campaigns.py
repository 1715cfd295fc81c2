"""Campaigns to begin a test with, and customers who agreed to be written to."""

from __future__ import annotations

from typing import Any

from saleor_retention.models import Account, Campaign, Dispatch, Program, SkippedSend
from saleor_retention.services.campaigning import campaigns
from saleor_retention.services.consenting import consents
from tests.ledger import LAUNCH, Shop

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


def outcome(campaign: Campaign) -> dict[int, str]:
    """Return what became of each account's message: its state, or the reason if left out."""
    reasons = dict(
        SkippedSend.objects.filter(dispatch__campaign=campaign).values_list("dispatch", "reason")
    )
    return {
        row.account_id: reasons.get(row.pk, row.state)
        for row in Dispatch.objects.filter(campaign=campaign).order_by("pk")
    }
