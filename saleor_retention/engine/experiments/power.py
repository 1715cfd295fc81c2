"""How many customers an experiment needs, and the smallest effect that so many could show.

Before an experiment the first question decides whether it is worth the wait; afterwards the second
says how much an experiment that shows nothing has ruled out. 80 % power at a level of 5 %, both
sides, by the normal approximation.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from saleor_retention.engine.experiments.intervals import CONFIDENCE
from saleor_retention.engine.experiments.samples import Sample, normal_quantile, root

POWER = Fraction(80, 100)
_UPPER = 1 - (1 - CONFIDENCE) / 2


def customers_needed(
    baseline: Fraction, expected: Fraction, *, held_out: Fraction, power: Fraction = POWER
) -> int:
    """Return how many customers there must be in both arms together, rounded up.

    ``baseline`` is the share that buys without the mechanism, ``expected`` the one with it,
    ``held_out`` the share of customers that is held out. Formula: Fleiss, Levin and Paik (2003),
    4.19, without a continuity correction. ``ValueError`` where no number is enough or a share is
    none.

    A rise from 10 % to 15 % takes 686 customers in each arm:

    >>> customers_needed(Fraction(1, 10), Fraction(15, 100), held_out=Fraction(1, 2))
    1372
    """
    if not (0 <= baseline <= 1 and 0 <= expected <= 1) or baseline == expected:
        raise ValueError("Two different shares from 0 to 1 can be told apart.")
    if not 0 < held_out < 1:
        raise ValueError("Some customers are held out, and some are not.")
    ratio = (1 - held_out) / held_out
    mean = (baseline + ratio * expected) / (1 + ratio)
    by_level = normal_quantile(_UPPER) * root((1 + 1 / ratio) * mean * (1 - mean))
    by_power = normal_quantile(power) * root(
        baseline * (1 - baseline) + expected * (1 - expected) / ratio
    )
    in_holdout = ceil(((by_level + by_power) / (expected - baseline)) ** 2)
    return in_holdout + ceil(ratio * in_holdout)


def smallest_share(treated: Sample, held_out: Sample) -> Fraction:
    """Return the smallest difference of shares that these arms would show in 80 of 100 cases.

    At the share of both arms together. ``ValueError`` for an empty arm.
    """
    _require(treated, held_out)
    share = Fraction(treated.buyers + held_out.buyers, treated.customers + held_out.customers)
    variance = share * (1 - share)
    return _reach() * root(variance / treated.customers + variance / held_out.customers)


def smallest_mean(treated: Sample, held_out: Sample) -> Fraction:
    """Return the smallest difference of means that these arms would show in 80 of 100 cases.

    In minor units, at the variances seen. ``ValueError`` for an empty arm.
    """
    _require(treated, held_out)
    return _reach() * root(
        treated.variance / treated.customers + held_out.variance / held_out.customers
    )


def _reach() -> Fraction:
    return normal_quantile(_UPPER) + normal_quantile(POWER)


def _require(*arms: Sample) -> None:
    if not all(arm.customers for arm in arms):
        raise ValueError("An arm without customers shows nothing.")
