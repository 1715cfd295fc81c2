"""wpswings/points-and-rewards-for-woocommerce issue 104: points at each change of the status.

"Customer is getting product assigned points multiple time if completed the order status multiple
time." (opencart/opencart issue 2349 tells the same.)
"""

from __future__ import annotations

import pytest

from saleor_retention.models import Account
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ordering import reconciling
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db


def test_an_order_earns_once_however_often_its_status_changes(shop: Shop, ann: Account) -> None:
    """Given a paid order, it is fulfilled, opened again and fulfilled; each event comes twice."""
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    for day, fulfilled_at in enumerate((at("2026-03-02"), None, at("2026-03-04")), start=2):
        shop.host.change_order("o1", fulfilled_at=fulfilled_at)
        for _ in range(2):
            shop.settle("o1", at(f"2026-03-0{day} 10:00"))
    reconciling.reconcile(at("2026-03-05"))

    assert ledger.kinds(ann) == ["earn"]
    assert ledger.balances(ann) == (50, 0, 0, 0)
    assert breaches() == []
