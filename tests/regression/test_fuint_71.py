"""fushengqian/fuint issue 71: twenty parallel requests all spend the same points.

"Points Abuse due to TOCTOU Race": each request read a balance of 100, found it enough and wrote 0;
twenty succeeded, 2,000 points were credited.
"""

from __future__ import annotations

import pytest

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Book, Hold
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import granting
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NOON = at("2026-03-01 12:00")
REQUESTS = 20


def test_of_twenty_requests_for_all_points_one_succeeds(shop: Shop, ann: Account) -> None:
    """Half of them at checkouts, half corrections by staff, all at once: 100 leave the balance."""
    ledger.give(ann, 100)
    user = str(ann.user_id)
    for number in range(REQUESTS):
        shop.host.put_checkout(f"cart-{number}", 5000, user_ref=user)

    def take(number: int) -> object:
        if number % 2:
            return redeeming.set_redemption(
                checkout_ref=f"cart-{number}", user_ref=user, points=100, now=NOON
            )
        return granting.adjust(
            account_id=ann.pk,
            points=-100,
            reason="typed twice",
            actor_ref="user:1",
            key=str(number),
            now=NOON,
        )

    results = at_once(take, REQUESTS)

    refusals = [result.code for result in results if isinstance(result, Refusal)]
    assert refusals == [Code.NOT_ENOUGH_POINTS] * (REQUESTS - 1)
    taken = sum(hold.points for hold in Hold.objects.all()) + ledger.book(Book.ADJUSTMENT)
    assert taken == 100
    assert ledger.balances(ann)[0] == 0
    assert breaches() == []
