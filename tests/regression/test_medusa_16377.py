"""medusajs/medusa issue 16377: an amount of 0 means all.

"addStoreCreditsToCartWorkflow applies full balance when amount is 0": zero was read as "not given",
so clearing what was set on a cart spent everything.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from saleor_retention.engine.redemption import Clamped, clamp
from saleor_retention.engine.rules import RedemptionLimits
from saleor_retention.models import Account, Hold, HoldState
from saleor_retention.services.checkout import redeeming
from tests import ledger
from tests.carts import Cart
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-01 12:00")


def test_zero_points_are_none(shop: Shop, ann: Account) -> None:
    """Given points on a cart, setting zero takes them off; where there are none it does nothing."""
    ledger.give(ann, 1650)
    cart = Cart(shop, ann)
    cart.redeem(500, NOON)
    for _ in range(2):
        hold = redeeming.set_redemption(
            checkout_ref=cart.ref, user_ref=str(ann.user_id), points=0, now=NOON
        )
        assert hold is None

    assert ledger.balances(ann) == (1650, 0, 0, 0)
    assert [hold.state for hold in Hold.objects.all()] == [HoldState.RELEASED]


def test_zero_stays_zero_in_the_engine() -> None:
    """A request for zero is neither all nor the minimum, whatever there is."""
    limits = RedemptionLimits(minimum_points=100, block_points=10)

    assert clamp(0, 1650, 10_000, Fraction(1), limits) == Clamped(0, 0)
