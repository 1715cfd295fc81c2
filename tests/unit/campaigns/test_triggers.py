"""Whom a day makes due: birthdays, anniversaries, bands, and days that a job missed."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.birthdays import kept_on
from saleor_retention.engine.campaigns.calendar import days_of, is_on
from saleor_retention.engine.campaigns.caps import Budget, is_over_cap
from saleor_retention.engine.campaigns.rhythm import (
    Bought,
    RunOut,
    Supply,
    Thin,
    days_bought,
    reminded_on,
    run_out,
    supply_on,
    usual_quantity,
)
from saleor_retention.engine.campaigns.terms import Cap, Trigger, TriggerKind
from saleor_retention.engine.campaigns.triggers import (
    birthdays_on,
    cycle_of_year,
    days_between,
    entering_band,
    is_anniversary,
    next_month,
)
from saleor_retention.engine.segments.bands import Band, Limits, band_of

DAYS = st.dates(dt.date(2000, 3, 1), dt.date(2098, 12, 31))


@given(birth=st.dates(dt.date(2000, 1, 1), dt.date(2000, 12, 31)), year=st.integers(2001, 2098))
def test_every_birthday_is_celebrated_once_a_year(birth: dt.date, year: int) -> None:
    """Also on 29 February: exactly one day of the year finds the birthday."""
    day = kept_on(birth.month, birth.day, year)

    assert (birth.month, birth.day) in birthdays_on(day)
    others = [day - dt.timedelta(1), day + dt.timedelta(1)]
    assert all((birth.month, birth.day) not in birthdays_on(other) for other in others)


def test_a_birthday_in_january_greeted_in_december_is_of_the_new_year() -> None:
    """The cycle is that of the birthday, not of the message."""
    assert cycle_of_year("birthday", dt.date(2027, 1, 2)) == "birthday:2027"


def test_anniversaries_are_of_earlier_years() -> None:
    """The first purchase itself is none; that of a leap day is on 28 February."""
    first = dt.date(2024, 2, 29)

    assert not is_anniversary(first, first)
    assert is_anniversary(first, dt.date(2026, 2, 28))
    assert is_anniversary(first, dt.date(2028, 2, 29))
    assert not is_anniversary(first, dt.date(2028, 2, 28))


def test_the_month_after_december() -> None:
    """The whole of January."""
    assert next_month(dt.date(2026, 12, 31)) == (dt.date(2027, 1, 1), dt.date(2027, 1, 31))


@given(last_on=DAYS, band=st.sampled_from([Band.SLEEPING, Band.AT_RISK, Band.LOST]))
def test_everybody_falls_into_a_band_when_bands_say(last_on: dt.date, band: Band) -> None:
    """Going through the days, a customer enters each band once: when ``band_of`` changes to it."""
    limits = Limits(best=1, active=1, sleeping=2, at_risk=3)
    entered = []
    for days in range(1, 130):
        day = last_on + dt.timedelta(days)
        first, end = entering_band(band, day, limits)
        if first <= last_on < end:
            entered.append(day)
            yesterday = band_of(last_on, day - dt.timedelta(1), limits)
            assert band_of(last_on, day, limits) is band
            assert yesterday is not band

    assert len(entered) == 1


def test_nobody_falls_into_the_best() -> None:
    """That band is entered by buying."""
    with pytest.raises(ValueError, match="best"):
        entering_band(Band.BEST, dt.date(2026, 1, 1), Limits())


def test_a_job_that_missed_three_days_makes_up_for_them() -> None:
    """All of them, oldest first, and no more than asked for."""
    after, today = dt.date(2026, 2, 26), dt.date(2026, 3, 2)

    assert [day.day for day in days_between(after, today, 31)] == [27, 28, 1, 2]
    assert [day.day for day in days_between(after, today, 2)] == [1, 2]
    assert days_between(today, today, 31) == []
    assert days_between(today, after, 31) == []


class _Almanac:
    """Lunar days as they would be if the year began on 5 February, month by 30 days."""

    def lunar(self, year: int, month: int, day: int) -> dt.date:
        return dt.date(year, 2, 5) + dt.timedelta(30 * (month - 1) + day - 1)

    def public(self, country: str, name: str, year: int) -> tuple[dt.date, ...]:
        return (dt.date(year, 7, 4),) if (country, name) == ("US", "Independence Day") else ()


def test_days_by_name() -> None:
    """Fixed, lunar, public and own days; what is unknown is said."""

    def days(name: str, *own: dt.date) -> list[str]:
        trigger = Trigger(TriggerKind.HOLIDAY, holiday=name, own_days=own)
        return [str(day) for day in days_of(trigger, 2027, _Almanac())]

    assert days("valentine") == ["2027-02-14"]
    assert days("white-day") == ["2027-03-14"]
    assert days("christmas") == ["2027-12-25"]
    assert days("lunar-new-year") == ["2027-02-05"]
    assert days("qixi") == ["2027-08-10"]
    assert days("public:US:Independence Day") == ["2027-07-04"]
    assert days("public:FR:Independence Day") == []
    assert days("own", dt.date(2027, 5, 1), dt.date(2028, 5, 1)) == ["2027-05-01"]
    with pytest.raises(ValueError, match="easter-bunny"):
        days("easter-bunny")
    qixi = Trigger(TriggerKind.HOLIDAY, holiday="qixi")
    assert is_on(qixi, dt.date(2027, 8, 10), _Almanac())
    assert not is_on(qixi, dt.date(2027, 8, 11), _Almanac())


def test_the_cap_counts_a_sliding_window() -> None:
    """Two in seven days: the third waits until the first is seven days old."""
    cap = Cap(messages=2, days=7)
    now = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
    sent = [now - dt.timedelta(days=7), now - dt.timedelta(days=1)]

    assert not is_over_cap(cap, sent, now)
    assert is_over_cap(cap, sent, now - dt.timedelta(seconds=1))
    assert not is_over_cap(None, sent * 50, now)


@given(
    sends=st.none() | st.integers(-5, 20),
    points=st.none() | st.integers(-50, 200),
    wanted=st.lists(st.integers(0, 60), max_size=30),
)
def test_no_more_than_the_budget(sends: int | None, points: int | None, wanted: list[int]) -> None:
    """What is taken never exceeds what was left, and what would fit is never refused."""
    budget = Budget(sends, points)
    taken = []

    for each in wanted:
        fits = sends is None or len(taken) < sends
        fits = fits and (points is None or sum(taken) + each <= points)
        assert budget.take(each) is fits
        taken += [each] if fits else []


def _every(days: int, count: int, quantity: int = 1) -> list[Bought]:
    first = dt.date(2026, 1, 1)
    return [Bought(first + dt.timedelta(days * number), quantity) for number in range(count)]


def test_a_steady_customer_runs_out_on_a_day() -> None:
    """Every 30 days for seven times: 30 days after the last, and the range is a point."""
    assert run_out(_every(30, 7)) == RunOut(
        on=dt.date(2026, 7, 30),
        earliest=dt.date(2026, 7, 30),
        latest=dt.date(2026, 7, 30),
        gaps=6,
        is_firm=True,
    )


def test_two_bags_last_twice_as_long() -> None:
    """One bag lasts 30 days; after a double purchase the date is 60 days away."""
    purchases = [*_every(30, 3), Bought(dt.date(2026, 4, 1), 2)]

    found = run_out(purchases)

    assert isinstance(found, RunOut)
    assert found.on == dt.date(2026, 5, 31)
    assert not found.is_firm


def test_an_uneven_customer_gets_a_range() -> None:
    """Gaps of 20, 30 and 50 days: likely 30, from 20 to 50, and said to be no more than seen."""
    first = dt.date(2026, 1, 1)
    days = [first + dt.timedelta(days) for days in (0, 20, 50, 100)]

    found = run_out([Bought(day, 1) for day in days])

    assert found == RunOut(
        on=first + dt.timedelta(130),
        earliest=first + dt.timedelta(120),
        latest=first + dt.timedelta(150),
        gaps=3,
        is_firm=False,
    )


@pytest.mark.parametrize("count", [0, 1, 2])
def test_thin_data_give_no_date(count: int) -> None:
    """Fewer than three purchases, or all on one day, are no rhythm."""
    assert isinstance(run_out(_every(30, count)), Thin)
    assert isinstance(run_out(_every(0, 5)), Thin)
    assert isinstance(run_out(_every(30, 3, quantity=0)), Thin)


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(1, 5)), min_size=3, max_size=12))
def test_the_likely_day_is_within_the_range(bought: list[tuple[int, int]]) -> None:
    """Whatever was bought: earliest, likely, latest, all after the last purchase."""
    first = dt.date(2026, 1, 1)

    found = run_out([Bought(first + dt.timedelta(days), units) for days, units in bought])

    if isinstance(found, Thin):
        assert len({days for days, _ in bought}) < 3
        return
    last = first + dt.timedelta(max(days for days, _ in bought))
    assert last <= found.earliest <= found.on <= found.latest


def test_a_reminder_comes_before_the_goods_run_out_and_after_the_last_purchase() -> None:
    """Who buys every 30 days hears of it 3 days before; 40 days before is the day after buying."""
    bought = _every(30, 4)
    last = max(each.on for each in bought)

    assert reminded_on(bought, 3) == last + dt.timedelta(27)
    assert reminded_on(bought, 40) == last + dt.timedelta(1)
    assert reminded_on(bought[:2], 3) is None


def test_supply_runs_out_from_the_reminder_through_the_last_day_of_the_range() -> None:
    """Gaps of 20, 30 and 50 days: likely 30, at the latest 50 days after the last purchase."""
    last = dt.date(2026, 4, 11)
    bought = [Bought(last - dt.timedelta(days), 1) for days in (100, 80, 50, 0)]

    def seen(days: int) -> Supply:
        return supply_on(bought, last + dt.timedelta(days), 3)

    assert [seen(days) for days in (0, 26)] == [Supply.LASTING] * 2
    assert [seen(days) for days in (27, 30, 50)] == [Supply.RUNNING_OUT] * 3
    assert seen(51) is Supply.USED_UP
    assert supply_on(bought[2:], last, 3) is Supply.UNKNOWN


def test_a_late_reminder_has_its_own_day() -> None:
    """Who buys every day is reminded on the day after, also where that is the last of the range."""
    bought = _every(1, 4)
    last = max(each.on for each in bought)

    assert supply_on(bought, last, 3) is Supply.LASTING
    assert supply_on(bought, last + dt.timedelta(1), 3) is Supply.RUNNING_OUT
    assert supply_on(bought, last + dt.timedelta(2), 3) is Supply.USED_UP


@pytest.mark.parametrize(
    ("quantities", "usual"), [([], 0), ([1], 1), ([1, 2], 1), ([1, 4, 4], 4), ([2, 2, 3, 9], 2)]
)
def test_the_usual_quantity_is_one_that_was_bought(quantities: list[int], usual: int) -> None:
    """The median of the days; of two middle ones the lower."""
    first = dt.date(2026, 1, 1)

    bought = [Bought(first + dt.timedelta(n), units) for n, units in enumerate(quantities)]

    assert usual_quantity(bought) == usual
    assert days_bought(bought) == len(quantities)


def test_purchases_of_a_day_are_one() -> None:
    """Two bags in two orders of a day are two bags at once; what was not bought counts nothing."""
    day = dt.date(2026, 1, 1)

    bought = [Bought(day, 1), Bought(day, 1), Bought(day + dt.timedelta(30), 0)]

    assert usual_quantity(bought) == 2
    assert days_bought(bought) == 1
