"""odoo/odoo pull request 111670: a residue of floating point makes valid points invalid.

"sale_loyalty: round real points for coupon": sums of floats came to something like -1e-14, and the
customer was told that the coupon is invalid. (Pull requests 153541 and 219640 tell of more.)
"""

from __future__ import annotations

import pytest

from saleor_retention.models import Account, Entry
from saleor_retention.selectors.verification import breaches
from tests import ledger
from tests.carts import Cart
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-02 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A point for ten cents, worth a tenth of a cent: both have no exact float."""
    return ledger.open_shop(
        monkeypatch,
        earn={"rates": {"USD": {"points": 1, "per": "0.10"}}},
        point_value={"USD": "0.001"},
    )


def test_tenths_add_up_exactly(shop: Shop, ann: Account) -> None:
    """0.30 / 0.10 is 2.9999999999999996 in floats, and three points here; ten times 0.10 is ten."""
    assert int(0.3 / 0.1) == 2
    assert shop.buys(ann, "o1", "0.30").earned == 3
    for number in range(10):
        shop.buys(ann, f"p{number}", "0.10")

    assert ledger.balances(ann) == (13, 0, 0, 0)
    assert all(isinstance(points, int) for points in Entry.objects.values_list("points", flat=True))


def test_the_last_point_can_be_spent(shop: Shop, ann: Account) -> None:
    """Given 3030 points worth 3.03, all of them are spent and nothing is left, not even 1e-14."""
    shop.buys(ann, "o1", "267.39", "35.61")
    assert ledger.balances(ann) == (3030, 0, 0, 0)
    cart = Cart(shop, ann)
    hold = cart.redeem(3030, NOON, total="3.03")
    assert (hold.points, hold.value_minor) == (3030, 303)
    cart.complete("o2", "0.00", now=NOON)
    shop.settle("o2", NOON)

    assert ledger.balances(ann) == (0, 0, 0, 0)
    assert ledger.book("redeemed") == 3030
    assert breaches() == []
