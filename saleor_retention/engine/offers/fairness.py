"""Who paid more for goods than an offer that starts soon would have asked, line by line.

An order is priced once more as if the offer alone had been there: the list value of the units that
are still kept, lowered by the offer. What was paid for these units, after every discount and every
refund, is compared with that. Whom the offer is for is not asked: it hurts to have paid more than
others are going to pay, also if these are others.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from saleor_retention.engine.accrual import kept_shares
from saleor_retention.engine.facts import BasketFacts, BasketLine, OrderFacts, OrderState, Origin
from saleor_retention.engine.money import round_half_up
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.kinds import Audience, Offer
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.offers.terms import Kind

UNSUPPORTED: Mapping[Kind, str] = {
    Kind.GIFT: "A gift lowers no price that a customer could have paid before.",
    Kind.PUNCH_CARD: "A punch card rewards later orders, and customers keep what they bought.",
    Kind.FREE_SHIPPING: "Free shipping lowers the price of no goods.",
}
"""Kinds without a price to compare with, and why."""


@dataclass(frozen=True, slots=True)
class Overpaid:
    """One order line for which more was paid than the offer would have asked.

    Amounts are gross, in minor units of the order's currency, of the units that are kept.
    """

    order_ref: str
    order_number: str
    line_ref: str
    variant_ref: str
    currency: str
    exponent: int
    quantity: int
    paid_minor: int
    offer_minor: int

    @property
    def over_minor(self) -> int:
        """Return by how much, above zero."""
        return self.paid_minor - self.offer_minor


def overpaid(order: OrderFacts, offer: Offer, *, has_tax_in_prices: bool) -> list[Overpaid]:
    """Return the lines of an order that would have cost less with the offer; none if unpaid.

    ``offer`` is in the order's currency, and of a kind that is not in ``UNSUPPORTED``.
    ``has_tax_in_prices`` says in which basis the offer's amounts are: where prices are entered
    without tax, a line's own tax rate leads to what the customer sees. Half a minor unit goes up.
    """
    if not _counts(order):
        return []
    shares = kept_shares(order)
    factors = {line.ref: _tax_factor(line.net_minor, line.gross_minor, has_tax_in_prices)
               for line in order.lines}  # fmt: skip
    basket = _basket(order, factors)
    off = {line.ref: 0 for line in basket.lines}
    for each in best_offers(
        basket, [_for_everybody(offer)], Situation(order.created_at)
    ).allocations:
        off[each.line_ref] += each.amount_minor
    found = []
    for line, share in zip(order.lines, shares, strict=True):
        if not off.get(line.ref):
            continue
        quantity = line.quantity - line.quantity_returned
        listed = Fraction(line.undiscounted_minor * quantity, line.quantity)
        one = Overpaid(
            order_ref=order.ref,
            order_number=order.number,
            line_ref=line.ref,
            variant_ref=line.goods.variant_ref,
            currency=order.currency,
            exponent=order.exponent,
            quantity=quantity,
            paid_minor=round_half_up(share * line.gross_minor),
            offer_minor=round_half_up(listed - off[line.ref] * factors[line.ref]),
        )
        if one.over_minor > 0:
            found.append(one)
    return found


def points_to_make_good(
    lines: Iterable[Overpaid], point_values: Mapping[str, Fraction]
) -> int | None:
    """Return the points worth at least all that was overpaid; None where points have no value.

    One rounding, up to a whole point, over all lines and currencies.

    >>> line = Overpaid("1", "1", "a", "7", "USD", 2, 1, 1000, 985)
    >>> points_to_make_good([line, line], {"USD": Fraction(4)})
    8
    """
    worth = Fraction(0)
    for line in lines:
        value = point_values.get(line.currency)
        if not value:
            return None
        worth += line.over_minor / value
    return math.ceil(worth)


def window_of(
    starts_at: dt.datetime | None, days: int, now: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    """Return the days before an offer starts, from (inclusive) and to (exclusive).

    They end now where the offer starts later or has no start; without one, it counts as starting
    now.
    """
    start = now if starts_at is None else starts_at
    return start - dt.timedelta(days=days), min(now, start)


def _counts(order: OrderFacts) -> bool:
    """Return whether somebody paid for the order's goods; a replacement was paid before."""
    return order.is_paid and order.state is OrderState.OPEN and order.origin is not Origin.REISSUE


def _for_everybody(offer: Offer) -> Offer:
    """Return the offer at any time and for anyone, without rivals."""
    return replace(
        offer, starts_at=None, ends_at=None, weekdays=frozenset(), audience=Audience(), group=""
    )


def _tax_factor(net_minor: int, gross_minor: int, has_tax_in_prices: bool) -> Fraction:  # noqa: FBT001
    if has_tax_in_prices or net_minor <= 0:
        return Fraction(1)
    return Fraction(gross_minor, net_minor)


def _basket(order: OrderFacts, factors: Mapping[str, Fraction]) -> BasketFacts:
    """Return what is kept of an order, at list prices in the basis in which the offer counts."""
    lines = []
    for line in order.lines:
        quantity = line.quantity - line.quantity_returned
        if quantity <= 0 or line.is_gift_card or line.undiscounted_minor <= 0:
            continue
        listed = Fraction(line.undiscounted_minor, line.quantity) / factors[line.ref]
        lines.append(
            BasketLine(
                ref=line.ref,
                goods=line.goods,
                quantity=quantity,
                unit_minor=round_half_up(listed),
                total_minor=round_half_up(listed * quantity),
            )
        )
    return BasketFacts(
        ref=order.ref,
        channel_ref=order.channel_ref,
        currency=order.currency,
        exponent=order.exponent,
        user_ref=order.user_ref,
        lines=tuple(lines),
    )
