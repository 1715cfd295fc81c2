"""What points are worth at a checkout, and how many of them may be spent there.

A point's value is an exact number of minor units, which may be less than one. Points are whole and
so are minor units, so one of the two has to give way: it is always the points, and never by
more than the fewest that give the money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from saleor_retention.engine.rules import RedemptionLimits

PPM = 1_000_000


class ClampReason(StrEnum):
    """Why fewer points are spent than were asked for."""

    DISABLED = "REDEMPTION_DISABLED"
    NO_POINT_VALUE = "NO_POINT_VALUE"  # points are worth nothing in this currency
    NOT_ENOUGH_POINTS = "NOT_ENOUGH_POINTS"
    ORDER_SHARE = "ORDER_SHARE"  # the program lets points pay only a part of an order
    BASKET_TOO_SMALL = "BASKET_TOO_SMALL"
    BLOCK_SIZE = "BLOCK_SIZE"  # rounded down to whole blocks, or to a whole minor unit
    BELOW_MINIMUM = "BELOW_MINIMUM"


@dataclass(frozen=True, slots=True)
class Clamped:
    """How many points will be spent, what they take off, and what held them down."""

    points: int
    value_minor: int
    reason: ClampReason | None = None


def value_of(points: int, point_value: Fraction) -> int:
    """Return what points are worth in minor units, rounded down.

    >>> value_of(105, Fraction(1, 10))  # ten points are worth one cent
    10
    """
    return math.floor(points * point_value)


def points_for(value_minor: int, point_value: Fraction) -> int:
    """Return the fewest points that give the money value; zero for zero.

    ``point_value`` must be positive, otherwise ``ValueError``. Where one point is worth more than
    the value asked for, one is still taken; ``clamp`` and pricing avoid that by asking only for
    values that whole points give.

    >>> points_for(10, Fraction(1, 10)), points_for(150, Fraction(100)), points_for(0, Fraction(1))
    (100, 2, 0)
    """
    if point_value <= 0:
        raise ValueError("A point must be worth something.")
    return math.ceil(value_minor / point_value)


def clamp(
    requested: int,
    available: int,
    base_minor: int,
    point_value: Fraction | None,
    limits: RedemptionLimits,
) -> Clamped:
    """Return what a request for points comes to at a checkout whose goods cost ``base_minor``.

    The least of what is requested, available, allowed as a share of the goods (rounded down to the
    minor unit) and what the goods cost; then whole blocks; then the fewest blocks that give the
    same money. Zero requested means none, never all. Below the minimum nothing is spent (it is
    compared before the last step, so that asking for exactly the minimum is enough). The
    reason is None when all requested points are spent, and names the tightest limit otherwise;
    a negative request raises ``ValueError``.

    A shopper with 900 points asks for 1000 on goods of 12.00, a point being a cent; half of an
    order may be paid with points, in blocks of 100:

    >>> half = RedemptionLimits(order_share_max=Fraction(1, 2), block_points=100)
    >>> clamp(1000, 900, 1200, Fraction(1), half)
    Clamped(points=600, value_minor=600, reason=<ClampReason.ORDER_SHARE: 'ORDER_SHARE'>)
    """
    if requested < 0:
        raise ValueError("Points requested cannot be negative.")
    if requested == 0:
        return Clamped(0, 0)
    if not limits.is_enabled:
        return Clamped(0, 0, ClampReason.DISABLED)
    if not point_value or point_value < 0:
        return Clamped(0, 0, ClampReason.NO_POINT_VALUE)
    goods_minor = max(0, base_minor)
    share_minor = math.floor(goods_minor * limits.order_share_max)
    bounds = (
        (max(0, available), ClampReason.NOT_ENOUGH_POINTS),
        (math.floor(goods_minor / point_value), ClampReason.BASKET_TOO_SMALL),
        (math.floor(share_minor / point_value), ClampReason.ORDER_SHARE),
    )
    bound, bound_reason = min(bounds, key=lambda item: item[0])
    reason = bound_reason if bound < requested else None
    points = min(requested, bound)
    points -= points % limits.block_points
    if points < limits.minimum_points:
        return Clamped(0, 0, reason or ClampReason.BELOW_MINIMUM)
    points = _fewest_blocks(points, point_value, limits.block_points)
    if points < requested and reason is None:
        reason = ClampReason.BLOCK_SIZE
    return Clamped(points, value_of(points, point_value), reason)


def effective_points(
    points_applied: int, discount_minor: int, effective_share_ppm: int, point_value: Fraction
) -> int:
    """Return how many of the applied points are burned: what the customer's total fell by.

    A percentage voucher of the shop that applies on top takes its part of the points' discount
    too, so the total falls by less than the discount on the lines. The effective value is rounded
    down to the minor unit, in the customer's favor; then the fewest points that give it are taken,
    never more than were applied.

    500 points take 5.00 off the lines, then a voucher takes 20 % off everything: the customer pays
    4.00 less than without the points, and expects to lose 400 of them:

    >>> effective_points(500, 500, 800_000, Fraction(1))
    400
    """
    if effective_share_ppm >= PPM:
        return points_applied
    effective_minor = max(0, discount_minor) * max(0, effective_share_ppm) // PPM
    return min(points_applied, points_for(effective_minor, point_value))


def _fewest_blocks(points: int, point_value: Fraction, block: int) -> int:
    fewest = points_for(value_of(points, point_value), point_value)
    return -(-fewest // block) * block
