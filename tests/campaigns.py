"""Campaigns to begin a test with, and the parts of the plugin that they ask, in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from saleor_retention.engine.campaigns.triggers import Birthday
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Campaign, Dispatch, Program, SkippedSend
from saleor_retention.services import campaigns
from saleor_retention.services.campaign_ports import Locale, Ports

TEXTS: dict[str, Any] = {
    "en": {
        "subject": "Hello {{ first_name|default:'you' }}",
        "text": "Dear {{ email }},\n{% if benefit_points %}{{ benefit_points }} points.{% endif %}",
        "html": "<p>Dear {{ email }}</p>",
    },
    "zh-hant": {"subject": "您好", "text": "親愛的 {{ email }}"},
}
MESSAGE: dict[str, Any] = {"channel": "email", "texts": TEXTS}


@dataclass(frozen=True)
class Answer:
    """May be sent, or why not."""

    reason: str | None = None


@dataclass
class FakeConsents:
    """Everybody agrees but those whom a test takes out."""

    refused: dict[int, str] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def may_send_to(
        self,
        account_ids: Collection[int],
        *,
        channel: str,
        purpose: str,
        at: dt.datetime,
        addresses: Mapping[int, str] | None = None,
    ) -> dict[int, Answer]:
        """Answer as the test has set it."""
        assert channel
        assert purpose
        assert at
        assert addresses
        self.asked += account_ids
        return {pk: Answer(self.refused.get(pk)) for pk in account_ids}

    def unsubscribe_path(self, account_id: int, *, channel: str, purpose: str, address: str) -> str:
        """Return a path that names what it ends."""
        assert address
        return f"/unsubscribe/{account_id}/{channel}/{purpose}"


@dataclass
class FakeProfiles:
    """Zones, languages and birthdays that a test sets."""

    known: dict[int, Locale] = field(default_factory=dict)
    born: dict[int, Birthday] = field(default_factory=dict)

    def locales(self, account_ids: Collection[int]) -> dict[int, Locale]:
        """Return those that are known."""
        return {pk: self.known[pk] for pk in account_ids if pk in self.known}

    def birthdays(
        self,
        program_id: int,
        month_days: Collection[tuple[int, int]],
        *,
        after_id: int,
        limit: int,
    ) -> list[tuple[int, Birthday]]:
        """Return those who were born on one of the days."""
        found = [
            (pk, born)
            for pk, born in sorted(self.born.items())
            if (born.month, born.day) in month_days
            and pk > after_id
            and Account.objects.filter(pk=pk, program=program_id).exists()
        ]
        return found[:limit]


@dataclass
class FakeCoupons:
    """Issues a code for each key, once."""

    issued: dict[str, str] = field(default_factory=dict)

    def problem(self, kind: str, terms: Mapping[str, Any]) -> str | None:
        """Refuse terms without a percentage."""
        return None if terms.get("percent") else f"A coupon of the kind {kind} needs percent."

    def issue(
        self,
        account: Account,
        *,
        kind: str,
        terms: Mapping[str, Any],
        key: str,
        valid_for_days: int,
        now: dt.datetime,
    ) -> str:
        """Return the code of a key; erased customers get none."""
        assert kind
        assert terms
        assert valid_for_days
        assert now
        if account.user_id is None:
            raise Refusal(Code.NOT_A_MEMBER, "No member.", "account")
        return self.issued.setdefault(key, f"CODE-{len(self.issued) + 1}")


class FakeHoldouts:
    """Holds customers out by a hash, the same ones each time."""

    def is_held_out(
        self, secret: bytes, experiment: str, account_id: int, *, per_mille: int
    ) -> bool:
        """Tell whether one is."""
        digest = hashlib.sha256(secret + f"{experiment}:{account_id}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % 1000 < per_mille


@dataclass
class Parts:
    """All of them."""

    consents: FakeConsents = field(default_factory=FakeConsents)
    profiles: FakeProfiles = field(default_factory=FakeProfiles)
    coupons: FakeCoupons = field(default_factory=FakeCoupons)
    holdouts: FakeHoldouts = field(default_factory=FakeHoldouts)

    def ports(self) -> Ports:
        """Return them as campaigns know them."""
        return Ports(self.consents, self.profiles, self.coupons, self.holdouts)


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
