"""What points are worth, and how many of them a checkout takes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from saleor_retention.engine.redemption import (
    Clamped,
    ClampReason,
    clamp,
    effective_points,
    points_for,
    value_of,
)
from saleor_retention.engine.rules import RedemptionLimits

CENT = Fraction(1)


@pytest.mark.parametrize(
    ("points", "point_value", "minor"),
    [
        (100, CENT, 100),
        (105, Fraction(1, 10), 10),
        (9, Fraction(1, 10), 0),
        (3, Fraction(100), 300),
        (2, Fraction(3, 2), 3),
        (1, Fraction(3, 2), 1),
        (0, CENT, 0),
    ],
)
def test_value_is_rounded_down(points: int, point_value: Fraction, minor: int) -> None:
    """A part of a minor unit is nothing."""
    assert value_of(points, point_value) == minor


@pytest.mark.parametrize(
    ("minor", "point_value", "points"),
    [
        (100, CENT, 100),
        (10, Fraction(1, 10), 100),
        (150, Fraction(100), 2),
        (200, Fraction(100), 2),
        (2, Fraction(3, 2), 2),
        (0, CENT, 0),
    ],
)
def test_fewest_points(minor: int, point_value: Fraction, points: int) -> None:
    """The fewest points that give the money value."""
    assert points_for(minor, point_value) == points


def test_points_without_value() -> None:
    """Nothing can be paid with points that are worth nothing."""
    with pytest.raises(ValueError, match="A point must be worth something"):
        points_for(100, Fraction(0))


LIMITS = {
    "none": RedemptionLimits(),
    "off": RedemptionLimits(is_enabled=False),
    "min 100": RedemptionLimits(minimum_points=100),
    "block 100": RedemptionLimits(minimum_points=100, block_points=100),
    "half": RedemptionLimits(order_share_max=Fraction(1, 2)),
    "third": RedemptionLimits(order_share_max=Fraction(1, 3)),
}
CLAMPED = """
    requested | available | goods | value | limits    | points | minor | reason
          500 |       900 |  1200 |     1 | none      |    500 |   500 | -
            0 |       900 |  1200 |     1 | none      |      0 |     0 | -
          900 |       500 |  1200 |     1 | none      |    500 |   500 | NOT_ENOUGH_POINTS
          900 |         0 |  1200 |     1 | none      |      0 |     0 | NOT_ENOUGH_POINTS
          900 |        -5 |  1200 |     1 | none      |      0 |     0 | NOT_ENOUGH_POINTS
         2000 |      2000 |  1200 |     1 | none      |   1200 |  1200 | BASKET_TOO_SMALL
         2000 |      2000 |     0 |     1 | none      |      0 |     0 | BASKET_TOO_SMALL
         2000 |      2000 |  -100 |     1 | none      |      0 |     0 | BASKET_TOO_SMALL
         2000 |      2000 |  1200 |     1 | half      |    600 |   600 | ORDER_SHARE
         2000 |      2000 |  1000 |     1 | third     |    333 |   333 | ORDER_SHARE
         2000 |       333 |  1000 |     1 | third     |    333 |   333 | NOT_ENOUGH_POINTS
          250 |       900 |  1200 |     1 | block 100 |    200 |   200 | BLOCK_SIZE
          250 |       150 |  1200 |     1 | block 100 |    100 |   100 | NOT_ENOUGH_POINTS
           99 |       900 |  1200 |     1 | min 100   |      0 |     0 | BELOW_MINIMUM
          100 |       900 |  1200 |     1 | min 100   |    100 |   100 | -
          500 |        99 |  1200 |     1 | min 100   |      0 |     0 | NOT_ENOUGH_POINTS
          500 |       900 |    99 |     1 | min 100   |      0 |     0 | BASKET_TOO_SMALL
          100 |       900 |  1200 |   1/7 | min 100   |     98 |    14 | BLOCK_SIZE
          105 |       900 |  1200 |  1/10 | none      |    100 |    10 | BLOCK_SIZE
            5 |       900 |  1200 |  1/10 | none      |      0 |     0 | BLOCK_SIZE
            2 |       900 |   150 |   100 | none      |      1 |   100 | BASKET_TOO_SMALL
            2 |       900 |    99 |   100 | none      |      0 |     0 | BASKET_TOO_SMALL
          500 |       900 |  1200 |     1 | off       |      0 |     0 | REDEMPTION_DISABLED
          500 |       900 |  1200 |     - | none      |      0 |     0 | NO_POINT_VALUE
          500 |       900 |  1200 |     0 | none      |      0 |     0 | NO_POINT_VALUE
"""


@pytest.mark.parametrize("row", CLAMPED.strip().splitlines()[1:])
def test_clamping(row: str) -> None:
    """The tightest limit decides and is named; zero means none, never all."""
    requested, held, goods, value, limits, points, minor, reason = (
        cell.strip() for cell in row.split("|")
    )
    point_value = None if value == "-" else Fraction(value)

    clamped = clamp(int(requested), int(held), int(goods), point_value, LIMITS[limits])

    expected = None if reason == "-" else ClampReason(reason)
    assert clamped == Clamped(int(points), int(minor), expected)


def test_a_negative_request() -> None:
    """It is refused, not read as zero."""
    with pytest.raises(ValueError, match="Points requested cannot be negative"):
        clamp(-1, 900, 1200, CENT, RedemptionLimits())


@pytest.mark.parametrize(
    ("applied", "discount", "share_ppm", "point_value", "burned"),
    [
        (500, 500, 1_000_000, CENT, 500),
        (105, 10, 1_000_000, Fraction(1, 10), 105),  # all of it arrived: as applied
        (500, 500, 800_000, CENT, 400),
        (500, 500, 0, CENT, 0),
        (333, 333, 900_000, CENT, 299),  # 299.7 in the customer's favor
        (100, 10, 800_000, Fraction(1, 10), 80),
        (1, 100, 800_000, Fraction(100), 1),  # a point cannot be burned in part
        (500, 500, 1_200_000, CENT, 500),  # never more than was applied
        (500, 500, -1, CENT, 0),
        (0, 0, 500_000, CENT, 0),
    ],
)
def test_only_the_effective_value_is_burned(
    applied: int, discount: int, share_ppm: int, point_value: Fraction, burned: int
) -> None:
    """Points are worth what the customer's total falls by."""
    assert effective_points(applied, discount, share_ppm, point_value) == burned
