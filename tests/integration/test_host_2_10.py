"""The adapter for Saleor 2.10.1: what it reads of orders, checkouts, users and goods."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from saleor_retention import host
from saleor_retention.engine.facts import OrderState, Origin

pytestmark = [pytest.mark.saleor2, pytest.mark.django_db]


@pytest.fixture
def shop():
    """The adapter under test."""
    return host.current()


@pytest.fixture
def make():
    """The factories of this Saleor."""
    from tests.factories import saleor_2_10

    saleor_2_10.make_channel()
    return saleor_2_10


def test_a_plain_order(shop, make):
    """An order of two lines has its prices, its buyer and its payment in minor units."""
    user = make.make_user()
    coke, cake = make.make_product("5.00"), make.make_product("7.50")
    checkout = make.make_checkout(user, {coke: 3, cake: 1})

    order = make.complete(checkout)
    facts = shop.order_facts(str(order.pk))

    assert (facts.total_minor, facts.shipping_gross_minor) == (3250, 1000)
    assert [(line.gross_minor, line.net_minor, line.quantity) for line in facts.lines] == [
        (1500, 1500, 3),
        (750, 750, 1),
    ]
    assert facts.user_ref == str(user.pk)
    assert facts.is_user_confirmed
    assert facts.checkout_ref == str(checkout.pk)
    assert (facts.origin, facts.state) == (Origin.CHECKOUT, OrderState.OPEN)
    assert facts.is_paid
    assert facts.paid_at == order.created
    assert facts.fulfilled_at is None
    assert (facts.refunded_minor, facts.refunded_shipping_minor) == (0, 0)
