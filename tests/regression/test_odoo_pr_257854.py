"""odoo/odoo pull request 257854: points stay after the order that earned them is refunded.

"pos_loyalty: reverse loyalty points when a POS refund is processed": buy, get the money back, keep
the points, and begin again.
"""

from __future__ import annotations

import pytest

from saleor_retention.models import Account
from saleor_retention.selectors.verification import breaches
from tests import ledger
from tests.fakes import at, minor
from tests.ledger import Shop

pytestmark = pytest.mark.django_db


def test_buying_and_refunding_in_turns_gathers_nothing(shop: Shop, ann: Account) -> None:
    """Given an order that was kept, five more are bought and refunded: its points are all."""
    shop.buys(ann, "kept", "30.00", now=at("2026-03-01 10:00"))
    for day in range(2, 7):
        now = at(f"2026-03-0{day} 10:00")
        bought = shop.buys(ann, f"o{day}", "50.00", now=now)
        assert bought.earned == 50
        shop.host.change_order(f"o{day}", refunded_minor=minor("50.00"))
        refunded = shop.settle(f"o{day}", now)
        assert (refunded.earned, refunded.clawed) == (50, 50)

    assert ledger.balances(ann) == (30, 0, 0, 0)
    assert breaches() == []


def test_a_refund_takes_points_that_were_spent_meanwhile(shop: Shop, ann: Account) -> None:
    """Given the points of the refunded order are gone, the next ones repay them."""
    bought = at("2026-03-01 10:00")
    shop.buys(ann, "o1", "50.00", now=bought)
    ledger.spend(ledger.lots(ann)[0], 40, now=bought)
    shop.host.change_order("o1", refunded_minor=minor("50.00"))
    shop.settle("o1", at("2026-03-02 10:00"))
    assert ledger.balances(ann) == (0, 0, 0, 40)

    shop.buys(ann, "o2", "60.00", now=at("2026-03-03 10:00"))

    assert ledger.balances(ann) == (20, 0, 0, 0)
