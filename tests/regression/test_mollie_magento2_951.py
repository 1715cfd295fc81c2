"""mollie/magento2 issue 951: points that paid for goods are refunded as money.

"Used reward points are not deducted from refund": 35.21 were refunded in the shop and 36.09 by the
payment provider; the 0.88 between them were the customer's 176 points.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from saleor_retention.models import Account, OrderRecord
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from tests.factories.loyalty import make_member, make_program
from tests.members import books, give

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(make: Any) -> Account:
    """A member with 1000 points."""
    account = make_member(make_program(make.make_channel()), make.make_user("ada@shop.example"))
    give(account, 1000)
    return account


def test_points_come_back_as_points_and_money_as_money(make: Any, member: Account) -> None:
    """Goods for 20.00 and 500 points: the order is one of 25.00, and that is all money there is."""
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    redeeming.set_redemption(
        checkout_ref=str(checkout.pk), user_ref=str(member.user_id), points=500
    )
    order = make.complete(checkout)
    order.refresh_from_db()
    (line,) = order.lines.all()

    assert order.total_gross_amount == Decimal("25.00")
    assert line.unit_price_gross_amount * line.quantity == Decimal("15.00")
    assert books(member) == (515, 0, 0, 0)

    make.refund(order, "25.00")

    record = OrderRecord.objects.get(order_ref=str(order.pk))
    assert (record.redeemed, record.restored) == (500, 500)
    assert (record.earned, record.clawed) == (15, 15)
    assert books(member) == (1000, 0, 0, 0)
    assert breaches() == []
