"""The one validator: what a document means, and every problem of it with its path and sentence."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from saleor_retention.engine.fields import decimal_text, nearest, shown
from saleor_retention.engine.parsing import dump_program, parse_program
from saleor_retention.engine.rules import (
    DeficitPolicy,
    Downgrade,
    EarnCaps,
    EarnRate,
    Enrolment,
    Expiry,
    ExpiryPolicy,
    GrantAllowance,
    Ladder,
    Maturing,
    MaturingRule,
    Metric,
    Multiplier,
    PriceBenefit,
    ProgramRules,
    RedemptionLimits,
    Selection,
    Tier,
    Window,
)
from tests.unit.builders import EXPONENTS, document

FULL: dict[str, Any] = {
    "time_zone": "Europe/Paris",
    "earn": {
        "rates": {
            "USD": {"points": 1, "per": "1.00"},
            "EUR": {"points": "1.5", "per": 2},
            "JPY": {"points": 1, "per": 150},
        },
        "include_tax": False,
        "include_shipping": True,
        "include_drafts": False,
        "include_reissues": True,
        "include_bulk_orders": True,
        "points_per_order_max": 100,
        "points_per_day_max": 0,
        "points_per_month_max": "300",
        "points_per_member_max": 2**31 - 1,
    },
    "point_value": {"USD": "0.01", "EUR": "0.01", "JPY": "1.5"},
    "acquisition_cost": {"USD": "25.50", "JPY": 3000},
    "reference": {"currency": "USD", "rates": {"EUR": "1.10", "JPY": "0.0067"}},
    "multipliers": [
        {
            "name": "Member day",
            "factor": 2,
            "weekdays": ["tue", "Sunday"],
            "starts_on": "2026-01-01",
            "ends_on": dt.date(2026, 12, 31),
            "select": {
                "products": ["1", 2],
                "categories": ["c"],
                "collections": ["k"],
                "variants": ["v"],
            },
        }
    ],
    "welcome_points": 100,
    "first_order_points": "50",
    "enrolment": "opt_in",
    "maturing": {"rule": "days_after_payment", "days": 14},
    "expiry": {"policy": "end_of_month", "count": 12, "restore_grace_days": 7},
    "redemption": {
        "enabled": True,
        "minimum_points": 100,
        "block_points": 10,
        "order_share_max": 0.5,
        "hold_minutes": 30,
        "points_per_day_max": 1000,
        "points_per_month_max": "5000",
    },
    "deficit": {"policy": "write_off", "goodwill_repays": True},
    "grants": {
        "points_max": 500,
        "points_per_day_max": 2000,
        "groups": {
            "Support": {"points_max": 700, "points_per_day_max": 0},
            "Leads": {"points_max": 9},
        },
        "apps": {"Help desk": {"points_per_day_max": "5"}},
    },
    "tiers": {
        "metric": "spend",
        "window": "rolling_months",
        "months": 6,
        "downgrade": "one_step",
        "grace_days": 30,
        "warning_days": 14,
        "ladder": [
            {"slug": "regular", "name": "Regular", "threshold": 0},
            {
                "slug": "vip",
                "name": "VIP",
                "threshold": "500.00",
                "earn_multiplier": "1.5",
                "prices": [
                    {"percent": "7.5", "select": {"collections": ["k"]}},
                    {"amount": {"USD": "1.00", "EUR": 0.9, "JPY": 100}},
                ],
                "free_shipping": True,
                "return_window_days": 60,
                "maturing_days": 0,
                "perks": {"gift_wrap": "free"},
            },
        ],
    },
}

FULL_RULES = ProgramRules(
    time_zone="Europe/Paris",
    earn_rates={
        "USD": EarnRate(Fraction(1), 100),
        "EUR": EarnRate(Fraction(3, 2), 200),
        "JPY": EarnRate(Fraction(1), 150),
    },
    point_values={"USD": Fraction(1), "EUR": Fraction(1), "JPY": Fraction(3, 2)},
    acquisition_costs={"USD": 2550, "JPY": 3000},
    reference_currency="USD",
    reference_rates={"EUR": Fraction(11, 10), "JPY": Fraction(67, 10_000)},
    earns_on_tax=False,
    earns_on_shipping=True,
    earns_on_drafts=False,
    earns_on_reissues=True,
    earns_on_bulk_orders=True,
    earn_caps=EarnCaps(per_order=100, per_day=0, per_month=300, per_member=2**31 - 1),
    multipliers=(
        Multiplier(
            name="Member day",
            factor=Fraction(2),
            selection=Selection(
                variants=frozenset({"v"}),
                products=frozenset({"1", "2"}),
                categories=frozenset({"c"}),
                collections=frozenset({"k"}),
            ),
            starts_on=dt.date(2026, 1, 1),
            ends_on=dt.date(2026, 12, 31),
            weekdays=frozenset({1, 6}),
        ),
    ),
    welcome_points=100,
    first_order_points=50,
    enrolment=Enrolment.OPT_IN,
    maturing=Maturing(MaturingRule.DAYS_AFTER_PAYMENT, 14),
    expiry=Expiry(ExpiryPolicy.END_OF_MONTH, 12, 7),
    redemption=RedemptionLimits(
        is_enabled=True,
        minimum_points=100,
        block_points=10,
        order_share_max=Fraction(1, 2),
        hold_minutes=30,
        points_per_day_max=1000,
        points_per_month_max=5000,
    ),
    deficit=DeficitPolicy.WRITE_OFF,
    goodwill_repays_deficit=True,
    grant_points_max=500,
    grant_points_per_day_max=2000,
    grant_groups=(("Leads", GrantAllowance(9)), ("Support", GrantAllowance(700, 0))),
    grant_apps=(("Help desk", GrantAllowance(None, 5)),),
    ladder=Ladder(
        metric=Metric.SPEND,
        window=Window.ROLLING_MONTHS,
        window_months=6,
        downgrade=Downgrade.ONE_STEP,
        grace_days=30,
        warning_days=14,
        tiers=(
            Tier(slug="regular", name="Regular", threshold=0),
            Tier(
                slug="vip",
                name="VIP",
                threshold=50_000,
                earn_multiplier=Fraction(3, 2),
                prices=(
                    PriceBenefit(
                        percent=Decimal("7.5"), selection=Selection(collections=frozenset({"k"}))
                    ),
                    PriceBenefit(amount_minor=(("EUR", 90), ("JPY", 100), ("USD", 100))),
                ),
                has_free_shipping=True,
                return_window_days=60,
                maturing_days=0,
                perks=(("gift_wrap", "free"),),
            ),
        ),
    ),
)


def test_every_setting_is_read() -> None:
    """The whole document, with numbers as text, integers and floats."""
    assert parse_program(FULL, EXPONENTS) == (FULL_RULES, [])


def test_an_empty_document_is_the_defaults() -> None:
    """Everything is optional: such a program has accounts, earns nothing and prices nothing."""
    assert parse_program({}, EXPONENTS) == (ProgramRules(), [])


def test_the_dump_is_read_back() -> None:
    """The stored form is JSON and means the same rules, whatever the defaults become."""
    for rules in (FULL_RULES, ProgramRules()):
        stored = json.loads(json.dumps(dump_program(rules, EXPONENTS)))

        assert parse_program(stored, EXPONENTS) == (rules, [])


def test_the_dump_is_canonical() -> None:
    """Amounts have all decimals of their currency, numbers none that they do not need."""
    dumped = dump_program(FULL_RULES, EXPONENTS)

    assert dumped["earn"]["rates"] == {
        "USD": {"points": "1", "per": "1.00"},
        "EUR": {"points": "1.5", "per": "2.00"},
        "JPY": {"points": "1", "per": "150"},
    }
    assert dumped["point_value"] == {"USD": "0.01", "EUR": "0.01", "JPY": "1.5"}
    assert dumped["multipliers"][0]["weekdays"] == ["tue", "sun"]
    assert dumped["multipliers"][0]["select"]["products"] == ["1", "2"]
    assert dumped["tiers"]["ladder"][1]["threshold"] == "500.00"


def test_the_minimum_is_one_block_where_none_is_given() -> None:
    """A block size alone is enough of a setting."""
    rules, problems = parse_program(document(redemption={"block_points": 50}), EXPONENTS)

    assert problems == []
    assert rules is not None
    assert rules.redemption.minimum_points == 50


def rates(**changes: Any) -> dict[str, Any]:
    """Return an earn section with one US dollar rate."""
    return {"rates": {"USD": {"points": 1, "per": "1.00"} | changes}}


def tiers(*steps: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Return a tiers section; steps are named and numbered where they do not say."""
    filled = [
        {"slug": f"t{index}", "name": f"T{index}", "threshold": index * 100} | step
        for index, step in enumerate(steps)
    ]
    return settings | {"ladder": filled}


def multiplier(**changes: Any) -> list[dict[str, Any]]:
    """Return a list of one multiplier."""
    return [{"name": "Day", "factor": 2} | changes]


BIG = "1000000000000"
PROBLEMS: list[tuple[dict[str, Any], str, str, str]] = [
    # --- amounts: negative, fractional, enormous ------------------------------------------------
    (
        {"welcome_points": -1},
        "welcome_points",
        "NEGATIVE",
        "welcome_points must not be negative; it is -1.",
    ),
    (
        {"welcome_points": "1.5"},
        "welcome_points",
        "NOT_WHOLE",
        "welcome_points must be a whole number; it is 1.5.",
    ),
    (
        {"welcome_points": 10**12 + 1},
        "welcome_points",
        "TOO_LARGE",
        f"welcome_points must be at most {BIG}; it is 1000000000001.",
    ),
    (
        {"welcome_points": 10**5000},
        "welcome_points",
        "TOO_LARGE",
        "welcome_points is far too large: an enormous number.",
    ),
    (
        {"welcome_points": Decimal("1E+999999999")},
        "welcome_points",
        "TOO_LARGE",
        "welcome_points is far too large: 1E+999999999.",
    ),
    (
        {"welcome_points": Decimal("1E-999999999")},
        "welcome_points",
        "TOO_MANY_DECIMALS",
        "welcome_points may have 12 decimals at most; it is 1E-999999999.",
    ),
    (
        {"welcome_points": "9" * 500},
        "welcome_points",
        "TOO_LARGE",
        f"welcome_points is far too large: '{'9' * 39}....",
    ),
    (
        {"welcome_points": True},
        "welcome_points",
        "NOT_A_NUMBER",
        "welcome_points must be a number, with a point before decimals; it is true.",
    ),
    (
        {"welcome_points": "1,5"},
        "welcome_points",
        "NOT_A_NUMBER",
        "welcome_points must be a number, with a point before decimals; it is '1,5'.",
    ),
    (
        {"welcome_points": "1e3"},
        "welcome_points",
        "NOT_A_NUMBER",
        "welcome_points must be a number, with a point before decimals; it is '1e3'.",
    ),
    (
        {"welcome_points": float("nan")},
        "welcome_points",
        "NOT_A_NUMBER",
        "welcome_points must be a number, with a point before decimals; it is nan.",
    ),
    (
        {"welcome_points": float("inf")},
        "welcome_points",
        "NOT_A_NUMBER",
        "welcome_points must be a number, with a point before decimals; it is inf.",
    ),
    (
        {"welcome_points": "١٢"},
        "welcome_points",
        "NOT_A_NUMBER",
        "welcome_points must be a number, with a point before decimals; it is '١٢'.",
    ),
    (
        {"welcome_points": [1]},
        "welcome_points",
        "NOT_A_NUMBER",
        "welcome_points must be a number, with a point before decimals; it is a list.",
    ),
    (
        {"earn": rates(points="-0.5")},
        "earn.rates.USD.points",
        "NEGATIVE",
        "earn.rates.USD.points must not be negative; it is -0.5.",
    ),
    (
        {"earn": rates(per="0")},
        "earn.rates.USD.per",
        "TOO_SMALL",
        "earn.rates.USD.per must be at least 0.01; it is 0.",
    ),
    (
        {"earn": rates(per="1.005")},
        "earn.rates.USD.per",
        "TOO_MANY_DECIMALS",
        "earn.rates.USD.per may have 2 decimals at most; it is 1.005.",
    ),
    (
        {"earn": rates(per="10000000000.01")},
        "earn.rates.USD.per",
        "TOO_LARGE",
        "earn.rates.USD.per must be at most 10000000000; it is 10000000000.01.",
    ),
    (
        {"point_value": {"USD": "0.0000000000001"}},
        "point_value.USD",
        "TOO_MANY_DECIMALS",
        "point_value.USD may have 12 decimals at most; it is '0.0000000000001'.",
    ),
    (
        {"point_value": {"USD": 0}},
        "point_value.USD",
        "TOO_SMALL",
        "point_value.USD must be more than 0; it is 0.",
    ),
    (
        {"point_value": {"USD": None}},
        "point_value.USD",
        "REQUIRED",
        "point_value.USD is required: what a point is worth in USD.",
    ),
    # --- keys and shapes ------------------------------------------------------------------------
    (
        {"multiplier": []},
        "multiplier",
        "UNKNOWN_KEY",
        "multiplier is not a known key of the rules document; did you mean multipliers?",
    ),
    (
        {"zzz": 1},
        "zzz",
        "UNKNOWN_KEY",
        "zzz is not a known key of the rules document.",
    ),
    (
        {"earn": rates(pre=1)},
        "earn.rates.USD.pre",
        "UNKNOWN_KEY",
        "earn.rates.USD.pre is not a known key of earn.rates.USD; did you mean per?",
    ),
    (
        {False: 1},
        "False",
        "KEY_NOT_TEXT",
        "False must be text: put the key false in quotes.",
    ),
    (
        {"point_value": {"USD": "0.01", False: "0.01"}},
        "point_value.False",
        "KEY_NOT_TEXT",
        "point_value.False must be text: put the key false in quotes.",
    ),
    (
        {"earn": 5},
        "earn",
        "NOT_A_MAPPING",
        "earn must be a mapping of keys; it is 5.",
    ),
    (
        {"point_value": "0.01"},
        "point_value",
        "NOT_A_MAPPING",
        "point_value must be a mapping of keys; it is '0.01'.",
    ),
    (
        {"multipliers": {"name": "x"}},
        "multipliers",
        "NOT_A_LIST",
        "multipliers must be a list; it is a mapping.",
    ),
    (
        {"multipliers": [{"name": f"m{n}", "factor": 2} for n in range(101)]},
        "multipliers",
        "TOO_MANY",
        "multipliers must have at most 100 items; it has 101.",
    ),
    (
        {"earn": {"rates": {"USD": {"points": 1}}}},
        "earn.rates.USD.per",
        "REQUIRED",
        "earn.rates.USD.per is required: the amount in USD that earns the points.",
    ),
    (
        {"earn": rates() | {"include_tax": "yes"}},
        "earn.include_tax",
        "NOT_A_FLAG",
        "earn.include_tax must be true or false; it is 'yes'.",
    ),
    (
        {"enrolment": "everyone"},
        "enrolment",
        "UNKNOWN_CHOICE",
        (
            "enrolment must be one of every_customer, opt_in; it is 'everyone'; did you mean "
            "every_customer?"
        ),
    ),
    (
        {"expiry": {"policy": "end_of_moth", "count": 1}},
        "expiry.policy",
        "UNKNOWN_CHOICE",
        (
            "expiry.policy must be one of never, days, end_of_month, end_of_year, inactivity; "
            "it is 'end_of_moth'; did you mean end_of_month?"
        ),
    ),
    # --- zones and currencies -------------------------------------------------------------------
    (
        {"time_zone": "Europe/Pari"},
        "time_zone",
        "UNKNOWN_TIME_ZONE",
        (
            "time_zone must be a time zone such as Europe/Paris; it is 'Europe/Pari'; "
            "did you mean Europe/Paris?"
        ),
    ),
    (
        {"time_zone": "Europe"},
        "time_zone",
        "UNKNOWN_TIME_ZONE",
        (
            "time_zone must be a time zone such as Europe/Paris; it is 'Europe'; did you mean "
            "Europe/Rome?"
        ),
    ),
    (
        {"time_zone": "../../etc/passwd"},
        "time_zone",
        "UNKNOWN_TIME_ZONE",
        "time_zone must be a time zone such as Europe/Paris; it is '../../etc/passwd'.",
    ),
    (
        {"time_zone": 1},
        "time_zone",
        "NOT_TEXT",
        "time_zone must be text; it is 1.",
    ),
    (
        {"earn": {"rates": {"usd": {"points": 1, "per": 1}}}, "point_value": None},
        "earn.rates.usd",
        "UNKNOWN_CURRENCY",
        "earn.rates.usd is of no currency that this shop sells in; did you mean USD?",
    ),
    (
        {"reference": {"currency": "XXX"}},
        "reference.currency",
        "UNKNOWN_CURRENCY",
        "reference.currency must be a currency that this shop sells in; it is 'XXX'.",
    ),
    (
        {"reference": {"currency": "USD", "rates": {"USD": 1}}},
        "reference.rates.USD",
        "REFERENCE_RATE_OF_ITSELF",
        "reference.rates.USD must be left out: it is the reference currency itself.",
    ),
    (
        {"reference": {"currency": "USD", "rates": {"EUR": 0}}},
        "reference.rates.EUR",
        "TOO_SMALL",
        "reference.rates.EUR must be more than 0; it is 0.",
    ),
    (
        {"point_value": None},
        "point_value.USD",
        "CURRENCY_WITHOUT_VALUE",
        "point_value.USD is required: points are earned in USD, and redemption is enabled.",
    ),
    (
        {
            "point_value": {"USD": "0.01", "EUR": "0.01"},
            "reference": {"currency": "USD", "rates": {"EUR": 1}},
        },
        "earn.rates.EUR",
        "CURRENCY_WITHOUT_RATE",
        (
            "earn.rates.EUR is required: points have a value in EUR. Give a rate (of 0 "
            "points, where "
            "nothing is earned in it)."
        ),
    ),
    # --- multipliers ----------------------------------------------------------------------------
    (
        {"multipliers": multiplier(factor=-1)},
        "multipliers.0.factor",
        "NEGATIVE",
        "multipliers.0.factor must not be negative; it is -1.",
    ),
    (
        {"multipliers": multiplier(factor=1001)},
        "multipliers.0.factor",
        "TOO_LARGE",
        "multipliers.0.factor must be at most 1000; it is 1001.",
    ),
    (
        {"multipliers": multiplier(name=" ")},
        "multipliers.0.name",
        "BLANK",
        "multipliers.0.name must not be blank.",
    ),
    (
        {"multipliers": multiplier(name="x" * 101)},
        "multipliers.0.name",
        "TOO_LONG",
        "multipliers.0.name must have at most 100 characters; it has 101.",
    ),
    (
        {"multipliers": multiplier() * 2},
        "multipliers.1.name",
        "DUPLICATE_NAME",
        "multipliers.1.name is taken: Day stands above.",
    ),
    (
        {"multipliers": multiplier(weekdays=["tues"])},
        "multipliers.0.weekdays.0",
        "UNKNOWN_WEEKDAY",
        (
            "multipliers.0.weekdays.0 must be one of mon, tue, wed, thu, fri, sat, sun; "
            "it is 'tues'; "
            "did you mean tue?"
        ),
    ),
    (
        {"multipliers": multiplier(weekdays=[2])},
        "multipliers.0.weekdays.0",
        "UNKNOWN_WEEKDAY",
        "multipliers.0.weekdays.0 must be one of mon, tue, wed, thu, fri, sat, sun; it is 2.",
    ),
    (
        {"multipliers": multiplier(weekdays=["mon"] * 8)},
        "multipliers.0.weekdays",
        "TOO_MANY",
        "multipliers.0.weekdays must have at most 7 items; it has 8.",
    ),
    (
        {"multipliers": multiplier(weekdays=[])},
        "multipliers.0.weekdays",
        "EMPTY",
        "multipliers.0.weekdays names no day: leave the key out to mean every day.",
    ),
    (
        {"multipliers": multiplier(starts_on="2026-02-30")},
        "multipliers.0.starts_on",
        "NOT_A_DATE",
        "multipliers.0.starts_on must be a day as YYYY-MM-DD; it is '2026-02-30'.",
    ),
    (
        {"multipliers": multiplier(starts_on=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))},
        "multipliers.0.starts_on",
        "NOT_A_DATE",
        "multipliers.0.starts_on must be a day as YYYY-MM-DD; it is 2026-01-01 00:00:00+00:00.",
    ),
    (
        {"multipliers": multiplier(starts_on="2026-02-02", ends_on="2026-02-01")},
        "multipliers.0.ends_on",
        "ENDS_BEFORE_START",
        (
            "multipliers.0.ends_on must not be before starts_on; it is 2026-02-01, and "
            "starts_on is "
            "2026-02-02."
        ),
    ),
    (
        {"multipliers": multiplier(starts_on="2026-02-02", ends_on="2026-02-07", weekdays=["sun"])},
        "multipliers.0.weekdays",
        "NEVER_APPLIES",
        (
            "multipliers.0.weekdays must have a day between 2026-02-02 and 2026-02-07: "
            "none of them "
            "falls there."
        ),
    ),
    (
        {"multipliers": multiplier(select={})},
        "multipliers.0.select",
        "EMPTY",
        "multipliers.0.select names no goods: leave the key out to mean all goods.",
    ),
    (
        {"multipliers": multiplier(select={"products": []})},
        "multipliers.0.select.products",
        "EMPTY",
        "multipliers.0.select.products names no products: leave the key out, or name some.",
    ),
    (
        {"multipliers": multiplier(select={"products": [""]})},
        "multipliers.0.select.products.0",
        "NOT_A_REFERENCE",
        "multipliers.0.select.products.0 must be a reference as text; it is ''.",
    ),
    (
        {"multipliers": multiplier(select={"product": ["1"]})},
        "multipliers.0.select.product",
        "UNKNOWN_KEY",
        (
            "multipliers.0.select.product is not a known key of multipliers.0.select; "
            "did you mean products?"
        ),
    ),
    # --- maturing, expiry -----------------------------------------------------------------------
    (
        {"maturing": {"rule": "days_after_payment"}},
        "maturing.days",
        "REQUIRED",
        "maturing.days is required: after how many days points become available.",
    ),
    (
        {"maturing": {"rule": "days_after_payment", "days": 0}},
        "maturing.days",
        "TOO_SMALL",
        "maturing.days must be at least 1; it is 0.",
    ),
    (
        {"grants": {"groups": {"Support": {}}}},
        "grants.groups.Support",
        "EMPTY",
        "grants.groups.Support must say points_max or points_per_day_max.",
    ),
    (
        {"grants": {"groups": {"Support": {"points": 5}}}},
        "grants.groups.Support.points",
        "UNKNOWN_KEY",
        (
            "grants.groups.Support.points is not a known key of grants.groups.Support; did you "
            "mean points_max?"
        ),
    ),
    (
        {"grants": {"apps": {"a" * 151: {"points_max": 5}}}},
        f"grants.apps.{'a' * 151}",
        "TOO_LONG",
        f"grants.apps.{'a' * 151} must have at most 150 characters; it has 151.",
    ),
    (
        {"grants": {"groups": {7: {"points_max": 5}}}},
        "grants.groups.7",
        "KEY_NOT_TEXT",
        "grants.groups.7 must be text: put the key 7 in quotes.",
    ),
    (
        {"maturing": {"rule": "at_once", "days": 3}},
        "maturing.days",
        "NO_EFFECT",
        "maturing.days has no effect with the rule at_once: leave it out.",
    ),
    (
        {"expiry": {"policy": "inactivity"}},
        "expiry.count",
        "REQUIRED",
        "expiry.count is required: after how many days points expire.",
    ),
    (
        {"expiry": {"count": 3}},
        "expiry.count",
        "NO_EFFECT",
        "expiry.count has no effect when points never expire: leave it out.",
    ),
    # --- redemption -----------------------------------------------------------------------------
    (
        {"redemption": {"order_share_max": 0}},
        "redemption.order_share_max",
        "TOO_SMALL",
        "redemption.order_share_max must be more than 0; it is 0.",
    ),
    (
        {"redemption": {"order_share_max": "1.01"}},
        "redemption.order_share_max",
        "TOO_LARGE",
        "redemption.order_share_max must be at most 1; it is 1.01.",
    ),
    (
        {"redemption": {"block_points": 0}},
        "redemption.block_points",
        "TOO_SMALL",
        "redemption.block_points must be at least 1; it is 0.",
    ),
    (
        {"redemption": {"block_points": 200, "minimum_points": 100}},
        "redemption.block_points",
        "BLOCK_ABOVE_MINIMUM",
        (
            "redemption.block_points must not be more than minimum_points; it is 200, and "
            "the minimum "
            "is 100."
        ),
    ),
    (
        {"redemption": {"hold_minutes": 0}},
        "redemption.hold_minutes",
        "TOO_SMALL",
        "redemption.hold_minutes must be at least 1; it is 0.",
    ),
    # --- tiers ----------------------------------------------------------------------------------
    (
        {"tiers": tiers({}, {"slug": "t0"})},
        "tiers.ladder.1.slug",
        "DUPLICATE_SLUG",
        "tiers.ladder.1.slug is taken: t0 stands above.",
    ),
    (
        {"tiers": tiers({}, {"name": "T0"})},
        "tiers.ladder.1.name",
        "DUPLICATE_NAME",
        "tiers.ladder.1.name is taken: T0 stands above.",
    ),
    (
        {"tiers": tiers({"threshold": 0}, {"threshold": 0})},
        "tiers.ladder.1.threshold",
        "DUPLICATE_THRESHOLD",
        (
            "tiers.ladder.1.threshold must be more than that of T0: they are equal, so "
            "nobody could "
            "be T0."
        ),
    ),
    (
        {"tiers": tiers({"threshold": 200}, {"threshold": 100})},
        "tiers.ladder.1.threshold",
        "NOT_ASCENDING",
        (
            "tiers.ladder.1.threshold must be more than that of T0, which stands above it in the "
            "ladder."
        ),
    ),
    (
        {"tiers": tiers({"slug": "V I P"})},
        "tiers.ladder.0.slug",
        "NOT_A_SLUG",
        "tiers.ladder.0.slug must be lower-case letters, digits and hyphens; it is 'V I P'.",
    ),
    (
        {"tiers": {"ladder": [{"slug": "a", "name": "A"}]}},
        "tiers.ladder.0.threshold",
        "REQUIRED",
        "tiers.ladder.0.threshold is required: from what sum on the tier is reached.",
    ),
    (
        {"tiers": tiers({"threshold": "-1"})},
        "tiers.ladder.0.threshold",
        "NEGATIVE",
        "tiers.ladder.0.threshold must not be negative; it is -1.",
    ),
    (
        {"tiers": tiers({"threshold": 100_001}, metric="orders")},
        "tiers.ladder.0.threshold",
        "TOO_LARGE",
        "tiers.ladder.0.threshold must be at most 100000; it is 100001.",
    ),
    (
        {"tiers": tiers({"threshold": "1.5"}, metric="points")},
        "tiers.ladder.0.threshold",
        "NOT_WHOLE",
        "tiers.ladder.0.threshold must be a whole number; it is 1.5.",
    ),
    (
        {"tiers": tiers({"threshold": 100}, metric="points"), "earn": rates(points=0)},
        "tiers.ladder.0.threshold",
        "UNREACHABLE",
        (
            "tiers.ladder.0.threshold cannot be reached: the tiers count points that "
            "orders earn, and "
            "no currency earns any."
        ),
    ),
    (
        {"tiers": tiers({}), "reference": None},
        "reference.currency",
        "REQUIRED",
        (
            "reference.currency is required: the tiers count spend, and this is the "
            "currency of their "
            "thresholds."
        ),
    ),
    (
        {
            "tiers": tiers({}),
            "earn": {"rates": {"USD": {"points": 1, "per": 1}, "EUR": {"points": 1, "per": 1}}},
            "point_value": {"USD": "0.01", "EUR": "0.01"},
        },
        "reference.rates.EUR",
        "REFERENCE_RATE_MISSING",
        (
            "reference.rates.EUR is required: the tiers count spend in USD, and orders in EUR earn "
            "too."
        ),
    ),
    (
        {"tiers": tiers({}, window="lifetime", months=6)},
        "tiers.months",
        "NO_EFFECT",
        "tiers.months has no effect with the window lifetime.",
    ),
    (
        {"tiers": tiers({"earn_multiplier": 0})},
        "tiers.ladder.0.earn_multiplier",
        "TOO_SMALL",
        "tiers.ladder.0.earn_multiplier must be more than 0; it is 0.",
    ),
    (
        {"tiers": tiers({"prices": [{"percent": 100.5}]})},
        "tiers.ladder.0.prices.0.percent",
        "TOO_LARGE",
        "tiers.ladder.0.prices.0.percent must be at most 100; it is 100.5.",
    ),
    (
        {"tiers": tiers({"prices": [{"percent": 0}]})},
        "tiers.ladder.0.prices.0.percent",
        "TOO_SMALL",
        "tiers.ladder.0.prices.0.percent must be more than 0; it is 0.",
    ),
    (
        {"tiers": tiers({"prices": [{"percent": "1.0001"}]})},
        "tiers.ladder.0.prices.0.percent",
        "TOO_MANY_DECIMALS",
        "tiers.ladder.0.prices.0.percent may have 3 decimals at most; it is 1.0001.",
    ),
    (
        {"tiers": tiers({"prices": [{}]})},
        "tiers.ladder.0.prices.0",
        "PERCENT_OR_AMOUNT",
        "tiers.ladder.0.prices.0 must have either percent or amount, and not both.",
    ),
    (
        {"tiers": tiers({"prices": [{"percent": 5, "amount": {"USD": 1}}]})},
        "tiers.ladder.0.prices.0",
        "PERCENT_OR_AMOUNT",
        "tiers.ladder.0.prices.0 must have either percent or amount, and not both.",
    ),
    (
        {"tiers": tiers({"prices": [{"amount": {}}]})},
        "tiers.ladder.0.prices.0.amount",
        "EMPTY",
        "tiers.ladder.0.prices.0.amount must name at least one currency.",
    ),
    (
        {"tiers": tiers({"prices": [{"amount": {"USD": "0.001"}}]})},
        "tiers.ladder.0.prices.0.amount.USD",
        "TOO_SMALL",
        "tiers.ladder.0.prices.0.amount.USD must be at least 0.01; it is 0.001.",
    ),
    (
        {"tiers": tiers({"return_window_days": -1})},
        "tiers.ladder.0.return_window_days",
        "NEGATIVE",
        "tiers.ladder.0.return_window_days must not be negative; it is -1.",
    ),
    (
        {"tiers": tiers({"perks": {"wrap": 1}})},
        "tiers.ladder.0.perks.wrap",
        "NOT_TEXT",
        "tiers.ladder.0.perks.wrap must be text; it is 1.",
    ),
    (
        {"tiers": tiers({"perks": {f"p{n}": "x" for n in range(51)}})},
        "tiers.ladder.0.perks",
        "TOO_MANY",
        "tiers.ladder.0.perks must have at most 50 items; it has 51.",
    ),
]


@pytest.mark.parametrize(
    ("changes", "field", "code", "message"),
    PROBLEMS,
    ids=[f"{field}-{code}" for _, field, code, _ in PROBLEMS],
)
def test_refused(changes: dict[str, Any], field: str, code: str, message: str) -> None:
    """One mistake is one problem, at its path, in one sentence, and there are no rules."""
    rules, problems = parse_program(document() | changes, EXPONENTS)

    assert rules is None
    assert [(item.field, item.code, item.message) for item in problems if not item.is_warning] == [
        (field, code, message)
    ]


def multi_currency(**changes: Any) -> dict[str, Any]:
    """Return a document that earns in dollars and euros at 1.10 dollars a euro."""
    return (
        document(
            earn={"rates": {"USD": {"points": 1, "per": 1}, "EUR": {"points": 1, "per": 1}}},
            point_value={"USD": "0.01", "EUR": "0.01"},
            reference={"currency": "USD", "rates": {"EUR": "1.10"}},
        )
        | changes
    )


WARNINGS: list[tuple[dict[str, Any], str, str, str]] = [
    (
        multi_currency(point_value={"USD": "0.01", "EUR": "0.02"}),
        "point_value.EUR",
        "UNEVEN_RATES",
        (
            "point_value.EUR is high: a point earned in USD buys 120 % more when it is "
            "spent in EUR, at "
            "the reference rates."
        ),
    ),
    (
        multi_currency(reference={"currency": "USD"}),
        "reference.rates.EUR",
        "REFERENCE_RATE_MISSING",
        (
            "reference.rates.EUR is missing: what points gain between EUR and the other currencies "
            "cannot be checked."
        ),
    ),
    (
        document(redemption={"minimum_points": 100, "block_points": 30}),
        "redemption.minimum_points",
        "MINIMUM_NOT_IN_BLOCKS",
        (
            "redemption.minimum_points is 100, but in blocks of 30 the fewest that can be "
            "spent are "
            "120."
        ),
    ),
    (
        document(tiers=tiers({"earn_multiplier": 2}, {"earn_multiplier": "1.5"})),
        "tiers.ladder.1.earn_multiplier",
        "HIGHER_TIER_GIVES_LESS",
        "tiers.ladder.1.earn_multiplier is 1.5, less than the 2 of T0.",
    ),
    (
        document(tiers=tiers({"free_shipping": True}, {})),
        "tiers.ladder.1.free_shipping",
        "HIGHER_TIER_GIVES_LESS",
        "tiers.ladder.1.free_shipping is false, and T0 has free shipping.",
    ),
    (
        multi_currency(tiers=tiers({"prices": [{"amount": {"USD": 1}}]})),
        "tiers.ladder.0.prices.0.amount.EUR",
        "PRICE_WITHOUT_CURRENCY",
        "tiers.ladder.0.prices.0.amount.EUR is missing: T0 takes nothing off in EUR.",
    ),
    (
        document(tiers=tiers({"maturing_days": 3})),
        "tiers.ladder.0.maturing_days",
        "NO_EFFECT",
        (
            "tiers.ladder.0.maturing_days has no effect: it can only shorten days that maturing "
            "waits, and 3 shortens none."
        ),
    ),
    (
        document(
            maturing={"rule": "days_after_payment", "days": 10},
            tiers=tiers({"maturing_days": 9}, {"maturing_days": 10}),
        ),
        "tiers.ladder.1.maturing_days",
        "NO_EFFECT",
        (
            "tiers.ladder.1.maturing_days has no effect: it can only shorten days that maturing "
            "waits, and 10 shortens none."
        ),
    ),
]


@pytest.mark.parametrize(
    ("content", "field", "code", "message"),
    WARNINGS,
    ids=[f"{field}-{code}" for _, field, code, _ in WARNINGS],
)
def test_warned_of(content: dict[str, Any], field: str, code: str, message: str) -> None:
    """The rules hold, and the merchant is told what they will do."""
    rules, problems = parse_program(content, EXPONENTS)

    assert rules is not None
    assert [(item.field, item.code, item.message, item.is_warning) for item in problems] == [
        (field, code, message, True)
    ]


def test_points_of_equal_worth_are_no_problem() -> None:
    """A gain of exactly the tolerance is allowed; a currency that earns nothing loses nothing."""
    assert parse_program(multi_currency(), EXPONENTS)[1] == []
    beyond = multi_currency(point_value={"USD": "0.01", "EUR": "0.010001"})
    assert [item.code for item in parse_program(beyond, EXPONENTS)[1]] == ["UNEVEN_RATES"]
    spend_only = multi_currency(
        earn={"rates": {"USD": {"points": 0, "per": 1}, "EUR": {"points": 1, "per": 1}}},
        point_value={"USD": "0.001", "EUR": "0.01"},
    )
    assert parse_program(spend_only, EXPONENTS)[1] == []


def test_a_program_without_points_or_without_redemption() -> None:
    """Tiers alone, or points that cannot be spent at checkout, are programs too."""
    tiers_only = document(earn=None, point_value=None, tiers=tiers({}))
    no_redemption = document(point_value=None, redemption={"enabled": False})

    for content in (tiers_only, no_redemption):
        rules, problems = parse_program(content, EXPONENTS)
        assert rules is not None
        assert problems == []


def redemption(**changes: Any) -> dict[str, Any]:
    """Return a redemption section."""
    return {"redemption": changes}


LIMITS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"welcome_points": 10**12}, {"welcome_points": 10**12 + 1}),
    ({"grants": {"points_max": 0}}, {"grants": {"points_max": -1}}),
    ({"grants": {"points_per_day_max": 0}}, {"grants": {"points_per_day_max": -1}}),
    (
        {"grants": {"groups": {"Support": {"points_max": 2**31 - 1}}}},
        {"grants": {"groups": {"Support": {"points_max": 2**31}}}},
    ),
    (
        {"grants": {"apps": {str(number): {"points_max": 1} for number in range(100)}}},
        {"grants": {"apps": {str(number): {"points_max": 1} for number in range(101)}}},
    ),
    (
        {"earn": {"points_per_day_max": 2**31 - 1}, "point_value": {}},
        {"earn": {"points_per_day_max": 2**31}, "point_value": {}},
    ),
    (redemption(points_per_month_max=0), redemption(points_per_month_max=-1)),
    (redemption(points_per_day_max=None), redemption(points_per_day_max="many")),
    ({"tiers": tiers({"slug": "a" * 64})}, {"tiers": tiers({"slug": "a" * 65})}),
    ({"tiers": tiers({"name": "a" * 100})}, {"tiers": tiers({"name": "a" * 101})}),
    ({"tiers": tiers(*[{}] * 20)}, {"tiers": tiers(*[{}] * 21)}),
    (
        {"tiers": tiers({"prices": [{"percent": 1}] * 50})},
        {"tiers": tiers({"prices": [{"percent": 1}] * 51})},
    ),
    (
        {"tiers": tiers({"prices": [{"percent": "99.999"}]})},
        {"tiers": tiers({"prices": [{"percent": "99.9999"}]})},
    ),
    (
        {"tiers": tiers({"threshold": 100_000}, metric="orders")},
        {"tiers": tiers({"threshold": 100_001}, metric="orders")},
    ),
    (
        {"tiers": tiers({"threshold": "10000000000.00"})},
        {"tiers": tiers({"threshold": "10000000000.01"})},
    ),
    (
        {"tiers": tiers({}, window="rolling_months", months=120)},
        {"tiers": tiers({}, window="rolling_months", months=121)},
    ),
    ({"tiers": tiers({}, grace_days=3650)}, {"tiers": tiers({}, grace_days=3651)}),
    ({"tiers": tiers({"earn_multiplier": 1000})}, {"tiers": tiers({"earn_multiplier": 1001})}),
    (
        {"tiers": tiers({"perks": {"a": "x" * 500}})},
        {"tiers": tiers({"perks": {"a": "x" * 501}})},
    ),
    ({"multipliers": multiplier(factor=0)}, {"multipliers": multiplier(factor="-0.01")}),
    (
        {"multipliers": multiplier(starts_on="2026-02-02", ends_on="2026-02-02")},
        {"multipliers": multiplier(starts_on="2026-02-02", ends_on="2026-02-01")},
    ),
    (
        {"multipliers": multiplier(select={"products": [str(ref) for ref in range(10_000)]})},
        {"multipliers": multiplier(select={"products": [str(ref) for ref in range(10_001)]})},
    ),
    (redemption(hold_minutes=10_080), redemption(hold_minutes=10_081)),
    (redemption(order_share_max=1), redemption(order_share_max="1.001")),
    (redemption(order_share_max="0.001"), redemption(order_share_max=0)),
    ({"expiry": {"policy": "days", "count": 3650}}, {"expiry": {"policy": "days", "count": 3651}}),
    ({"expiry": {"policy": "end_of_year"}}, {"expiry": {"policy": "days"}}),
    (
        {"maturing": {"rule": "days_after_payment", "days": 3650}},
        {"maturing": {"rule": "days_after_payment", "days": 3651}},
    ),
    ({"point_value": {"USD": "0.000000000001"}}, {"point_value": {"USD": "0.0000000000001"}}),
    ({"earn": rates(per="0.01")}, {"earn": rates(per="0.009")}),
    ({"earn": rates(points=0)}, {"earn": rates(points="-0.001")}),
]


@pytest.mark.parametrize(
    ("allowed", "refused"),
    LIMITS,
    ids=[f"{next(iter(item))}-{n}" for n, (item, _) in enumerate(LIMITS)],
)
def test_limits(allowed: dict[str, Any], refused: dict[str, Any]) -> None:
    """The last value within a limit is accepted, the next one is refused."""
    rules, problems = parse_program(document(**allowed), EXPONENTS)
    assert [item.message for item in problems if not item.is_warning] == []
    assert rules is not None

    assert parse_program(document(**refused), EXPONENTS)[0] is None


def test_a_ladder_that_counts_points() -> None:
    """It can be climbed where something earns, and its first step may be everyone's."""
    counting = document(tiers=tiers({}, {}, metric="points"))
    everyone = document(tiers=tiers({"threshold": 0}, metric="points"), earn=rates(points=0))

    for content in (counting, everyone):
        assert parse_program(content, EXPONENTS)[1] == []


def test_all_problems_are_gathered() -> None:
    """One pass finds everything, in the order of the sections."""
    content = {
        "time_zone": "Mars",
        "earn": {"rates": {"USD": {"points": -1, "per": 0}}, "includ_tax": True},
        "expiry": {"policy": "days"},
        "redemption": {"block_points": 10, "minimum_points": 5, "order_share_max": 2},
        "tiers": tiers({"threshold": 5}, {"threshold": 5, "slug": "t0"}),
        "reference": {"currency": "USD"},
        "point_value": {"USD": 1},
    }

    rules, problems = parse_program(content, EXPONENTS)

    assert rules is None
    assert {(item.field, item.code) for item in problems} == {
        ("time_zone", "UNKNOWN_TIME_ZONE"),
        ("earn.rates.USD.points", "NEGATIVE"),
        ("earn.rates.USD.per", "TOO_SMALL"),
        ("earn.includ_tax", "UNKNOWN_KEY"),
        ("expiry.count", "REQUIRED"),
        ("redemption.order_share_max", "TOO_LARGE"),
        ("tiers.ladder.1.slug", "DUPLICATE_SLUG"),
        ("tiers.ladder.1.threshold", "DUPLICATE_THRESHOLD"),
    }


@pytest.mark.parametrize("content", [None, [], "text", 5])
def test_documents_that_are_none(content: Any) -> None:
    """Nothing at all reads as empty; anything but a mapping is refused."""
    rules, problems = parse_program(content, EXPONENTS)

    if content is None:
        assert rules == ProgramRules()
        return
    assert rules is None
    assert [(item.field, item.code) for item in problems] == [("", "NOT_A_MAPPING")]
    assert problems[0].message.startswith("The rules document must be a mapping of keys; it is ")


def test_problems_carry_their_limits() -> None:
    """Parameters let another language say the same."""
    _, problems = parse_program(document(zzz=1, welcome_points=10**13), EXPONENTS)

    params = {item.code: dict(item.params) for item in problems}
    assert params["TOO_LARGE"] == {"max": "1000000000000"}
    assert "earn" in params["UNKNOWN_KEY"]["known"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("3/2", "1.5"),
        ("-1/8", "-0.125"),
        ("1/1000", "0.001"),
        ("1/40", "0.025"),
        ("7/50", "0.14"),
    ],
)
def test_numbers_as_text(number: str, text: str) -> None:
    """Exactly, with as many decimals as it takes."""
    assert decimal_text(Fraction(number)) == text


def test_numbers_that_decimals_cannot_hold() -> None:
    """A third has no end."""
    with pytest.raises(ValueError, match="1/3 has no end of decimals"):
        decimal_text(Fraction(1, 3))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        ({}, "a mapping"),
        ((), "a list"),
        ("x", "'x'"),
        (1.5, "1.5"),
        (False, "false"),
    ],
)
def test_values_as_messages_show_them(value: Any, text: str) -> None:
    """Short, whatever was sent."""
    assert shown(value) == text


def test_nearest_word() -> None:
    """Small slips are recognized, other words not."""
    assert nearest("Multiplyers", ["multipliers", "maturing"]) == "multipliers"
    assert nearest("zzz", ["multipliers"]) is None
    assert nearest(5, ["multipliers"]) is None
