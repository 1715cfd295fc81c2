"""Orders that do not come from a shopper's checkout: drafts, imports, replacements, reorders."""

from __future__ import annotations

import pytest

from tests.acceptance.figures import from_net, shown, total
from tests.acceptance.orders import Desk, bulk_order, draft_order
from tests.acceptance.retention import (
    balance,
    open_program,
    points_of_order,
)
from tests.acceptance.shop import Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import Cart, fill_cart, line_of, report_payment

pytestmark = pytest.mark.saleor3


def test_an_order_that_staff_enter(stage: Stage) -> None:
    """A draft keeps the shop's prices, whoever it is for, and earns when it is paid."""
    # given
    vip = stage.shopper(is_vip=True)

    # when
    desk = draft_order(stage.shop, stage.net, vip.id, A=1)

    # then
    order = desk.read()
    assert order["origin"] == "DRAFT"
    assert shown(order["subtotal"]) == from_net(80, 10)
    assert balance(vip.client, stage.net) == (100, 0, 0, 0)
    desk.mark_as_paid()
    assert points_of_order(stage.shop, desk.order)["earned"] == 80
    assert balance(vip.client, stage.net) == (180, 0, 0, 0)


def test_a_draft_where_drafts_do_not_earn(shop: Shop) -> None:
    """A program can leave orders that staff enter out."""
    # given
    channel = shop.open_channel()
    earn = {"rates": [{"currency": "USD", "points": "1", "per": "1.00"}], "includeDrafts": False}
    program = open_program(shop, [channel], {"earn": earn})
    ada = Stage(shop, channel, channel, program).shopper()

    # when
    draft_order(shop, channel, ada.id, A=1).mark_as_paid()

    # then
    assert balance(ada.client, channel) == (100, 0, 0, 0)


def test_an_order_that_waits_for_confirmation(shop: Shop) -> None:
    """Where staff confirm orders, member prices stay as they were bought while staff edit."""
    # given
    channel = shop.open_channel(confirms_orders=False)
    program = open_program(shop, [channel])
    vip = Stage(shop, channel, channel, program).shopper(is_vip=True)
    cart = fill_cart(shop, channel, vip, A=2, B=1)
    order = cart.buy()
    assert order["status"] == "UNCONFIRMED"
    assert shown(order["subtotal"]) == from_net(171, 10)

    # when: staff add another unit
    shop.owner.do(
        """mutation ($id: ID!) {
          orderLineUpdate(id: $id, input: {quantity: 3}) { errors { field message code } }
        }""",
        id=line_of(order, "A")["id"],
    )
    desk = Desk(shop, order["id"])

    # then: at the same price
    order = desk.read()
    assert shown(line_of(order, "A")["totalPrice"]) == from_net(216, 10)
    assert shown(order["total"]) == total([from_net(216, 10), from_net(27, 10), from_net(10, 10)])
    assert desk.confirm()["status"] == "UNFULFILLED"
    # what was added earns when it is paid too
    assert points_of_order(shop, order["id"])["earned"] == 171
    report_payment(shop, channel, order["id"], from_net(72, 10).gross)
    assert points_of_order(shop, order["id"])["earned"] == 243
    assert balance(vip.client, channel) == (100 + 243, 0, 0, 0)


def test_imported_orders(shop: Shop) -> None:
    """Imported orders earn only where the program says so."""
    # given
    silent, loud = shop.open_channel(), shop.open_channel()
    programs = [
        open_program(shop, [silent]),
        open_program(
            shop,
            [loud],
            {
                "earn": {
                    "rates": [{"currency": "USD", "points": "1", "per": "1.00"}],
                    "includeTax": False,
                    "includeBulkOrders": True,
                }
            },
        ),
    ]

    for channel, program, expected in zip((silent, loud), programs, (0, 160), strict=True):
        ada = Stage(shop, channel, channel, program).shopper()

        # when
        desk = bulk_order(shop, channel, user=ada.id, name="A", quantity=2, price=from_net(160, 10))

        # then
        assert desk.read()["origin"] == "BULK_CREATE"
        assert balance(ada.client, channel) == (100 + expected, 0, 0, 0)


def test_ordering_the_same_again(stage: Stage) -> None:
    """A checkout made from an old order has the prices of today's customer."""
    # given
    vip = stage.shopper()
    order = fill_cart(stage.shop, stage.net, vip, A=2).buy()
    assert shown(order["subtotal"]) == from_net(160, 10)
    stage.program.promote(vip, stage.net)

    # when
    payload = vip.client.do(
        """mutation ($id: ID!) {
          checkoutCreateFromOrder(id: $id) { checkout { id } errors { field message code } }
        }""",
        id=order["id"],
    )
    cart = Cart(stage.shop, stage.net, vip.client, payload["checkout"]["id"])

    # then
    assert shown(cart.read()["subtotalPrice"]) == from_net(144, 10)
    again = cart.buy()
    assert shown(again["subtotal"]) == from_net(144, 10)
    assert balance(vip.client, stage.net) == (100 + 160 + 144, 0, 0, 0)


def test_a_replacement_earns_nothing(stage: Stage) -> None:
    """Goods that replace returned ones are no second purchase, and take nothing."""
    # given
    ada = stage.shopper()
    cart = stage.cart(ada, A=1, B=1)
    cart.ship()
    transaction = cart.pay()
    desk = Desk(stage.shop, cart.complete()["id"], transaction)
    desk.fulfill()
    assert balance(ada.client, stage.net) == (210, 0, 0, 0)

    # when
    replacement = desk.replace("A")
    replacement.complete_draft()

    # then
    order = replacement.read()
    assert order["origin"] == "REISSUE"
    assert points_of_order(stage.shop, desk.order)["clawedBack"] == 0
    assert balance(ada.client, stage.net) == (210, 0, 0, 0)


def test_marked_as_paid(shop: Shop) -> None:
    """An order whose money comes some other way earns when staff say that it came."""
    # given
    channel = shop.open_channel(takes_unpaid_orders=True)
    ada = Stage(shop, channel, channel, open_program(shop, [channel])).shopper()
    cart = fill_cart(shop, channel, ada, A=1)
    cart.ship()
    order = cart.complete()
    assert order["chargeStatus"] == "NONE"
    assert points_of_order(shop, order["id"])["state"] == "QUOTED"
    assert balance(ada.client, channel) == (100, 0, 0, 0)

    # when
    Desk(shop, order["id"]).mark_as_paid()

    # then
    assert balance(ada.client, channel) == (180, 0, 0, 0)
