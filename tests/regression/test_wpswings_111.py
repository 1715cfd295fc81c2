"""wpswings/points-and-rewards-for-woocommerce issue 111: no points after cancel and complete.

"After cancellation when update the order status to completed then points aren't reassigning":
points were taken when the order failed and did not come again with the order.
"""

from __future__ import annotations

import pytest

from saleor_retention.engine.facts import OrderState
from saleor_retention.models import Account
from saleor_retention.selectors.verification import breaches
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db


def test_an_order_that_lives_again_has_its_points_again(shop: Shop, ann: Account) -> None:
    """Given an order that is canceled and opened in turns, it has its points while it is open."""
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    seen = []
    for day, state in enumerate((OrderState.CANCELED, OrderState.OPEN) * 2, start=2):
        shop.host.change_order("o1", state=state)
        shop.settle("o1", at(f"2026-03-0{day} 10:00"))
        seen.append(ledger.balances(ann)[0])

    assert seen == [0, 50, 0, 50]
    assert ledger.kinds(ann) == ["earn", "clawback", "reinstate", "clawback", "reinstate"]
    assert breaches() == []
