"""What the ledger should hold for an order: the specification of ``settle``.

``settle`` compares the target of the order's state now with what is booked and posts the
difference. The target depends on the state alone and never on the way there, so events may come
late, thrice, in any order or not at all.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.accrual import EarnTerms, earn, keeps_goods, kept, kept_shares
from saleor_retention.engine.facts import OrderFacts, OrderLine, OrderState
from saleor_retention.engine.periods import plus_local_days
from saleor_retention.engine.rules import MaturingRule


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger holds for an order. ``clawed`` and ``restored`` are net of reversals."""

    earned: int = 0
    clawed: int = 0
    restored: int = 0
    redeemed: int = 0  # points that the order was paid with


@dataclass(frozen=True, slots=True)
class Target:
    """What the ledger should hold. ``is_void`` says that nothing of the order is kept."""

    earned: int
    clawed: int
    restored: int
    is_void: bool


@dataclass(frozen=True, slots=True)
class Delta:
    """What to post. A negative ``claw`` gives back, a negative ``restore`` takes again."""

    earn: int = 0
    claw: int = 0
    restore: int = 0

    def __bool__(self) -> bool:
        """Return whether there is anything to post."""
        return bool(self.earn or self.claw or self.restore)


def target_of(
    order: OrderFacts, terms: EarnTerms, booked: Booked = Booked(), room: int | None = None
) -> Target:
    """Return what the ledger should hold for the order as it is now.

    Earned: E once the order was fully paid, nothing before, and never less than was booked: an
    order that was edited down afterwards is clawed back, not rewritten; one that was edited up
    earns more when the rest is paid. Clawed: what was earned
    less the points of what is kept. Restored: see ``restored_points``. ``room`` is the most that
    the member's other orders let this one earn (``engine.caps``). Source: semantics, Refund,
    return, cancel.

    Worked example V3: of two lines of 15.00 at one point per 10.00 one comes back, then the other.

    >>> terms = EarnTerms(rules(points_per="10.00"))
    >>> one_back = returned(order(1500, 1500), "line-1")
    >>> target_of(one_back, terms, Booked(earned=3))
    Target(earned=3, clawed=2, restored=0, is_void=False)
    >>> target_of(returned(one_back, "line-2"), terms, Booked(earned=3, clawed=2))
    Target(earned=3, clawed=3, restored=0, is_void=True)
    """
    asked = _earned(order, terms)
    earned = max(booked.earned, asked if room is None else min(asked, room))
    still_earned = kept(order, terms).points if earned else 0
    if room is not None:  # less than is booked where a guest's order turned out to be a member's
        still_earned = min(still_earned, room)
    return Target(
        earned=earned,
        clawed=max(0, earned - still_earned),
        restored=restored_points(order, booked.redeemed),
        is_void=is_void(order),
    )


def deltas(target: Target, booked: Booked) -> Delta:
    """Return what to post so that the ledger holds the target; all zero when it does."""
    return Delta(
        earn=target.earned - booked.earned,
        claw=target.clawed - booked.clawed,
        restore=target.restored - booked.restored,
    )


def is_void(order: OrderFacts) -> bool:
    """Return whether nothing that was paid for is kept: canceled, or all returned or paid back."""
    return not keeps_goods(order)


def restored_points(order: OrderFacts, points_redeemed: int) -> int:
    """Return how many of the redeemed points have come back, cumulatively.

    Floor of points x refunded / paid, in money that the customer paid for goods that points can
    pay for (gift cards bought are none); all of them when nothing is kept, so that no point is lost
    to rounding. Where points and discounts paid for everything, the list prices are the weights.

    A shopper paid 500 points and 25.00 for two equal lines and returns one:

    >>> restored_points(returned(order(1250, 1250), "line-2"), 500)
    250
    """
    if is_void(order):
        return points_redeemed
    shares = kept_shares(order)
    goods = [
        (line, share)
        for line, share in zip(order.lines, shares, strict=True)
        if not line.is_gift_card
    ]
    paid = sum(line.gross_minor for line, _ in goods)
    weigh = _paid_minor if paid > 0 else _list_minor
    whole = sum(weigh(line) for line, _ in goods)
    if whole <= 0:
        return 0
    returned = sum((weigh(line) * (1 - share) for line, share in goods), Fraction(0))
    return math.floor(points_redeemed * returned / whole)


def matures_at(order: OrderFacts, terms: EarnTerms, paid_at: dt.datetime) -> dt.datetime | None:
    """Return when the order's points become available; None while that waits for fulfilment.

    ``paid_at`` is when the order was first seen fully paid. Days are local days of the program at
    the same time of the clock. A tier's own days count where they are fewer. Never before
    payment: points of an order fulfilled first become available when it is paid.
    """
    rules = terms.rules
    maturing = rules.maturing
    tier = rules.tier(terms.tier)
    days = maturing.days
    if tier is not None and tier.maturing_days is not None:
        days = min(days, tier.maturing_days)
    match maturing.rule:
        case MaturingRule.AT_ONCE:
            return paid_at
        case MaturingRule.DAYS_AFTER_PAYMENT:
            return plus_local_days(paid_at, days, rules.time_zone)
        case MaturingRule.ON_FULFILMENT:
            return None if order.fulfilled_at is None else max(paid_at, order.fulfilled_at)
        case MaturingRule.DAYS_AFTER_FULFILMENT:
            if order.fulfilled_at is None:
                return None
            ripe_at = plus_local_days(order.fulfilled_at, days, rules.time_zone)
            return max(paid_at, ripe_at)


def _earned(order: OrderFacts, terms: EarnTerms) -> int:
    if not order.is_paid or order.state is OrderState.DRAFT:
        return 0
    return earn(order, terms).points


def _paid_minor(line: OrderLine) -> int:
    return max(0, line.gross_minor)


def _list_minor(line: OrderLine) -> int:
    return max(0, line.undiscounted_minor)
