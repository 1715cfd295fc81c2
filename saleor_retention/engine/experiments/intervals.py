"""The difference between two arms with its 95 % interval: of shares, and of means.

docs/algorithms/experiments.md has the formulae with their sources. An interval is a statement about
the procedure: of a hundred experiments some ninety-five have the true difference in theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.experiments.samples import Sample, normal_quantile, root, t_quantile

CONFIDENCE = Fraction(95, 100)
_UPPER = 1 - (1 - CONFIDENCE) / 2


@dataclass(frozen=True, slots=True)
class Difference:
    """The first arm less the second, from ``low`` to ``high``."""

    estimate: Fraction
    low: Fraction
    high: Fraction

    @property
    def is_clear(self) -> bool:
        """Tell whether zero lies outside the interval."""
        return self.low > 0 or self.high < 0


def wilson(part: int, whole: int) -> tuple[Fraction, Fraction]:
    """Return Wilson's score interval of a share, without a continuity correction.

    Newcombe (1998) has 0.2553 to 0.3662 for 81 of 263. ``ValueError`` for a share of nobody.
    """
    if whole < 1 or not 0 <= part <= whole:
        raise ValueError("A share is a part of something.")
    z = normal_quantile(_UPPER)
    middle = 2 * part + z**2
    reach = z * root(z**2 + Fraction(4 * part * (whole - part), whole))
    low, high = (middle - reach) / (2 * (whole + z**2)), (middle + reach) / (2 * (whole + z**2))
    return max(Fraction(0), low), min(Fraction(1), high)


def difference_of_shares(first: Sample, second: Sample) -> Difference:
    """Return how much greater the share of buyers is, by Newcombe's hybrid score interval.

    Made of both arms' Wilson intervals (method 10 of Newcombe, 1998): it never leaves -1 to 1 and
    holds near 0 and 1, where the textbook's interval does not. ``ValueError`` for an empty arm.
    """
    low1, high1 = wilson(first.buyers, first.customers)
    low2, high2 = wilson(second.buyers, second.customers)
    estimate = first.share - second.share
    below = root((first.share - low1) ** 2 + (high2 - second.share) ** 2)
    above = root((high1 - first.share) ** 2 + (second.share - low2) ** 2)
    return Difference(estimate, estimate - below, estimate + above)


def difference_of_means(first: Sample, second: Sample) -> Difference:
    """Return how much more a customer spent, in minor units, by Welch's interval.

    Without the assumption that both arms vary alike; the degrees of freedom are Welch's and
    Satterthwaite's. ``ValueError`` for fewer than two customers in an arm.
    """
    if not (first.has_variance and second.has_variance):
        raise ValueError("The variance of one customer is unknown.")
    parts = (first.variance / first.customers, second.variance / second.customers)
    estimate, square = first.mean - second.mean, sum(parts, Fraction(0))
    if not square:
        return Difference(estimate, estimate, estimate)
    freedom = square**2 / (
        parts[0] ** 2 / (first.customers - 1) + parts[1] ** 2 / (second.customers - 1)
    )
    reach = t_quantile(_UPPER, freedom) * root(square)
    return Difference(estimate, estimate - reach, estimate + reach)
