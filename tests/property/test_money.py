"""Splitting, converting and dating hold for all numbers and instants."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from saleor_retention.engine.money import (
    allocate,
    allocate_capped,
    from_minor,
    round_half_up,
    to_minor,
)
from saleor_retention.engine.periods import (
    end_of_local_day,
    end_of_window,
    local_date,
    next_window_end,
    start_of_local_day,
    start_of_window,
)
from saleor_retention.engine.redemption import clamp, effective_points, points_for, value_of
from saleor_retention.engine.rules import RedemptionLimits, Window
from tests.property.strategies import (
    amounts_minor,
    instants,
    limits,
    point_values,
    points,
    zones,
)

weights = st.lists(amounts_minor, max_size=8)


@given(total=amounts_minor, parts=weights)
def test_parts_add_up(total: int, parts: list[int]) -> None:
    """To the whole, each within one of its exact share, and nothing for no weight."""
    assume(parts or not total)

    split = allocate(total, parts)

    assert sum(split) == total
    whole = sum(parts)
    for part, weight in zip(split, parts, strict=True):
        if whole:
            assert abs(part - Fraction(total * weight, whole)) < 1
            assert weight or not part


@given(total=amounts_minor, parts=st.lists(amounts_minor, min_size=1, max_size=8))
def test_equal_weights_get_equal_parts(total: int, parts: list[int]) -> None:
    """But for one, which goes to the earlier; and more weight never gets less."""
    split = allocate(total, parts)

    for i, one in enumerate(parts):
        for j, other in enumerate(parts):
            if one > other or (one == other and i < j):
                assert split[i] >= split[j]


@given(caps=weights, share=st.fractions(0, 1))
def test_caps_are_kept(caps: list[int], share: Fraction) -> None:
    """Whatever fits is spread, and no part passes its cap."""
    total = int(sum(caps) * share)

    split = allocate_capped(total, caps)

    assert sum(split) == total
    assert all(0 <= part <= cap for part, cap in zip(split, caps, strict=True))


@given(minor=st.integers(-(10**30), 10**30), exponent=st.sampled_from([0, 2, 3]))
def test_minor_units_round_trip(minor: int, exponent: int) -> None:
    """Minor units become an amount and the same minor units again."""
    assert to_minor(from_minor(minor, exponent), exponent) == minor


@given(value=st.fractions())
def test_rounding_is_nearest(value: Fraction) -> None:
    """Never further than a half, and a half goes up."""
    assert Fraction(-1, 2) < round_half_up(value) - value <= Fraction(1, 2)


@given(day=st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)), tz=zones)
def test_days_follow_each_other(day: dt.date, tz: str) -> None:
    """A day ends where the next begins, and its instants fall on it."""
    start, end = start_of_local_day(day, tz), end_of_local_day(day, tz)

    assert end == start_of_local_day(day + dt.timedelta(days=1), tz)
    assert local_date(end, tz) > day
    if start != end:  # a whole country may leave out a day
        assert local_date(start, tz) == day
        assert local_date(end - dt.timedelta(microseconds=1), tz) == day


@given(
    window=st.sampled_from([window for window in Window if window is not Window.LIFETIME]),
    months=st.integers(1, 60),
    at=instants,
    tz=zones,
    joined_on=st.dates(dt.date(1999, 1, 1), dt.date(2009, 12, 31)),
)
def test_windows_hold_their_instant(
    window: Window, months: int, at: dt.datetime, tz: str, joined_on: dt.date
) -> None:
    """A window begins before, ends after, and a tier reached in it outlives it."""
    start = start_of_window(window, months, at, tz, joined_on)
    end = end_of_window(window, months, at, tz, joined_on)
    valid_until = next_window_end(window, months, at, tz, joined_on)

    assert start is not None
    assert end is not None
    assert valid_until is not None
    assert start <= at < end <= valid_until
    if window is not Window.ROLLING_MONTHS:
        assert start_of_window(window, months, end, tz, joined_on) == end
        assert end_of_window(window, months, end, tz, joined_on) == valid_until


@given(minor=amounts_minor, value=point_values)
def test_fewest_points_give_the_money(minor: int, value: Fraction) -> None:
    """That many give at least the money, one less does not."""
    needed = points_for(minor, value)

    assert value_of(needed, value) >= minor
    assert not needed or value_of(needed - 1, value) < minor


@given(requested=points, available=points, base=amounts_minor, value=point_values, limit=limits())
def test_clamping_stays_within_every_limit(
    requested: int, available: int, base: int, value: Fraction, limit: RedemptionLimits
) -> None:
    """Never more than asked, had, allowed or needed; whole blocks; a reason for every cut."""
    clamped = clamp(requested, available, base, value, limit)

    assert 0 <= clamped.points <= min(requested, available)
    assert clamped.points % limit.block_points == 0
    assert 0 <= clamped.value_minor <= base * limit.order_share_max
    assert clamped.value_minor == value_of(clamped.points, value)
    assert (clamped.reason is None) == (clamped.points == requested)
    if clamped.points:
        assert limit.is_enabled
        one_block_less = clamped.points - limit.block_points
        assert value_of(one_block_less, value) < clamped.value_minor


@given(
    applied=points,
    value=point_values,
    share=st.integers(0, 1_000_000),
    smaller=st.integers(0, 1_000_000),
)
def test_burned_points_are_worth_what_the_total_fell_by(
    applied: int, value: Fraction, share: int, smaller: int
) -> None:
    """Never more than applied, all of them where all reached the total, fewer where less did."""
    discount = value_of(applied, value)

    burned = effective_points(applied, discount, share, value)

    assert 0 <= burned <= applied
    assert effective_points(applied, discount, 1_000_000, value) == applied
    effective = discount * share // 1_000_000
    assert value_of(burned, value) >= effective or burned == applied
    assert not burned or burned == applied or value_of(burned - 1, value) < effective
    assert effective_points(applied, discount, min(share, smaller), value) <= burned
