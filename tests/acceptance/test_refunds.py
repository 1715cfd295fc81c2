"""Returns, refunds and cancellations: an order loses what it earned on what came back, once.

The order is 2 A, 1 B and 1 C for a VIP: 144 + 27 + 27 net, 217.80 with tax, and 11.00 of shipping.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.acceptance.orders import Desk
from tests.acceptance.retention import balance, member, points_of_order, redeem
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import Shopper

pytestmark = pytest.mark.saleor3

EARNED = 198


@dataclass(frozen=True, slots=True)
class Sale:
    """A paid and shipped order, its customer and its desk."""

    stage: Stage
    shopper: Shopper
    desk: Desk

    @property
    def clawed(self) -> int:
        """What was taken back for it."""
        found: int = points_of_order(self.stage.shop, self.desk.order)["clawedBack"]
        return found

    @property
    def available(self) -> int:
        """What its customer can spend."""
        return balance(self.shopper.client, self.stage.net)[0]


def _sell(stage: Stage, *, points: int = 0) -> Sale:
    shopper = stage.shopper(points=max(0, points - 100), is_vip=True)
    cart = stage.cart(shopper, A=2, B=1, C=1)
    if points:
        redeem(cart, points)
    cart.ship()
    transaction = cart.pay()
    desk = Desk(stage.shop, cart.complete()["id"], transaction)
    desk.fulfill()
    return Sale(stage, shopper, desk)


def test_a_return_and_its_refund_count_once(stage: Stage) -> None:
    """Goods come back, then their money goes: taken back once, at the first of the two."""
    sale = _sell(stage)

    sale.desk.take_back(A=1)
    assert sale.clawed == 72
    paid = sale.desk.refund(A=1)

    assert paid == Decimal("79.20")
    assert sale.clawed == 72
    assert sale.available == 100 + EARNED - 72


def test_a_refund_and_its_return_count_once(stage: Stage) -> None:
    """The money goes first, the goods come later: the same."""
    sale = _sell(stage)

    sale.desk.refund(A=1)
    assert sale.clawed == 72
    sale.desk.take_back(A=1)

    assert sale.clawed == 72
    assert sale.available == 100 + EARNED - 72


def test_a_promise_of_money_takes_nothing(stage: Stage) -> None:
    """A refund that is only granted moves no points."""
    sale = _sell(stage)

    sale.desk.promise_refund(A=1)

    assert sale.clawed == 0


def test_shipping_that_is_refunded_takes_nothing(stage: Stage) -> None:
    """Money for shipping never earned anything."""
    sale = _sell(stage)

    assert sale.desk.refund(shipping=True) == Decimal(11)

    assert sale.clawed == 0


def test_two_refunds_of_a_fifth_are_one_of_two_fifths(stage: Stage) -> None:
    """Money that comes without goods is spread over them, and refunds add up to the point."""
    twice, once = _sell(stage), _sell(stage)

    twice.desk.report_refund(Decimal("43.56"))
    assert twice.clawed == 40  # of 198 the kept 158.4 earn 158
    twice.desk.report_refund(Decimal("43.56"))
    once.desk.report_refund(Decimal("87.12"))

    assert twice.clawed == once.clawed == 80  # the kept 118.8 earn 118
    assert twice.available == once.available == 100 + 118


def test_the_same_report_again_changes_nothing(stage: Stage) -> None:
    """A payment service that reports one refund three times has refunded once."""
    sale = _sell(stage)

    for _ in range(3):
        sale.desk.report_refund(Decimal("43.56"), "one-and-the-same")

    assert sale.clawed == 40


def test_a_refund_that_comes_back_gives_back(stage: Stage) -> None:
    """A reversed refund undoes what it took."""
    sale = _sell(stage)
    sale.desk.report_refund(Decimal("43.56"))
    assert sale.clawed == 40

    sale.desk.report_refund_reversed(Decimal("43.56"))

    assert sale.clawed == 0
    assert sale.available == 100 + EARNED


def test_everything_refunded_takes_exactly_what_was_earned(stage: Stage) -> None:
    """Whatever the rules say by then: all that the order earned, and no more."""
    sale = _sell(stage)
    sale.desk.take_back(A=2)
    assert sale.clawed == 144

    sale.desk.refund(A=2, B=1, C=1, shipping=True)

    assert sale.clawed == EARNED
    assert sale.available == 100


def test_a_canceled_order(stage: Stage) -> None:
    """Canceling an order that was never shipped takes all of it."""
    shopper = stage.shopper(is_vip=True)
    cart = stage.cart(shopper, A=2, B=1, C=1)
    desk = Desk(stage.shop, cart.buy()["id"])
    assert balance(shopper.client, stage.net)[0] == 100 + EARNED

    desk.cancel()

    assert balance(shopper.client, stage.net) == (100, 0, 0, 0)


def test_points_paid_come_back_with_the_goods(stage: Stage) -> None:
    """Half of what was paid comes back: half of the points do, and all of them at the end."""
    # given: 500 points took 5.00 off 198.00; A's two cost 140.36 net of 193.00 now
    sale = _sell(stage, points=500)
    assert sale.available == 193

    # when: one A, 70.18 net, 77.20 of 212.30 with tax
    sale.desk.take_back(A=1)

    # then
    points = points_of_order(stage.shop, sale.desk.order)
    assert points["clawedBack"] == 193 - 122  # the kept 122.82 earn 122
    assert points["restored"] == 181  # 500 x 77.20 / 212.30
    assert sale.available == 193 - 71 + 181

    # and
    sale.desk.refund(A=2, B=1, C=1)
    points = points_of_order(stage.shop, sale.desk.order)
    assert (points["clawedBack"], points["restored"]) == (193, 500)
    assert sale.available == 500


def test_points_that_were_spent_are_owed(stage: Stage) -> None:
    """Who spent the points of goods that come back owes them; later points repay them first."""
    # given: 198 earned, 298 in all, spent
    sale = _sell(stage)
    cart = stage.cart(sale.shopper, A=4)
    redeem(cart, 298)
    cart.buy()  # 4 x 72 - 2.98 = 285.02 net
    assert sale.available == 285

    # when: the first order is canceled after everything else was spent as well
    other = stage.cart(sale.shopper, A=1)
    redeem(other, 285)
    other.buy()  # 72 - 2.85 = 69.15 net
    assert balance(sale.shopper.client, stage.net) == (69, 0, 0, 0)
    sale.desk.take_back(A=2, B=1, C=1)

    # then
    assert balance(sale.shopper.client, stage.net) == (0, 0, 0, EARNED - 69)
    waiting = stage.cart(sale.shopper, A=1)
    (error,) = sale.shopper.client.refused(
        """mutation ($id: ID!) {
          retentionRedemptionSet(checkoutId: $id, points: 1) {
            errors { field message code }
          }
        }""",
        id=waiting.id,
    )
    assert error["code"] == "IN_DEFICIT"
    waiting.update(A=2)
    waiting.buy()  # 144 net
    assert balance(sale.shopper.client, stage.net) == (144 - 129, 0, 0, 0)


def test_a_tier_that_was_only_borrowed(stage: Stage) -> None:
    """A tier reached by an order that comes back is gone at once."""
    # given: 1000.00 makes a VIP
    shopper = stage.shopper()
    cart = stage.cart(shopper, A=13)
    cart.ship()
    transaction = cart.pay()
    desk = Desk(stage.shop, cart.complete()["id"], transaction)
    assert member(shopper.client, stage.net)["tier"]["slug"] == "vip"

    # when
    desk.cancel()

    # then
    assert member(shopper.client, stage.net)["tier"] is None
    assert balance(shopper.client, stage.net) == (100, 0, 0, 0)
