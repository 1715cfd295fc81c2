"""odoo/odoo pull request 212922: a refund takes the points again that paid for the order.

"pos_loyalty: prevent points deducted again when refunding": the customer lost the points that he
had spent, and as many again. (Pull request 221928 tells the same of a refund in part.)
"""

from __future__ import annotations

import pytest

from saleor_retention.models import Account
from saleor_retention.selectors.verification import breaches
from tests import ledger
from tests.carts import Cart
from tests.fakes import at, minor
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-01 12:00")


@pytest.fixture
def paid(shop: Shop, ann: Account) -> Shop:
    """An order of two lines that she paid with 20.00 and 300 of her 500 points."""
    ledger.give(ann, 500)
    cart = Cart(shop, ann)
    cart.redeem(300, NOON, total="23.00")
    cart.complete("o1", "10.00", "10.00", now=NOON)
    record = shop.settle("o1", NOON)
    assert (record.redeemed, record.earned) == (300, 20)
    assert ledger.balances(ann) == (220, 0, 0, 0)
    return shop


def test_a_refund_gives_spent_points_back(paid: Shop, ann: Account) -> None:
    """When all is refunded, the 300 are back and the 20 that it earned are gone: as before."""
    paid.host.change_order("o1", refunded_minor=minor("20.00"))
    for _ in range(2):
        paid.settle("o1", at("2026-03-02 12:00"))

    assert ledger.balances(ann) == (500, 0, 0, 0)
    assert ledger.book("redeemed") == 0
    assert breaches() == []


def test_a_refund_in_part_gives_a_part_back(paid: Shop, ann: Account) -> None:
    """When one of two equal lines comes back, half of the points do, and half of the earned go."""
    paid.host.return_units("o1", "a", 1)
    record = paid.settle("o1", at("2026-03-02 12:00"))

    assert (record.restored, record.clawed) == (150, 10)
    assert ledger.balances(ann) == (360, 0, 0, 0)
    assert breaches() == []
