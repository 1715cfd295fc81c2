"""Which tier a member has: windows, standings, decisions."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from saleor_retention.engine.rules import Downgrade, Ladder, Window
from saleor_retention.engine.tiers import (
    CountingWindow,
    Decision,
    DecisionKind,
    HeldTier,
    Progress,
    Standing,
    counting_windows,
    decide,
    outlook_start,
    progress,
    reached,
    to_reference,
)
from tests.unit.builders import instant, ladder, rules, tier

REGULAR, SILVER, GOLD = tier("regular", 0), tier("silver", 200), tier("gold", 500)
CALENDAR = ladder(REGULAR, SILVER, GOLD, window=Window.CALENDAR_YEAR, grace_days=30)
JOINED_ON = dt.date(2020, 5, 17)
END_2026, END_2027, END_2028 = (instant(f"{year}-01-01 00:00") for year in (2027, 2028, 2029))


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        (0, "regular"),
        (199, "regular"),
        (200, "silver"),
        (499, "silver"),
        (500, "gold"),
        (10**12, "gold"),
    ],
)
def test_thresholds_are_met_by_equality(value: int, slug: str) -> None:
    """The highest tier whose threshold the sum meets."""
    tier_reached = reached(CALENDAR, value)

    assert tier_reached is not None
    assert tier_reached.slug == slug


def test_below_the_first_threshold_there_is_no_tier() -> None:
    """A ladder need not begin at zero."""
    assert reached(ladder(SILVER, GOLD), 199) is None
    assert reached(Ladder(), 10**6) is None


@pytest.mark.parametrize(
    ("held", "value", "expected"),
    [
        (None, 0, Progress(REGULAR, 0)),
        ("regular", 150, Progress(SILVER, 50)),
        ("regular", 300, Progress(SILVER, 0)),
        ("silver", 20, Progress(GOLD, 480)),
        ("gold", 0, Progress(None, None)),
        ("gone", 20, Progress(REGULAR, 0)),
    ],
)
def test_progress(held: str | None, value: int, expected: Progress) -> None:
    """The tier after the held one, and what is missing to it."""
    assert progress(CALENDAR, held, value) == expected


@pytest.mark.parametrize(
    ("currency", "minor", "expected"),
    [
        ("USD", 999, 999),
        ("EUR", 999, 1098),
        ("JPY", 1000, 670),
        ("KWD", 1000, 325),
        ("PLN", 999, 0),
    ],
)
def test_spend_in_the_reference_currency(currency: str, minor: int, expected: int) -> None:
    """At the stated rates and over the digits of both currencies, rounded down."""
    rates = {"EUR": Fraction("1.1"), "JPY": Fraction("0.0067"), "KWD": Fraction("3.25")}
    exponents = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "PLN": 2}

    assert to_reference(minor, currency, rules(reference_rates=rates), exponents) == expected


def test_windows_of_a_calendar_year() -> None:
    """This year and the one before speak for a member, in local time."""
    windows = counting_windows(CALENDAR, instant("2026-12-31 23:30"), "Europe/Paris")

    assert windows == (
        CountingWindow(
            instant("2026-12-31 23:00"), instant("2027-12-31 23:00"), instant("2028-12-31 23:00")
        ),
        CountingWindow(
            instant("2025-12-31 23:00"), instant("2026-12-31 23:00"), instant("2027-12-31 23:00")
        ),
    )


def test_windows_of_a_year_of_membership() -> None:
    """From anniversary to anniversary; in the first year there is none before."""
    steps = ladder(GOLD, window=Window.MEMBERSHIP_YEAR)

    assert counting_windows(steps, instant("2026-03-01 00:00"), "UTC", JOINED_ON) == (
        CountingWindow(
            instant("2025-05-17 00:00"), instant("2026-05-17 00:00"), instant("2027-05-17 00:00")
        ),
        CountingWindow(
            instant("2024-05-17 00:00"), instant("2025-05-17 00:00"), instant("2026-05-17 00:00")
        ),
    )
    assert len(counting_windows(steps, instant("2020-06-01 00:00"), "UTC", JOINED_ON)) == 1


def test_windows_that_roll() -> None:
    """The last months, and while it is valid the window in which the tier was reached."""
    steps = ladder(GOLD, window=Window.ROLLING_MONTHS, window_months=12)
    now = instant("2026-03-10 12:00")
    present = CountingWindow(instant("2025-03-10 00:00"), None, instant("2027-03-11 00:00"))
    reached_at = instant("2025-06-01 12:00")

    assert counting_windows(steps, now, "UTC") == (present,)
    assert counting_windows(steps, now, "UTC", reached_at=reached_at) == (
        present,
        CountingWindow(
            instant("2024-06-01 00:00"),
            reached_at + dt.timedelta(microseconds=1),
            instant("2026-06-02 00:00"),
        ),
    )
    lapsed_at = instant("2025-03-01 12:00")
    assert counting_windows(steps, now, "UTC", reached_at=lapsed_at) == (present,)


def test_a_lifetime_is_one_window() -> None:
    """Without ends, and what is reached in it stays."""
    steps = ladder(GOLD)

    windows = counting_windows(steps, instant("2026-03-10 12:00"), "UTC", JOINED_ON)

    assert windows == (CountingWindow(None, None, None),)


def test_outlook() -> None:
    """A warning looks at what will still count on the day the tier lapses."""
    rolling = ladder(GOLD, window=Window.ROLLING_MONTHS)
    yearly = ladder(GOLD, window=Window.MEMBERSHIP_YEAR)

    assert outlook_start(CALENDAR, END_2027, "UTC") == instant("2027-01-01 00:00")
    assert outlook_start(rolling, instant("2027-03-11 00:00"), "UTC") == instant("2026-03-11 00:00")
    assert outlook_start(yearly, instant("2027-05-17 00:00"), "UTC", JOINED_ON) == instant(
        "2026-05-17 00:00"
    )


# A calendar year. Columns: the day; the held tier, until the end of which year it is valid, and
# the sum recorded with it; this year's sum and last year's; then what is decided, which tier,
# until the end of which year, and the gap of a warning.
DECISIONS = """
    2026-06-01 | -       -    -   | 0   0   | upgrade   regular -
    2026-06-01 | -       -    -   | 250 0   | upgrade   silver  2027
    2026-06-01 | regular -    0   | 199 0   | keep      regular -
    2026-06-01 | regular -    0   | 200 0   | upgrade   silver  2027
    2026-06-01 | regular -    0   | 900 0   | upgrade   gold    2027
    2026-06-01 | silver  2027 250 | 500 0   | upgrade   gold    2027
    2026-06-01 | silver  2027 250 | 250 0   | keep      silver  2027
    2026-06-01 | silver  2026 250 | 250 250 | renew     silver  2027
    2026-06-01 | silver  2026 250 | 0   250 | keep      silver  2026
    2026-06-01 | silver  2027 250 | 199 0   | withdraw  regular -
    2026-06-01 | gold    2027 600 | 250 0   | withdraw  silver  2027
    2026-06-01 | gold    2027 600 | 0   250 | withdraw  silver  2026
    2026-06-01 | gold    2026 600 | 0   600 | keep      gold    2026
    2026-12-01 | gold    2026 600 | 0   600 | keep      gold    2026
    2026-12-02 | gold    2026 600 | 0   600 | warn      gold    2026 500
    2026-12-02 | gold    2026 600 | 480 600 | warn      gold    2026 20
    2026-12-02 | gold    2026 600 | 500 600 | renew     gold    2027
    2027-01-01 | gold    2026 600 | 0   480 | warn      gold    2026 500
    2027-01-30 | gold    2026 600 | 20  480 | warn      gold    2026 480
    2027-01-30 | gold    2026 600 | 500 480 | renew     gold    2028
    2027-01-31 | gold    2026 600 | 20  480 | downgrade silver  2027
    2027-01-31 | gold    2026 600 | 250 0   | downgrade silver  2028
    2027-01-31 | gold    2026 600 | 0   0   | downgrade regular -
    2030-01-31 | gold    2026 600 | 0   0   | downgrade regular -
    2026-06-01 | gone    2027 600 | 250 0   | ladder    silver  2027
"""


def _end_of(year: str) -> dt.datetime | None:
    return None if year == "-" else instant(f"{int(year) + 1}-01-01 00:00")


def _standings(this_year: int, last_year: int, year: int) -> list[Standing]:
    return [
        Standing(this_year, _end_of(str(year + 1))),
        Standing(last_year, _end_of(str(year))),
    ]


@pytest.mark.parametrize("row", DECISIONS.strip().splitlines())
def test_decisions_in_a_calendar_year(row: str) -> None:
    """Up at once; down at evaluation, after the grace; withdrawn at once after reversals."""
    day, holding, sums, outcome = (cell.split() for cell in row.split("|"))
    now = instant(f"{day[0]} 00:00")
    this_year, last_year = (int(value) for value in sums)
    held = HeldTier(
        slug=None if holding[0] == "-" else holding[0],
        valid_until=_end_of(holding[1]),
        metric_value=None if holding[2] == "-" else int(holding[2]),
    )

    decision = decide(
        CALENDAR, held, _standings(this_year, last_year, now.year), now, outlook_value=this_year
    )

    kind, slug, until, *gap = outcome
    assert decision == Decision(
        kind=DecisionKind(kind),
        tier=CALENDAR.tiers[["regular", "silver", "gold"].index(slug)],
        valid_until=_end_of(until),
        metric_value=decision.metric_value,
        gap=int(gap[0]) if gap else None,
    )


@pytest.mark.parametrize("row", DECISIONS.strip().splitlines())
def test_deciding_again_changes_nothing(row: str) -> None:
    """Once a decision is carried out and a warning sent, the next one is to keep."""
    day, holding, sums, _ = (cell.split() for cell in row.split("|"))
    now = instant(f"{day[0]} 00:00")
    standings = _standings(int(sums[0]), int(sums[1]), now.year)
    held = HeldTier(
        slug=None if holding[0] == "-" else holding[0],
        valid_until=_end_of(holding[1]),
        metric_value=None if holding[2] == "-" else int(holding[2]),
    )
    first = decide(CALENDAR, held, standings, now, outlook_value=0)
    assert first.tier is not None

    after = HeldTier(
        first.tier.slug, first.valid_until, metric_value=first.metric_value, is_warned=True
    )
    second = decide(CALENDAR, after, standings, now, outlook_value=0)

    assert (second.kind, second.tier, second.valid_until) == (
        DecisionKind.KEEP,
        first.tier,
        first.valid_until,
    )


def test_a_warning_is_given_once() -> None:
    """And not at all where nobody asks for the outlook."""
    held = HeldTier("gold", END_2026, metric_value=600)
    warned = HeldTier("gold", END_2026, metric_value=600, is_warned=True)
    standings = _standings(0, 600, 2026)
    now = instant("2026-12-20 00:00")

    assert decide(CALENDAR, held, standings, now, 0).kind is DecisionKind.WARN
    assert decide(CALENDAR, warned, standings, now, 0).kind is DecisionKind.KEEP
    assert decide(CALENDAR, held, standings, now).kind is DecisionKind.KEEP


def test_one_step_at_a_time() -> None:
    """With that setting a member falls by one tier a period."""
    steps = ladder(REGULAR, SILVER, GOLD, window=Window.CALENDAR_YEAR, downgrade=Downgrade.ONE_STEP)
    held = HeldTier("gold", END_2026, metric_value=600)
    nothing_2027, nothing_2028 = _standings(0, 0, 2027), _standings(0, 0, 2028)

    first = decide(steps, held, nothing_2027, instant("2027-01-01 00:00"))
    assert first == Decision(DecisionKind.DOWNGRADE, SILVER, END_2027, 0)

    held = HeldTier("silver", END_2027, metric_value=0)
    # It was not reached by orders, so that no reversal withdraws it within its period.
    kept = decide(steps, held, nothing_2027, instant("2027-06-01 00:00"))
    assert kept == Decision(DecisionKind.KEEP, SILVER, END_2027, 0)

    second = decide(steps, held, nothing_2028, instant("2028-01-01 00:00"))
    assert second == Decision(DecisionKind.DOWNGRADE, REGULAR, None, 0)


def test_falling_off_a_ladder_that_does_not_begin_at_zero() -> None:
    """Below the first tier there is none."""
    steps = ladder(SILVER, GOLD, window=Window.CALENDAR_YEAR, downgrade=Downgrade.ONE_STEP)
    held = HeldTier("silver", END_2026, metric_value=200)

    fallen = decide(steps, held, _standings(0, 0, 2027), instant("2027-01-01 00:00"))

    assert fallen == Decision(DecisionKind.DOWNGRADE, None, None, 0)
    nobody = decide(steps, HeldTier(), _standings(0, 0, 2027), instant("2027-01-01 00:00"))
    assert nobody == Decision(DecisionKind.KEEP, None, None, 0)


def test_a_raised_threshold_withdraws_nothing() -> None:
    """Members keep their tier to its end; only orders reversed since take it at once."""
    steps = ladder(REGULAR, tier("silver", 800), window=Window.CALENDAR_YEAR)
    now = instant("2026-06-01 00:00")
    recorded = HeldTier("silver", END_2027, metric_value=600)
    with_threshold = HeldTier("silver", END_2027, metric_value=600, threshold_then=500)

    for held in (recorded, with_threshold):
        decision = decide(steps, held, _standings(600, 0, 2026), now)
        assert decision == Decision(DecisionKind.KEEP, steps.tiers[1], END_2027, 600)

    still_reached = decide(steps, with_threshold, _standings(550, 0, 2026), now)
    assert still_reached.kind is DecisionKind.KEEP
    reversed_since = decide(steps, with_threshold, _standings(499, 0, 2026), now)
    assert reversed_since == Decision(DecisionKind.WITHDRAW, REGULAR, None, 499)


def test_a_lowered_threshold_lifts_at_once() -> None:
    """The edit's preview names these members."""
    steps = ladder(REGULAR, tier("silver", 100), window=Window.CALENDAR_YEAR)

    decision = decide(
        steps, HeldTier("regular"), _standings(150, 0, 2026), instant("2026-06-01 00:00")
    )

    assert decision == Decision(DecisionKind.UPGRADE, steps.tiers[1], END_2027, 150)


def test_a_ladder_that_begins_to_lapse() -> None:
    """Tiers held for ever get an end with the new window, this period's for those not reached."""
    now = instant("2026-06-01 00:00")
    for_ever = HeldTier("silver", None, metric_value=250)

    reached_again = decide(CALENDAR, for_ever, _standings(250, 0, 2026), now)
    assert reached_again == Decision(DecisionKind.RENEW, SILVER, END_2027, 250)
    raised = ladder(REGULAR, tier("silver", 300), window=Window.CALENDAR_YEAR)
    not_reached = decide(raised, for_ever, _standings(250, 0, 2026), now)
    assert not_reached == Decision(DecisionKind.RENEW, raised.tiers[1], END_2026, 250)


def test_a_lifetime_never_lapses() -> None:
    """Only reversed orders take a tier away."""
    steps = ladder(REGULAR, SILVER)
    held = HeldTier("silver", None, metric_value=250)
    far = instant("2050-01-01 00:00")

    assert decide(steps, held, [Standing(250, None)], far).kind is DecisionKind.KEEP
    assert decide(steps, held, [Standing(199, None)], far) == Decision(
        DecisionKind.WITHDRAW, REGULAR, None, 199
    )


def test_a_rolling_window_renews_when_it_lapses() -> None:
    """Not with every day: the tier would last for twice the window."""
    steps = ladder(REGULAR, SILVER, window=Window.ROLLING_MONTHS)
    valid_until = instant("2027-03-11 00:00")
    held = HeldTier("silver", valid_until, metric_value=250)
    later = instant("2027-09-02 00:00")

    before = decide(steps, held, [Standing(250, later)], instant("2026-09-01 12:00"))
    assert before == Decision(DecisionKind.KEEP, SILVER, valid_until, 250)
    at_its_end = decide(steps, held, [Standing(250, later)], valid_until)
    assert at_its_end == Decision(DecisionKind.RENEW, SILVER, later, 250)
    lost = decide(steps, held, [Standing(100, later)], valid_until)
    assert lost == Decision(DecisionKind.DOWNGRADE, REGULAR, None, 100)


def test_a_rolling_tier_is_kept_after_its_orders_left_the_window() -> None:
    """The window in which it was reached still speaks for it, until an order of it is reversed."""
    steps = ladder(REGULAR, SILVER, window=Window.ROLLING_MONTHS)
    valid_until = instant("2027-03-11 00:00")
    held = HeldTier("silver", valid_until, metric_value=250)
    now, later = instant("2026-12-01 00:00"), instant("2027-12-02 00:00")

    aged = decide(steps, held, [Standing(50, later), Standing(250, valid_until)], now)
    assert aged == Decision(DecisionKind.KEEP, SILVER, valid_until, 250)
    reversed_since = decide(steps, held, [Standing(50, later), Standing(150, valid_until)], now)
    assert reversed_since == Decision(DecisionKind.WITHDRAW, REGULAR, None, 150)


def test_the_largest_sum_decides_on_reversal() -> None:
    """Last year's sum still meets the old threshold, whatever this year's is."""
    steps = ladder(REGULAR, tier("silver", 800), window=Window.CALENDAR_YEAR)
    held = HeldTier("silver", END_2026, metric_value=600, threshold_then=500)

    decision = decide(steps, held, _standings(50, 600, 2026), instant("2026-06-01 00:00"))

    assert decision == Decision(DecisionKind.KEEP, steps.tiers[1], END_2026, 600)


MANUAL_UNTIL = instant("2026-09-01 00:00")
OVERRIDES = """
    silver | 0   | 0    | 2026-06-01 | keep         silver
    silver | 0   | 250  | 2026-06-01 | keep         silver
    silver | 0   | 500  | 2026-06-01 | upgrade      gold
    silver | -   | 500  | 2026-06-01 | keep         silver
    regular| 600 | 600  | 2026-06-01 | keep         regular
    regular| 250 | 600  | 2026-06-01 | upgrade      gold
    gold   | 0   | 0    | 2026-08-31 | keep         gold
    gold   | 0   | 0    | 2026-09-01 | override_end regular
    gold   | 0   | 250  | 2026-09-01 | override_end silver
    regular| 600 | 600  | 2026-09-01 | override_end gold
    silver | 250 | 250  | 2026-09-01 | override_end silver
    gone   | 0   | 250  | 2026-06-01 | ladder       silver
"""  # held by hand, the sum then, the sum now, the day


@pytest.mark.parametrize("row", OVERRIDES.strip().splitlines())
def test_tiers_set_by_staff(row: str) -> None:
    """They hold both ways until they run out; only a climb above both ends one early."""
    slug, then, value, day, outcome = (cell.strip() for cell in row.split("|"))
    held = HeldTier(
        slug=slug,
        valid_until=MANUAL_UNTIL,
        is_manual=True,
        metric_value=None if then == "-" else int(then),
    )

    decision = decide(
        CALENDAR, held, _standings(int(value), 0, 2026), instant(f"{day} 00:00"), outlook_value=0
    )

    kind, expected = outcome.split()
    assert decision.tier is not None
    assert (decision.kind.value, decision.tier.slug) == (kind, expected)
    if kind == "keep":
        assert decision.valid_until == MANUAL_UNTIL


def test_a_decision_needs_a_standing() -> None:
    """Without any there is nothing to decide on."""
    with pytest.raises(ValueError, match="A decision needs the metric of at least one window"):
        decide(CALENDAR, HeldTier(), [], instant("2026-06-01 00:00"))
