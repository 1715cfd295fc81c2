"""Conversion, rounding and splitting of money."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from saleor_retention.engine.money import (
    allocate,
    allocate_capped,
    from_minor,
    money_text,
    percent_of,
    round_half_up,
    to_minor,
)


@pytest.mark.parametrize(
    ("amount", "exponent", "minor"),
    [
        ("12.50", 2, 1250),
        ("12.5", 2, 1250),
        ("12.500", 2, 1250),
        ("-0.01", 2, -1),
        ("7", 0, 7),
        ("7.0", 0, 7),
        ("1.234", 3, 1234),
        ("0", 2, 0),
        ("1E+3", 2, 100_000),
        ("9999999999999999999999999999999.99", 2, 999_999_999_999_999_999_999_999_999_999_999),
    ],
)
def test_amounts_become_minor_units(amount: str, exponent: int, minor: int) -> None:
    """An amount is its number of minor units, whatever its zeros and its size."""
    assert to_minor(Decimal(amount), exponent) == minor


@pytest.mark.parametrize(
    ("amount", "exponent", "message"),
    [
        ("0.005", 2, "0.005 has more than 2 decimals."),
        ("0.5", 0, "0.5 has more than 0 decimals."),
        ("1.2345", 3, "1.2345 has more than 3 decimals."),
        ("NaN", 2, "NaN is not an amount of money."),
        ("Infinity", 2, "Infinity is not an amount of money."),
    ],
)
def test_amounts_that_minor_units_cannot_hold(amount: str, exponent: int, message: str) -> None:
    """Nothing is rounded on the way in."""
    with pytest.raises(ValueError, match="^" + message.replace(".", r"\.") + "$"):
        to_minor(Decimal(amount), exponent)


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [
        (1250, 2, "12.50"),
        (0, 2, "0.00"),
        (-5, 3, "-0.005"),
        (7, 0, "7"),
        (10**30, 2, "1" + "0" * 28 + ".00"),
    ],
)
def test_minor_units_become_amounts(minor: int, exponent: int, text: str) -> None:
    """All decimals of the currency are there, in any size and under any decimal context."""
    with localcontext() as context:
        context.prec = 3

        assert f"{from_minor(minor, exponent):f}" == text


def test_money_as_people_read_it() -> None:
    """The amount with its decimals, then the currency."""
    assert money_text(-1250, "USD", 2) == "-12.50 USD"
    assert money_text(1250, "JPY", 0) == "1250 JPY"


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("2.5", 3), ("2.49", 2), ("2.51", 3), ("0", 0), ("-2.5", -2), ("-2.51", -3), ("3", 3)],
)
def test_halves_go_up(value: str, rounded: int) -> None:
    """A half is rounded towards positive infinity."""
    assert round_half_up(Fraction(value)) == rounded


@pytest.mark.parametrize(
    ("minor", "percent", "part"),
    [
        (333, "5", 17),
        (10, "5", 1),  # a half goes up
        (9, "5", 0),
        (1000, "0.125", 1),
        (1000, "100", 1000),
        (0, "50", 0),
        (10**12, "99.999", 999_990_000_000),
    ],
)
def test_per_cent_of_an_amount(minor: int, percent: str, part: int) -> None:
    """To the nearest minor unit."""
    assert percent_of(minor, Decimal(percent)) == part


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (1000, [500, 500, 500], [334, 333, 333]),
        (3, [1, 1], [2, 1]),  # tie: the earlier position
        (5, [0, 10, 0], [0, 5, 0]),
        (7, [1, 2, 4], [1, 2, 4]),
        (1, [1, 2], [0, 1]),  # the larger remainder
        (0, [3, 4], [0, 0]),
        (0, [], []),
        (3, [0, 0], [2, 1]),  # no weight at all: all alike
        (10, [10**40, 1], [10, 0]),
    ],
)
def test_allocation(total: int, weights: list[int], parts: list[int]) -> None:
    """Shares are exact and rounded down; the rest goes to the largest remainders."""
    assert allocate(total, weights) == parts


@pytest.mark.parametrize(
    ("total", "weights", "message"),
    [
        (-1, [1], "Neither the total nor a weight may be negative."),
        (1, [1, -1], "Neither the total nor a weight may be negative."),
        (1, [], "There is nothing to allocate 1 to."),
    ],
)
def test_allocations_that_make_no_sense(total: int, weights: list[int], message: str) -> None:
    """They are refused instead of guessed."""
    with pytest.raises(ValueError, match=message):
        allocate(total, weights)


@pytest.mark.parametrize(
    ("total", "caps", "parts"),
    [
        (150, [100, 0, 100], [75, 0, 75]),
        (200, [100, 0, 100], [100, 0, 100]),
        (199, [100, 0, 100], [100, 0, 99]),
        (2, [1, 1, 1], [1, 1, 0]),
        (0, [0, 0], [0, 0]),
    ],
)
def test_allocation_under_caps(total: int, caps: list[int], parts: list[int]) -> None:
    """In proportion to the caps, and no part above its own."""
    assert allocate_capped(total, caps) == parts


def test_allocation_above_all_caps() -> None:
    """More than fits is refused."""
    with pytest.raises(ValueError, match=r"4 does not fit into caps of 3 in all\."):
        allocate_capped(4, [1, 2])
