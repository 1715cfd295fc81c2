"""Exact arithmetic on money in minor units: conversion, rounding, and splitting into parts.

Every split goes through one function, so that parts always add up to the whole and two callers
never round one sum in two ways.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import MAX_PREC, Context, Decimal
from fractions import Fraction
from functools import lru_cache

_ANY_SIZE = Context(prec=MAX_PREC)


def to_minor(amount: Decimal, exponent: int) -> int:
    """Return ``amount`` in minor units; ``exponent`` is the number of digits of the minor unit.

    Nothing is rounded: an amount that is not a multiple of the minor unit, or not a finite
    number, raises ``ValueError``.

    >>> to_minor(Decimal("12.50"), 2)
    1250
    >>> to_minor(Decimal("0.005"), 2)
    Traceback (most recent call last):
    ...
    ValueError: 0.005 has more than 2 decimals.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money.")
    scale: int = 10**exponent
    minor = Fraction(amount) * scale
    if minor.denominator != 1:
        raise ValueError(f"{amount} has more than {exponent} decimals.")
    return minor.numerator


def from_minor(minor: int, exponent: int) -> Decimal:
    """Return ``minor`` units as an amount with all decimals of the currency.

    Exact for any size, whatever the precision of the decimal context is.

    >>> from_minor(1250, 2), from_minor(-5, 3), from_minor(7, 0)
    (Decimal('12.50'), Decimal('-0.005'), Decimal('7'))
    """
    return Decimal(minor).scaleb(-exponent, _ANY_SIZE)


def minor_text(minor: int, exponent: int) -> str:
    """Return ``minor`` units as the decimal text of an amount, with all decimals of the currency.

    >>> minor_text(1250, 2), minor_text(-5, 3), minor_text(7, 0)
    ('12.50', '-0.005', '7')
    """
    if not exponent:
        return str(minor)
    digits = f"{abs(minor):0{exponent + 1}d}"
    return f"{'-' if minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"


def money_text(minor: int, currency: str, exponent: int) -> str:
    """Return an amount as people read it where no locale is known.

    >>> money_text(1250, "USD", 2)
    '12.50 USD'
    """
    return f"{minor_text(minor, exponent)} {currency}"


def round_half_up(value: Fraction) -> int:
    """Return the nearest integer; a half goes up, towards positive infinity.

    >>> round_half_up(Fraction(5, 2)), round_half_up(Fraction(249, 100)), round_half_up(Fraction(0))
    (3, 2, 0)
    """
    return math.floor(value + Fraction(1, 2))


def percent_of(minor: int, percent: Decimal) -> int:
    """Return so many per cent of an amount, to the nearest minor unit; a half goes up.

    >>> percent_of(333, Decimal(5)), percent_of(10, Decimal(5)), percent_of(333, Decimal(100))
    (17, 1, 333)
    """
    if not minor:
        return 0
    numerator, denominator = _share(percent)
    return (2 * minor * numerator + denominator) // (2 * denominator)


@lru_cache(maxsize=1_000)
def _share(percent: Decimal) -> tuple[int, int]:
    """Return a per cent as a fraction's numerator and denominator; a program has a few of them."""
    numerator, denominator = percent.as_integer_ratio()
    return numerator, 100 * denominator


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split ``total`` in proportion to ``weights`` by largest remainder.

    The parts add up to ``total``. Each part is its exact share rounded down, and what is left goes
    one by one to the largest remainders, ties to the earlier position. A weight of zero gets
    nothing, unless all are zero: then all count the same. A negative total or weight, or a total
    without any weight, raises ``ValueError``.

    A basket of three equal lines gets 10.00 off; people expect three equal parts and get one cent
    more on the first line, because the parts must add up:

    >>> allocate(1000, [500, 500, 500])
    [334, 333, 333]
    >>> allocate(3, [0, 0])
    [2, 1]
    """
    if total < 0 or min(weights, default=0) < 0:
        raise ValueError("Neither the total nor a weight may be negative.")
    if not weights:
        if total:
            raise ValueError(f"There is nothing to allocate {total} to.")
        return []
    whole = sum(weights)
    if not whole:
        return allocate(total, [1] * len(weights))
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    if left:
        remainders = [-(total * weight % whole) for weight in weights]
        for index in sorted(range(len(weights)), key=remainders.__getitem__)[:left]:
            parts[index] += 1
    return parts


def allocate_capped(total: int, caps: Sequence[int]) -> list[int]:
    """Split ``total`` in proportion to ``caps``, no part above its cap.

    Rounding as ``allocate``. It cannot pass a cap: below the sum of the caps every inexact share
    lies strictly below its cap, so that rounding it up reaches the cap at most. A total above the
    sum of the caps raises ``ValueError``.

    >>> allocate_capped(150, [100, 0, 100])
    [75, 0, 75]
    >>> allocate_capped(3, [1, 1, 1])
    [1, 1, 1]
    """
    if total > sum(caps):
        raise ValueError(f"{total} does not fit into caps of {sum(caps)} in all.")
    return allocate(total, caps)
