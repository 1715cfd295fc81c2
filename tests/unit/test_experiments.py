"""Holdouts, intervals and sample sizes: against published values, and by simulation."""

from __future__ import annotations

import random
from fractions import Fraction
from statistics import NormalDist

import pytest

from saleor_retention.engine.experiments.assignment import Arm, arm_of
from saleor_retention.engine.experiments.intervals import (
    Difference,
    difference_of_means,
    difference_of_shares,
    wilson,
)
from saleor_retention.engine.experiments.power import (
    customers_needed,
    smallest_mean,
    smallest_share,
)
from saleor_retention.engine.experiments.samples import Sample, root, t_quantile
from saleor_retention.engine.experiments.verdict import Seen, verdict_on, words
from saleor_retention.engine.phrases import render

HALF = Fraction(1, 2)


def buyers(part: int, whole: int) -> Sample:
    """Return an arm in which each buyer spent one minor unit."""
    return Sample(whole, part, part, part)


def spent(*amounts: int) -> Sample:
    """Return an arm of customers who spent these amounts."""
    squares = sum(amount**2 for amount in amounts)
    return Sample(len(amounts), sum(amount != 0 for amount in amounts), sum(amounts), squares)


def shown(difference: Difference, places: int) -> tuple[str, str]:
    """Return the limits as a publication prints them."""
    return f"{float(difference.low):.{places}f}", f"{float(difference.high):.{places}f}"


def held_out(accounts: range, share: int, experiment: str = "spring") -> set[int]:
    """Return who of these accounts is held out."""
    return {
        account
        for account in accounts
        if arm_of(b"secret", experiment, account, held_out_per_mille=share) is Arm.HELD_OUT
    }


def test_who_is_held_out_stays_so_while_the_shop_grows() -> None:
    """More customers change nothing for those who were there; a larger share only adds some."""
    early = held_out(range(2000), 100)

    assert held_out(range(20_000), 100) & set(range(2000)) == early
    assert early < held_out(range(2000), 200)
    assert not held_out(range(2000), 0)
    assert held_out(range(2000), 1000) == set(range(2000))


def test_the_share_held_out_is_the_one_asked_for() -> None:
    """Within four standard deviations of 1, 100 and 500 per mille of 50,000."""
    for share in (1, 100, 500):
        expected = 50 * share
        deviation = (expected * (1 - share / 1000)) ** 0.5

        assert abs(len(held_out(range(50_000), share)) - expected) < 4 * deviation


def test_two_experiments_divide_customers_independently() -> None:
    """Half of one holdout is in the other one; another secret deals anew."""
    first, second = held_out(range(20_000), 500), held_out(range(20_000), 500, "autumn")

    assert abs(len(first & second) - 5000) < 250
    others = {
        account
        for account in range(20_000)
        if arm_of(b"other", "spring", account, held_out_per_mille=500) is Arm.HELD_OUT
    }
    assert abs(len(first & others) - 5000) < 250


@pytest.mark.parametrize("share", [-1, 1001])
def test_an_impossible_share_is_refused(share: int) -> None:
    """Per mille, from nobody to everybody."""
    with pytest.raises(ValueError, match="from 0 to 1000 per mille"):
        arm_of(b"secret", "spring", 1, held_out_per_mille=share)
    with pytest.raises(ValueError, match="needs a secret"):
        arm_of(b"", "spring", 1, held_out_per_mille=5)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_a_share_as_published(part: int, whole: int, low: str, high: str) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3."""
    found = wilson(part, whole)

    assert tuple(f"{float(limit):.4f}" for limit in found) == (low, high)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), "0.0524", "0.3339"),
        ((9, 10), (3, 10), "0.1705", "0.8090"),
        ((6, 7), (2, 7), "0.0582", "0.8062"),
        ((5, 56), (0, 29), "-0.0381", "0.1926"),
        ((0, 10), (0, 20), "-0.1611", "0.2775"),
        ((0, 10), (0, 10), "-0.2775", "0.2775"),
        ((10, 10), (0, 20), "0.6791", "1.0000"),
        ((10, 10), (0, 10), "0.6075", "1.0000"),
    ],
)
def test_a_difference_of_shares_as_published(
    first: tuple[int, int], second: tuple[int, int], low: str, high: str
) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10."""
    found = difference_of_shares(buyers(*first), buyers(*second))

    assert shown(found, 4) == (low, high)


def test_a_difference_of_means_as_published() -> None:
    """Student's sleep data, as R's manual has Welch's interval of them: -3.3655 to 0.2055."""
    one = spent(7, -16, -2, -12, -1, 34, 37, 8, 0, 20)
    two = spent(19, 8, 11, 1, -1, 44, 55, 16, 46, 34)

    found = difference_of_means(one, two)

    assert found.estimate == Fraction(-158, 10)
    assert shown(found, 2) == ("-33.65", "2.05")
    assert not found.is_clear


@pytest.mark.parametrize(
    ("freedom", "value"),
    [(8, "2.306"), (10, "2.228"), (30, "2.042"), (60, "2.000"), (120, "1.980")],
)
def test_students_distribution_as_printed(freedom: int, value: str) -> None:
    """The column of 97.5 % of every table."""
    found = t_quantile(Fraction(975, 1000), Fraction(freedom))

    assert f"{float(found):.3f}" == value


def test_numbers_of_customers_as_published() -> None:
    """R's manual of power.prop.test: 76.7 in each group for 0.50 against 0.75 at 90 %."""
    half, three_quarters = Fraction(1, 2), Fraction(3, 4)

    assert customers_needed(half, three_quarters, held_out=HALF, power=Fraction(9, 10)) == 2 * 77
    assert customers_needed(half, three_quarters, held_out=HALF) == 2 * 58
    assert customers_needed(three_quarters, half, held_out=HALF) == 2 * 58


def test_a_small_holdout_needs_more_customers() -> None:
    """A tenth held out: more in all than half and half, fewer held out."""
    equal = customers_needed(Fraction(1, 10), Fraction(12, 100), held_out=HALF)
    small = customers_needed(Fraction(1, 10), Fraction(12, 100), held_out=Fraction(1, 10))

    assert small > equal > small / 5


@pytest.mark.parametrize(
    ("baseline", "expected", "share"), [(1, 1, HALF), (2, 1, HALF), (1, 0, 0), (1, 0, 1)]
)
def test_what_no_number_of_customers_shows(
    baseline: int, expected: int, share: Fraction | int
) -> None:
    """No difference, no share, no arm."""
    with pytest.raises(ValueError, match=r"told apart|held out"):
        customers_needed(Fraction(baseline), Fraction(expected), held_out=Fraction(share))


def test_roots_and_sums() -> None:
    """Exact where the root is; impossible samples are refused."""
    assert root(Fraction(0)) == 0
    assert root(Fraction(4, 81)) == Fraction(2, 9)
    assert abs(root(Fraction(2)) ** 2 - 2) < Fraction(1, 10**11)
    assert spent(1, 2, 3).variance == 1
    with pytest.raises(ValueError, match="some of the customers"):
        Sample(1, 2, 0, 0)
    with pytest.raises(ValueError, match="too small for the total"):
        Sample(2, 2, 10, 49)
    with pytest.raises(ValueError, match="without customers"):
        smallest_share(buyers(1, 2), buyers(0, 0))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Of 1500 experiments some 95 % have the true differences in their intervals.

    10 % and 15 % buy; a purchase is skewed (exponential, mean 50.00). Four standard deviations of
    1500 draws are 2.3 points; the skew costs the mean's interval a little.
    """
    draw = random.Random(20261122)  # noqa: S311
    rounds, of_shares, of_means = 1500, 0, 0
    for _ in range(rounds):
        arms = []
        for size, share in ((300, 0.15), (150, 0.10)):
            amounts = [
                int(draw.expovariate(1) * 5000) + 1 if draw.random() < share else 0
                for _ in range(size)
            ]
            arms.append(spent(*amounts))
        shares, means = difference_of_shares(*arms), difference_of_means(*arms)
        of_shares += shares.low <= Fraction(5, 100) <= shares.high
        of_means += means.low <= 250 <= means.high

    assert 0.927 < of_shares / rounds < 0.973
    assert 0.920 < of_means / rounds < 0.973


def test_the_stated_number_of_customers_shows_the_effect_four_times_of_five() -> None:
    """2000 experiments of the size asked for, drawn from the normal limits of both shares."""
    low, high = 0.10, 0.15
    customers = customers_needed(Fraction(1, 10), Fraction(15, 100), held_out=HALF) // 2
    draw = random.Random(7)  # noqa: S311

    def some(share: float) -> Sample:
        chance = NormalDist(customers * share, (customers * share * (1 - share)) ** 0.5)
        return buyers(round(chance.inv_cdf(draw.random())), customers)

    shown_in = sum(difference_of_shares(some(high), some(low)).low > 0 for _ in range(2000))

    assert 0.76 < shown_in / 2000 < 0.84


def test_the_smallest_effect_shrinks_with_the_root_of_the_customers() -> None:
    """A hundred times the customers show a tenth."""
    few = smallest_share(buyers(10, 100), buyers(10, 100))
    many = smallest_share(buyers(1000, 10_000), buyers(1000, 10_000))

    assert round(few / many, 6) == 10
    assert f"{float(few):.4f}" == "0.1189"
    assert f"{float(smallest_mean(spent(0, 2, 4), spent(0, 2, 4))):.3f}" == "4.575"


def said(first: Sample, second: Sample, currency: str = "USD") -> list[str]:
    """Return what is said of two arms, in English."""
    return [render(each) for each in words(verdict_on(first, second), currency, 2)]


def test_an_experiment_with_an_effect_in_words() -> None:
    """The numbers, the difference with its interval, and what each spent."""
    treated = Sample(1000, 200, 1_000_000, 5_000_000_000)
    spared = Sample(1000, 100, 500_000, 2_500_000_000)

    assert said(treated, spared) == [
        "200 of 1000 customers bought with it (20.0 %), 100 of 1000 without it (10.0 %).",
        (
            "More customers bought where it was done: 10.0 percentage points more "
            "(95 % interval: 6.9 to 13.1)."
        ),
        "Difference in what each customer spent: 5.00 USD (95 % interval: 3.45 USD to 6.55 USD).",
    ]
    assert verdict_on(spared, treated).seen is Seen.LESS


def test_an_experiment_without_one_says_what_it_could_have_seen() -> None:
    """No claim that there is none; without a currency nothing is said of money."""
    assert said(buyers(22, 200), buyers(20, 200), "") == [
        "22 of 200 customers bought with it (11.0 %), 20 of 200 without it (10.0 %).",
        (
            "No difference is shown: 1.0 percentage points, which chance may explain "
            "(95 % interval: -5.1 to 7.1)."
        ),
        (
            "There may be a difference all the same: so many customers would probably have shown "
            "only one of 8.6 percentage points or more."
        ),
    ]


def test_too_few_customers_get_no_interval() -> None:
    """29 on one side: nothing is compared, not even where the numbers look clear."""
    assert said(buyers(29, 29), buyers(0, 500)) == [
        "29 of 29 customers bought with it (100.0 %), 0 of 500 without it (0.0 %).",
        "Too few to compare: it takes at least 30 customers on each side.",
    ]
    assert verdict_on(buyers(29, 29), buyers(0, 500)).shares is None
    assert verdict_on(buyers(30, 30), buyers(0, 500)).seen is Seen.MORE
