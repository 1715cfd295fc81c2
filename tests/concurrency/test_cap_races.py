"""Caps hold when everything happens at once."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import OrderRecord
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import granting
from saleor_retention.services.ledger.posting import Posted
from saleor_retention.services.ordering import looking_up, settling
from tests import ledger
from tests.fakes import at, line, order
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NOON = at("2026-03-10 12:00")


def test_orders_of_one_member_at_once_share_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight orders of 30 points and a cap of 100: three whole, one of 10, the rest nothing."""
    shop = ledger.open_shop(
        monkeypatch,
        earn={"rates": {"USD": {"points": 1, "per": "1.00"}}, "points_per_day_max": 100},
    )
    ann = shop.member("ann")
    for number in range(8):
        goods = line("a", 3000)
        user = str(ann.user_id)
        shop.host.put_order(order(f"o{number}", goods, user_ref=user, created_at=NOON))

    at_once(lambda number: settling.settle(order_ref=f"o{number % 8}", now=NOON), 16)

    points = sorted(OrderRecord.objects.values_list("earned", flat=True))
    assert points == [0, 0, 0, 0, 10, 30, 30, 30]
    assert ledger.balances(ann) == ledger.replayed(ann) == (100, 0, 0, 0)
    assert breaches() == []


def test_grants_of_one_actor_at_once_share_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight members, no row in common but the actor's allowance: three are done."""
    shop = ledger.open_shop(monkeypatch, grants={"points_per_day_max": 350})
    accounts = [shop.member(f"m{number}") for number in range(8)]

    results = at_once(
        lambda number: granting.grant(
            account_id=accounts[number].pk,
            points=100,
            reason="Sorry",
            actor_ref="user:7",
            key=f"k{number}",
            now=NOON,
        ),
        8,
    )

    assert sum(isinstance(result, Posted) for result in results) == 3
    refused = [result for result in results if isinstance(result, Refusal)]
    assert {(result.code, result.message) for result in refused} == {
        (
            Code.LIMIT_REACHED,
            "You can grant 350 points a day in this program: 50 are left.",
        )
    }
    assert sum(ledger.balances(account)[0] for account in accounts) == 300


def test_look_ups_of_one_actor_at_once_share_the_pace(settings: Any) -> None:
    """Sixteen at once, five an hour: five are let through, and another actor has his own."""
    settings.RETENTION_MEMBER_LOOKUPS_PER_HOUR = 5

    results = at_once(lambda _number: looking_up.count_lookup("app:7", NOON), 16)

    assert results.count(None) == 5
    refused = [result for result in results if isinstance(result, Refusal)]
    assert {result.code for result in refused} == {Code.TOO_MANY_REQUESTS}
    looking_up.count_lookup("app:8", NOON)
