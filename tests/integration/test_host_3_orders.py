"""What Saleor 3.x knows of an order beyond the contract: returns, refunds, reissues."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention import host
from saleor_retention.engine.facts import OrderFacts, OrderState, Origin

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]


def seen(order: Any) -> OrderFacts:
    """Return the facts of an order that is there."""
    facts = host.current().order_facts(str(order.pk))
    assert facts is not None
    return facts


def returned(order: Any) -> list[int]:
    """Return how many units of each line came back, dearest line first."""
    lines = sorted(seen(order).lines, key=lambda line: -line.gross_minor)
    return [line.quantity_returned for line in lines]


def sold(make: Any, *, paid: bool = True) -> tuple[Any, Any, Any]:
    """Return an order of 3 units at 30.00 and 1 at 20.00, and its two lines."""
    dear, cheap = make.make_product("30.00"), make.make_product("20.00")
    order = make.complete(make.make_checkout(make.make_user(), {dear: 3, cheap: 1}), paid=paid)
    lines = {line.variant_id: line for line in order.lines.all()}
    return order, lines[dear.pk], lines[cheap.pk]


def test_goods_that_came_back(make: Any) -> None:
    """Returned units are counted, whether they were shipped or not, and no money is."""
    order, dear, cheap = sold(make)
    make.fulfil(order, {dear: 3})

    make.return_lines(order, {dear: 2, cheap: 1})

    assert returned(order) == [2, 1]
    assert (seen(order).refunded_minor, seen(order).state) == (0, OrderState.OPEN)


def test_a_granted_refund_counts_when_its_money_went(make: Any) -> None:
    """A refund that staff granted changes nothing until the money is back."""
    order, dear, _cheap = sold(make)

    grant = make.grant_refund(order, {dear: 1})
    granted = (returned(order), seen(order).refunded_minor)
    type(grant).objects.filter(pk=grant.pk).update(status="success")
    make.refund(order, "30.00")
    done = (returned(order), seen(order).refunded_minor)

    assert granted == ([0, 0], 0)
    assert done == ([1, 0], 3000)


def test_a_return_and_its_refund_are_one(make: Any) -> None:
    """The unit that came back is the one that was refunded."""
    order, dear, _cheap = sold(make)
    grant = make.grant_refund(order, {dear: 1})
    type(grant).objects.filter(pk=grant.pk).update(status="success")

    make.return_lines(order, {dear: 1})

    assert returned(order) == [1, 0]


def test_refunded_shipping(make: Any) -> None:
    """Shipping that was refunded is told apart from goods."""
    order, dear, _cheap = sold(make)
    grant = make.grant_refund(order, {dear: 1}, has_shipping=True)
    type(grant).objects.filter(pk=grant.pk).update(status="success")
    make.refund(order, "40.00")

    facts = seen(order)

    assert (facts.refunded_minor, facts.refunded_shipping_minor) == (4000, 1000)


def test_a_reversed_refund(make: Any) -> None:
    """Money that came back after a refund is not missing any more."""
    order, _dear, _cheap = sold(make)
    make.report(order, "REFUND_SUCCESS", "30.00", "one")
    make.report(order, "REFUND_REVERSE", "30.00", "one")

    assert seen(order).refunded_minor == 0


def test_a_chargeback(make: Any) -> None:
    """Money that the customer's bank took back is missing like refunded money."""
    order, _dear, _cheap = sold(make)
    make.report(order, "CHARGE_BACK", "120.00")

    facts = seen(order)

    assert (facts.refunded_minor, facts.is_paid) == (12000, True)


def test_an_overcharge_given_back_is_no_refund(make: Any) -> None:
    """Of 150.00 taken for 120.00, giving 30.00 back leaves the whole price."""
    order, _dear, _cheap = sold(make)
    make.report(order, "CHARGE_SUCCESS", "30.00")
    make.refund(order, "30.00")

    assert seen(order).refunded_minor == 0


def test_paid_in_two_parts(make: Any) -> None:
    """An order is paid when the last part is."""
    order, _dear, _cheap = sold(make, paid=False)

    make.report(order, "CHARGE_SUCCESS", "50.00")
    partly = seen(order)
    make.report(order, "CHARGE_SUCCESS", "70.00")
    wholly = seen(order)

    assert (partly.is_paid, wholly.is_paid) == (False, True)


def test_a_canceled_shipment_has_not_left(make: Any) -> None:
    """Goods of a canceled shipment are in the shop, until they are sent again."""
    order, _dear, _cheap = sold(make)
    make.fulfil(order)
    sent = seen(order).fulfilled_at
    make.cancel_fulfilment(order)
    back = seen(order).fulfilled_at
    make.fulfil(order)

    assert sent is not None
    assert back is None
    assert seen(order).fulfilled_at is not None


def test_a_replacement(make: Any) -> None:
    """A replaced unit is not a returned one; its replacement is a reissue."""
    from saleor.order.models import Order

    order, dear, _cheap = sold(make)
    make.fulfil(order)

    make.replace_lines(order, {dear: 1})

    replacement = Order.objects.get(original=order)
    assert returned(order) == [0, 0]
    assert (seen(replacement).origin, seen(replacement).state) == (Origin.REISSUE, OrderState.DRAFT)


def test_bulk_orders(make: Any) -> None:
    """An imported order is one of that origin."""
    order = make.bulk_create(make.make_user(), make.make_product("30.00"), 2)

    facts = seen(order)

    assert (facts.origin, facts.state) == (Origin.BULK, OrderState.OPEN)
    assert [(line.quantity, line.gross_minor) for line in facts.lines] == [(2, 6000)]


def test_an_expired_order_keeps_nothing(make: Any) -> None:
    """An order that nobody paid in time is like a canceled one."""
    order, _dear, _cheap = sold(make, paid=False)
    type(order).objects.filter(pk=order.pk).update(status="expired")

    assert seen(order).state is OrderState.CANCELED


def test_a_deleted_variant_is_still_known_by_its_key(make: Any) -> None:
    """A line whose product is gone keeps its variant's reference."""
    order, dear, _cheap = sold(make)
    ref = str(dear.variant_id)
    dear.variant.product.delete()

    lines = {line.goods.variant_ref: line for line in seen(order).lines}

    assert lines[ref].goods.product_ref == ""
    assert lines[ref].gross_minor == 9000


def test_statements_do_not_grow_with_orders(make: Any) -> None:
    """Three orders take as many statements as one."""
    orders = [sold(make)[0] for _ in range(3)]
    refs = [str(order.pk) for order in orders]

    with CaptureQueriesContext(connection) as one:
        host.current().orders_facts(refs[:1])
    with CaptureQueriesContext(connection) as three:
        found = host.current().orders_facts(refs)

    assert set(found) == set(refs)
    assert len(three) == len(one)
