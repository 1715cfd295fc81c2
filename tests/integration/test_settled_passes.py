"""A cart mutation decides the price once on Saleor 3.x, and anew where anything changed between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.models import Program
from tests.factories.loyalty import make_member, make_program
from tests.members import give

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]

TWO = """mutation($id: ID!, $lines: [CheckoutLineUpdateInput!]!) {{
  changed: checkoutLinesUpdate(id: $id, lines: $lines) {{
    errors {{ field message }} }}
  then: {then} {{
    checkout {{ totalPrice {{ gross {{ amount }} }} }} errors {{ field message }} }} }}"""


@pytest.fixture
def program(make: Any) -> Program:
    """A program in that shop, whose VIPs pay 10 % less."""
    return make_program(make.make_channel())


@pytest.fixture
def tea(make: Any) -> Any:
    """Tea for 12.00."""
    return make.make_product("12.00")


@pytest.fixture
def checkout(make: Any, program: Program, tea: Any) -> Any:
    """A VIP's two of tea, who has 1,000 points."""
    user = make.make_user()
    give(make_member(program, user, "vip"), 1000)
    return make.make_checkout(user, {tea: 2})


def decided(captured: CaptureQueriesContext) -> int:
    """Return how often it was read where the checkout stands."""
    return sum("saleor_retention_standing(" in query["sql"] for query in captured)


def change(make: Any, checkout: Any, tea: Any, then: str) -> Decimal:
    """Put three of tea into the cart and do something else in one request; return the total."""
    query = TWO.format(then=then)
    lines = [{"variantId": make.gid("ProductVariant", tea), "quantity": 3}]
    answer = make.ask(query, {"id": make.gid("Checkout", checkout), "lines": lines}, checkout.user)
    for payload in answer.values():
        assert not payload["errors"], payload["errors"]
    return Decimal(str(answer["then"]["checkout"]["totalPrice"]["gross"]["amount"]))


def test_a_change_of_a_cart_decides_its_price_once(make: Any, checkout: Any, tea: Any) -> None:
    """Saleor asks again to read the price, of a cart that is as it was left."""
    with CaptureQueriesContext(connection) as captured:
        make.set_quantity(checkout, tea, 3, checkout.user)

    assert decided(captured) == 1
    assert make.checkout_total(checkout, checkout.user) == Decimal("42.40")


def test_points_of_the_same_request_count(make: Any, checkout: Any, tea: Any) -> None:
    """A mutation of ours lets the price expire, so that the next look decides."""
    then = "retentionRedemptionSet(checkoutId: $id, points: 500)"

    assert change(make, checkout, tea, then) == Decimal("37.40")


def test_points_that_are_taken_back_in_the_same_request_do_not(
    make: Any, checkout: Any, tea: Any
) -> None:
    """The rows were right for the points that were set, and are not any more."""
    points = "retentionRedemptionSet(checkoutId: $id, points: 500)"
    assert change(make, checkout, tea, points) == Decimal("37.40")
    then = "retentionRedemptionClear(checkoutId: $id)"

    assert change(make, checkout, tea, then) == Decimal("42.40")


def test_another_buyer_of_the_same_request_pays_his_own_price(
    make: Any, checkout: Any, tea: Any
) -> None:
    """A cart that becomes a guest's has no member price."""
    total = change(make, checkout, tea, "checkoutCustomerDetach(id: $id)")

    assert total == make.checkout_total(checkout) == Decimal("46.00")


def test_a_request_after_another_decides_anew(make: Any, checkout: Any, tea: Any) -> None:
    """What one request left is not known to the next: anything may have changed."""
    make.set_quantity(checkout, tea, 3, checkout.user)
    with CaptureQueriesContext(connection) as captured:
        make.set_quantity(checkout, tea, 3, checkout.user)

    assert decided(captured) == 1


def test_another_delivery_decides_anew(checkout: Any) -> None:
    """An offer may look at what delivery costs, and 3.23 has more ways than one to choose it."""
    checkout.refresh_from_db()
    with request(), CaptureQueriesContext(connection) as captured:
        recalculate(checkout, 2)
        assert decided(captured) == 1
        checkout.undiscounted_base_shipping_price_amount += 1
        checkout.save()
        recalculate(checkout, 1)
        assert decided(captured) == 2


def test_outside_a_request_every_pass_decides(checkout: Any) -> None:
    """A task works through many carts, for as long as it takes."""
    with CaptureQueriesContext(connection) as captured:
        recalculate(checkout, 2)

    assert decided(captured) == 2


@contextmanager
def request() -> Iterator[None]:
    """What Django says when it begins and ends to answer."""
    request_started.send(sender=None, environ={})
    yield
    request_finished.send(sender=None)


def recalculate(checkout: Any, times: int) -> None:
    """Let Saleor read the discounts of a cart so often."""
    from saleor.checkout.calculations import recalculate_discounts
    from saleor.checkout.fetch import fetch_checkout_info, fetch_checkout_lines
    from saleor.core.db.connection import allow_writer
    from saleor.plugins.manager import get_plugins_manager

    with allow_writer():
        for _time in range(times):
            lines, _unavailable = fetch_checkout_lines(checkout)
            info = fetch_checkout_info(checkout, lines, get_plugins_manager(allow_replica=False))
            recalculate_discounts(info, lines, force_update=True)
