"""Programs, members and holds on a real Saleor; the shop has its own factories."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from saleor_retention.models import Account, Hold, Program, StoredQuote
from saleor_retention.services.setting_up import programs

RULES: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
    "reference": {"currency": "USD"},
}
LADDER: dict[str, Any] = {
    "metric": "spend",
    "ladder": [
        {"slug": "vip", "name": "VIP", "threshold": "500.00", "prices": [{"percent": 10}]},
        {
            "slug": "gold",
            "name": "Gold",
            "threshold": "900.00",
            "prices": [{"percent": 10}],
            "free_shipping": True,
        },
    ],
}


def make_program(channel: Any, **rules: Any) -> Program:
    """Return an active program in the channel: a point for a dollar, a cent each, two tiers."""
    return programs.create_program(
        slug=f"club-{channel.slug}",
        name="Club",
        channels=[str(getattr(channel, "pk", None) or channel.ref)],
        document={**RULES, "tiers": LADDER, **rules},
    )


def make_member(program: Program, user: Any, tier: str = "") -> Account:
    """Return the account of a customer, in a tier."""
    now = timezone.now()
    return Account.objects.create(
        program=program,
        user=user,
        member_number=f"M-{program.pk}-{user.pk}",
        joined_at=now,
        last_activity_at=now,
        tier=tier,
        is_tier_manual=bool(tier),  # so that no order takes it away
    )


def hold(account: Account, checkout: Any, points: int) -> Hold:
    """Hold points for a checkout, whatever the account has; the ledger is not touched."""
    now = timezone.now()
    return Hold.objects.create(
        account=account,
        checkout_ref=str(checkout.pk),
        requested=points,
        points=points,
        currency="USD",
        value_minor=points,
        version=account.program.current_version,
        placed_at=now,
        lapses_at=now + dt.timedelta(hours=1),
    )


def stored(checkout: Any) -> StoredQuote | None:
    """Return the stored quote of a checkout."""
    return StoredQuote.objects.filter(checkout_ref=str(checkout.pk)).first()
