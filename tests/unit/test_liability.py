"""The points ledger in an accountant's terms: days, movements, money, and the published example."""

from __future__ import annotations

import csv
import datetime as dt
import io
from fractions import Fraction

import pytest

from saleor_retention.engine.liability import EntryFacts as Entry
from saleor_retention.engine.liability import (
    Expiring,
    Heading,
    Ledger,
    Movement,
    OpenLot,
    Orders,
    Period,
    Progress,
    Revenue,
    Step,
    booked_at,
    boundaries,
    deferred,
    ledger_of,
    month_bounds,
    months_from,
    movement_of,
    parts_of,
    recognized,
    revenue_of,
    schedule_of,
    spans,
    sums_of,
    worth,
)
from saleor_retention.engine.liability_report import Report, Standing
from saleor_retention.engine.spreadsheets import safe, table

HOUR = dt.timedelta(hours=1)
DAY = dt.date(2026, 3, 1)


def at(text: str) -> dt.datetime:
    """Return an instant in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def days(first: str, last: str, tz: str = "UTC", step: Step = Step.DAY) -> list:
    """Return the periods of some days."""
    return spans(dt.date.fromisoformat(first), dt.date.fromisoformat(last), step, tz)


def posting(kind: str, points: int, book: str, when: str, **facts: object) -> list[Entry]:
    """Return both sides of a posting that gives the member points (or takes them)."""
    effective = at(when)
    facts = {"effective_at": effective, "recorded_at": effective, **facts}
    return [Entry(kind, "available", points, **facts), Entry(kind, book, -points, **facts)]


# --- periods --------------------------------------------------------------------------------------


def test_days_are_the_programs() -> None:
    """The day on which the clocks change has 23 hours, and is followed without a gap."""
    first, second = days("2026-03-29", "2026-03-30", "Europe/Paris")

    assert (first.start_at, first.end_at) == (at("2026-03-28 23:00"), at("2026-03-29 22:00"))
    assert (second.start_at, second.end_at) == (first.end_at, at("2026-03-30 22:00"))


def test_months_are_cut_to_the_days_asked_for() -> None:
    """From the middle of one month to the middle of another."""
    found = days("2025-12-15", "2026-02-03", step=Step.MONTH)

    assert [(span.first_day.isoformat(), span.last_day.isoformat()) for span in found] == [
        ("2025-12-15", "2025-12-31"),
        ("2026-01-01", "2026-01-31"),
        ("2026-02-01", "2026-02-03"),
    ]
    assert days("2026-03-02", "2026-03-01") == []


def test_a_day_is_final_two_days_after_its_end() -> None:
    """From then on no posting can come into it."""
    (day,) = days("2026-03-01", "2026-03-01")

    assert not day.is_final(at("2026-03-03 23:59"))
    assert day.is_final(at("2026-03-04 00:00"))


# --- which day ------------------------------------------------------------------------------------


def test_a_posting_belongs_to_the_day_it_took_effect_on() -> None:
    """Written a day later, it still does: that day is not final yet."""
    entry = Entry("earn", "available", 5, at("2026-03-01 10:00"), at("2026-03-03 09:59"))

    assert booked_at(entry) == at("2026-03-01 10:00")


def test_a_late_posting_belongs_to_the_day_it_was_written_on() -> None:
    """A till's receipt of last week does not change last week."""
    entry = Entry("earn", "available", 5, at("2026-03-01 10:00"), at("2026-03-03 10:00"))

    assert booked_at(entry) == at("2026-03-03 10:00")


def test_points_that_die_at_midnight_are_breakage_of_the_day_that_ends() -> None:
    """The end of a year is the year's, as in its financial statements."""
    (fact, _) = posting("expire", -5, "breakage", "2027-01-01 00:00")

    assert booked_at(fact) == at("2026-12-31 23:59:59.999999")


def test_breakage_by_time_is_never_late() -> None:
    """A job that ran a week late posts what every reader has seen since the instant."""
    known = Entry(
        "expire",
        "breakage",
        5,
        at("2026-03-01 10:00"),
        at("2026-03-09 10:00"),
        cause="time:expire",
        lot_recorded_at=at("2026-01-01 10:00"),
    )
    by_hand = Entry("expire", "breakage", 5, known.effective_at, known.recorded_at, cause="lapse")

    assert booked_at(known) == at("2026-03-01 09:59:59.999999")
    assert booked_at(by_hand) == by_hand.recorded_at


def test_breakage_of_a_lot_that_came_late_is_late_with_it() -> None:
    """Points that were dead when the news of them came are earned and broken on one day."""
    heard_at = at("2026-03-09 10:00")
    facts = {"effective_at": at("2026-03-01 10:00"), "recorded_at": heard_at}
    earned = Entry("earn", "available", 5, **facts)
    broken = Entry("expire", "breakage", 5, **facts, cause="time:expire", lot_recorded_at=heard_at)

    assert booked_at(earned) == booked_at(broken) == heard_at


# --- movements ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "book", "gains", "movement"),
    [
        ("earn", "issuance", False, Movement.EARNED),
        ("bonus", "issuance", False, Movement.BONUS),
        ("grant", "issuance", False, Movement.GRANTED),
        ("merge", "issuance", True, Movement.TRANSFERRED),
        ("capture", "redeemed", True, Movement.REDEEMED),
        ("revoke", "redeemed", True, Movement.REDEEMED),
        ("restore", "redeemed", False, Movement.RESTORED),
        ("restore", "breakage", True, Movement.EXPIRED),
        ("expire", "breakage", True, Movement.EXPIRED),
        ("erase", "breakage", True, Movement.ERASED),
        ("clawback", "clawback", True, Movement.REVERSED),
        ("reinstate", "clawback", False, Movement.REINSTATED),
        ("clawback", "write_off", False, Movement.WRITTEN_OFF),
        ("erase", "write_off", False, Movement.WRITTEN_OFF),
        ("adjust", "adjustment", True, Movement.ADJUSTED),
        ("lottery", "issuance", False, Movement.OTHER),
        ("capture", "held", False, None),
        ("clawback", "deficit", False, None),
    ],
)
def test_a_movement_for_every_entry_of_a_program(
    kind: str, book: str, *, gains: bool, movement: Movement | None
) -> None:
    """By book and kind; what nothing explains is shown as other, never left out."""
    heading = Heading(1, kind, book, is_import=False, is_gain=gains, is_late=False)

    assert movement_of(heading) is movement


def test_an_import_is_no_gift() -> None:
    """Balances brought over from another system are a line of their own."""
    heading = Heading(1, "grant", "issuance", is_import=True, is_gain=False, is_late=False)

    assert movement_of(heading) is Movement.IMPORTED


def test_opening_and_movements_make_the_closing() -> None:
    """Before, within and after; signs are as members see them."""
    entries = [
        *posting("earn", 100, "issuance", "2026-02-27 10:00"),
        *posting("bonus", 20, "issuance", "2026-03-01 10:00"),
        *posting("capture", -30, "redeemed", "2026-03-01 11:00"),
        *posting("expire", -50, "breakage", "2026-03-02 00:00"),
        *posting("clawback", -10, "clawback", "2026-03-02 00:00"),
        *posting("grant", 7, "issuance", "2026-03-03 00:00"),
    ]
    periods = days("2026-03-01", "2026-03-02")
    ledger = ledger_of(sums_of(entries, boundaries(periods)), periods)

    first, second = ledger.periods
    assert (first.opening, first.closing) == (100, 40)
    assert first.movements == {
        Movement.BONUS: 20,
        Movement.REDEEMED: -30,
        Movement.EXPIRED: -50,
    }
    assert (second.opening, second.movements, second.closing) == (40, {Movement.REVERSED: -10}, 30)
    assert [period.made for period in ledger.periods] == [40, 30]
    assert (ledger.after, ledger.total) == (7, 37)
    assert ledger.before == Progress(issued=100)
    assert second.progress == Progress(issued=110, redeemed=30)


def test_late_points_are_told_apart() -> None:
    """They are in the day's movements, and named."""
    entries = [
        *posting("earn", 100, "issuance", "2026-02-01 10:00", recorded_at=at("2026-03-01 10:00")),
        *posting("earn", 3, "issuance", "2026-03-01 10:00"),
    ]
    periods = days("2026-03-01", "2026-03-01")
    (day,) = ledger_of(sums_of(entries, boundaries(periods)), periods).periods

    assert (day.opening, day.movements, day.late, day.closing) == (
        0,
        {Movement.EARNED: 103},
        100,
        103,
    )


# --- money ----------------------------------------------------------------------------------------


def test_the_published_example_of_loyalty_points() -> None:
    """IFRS 15, Example 52 (ASC 606-10-55-353 to 55-356): both years, to the unit."""
    put_aside = deferred(100_000, 100_000, 10_000, Fraction(1), Fraction("0.95"))
    first_year = recognized(put_aside, 4500, Fraction(9500))
    both_years = recognized(put_aside, 8500, Fraction(9700))

    assert (100_000 - put_aside, put_aside) == (91_324, 8_676)
    assert (first_year, put_aside - first_year) == (4_110, 4_566)
    assert (both_years - first_year, put_aside - both_years) == (3_493, 1_073)


def test_the_published_example_as_a_roll_forward() -> None:
    """The same first year out of the periods of a report, and nothing after it at the same rate."""
    periods = days("2026-01-01", "2026-02-28", step=Step.MONTH)
    ledger = Ledger(
        Progress(),
        (
            Period(periods[0], 0, 5500, {}, 0, Progress(10_000, 4500)),
            Period(periods[1], 5500, 500, {}, 0, Progress(10_000, 9500)),
        ),
        0,
    )
    orders = {1: Orders(100, 100_000, 10_000, 8676)}

    first, second = revenue_of(ledger, orders, Fraction("0.95"))
    assert (first.recognized_minor, first.liability_minor) == (4110, 4566)
    assert (second.recognized_minor, second.liability_minor) == (4566, 0)


def test_revenue_before_the_first_period_is_no_revenue_of_it() -> None:
    """A report that begins in the middle begins with what was put aside and recognized before."""
    (month,) = days("2026-02-01", "2026-02-28", step=Step.MONTH)
    ledger = Ledger(
        Progress(10_000, 4750), (Period(month, 0, 0, {}, 0, Progress(20_000, 9500)),), 0
    )
    orders = {0: Orders(1, 1, 10_000, 8676), 1: Orders(1, 1, 10_000, 1000)}

    (revenue,) = revenue_of(ledger, orders, Fraction("0.95"))
    assert revenue == Revenue(orders[1], 4838 - 4338, 9676 - 4838)


def test_a_price_below_the_sum_of_its_parts_is_shared() -> None:
    """Goods that are sold apart for 60.00, sold for 50.00, with 400 points of a cent, half used."""
    assert deferred(5000, 6000, 400, Fraction(1), Fraction(1, 2)) == 161  # 5000 x 200 / 6200


@pytest.mark.parametrize(
    ("price", "points", "rate", "part"),
    [(0, 10, 1, 0), (5000, 0, 1, 0), (1, 1, 1, 1), (3, 1, 1, 1), (1000, -5, 1, 0)],
)
def test_the_edges_of_an_allocation(price: int, points: int, rate: int, part: int) -> None:
    """Nothing paid, nothing earned; a half goes up."""
    assert deferred(price, price, points, Fraction(1), Fraction(rate)) == part


@pytest.mark.parametrize(
    ("redeemed", "expected", "part"), [(0, 100, 0), (120, 100, 999), (10, 0, 0), (-5, 100, 0)]
)
def test_the_edges_of_recognition(redeemed: int, expected: int, part: int) -> None:
    """Never less than nothing and never more than was put aside."""
    assert recognized(999, redeemed, Fraction(expected)) == part


def test_expected_points_are_at_most_those_outstanding() -> None:
    """At a rate of one, points that expired already are not expected again."""
    assert Progress(1000, 100).expected(700, Fraction(1)) == 700
    assert Progress(1000, 100).expected(700, Fraction("0.75")) == 650
    assert Progress(1000, 900).expected(100, Fraction("0.75")) == 0
    assert Progress(10, 0).expected(-5, Fraction(1)) == 0


def test_worth_rounds_to_the_minor_unit() -> None:
    """A half up, also of a fraction of a point."""
    assert worth(Fraction(5, 2), Fraction(1)) == 3
    assert worth(15, Fraction(1, 10)) == 2
    assert worth(-7, Fraction(1)) == -7


# --- what expires when ----------------------------------------------------------------------------


def test_points_by_the_month_in_which_they_die() -> None:
    """The end of the month belongs to it; then later, then never; the held dead in the first."""
    months = months_from(dt.date(2026, 11, 22), 3)
    bounds = month_bounds(months, "UTC")
    lots = [
        OpenLot(10, 1, is_pending=False, expires_at=at("2026-12-01 00:00")),
        OpenLot(20, 0, is_pending=True, expires_at=at("2026-12-01 00:00:01")),
        OpenLot(30, 0, is_pending=False, expires_at=at("2027-02-01 00:00:01")),
        OpenLot(40, 0, is_pending=False, expires_at=None),
        OpenLot(0, 5, is_pending=False, expires_at=at("2026-10-31 00:00")),
    ]

    assert schedule_of(parts_of(lots, bounds).items(), months) == (
        Expiring(dt.date(2026, 11, 1), available=10, held=6),
        Expiring(dt.date(2026, 12, 1), pending=20),
        Expiring(None, is_later=True, available=30),
        Expiring(None, available=40),
    )


# --- the report -----------------------------------------------------------------------------------


def report(**changes: object) -> Report:
    """Return a report of one day with 50 points left of 100."""
    (day,) = days("2026-03-01", "2026-03-01")
    period = Period(
        day, 0, 50, {Movement.EARNED: 100, Movement.REDEEMED: -50}, 0, Progress(100, 50)
    )
    facts = {
        "program": "Club",
        "time_zone": "UTC",
        "made_at": at("2026-03-02 10:00"),
        "rate": Fraction("0.8"),
        "point_values": {"USD": Fraction(1), "JPY": Fraction(3, 2)},
        "exponents": {"USD": 2, "JPY": 0},
        "ledger": Ledger(Progress(), (period,), 0),
        "standing": Standing(available=60, deficit=10),
        "schedule": (Expiring(None, available=60),),
        "revenue_currency": "USD",
        "revenue": (Revenue(Orders(2, 10_000, 100, 99), 62, 37),),
    }
    return Report(**(facts | changes))


def test_a_sound_report_says_so() -> None:
    """Opening and movements, entries and balances, lots and balances."""
    assert report().breaches() == []


def test_every_sum_that_does_not_agree_is_named() -> None:
    """Each check fails for itself."""
    (day,) = days("2026-03-01", "2026-03-01")
    untied = Period(day, 0, 50, {Movement.EARNED: 49}, 0, Progress())

    assert report(ledger=Ledger(Progress(), (untied,), 0)).breaches() == [
        "2026-03-01: opening 0 and the movements make 49, and members hold 50 at the end."
    ]
    assert report(standing=Standing(available=61, deficit=10)).breaches() == [
        "All entries make 50 points, and members' balances are 51.",
        "Lots hold 60 points, and members' balances before deficits are 61.",
    ]
    assert report(schedule=()).breaches() == [
        "Lots hold 0 points, and members' balances before deficits are 60."
    ]


def test_the_table_of_periods() -> None:
    """Numbers exact, money with its currency's decimals."""
    (row,) = csv.DictReader(io.StringIO(report().periods_csv()))

    assert {name: cell for name, cell in row.items() if cell != "0"} == {
        "program": "Club",
        "first_day": "2026-03-01",
        "last_day": "2026-03-01",
        "final": "no",
        "earned": "100",
        "redeemed": "-50",
        "closing": "50",
        "expected_to_be_redeemed": "30",
        "closing_value_JPY": "75",
        "expected_value_JPY": "45",
        "closing_value_USD": "0.50",
        "expected_value_USD": "0.30",
        "orders": "2",
        "orders_price_USD": "100.00",
        "orders_points": "100",
        "deferred_USD": "0.99",
        "recognized_USD": "0.62",
        "contract_liability_USD": "0.37",
    }


def test_the_table_of_months() -> None:
    """Months as year and month, then words."""
    schedule = (
        Expiring(dt.date(2026, 3, 1), available=10, pending=4, held=1),
        Expiring(None, is_later=True, available=5),
        Expiring(None, available=40),
    )
    rows = list(csv.reader(io.StringIO(report(schedule=schedule).schedule_csv())))

    assert rows == [
        ["program", "expires", "available", "pending", "held", "points", "value_JPY", "value_USD"],
        ["Club", "2026-03", "10", "4", "1", "15", "23", "0.15"],
        ["Club", "later", "5", "0", "0", "5", "8", "0.05"],
        ["Club", "never", "40", "0", "0", "40", "60", "0.40"],
    ]


def test_a_name_that_is_a_formula_stays_a_name() -> None:
    """A spreadsheet shows it and computes nothing; commas, quotes and lines stay in one cell."""
    name = '=HYPERLINK("http://example.com","Club"), or\nmore'
    (row,) = csv.DictReader(io.StringIO(report(program=name).periods_csv(), newline=""))

    assert row["program"] == f"'{name}"
    assert row["redeemed"] == "-50"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_text_that_a_spreadsheet_would_compute_is_marked(text: str) -> None:
    """Every sign that begins a formula somewhere, also behind blanks."""
    assert safe(text) == f"'{text}"
    assert table([text], [["a"]]).startswith(("'", "\"'"))


@pytest.mark.parametrize("text", ["", "Club", "1-2", "a=b", "2026-03-01"])
def test_other_text_stays_as_it_is(text: str) -> None:
    """Nothing is added that a reader would have to take off."""
    assert safe(text) == text
