"""What was counted in one arm of an experiment, and the numbers that statistics needs of it.

Sums are whole numbers and everything that follows from them is a fraction; only roots and the
quantiles of distributions are approximate, far below what is ever shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from statistics import NormalDist

_ROOT_SCALE = 10**12


@dataclass(frozen=True, slots=True)
class Sample:
    """The customers assigned to one arm, whatever reached them: intent to treat.

    ``total`` and ``squares`` are sums over all customers, with 0 for those who did not buy.
    """

    customers: int
    buyers: int  # of them, with at least one order
    total: int  # what they spent, in minor units
    squares: int  # the sum of the squares of what each of them spent

    def __post_init__(self) -> None:
        """Refuse sums that no customers can have."""
        if not 0 <= self.buyers <= self.customers:
            raise ValueError("Buyers are some of the customers.")
        if self.squares * self.customers < self.total**2:
            raise ValueError("The sum of squares is too small for the total.")

    @property
    def share(self) -> Fraction:
        """Return buyers / customers; 0 where there is nobody."""
        return Fraction(self.buyers, self.customers) if self.customers else Fraction(0)

    @property
    def mean(self) -> Fraction:
        """Return what a customer spent on average; 0 where there is nobody."""
        return Fraction(self.total, self.customers) if self.customers else Fraction(0)

    @property
    def has_variance(self) -> bool:
        """Tell whether there are customers who could differ from each other."""
        return self.customers > 1

    @property
    def variance(self) -> Fraction:
        """Return the unbiased variance of spend: (sum of squares - n x mean^2) / (n - 1)."""
        if not self.has_variance:
            return Fraction(0)
        return (self.squares - self.customers * self.mean**2) / (self.customers - 1)


def root(value: Fraction) -> Fraction:
    """Return the square root, right to twelve digits; ``ValueError`` below zero.

    >>> root(Fraction(9, 4))
    Fraction(3, 2)
    """
    over, under = value.numerator, value.denominator
    return Fraction(isqrt(over * under * _ROOT_SCALE**2), under * _ROOT_SCALE)


def normal_quantile(share: Fraction) -> Fraction:
    """Return the point of the standard normal distribution that ``share`` of it lies below."""
    return Fraction(NormalDist().inv_cdf(share))  # type: ignore[arg-type]  # takes any real number


def t_quantile(share: Fraction, freedom: Fraction) -> Fraction:
    """Return the point of Student's distribution that ``share`` of it lies below.

    By the expansion around the normal one (Abramowitz and Stegun 26.7.5): for 97.5 % and four
    degrees of freedom 0.01 too low, for ten and more right to four decimals.

    >>> round(t_quantile(Fraction(975, 1000), Fraction(10)), 3) == Fraction("2.228")
    True
    """
    z = normal_quantile(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum((term / freedom**place for place, term in enumerate(terms, 1)), Fraction(0))
