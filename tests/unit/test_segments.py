"""Sums, bands, scores, stages, and rules of segments: read, said, decided."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest

from saleor_retention.engine.phrases import render
from saleor_retention.engine.questions import (
    ConsentChannel,
    ConsentQuestion,
    FieldQuestion,
    FieldType,
    Questions,
)
from saleor_retention.engine.segments.bands import Band, Limits, band_of
from saleor_retention.engine.segments.customers import OrderMade, Rollup, rollup_of
from saleor_retention.engine.segments.dumping import dump_rule
from saleor_retention.engine.segments.matching import matches
from saleor_retention.engine.segments.parsing import (
    DEPTH_MAX,
    RULES_MAX,
    Surroundings,
    parse_rule,
)
from saleor_retention.engine.segments.rfm import Scores, scores
from saleor_retention.engine.segments.rules import Customer, Setting, Told
from saleor_retention.engine.segments.stages import Deeds, Stage, deeds_of, stage_dates, stage_of
from saleor_retention.engine.segments.words import sentence

TODAY = dt.date(2026, 3, 31)
AROUND = Surroundings(
    "USD",
    2,
    tiers={"regular", "vip"},
    lists={"friends"},
    goods={"products": {"7", "8"}, "categories": {"5"}, "collections": {"1"}},
    questions=Questions(
        interests=("coffee", "tea"),
        fields=(
            FieldQuestion("roast", "Roast", FieldType.CHOICE, ("dark", "light")),
            FieldQuestion("cups", "Cups", FieldType.CHOICES, ("small", "large")),
            FieldQuestion("size", "Size", FieldType.NUMBER),
            FieldQuestion("dog", "A dog?", FieldType.YES_NO),
        ),
        consents=tuple(
            ConsentQuestion(channel, purpose, "v1", "I agree.")
            for channel, purpose in (
                (ConsentChannel.EMAIL, "news"),
                (ConsentChannel.EMAIL, "sales"),
                (ConsentChannel.SMS, "news"),
                (ConsentChannel.PROFILING, "habits"),
            )
        ),
    ),
)
JOINED = dt.date(2025, 1, 1)
GOODS = {("products", "7"): "Tea", ("categories", "5"): "Cups"}


def at(text: str) -> dt.datetime:
    """Return the instant of an ISO text in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def bought(*orders: tuple[str, int], tz: str = "UTC") -> Rollup | None:
    """Sum up orders given as (instant, minor units)."""
    return rollup_of([OrderMade(at(text), minor) for text, minor in orders], tz)


def meets(document: Any, customer: Customer, setting: Setting | None = None) -> bool:
    """Read a rule and ask it of a customer."""
    rule, problems = parse_rule(document, AROUND)
    assert problems == []
    assert rule is not None
    return matches(rule, customer, setting or Setting(TODAY))


# --- sums -----------------------------------------------------------------------------------------


def test_orders_of_one_day_are_one_purchase() -> None:
    """Three orders on two days: frequency 1, and only the second day's money is a repeat's."""
    found = bought(("2026-01-01 10:00", 500), ("2026-01-01 18:00", 300), ("2026-01-31 09:00", 700))

    assert found is not None
    assert (found.orders, found.order_days, found.frequency, found.recency_days) == (3, 2, 1, 30)
    assert (found.spend_minor, found.first_day_minor) == (1500, 800)
    assert found.monetary_minor == Fraction(700)
    assert found.mean_gap_days == Fraction(30)
    assert found.age_days(TODAY) == 89
    assert found.second_order_at == at("2026-01-01 18:00")


def test_a_day_is_one_of_the_programs_time_zone() -> None:
    """23:30 UTC on 31 January is February in Paris."""
    utc = bought(("2026-01-31 23:30", 500))
    paris = bought(("2026-01-31 23:30", 500), tz="Europe/Paris")

    assert utc is not None
    assert paris is not None
    assert utc.first_on == dt.date(2026, 1, 31)
    assert paris.first_on == paris.last_on == dt.date(2026, 2, 1)


def test_one_purchase_has_no_gap_and_no_repeat_value() -> None:
    """Nothing is made up for a customer of one day."""
    found = bought(("2026-01-01 10:00", 500))

    assert found is not None
    assert (found.frequency, found.mean_gap_days, found.monetary_minor) == (0, None, 0)
    assert found.second_order_at is None
    assert bought() is None


# --- bands ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_on", "band"),
    [
        ("2026-03-31", Band.BEST),
        ("2026-02-28", Band.BEST),  # one month back from the 31st: the last day of February
        ("2026-02-27", Band.ACTIVE),
        ("2025-12-31", Band.ACTIVE),
        ("2025-12-30", Band.SLEEPING),
        ("2025-09-30", Band.SLEEPING),  # six months back from 31 March: 30 September
        ("2025-09-29", Band.AT_RISK),
        ("2025-03-31", Band.AT_RISK),
        ("2025-03-30", Band.LOST),
    ],
)
def test_bands_end_with_the_day_so_many_months_back(last_on: str, band: Band) -> None:
    """C41: 1, 3, 6 and 12 calendar months, each last day included."""
    assert band_of(dt.date.fromisoformat(last_on), TODAY, Limits()) is band


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(), None),
        (Limits(2, 2, 4, 8), None),
        (Limits(0, 3, 6, 12), "Each band reaches back from 1 to 120 months."),
        (Limits(1, 3, 6, 121), "Each band reaches back from 1 to 120 months."),
        (Limits(4, 3, 6, 12), "best must not reach further back than active."),
        (
            Limits(1, 3, 3, 12),
            "sleeping must reach further back than active, and at_risk than sleeping.",
        ),
    ],
)
def test_limits_of_bands_rise(limits: Limits, problem: str | None) -> None:
    """The merchant's own limits are held to an order."""
    assert limits.problem() == problem


# --- scores ---------------------------------------------------------------------------------------


def test_scores_are_fifths_and_equals_are_equal() -> None:
    """Ten customers: two in each fifth by spend; all bought on one day, so all score 1 there."""
    rollups = {
        number: rollup
        for number in range(10)
        if (rollup := bought(("2026-01-01 10:00", 100 * (number + 1)))) is not None
    }

    found = scores(rollups)

    assert [found[number].monetary for number in range(10)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert {each.recency for each in found.values()} == {1}
    assert {each.frequency for each in found.values()} == {1}


def test_a_tie_at_the_border_of_a_fifth_stays_together() -> None:
    """Of five customers three are equal: none of them is put above the others."""
    spent = [100, 200, 200, 200, 300]
    rollups = {
        number: rollup
        for number, minor in enumerate(spent)
        if (rollup := bought(("2026-01-01 10:00", minor))) is not None
    }

    assert [each.monetary for each in scores(rollups).values()] == [1, 2, 2, 2, 5]


# --- stages ---------------------------------------------------------------------------------------


def test_stages_follow_orders_with_their_dates() -> None:
    """An account is aware, a first order acts, a second one advocates."""
    joined = at("2025-12-01 08:00")
    one = bought(("2026-01-01 10:00", 500))
    two = bought(("2026-01-01 10:00", 500), ("2026-02-01 10:00", 500))

    assert [stage_of(each) for each in (None, one, two)] == [
        Stage.AWARE,
        Stage.ACT,
        Stage.ADVOCATE,
    ]
    assert stage_dates(joined, None) == {Stage.AWARE: joined}
    assert stage_dates(joined, two) == {
        Stage.AWARE: joined,
        Stage.ACT: at("2026-01-01 10:00"),
        Stage.ADVOCATE: at("2026-02-01 10:00"),
    }


def test_what_somebody_does_besides_ordering_tells_of_a_stage() -> None:
    """A favorite appeals, a question asks, a review advocates; a survey's answer tells nothing."""
    monday, tuesday, friday = (at(f"2026-01-0{day} 10:00") for day in (5, 6, 9))
    one = bought(("2026-01-01 10:00", 500))
    liked = deeds_of([("follow", tuesday), ("favorite", monday), ("survey", monday)])
    asked = deeds_of([("favorite", monday), ("question", tuesday)])
    praised = deeds_of([("review", friday)])
    referred = deeds_of([("review", friday)], [tuesday])

    assert liked == Deeds(appealed_at=monday)
    assert [stage_of(None, each) for each in (deeds_of([]), liked, asked, praised)] == [
        Stage.AWARE,
        Stage.APPEAL,
        Stage.ASK,
        Stage.ADVOCATE,
    ]
    assert [stage_of(one, each) for each in (asked, praised)] == [Stage.ACT, Stage.ADVOCATE]
    assert stage_dates(monday, one, asked) == {
        Stage.AWARE: monday,
        Stage.APPEAL: monday,
        Stage.ASK: tuesday,
        Stage.ACT: at("2026-01-01 10:00"),
    }
    assert stage_dates(monday, one, referred)[Stage.ADVOCATE] == tuesday


def test_the_first_of_what_advocates_is_the_date() -> None:
    """A second order before a review, and after it."""
    two = bought(("2026-01-01 10:00", 500), ("2026-02-01 10:00", 500))
    early = Deeds(advocated_at=at("2026-01-09 10:00"))
    late = Deeds(advocated_at=at("2026-03-01 10:00"))

    assert stage_dates(at("2026-01-01 09:00"), two, early)[Stage.ADVOCATE] == early.advocated_at
    assert stage_dates(at("2026-01-01 09:00"), two, late)[Stage.ADVOCATE] == at("2026-02-01 10:00")


# --- rules ----------------------------------------------------------------------------------------

REGULAR = Customer(
    JOINED,
    tier="vip",
    rollup=bought(("2026-01-01 10:00", 6000), ("2026-03-20 10:00", 4000)),
    scores=Scores(5, 3, 1),
    tags=frozenset({"dog owner"}),
    lists=frozenset({"friends"}),
    told=Told(
        gender="female",
        interests=frozenset({"coffee", "tea"}),
        birth_month=5,
        language="zh-Hant",
        consents=frozenset({("email", "news")}),
        answers={"roast": "dark", "cups": ["small", "large"], "size": 1, "dog": True},
    ),
    points=250,
)
NOBODY = Customer(JOINED)


@pytest.mark.parametrize(
    ("document", "regular", "nobody"),
    [
        ({"orders": {"from": 2, "to": 2}}, True, False),
        ({"orders": {"to": 0}}, False, True),
        ({"spend": {"from": "100.00"}}, True, False),
        ({"spend": {"from": "100.01"}}, False, False),
        ({"spend": {"to": 0}}, False, True),
        ({"days_since_last_order": {"from": 11, "to": 11}}, True, False),
        ({"days_since_last_order": {"from": 12}}, False, False),
        ({"not": {"days_since_last_order": {"to": 11}}}, False, True),
        ({"days_since_first_order": {"from": 89}}, True, False),
        ({"first_order": {"from": "2026-01-01", "before": "2026-01-02"}}, True, False),
        ({"last_order": {"before": "2026-03-20"}}, False, False),
        ({"joined": {"before": "2025-01-02"}}, True, True),
        ({"band": ["active"]}, True, False),
        ({"band": ["best"]}, True, False),
        ({"band": ["sleeping", "at_risk", "lost"]}, False, False),
        ({"stage": ["advocate"]}, True, False),
        ({"stage": ["aware"]}, False, True),
        ({"novelty": ["returning"]}, True, False),
        ({"novelty": ["new"]}, False, False),
        ({"recency_score": {"from": 5}}, True, False),
        ({"monetary_score": {"from": 2}}, False, False),
        ({"frequency_score": {"to": 5}}, True, False),
        ({"tier": ["vip"]}, True, False),
        ({"tag": ["dog owner", "cat owner"]}, True, False),
        ({"segment": ["friends"]}, True, False),
        ({"points": {"from": 250}}, True, False),
        ({"points": {"to": 249}}, False, True),
        ({"gender": ["female", "other"]}, True, False),
        ({"not": {"gender": ["female"]}}, False, True),
        ({"interest": ["tea"]}, True, False),
        ({"birth_month": [5, 6]}, True, False),
        ({"birth_month": [6]}, False, False),
        ({"language": ["ZH-hant"]}, True, False),
        ({"field": {"key": "roast", "values": ["light", "dark"]}}, True, False),
        ({"field": {"key": "cups", "values": ["large"]}}, True, False),
        ({"field": {"key": "size", "values": ["1"]}}, True, False),
        ({"field": {"key": "size", "values": [2, 3]}}, False, False),
        ({"field": {"key": "dog", "values": ["true"]}}, True, False),
        ({"not": {"field": {"key": "dog", "values": [False]}}}, True, True),
        ({"consent": {"channel": "email", "purpose": "news"}}, True, False),
        ({"not": {"consent": {"channel": "email", "purpose": "sales"}}}, True, True),
        ({"all": [{"tier": ["vip"]}, {"orders": {"from": 3}}]}, False, False),
        ({"any": [{"tier": ["vip"]}, {"orders": {"from": 3}}]}, True, False),
        ({"all": [{"not": {"tier": ["vip"]}}, {"joined": {"from": "2025-01-01"}}]}, False, True),
    ],
)
def test_rules_decide(document: Any, *, regular: bool, nobody: bool) -> None:
    """Each condition on somebody with two orders and on somebody without any."""
    assert (meets(document, REGULAR), meets(document, NOBODY)) == (regular, nobody)


def test_the_best_are_active_and_the_active_not_always_best() -> None:
    """Somebody who bought two months ago is active only."""
    customer = Customer(JOINED, rollup=bought(("2026-02-01 10:00", 500)))

    assert meets({"band": ["active"]}, customer)
    assert not meets({"band": ["best"]}, customer)


def test_a_customer_who_was_not_scored_meets_no_score() -> None:
    """Neither high nor low: not known."""
    customer = Customer(JOINED, rollup=bought(("2026-02-01 10:00", 500)))

    assert not meets({"recency_score": {"to": 5}}, customer)


@pytest.mark.parametrize(
    ("document", "field", "code", "message"),
    [
        (
            [],
            "rule",
            "NOT_A_RULE",
            "rule must be a mapping of one key, such as all, any, not or orders; it is a list.",
        ),
        (
            {"orders": {"from": 1}, "tier": ["vip"]},
            "rule",
            "NOT_A_RULE",
            (
                "rule must be a mapping of one key, such as all, any, not or orders; it is a "
                "mapping of 2."
            ),
        ),
        (
            {"ordrs": {"from": 1}},
            "rule.ordrs",
            "UNKNOWN_KEY",
            "rule.ordrs is no condition; did you mean orders?",
        ),
        ({"all": []}, "rule.all", "EMPTY", "rule.all must have at least one rule."),
        ({"orders": {}}, "rule.orders", "REQUIRED", "rule.orders needs from or to."),
        (
            {"any": [{"orders": {"from": 3, "to": 2}}]},
            "rule.any.0.orders.to",
            "TOO_SMALL",
            "rule.any.0.orders.to must not be less than from.",
        ),
        (
            {"orders": {"from": -1}},
            "rule.orders.from",
            "NEGATIVE",
            "rule.orders.from must not be negative; it is -1.",
        ),
        (
            {"recency_score": {"to": 6}},
            "rule.recency_score.to",
            "TOO_LARGE",
            "rule.recency_score.to must be at most 5; it is 6.",
        ),
        (
            {"spend": {"from": "1.001"}},
            "rule.spend.from",
            "TOO_MANY_DECIMALS",
            "rule.spend.from may have 2 decimals at most; it is 1.001.",
        ),
        (
            {"last_order": {"before": "yesterday"}},
            "rule.last_order.before",
            "NOT_A_DATE",
            "rule.last_order.before must be a day as YYYY-MM-DD; it is 'yesterday'.",
        ),
        (
            {"last_order": {"from": "2026-01-02", "before": "2026-01-02"}},
            "rule.last_order.before",
            "TOO_SMALL",
            "rule.last_order.before must be later than from.",
        ),
        (
            {"band": ["aktive"]},
            "rule.band.0",
            "UNKNOWN_CHOICE",
            (
                "rule.band.0 must be one of active, at_risk, best, lost, sleeping; it is 'aktive'; "
                "did you mean active?"
            ),
        ),
        (
            {"tier": ["gold"]},
            "rule.tier.0",
            "UNKNOWN_CHOICE",
            "rule.tier.0 must be one of regular, vip; it is 'gold'.",
        ),
        (
            {"gender": ["femal"]},
            "rule.gender.0",
            "UNKNOWN_CHOICE",
            (
                "rule.gender.0 must be one of female, male, other; it is 'femal'; "
                "did you mean female?"
            ),
        ),
        (
            {"interest": ["coffe"]},
            "rule.interest.0",
            "UNKNOWN_CHOICE",
            "rule.interest.0 must be one of coffee, tea; it is 'coffe'; did you mean coffee?",
        ),
        (
            {"birth_month": [5, 13]},
            "rule.birth_month.1",
            "UNKNOWN_CHOICE",
            "rule.birth_month.1 must be a month from 1 to 12; it is '13'.",
        ),
        (
            {"language": ["English"]},
            "rule.language.0",
            "NOT_A_LANGUAGE",
            "rule.language.0 must be a language code such as en or zh-hant; it is 'english'.",
        ),
        (
            {"consent": {"channel": "email", "purpose": "newz"}},
            "rule.consent.purpose",
            "UNKNOWN_CHOICE",
            ("rule.consent.purpose must be one of news, sales; it is 'newz'; did you mean news?"),
        ),
        (
            {"consent": {"purpose": "news"}},
            "rule.consent.channel",
            "REQUIRED",
            "rule.consent.channel is required: email, sms or profiling.",
        ),
        (
            {"field": {"key": "roast", "values": ["dark", "darc"]}},
            "rule.field.values.1",
            "UNKNOWN_CHOICE",
            ("rule.field.values.1 must be one of dark, light; it is 'darc'; did you mean dark?"),
        ),
        (
            {"field": {"key": "size", "values": ["big"]}},
            "rule.field.values.0",
            "NOT_A_NUMBER",
            ("rule.field.values.0 must be a number, with a point before decimals; it is 'big'."),
        ),
        (
            {"field": {"key": "rost", "values": ["dark"]}},
            "rule.field.key",
            "UNKNOWN_KEY",
            (
                "rule.field.key is not a field that this program asks for; it is 'rost'; "
                "did you mean roast?"
            ),
        ),
        (
            {"field": {"key": "roast", "values": []}},
            "rule.field.values",
            "EMPTY",
            "rule.field.values must name at least one.",
        ),
        (
            {"bought": {"days": 30}},
            "rule.bought.select",
            "REQUIRED",
            "rule.bought.select is required: the goods.",
        ),
        (
            {"bought": {"select": {"products": ["7"]}, "days": 0}},
            "rule.bought.days",
            "TOO_SMALL",
            "rule.bought.days must be at least 1; it is 0.",
        ),
        (
            {"any": [{"bought": {"select": {"products": ["7", "8"], "categories": ["9"]}}}]},
            "rule.any.0.bought.select.categories",
            "NOT_FOUND",
            ("rule.any.0.bought.select.categories names goods that the shop does not have: 9."),
        ),
        (
            {"not": {"tag": []}},
            "rule.not.tag",
            "EMPTY",
            "rule.not.tag must name at least one.",
        ),
    ],
)
def test_each_problem_names_its_place(document: Any, field: str, code: str, message: str) -> None:
    """One problem, with the path into the document, a stable code and a sentence."""
    rule, problems = parse_rule(document, AROUND)

    assert rule is None
    assert [(each.field, each.code, each.message) for each in problems] == [(field, code, message)]


def test_every_problem_is_found_in_one_pass() -> None:
    """Two wrong conditions, two problems."""
    _, problems = parse_rule({"all": [{"orders": {"from": "x"}}, {"tier": ["gold"]}]}, AROUND)

    assert [each.field for each in problems] == ["rule.all.0.orders.from", "rule.all.1.tier.0"]


def test_money_needs_one_currency() -> None:
    """A program that counts in no one currency cannot ask for spend."""
    _, problems = parse_rule({"spend": {"from": 1}}, Surroundings())

    assert [each.code for each in problems] == ["NO_CURRENCY"]


def test_a_segment_that_gives_a_tag_asks_for_none() -> None:
    """Else two of them could wait for each other."""
    _, problems = parse_rule({"tag": ["vip"]}, Surroundings(may_use_tags=False))

    assert [(each.field, each.code) for each in problems] == [("rule.tag", "TAG_IN_TAG")]


def test_rules_are_bounded_in_depth_and_in_number() -> None:
    """A rule as deep and as large as may be is read; one more is refused."""
    deep: Any = {"orders": {"from": 1}}
    for _ in range(DEPTH_MAX - 1):
        deep = {"not": deep}
    wide = {"any": [{"orders": {"from": 1}}] * (RULES_MAX - 1)}

    assert parse_rule(deep, AROUND)[1] == []
    assert [each.code for each in parse_rule({"not": deep}, AROUND)[1]] == ["TOO_DEEP"]
    assert parse_rule(wide, AROUND)[1] == []
    wide["any"] = [*wide["any"][1:], {"not": {"orders": {"from": 1}}}]
    assert [each.code for each in parse_rule(wide, AROUND)[1]] == ["TOO_MANY"]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (
            {"all": [{"band": ["sleeping"]}, {"spend": {"from": "100"}}]},
            "Customers who last ordered 3 to 6 months ago, and who spent 100.00 USD or more.",
        ),
        (
            {"all": [{"gender": ["female"]}, {"interest": ["tea", "coffee"]}]},
            (
                "Customers who said that their gender is female, and who are interested in coffee "
                "or tea."
            ),
        ),
        (
            {
                "any": [
                    {"consent": {"channel": "sms", "purpose": "news"}},
                    {"not": {"consent": {"channel": "profiling", "purpose": "habits"}}},
                ]
            },
            (
                "Customers who agreed to text messages for news, or who are none of those who "
                "agreed to profiling for habits."
            ),
        ),
        (
            {"field": {"key": "cups", "values": ["small", "large"]}},
            'Customers who answered "large" or "small" to the question cups.',
        ),
        (
            {"any": [{"birth_month": [12, 2]}, {"points": {"from": 1}}, {"language": ["en"]}]},
            (
                "Customers who were born in February or December, or who have 1 point or more to "
                "spend, or who read the language en."
            ),
        ),
        (
            {"any": [{"orders": {"from": 1, "to": 1}}, {"not": {"tier": ["vip"]}}]},
            "Customers who have 1 order, or who are none of those who are in the tier vip.",
        ),
        (
            {
                "all": [
                    {"any": [{"novelty": ["new"]}, {"stage": ["aware"]}]},
                    {"joined": {"from": "2026-01-01"}},
                ]
            },
            (
                "Customers who (ordered once, or who are at the stage aware), and who joined on or "
                "after 2026-01-01."
            ),
        ),
        (
            {"days_since_last_order": {"from": 30, "to": 60}},
            "Customers who last ordered 30 to 60 days ago.",
        ),
        (
            {"recency_score": {"from": 4}},
            "Customers who have a recency score of 4 or more.",
        ),
        ({"band": ["best"]}, "Customers who ordered within 1 month."),
        ({"tag": ["a", "b"]}, "Customers who bear the tag a or b."),
        (
            {"bought": {"select": {"products": ["7"], "categories": ["5"]}, "days": 30}},
            "Customers who bought any of Tea, Cups within 30 days.",
        ),
        (
            {"not": {"bought": {"select": {"collections": ["1"]}}}},
            "Customers who are none of those who bought any of chosen goods.",
        ),
        (
            {"any": [{"band": ["sleeping", "at_risk"]}, {"band": ["lost"]}]},
            (
                "Customers who last ordered 3 to 6 months ago or last ordered 6 to 12 months ago, "
                "or who last ordered more than 12 months ago."
            ),
        ),
        (
            {"any": [{"spend": {"to": "5"}}, {"first_order": {"before": "2026-01-01"}}]},
            "Customers who spent 5.00 USD or less, or who first ordered before 2026-01-01.",
        ),
    ],
)
def test_a_rule_is_a_sentence_and_its_document_comes_back(document: Any, text: str) -> None:
    """What is stored is what was meant, and it can be read."""
    rule, _ = parse_rule(document, AROUND)
    assert rule is not None

    assert render(sentence(rule, "USD", 2, goods=GOODS)) == text
    assert parse_rule(dump_rule(rule, 2), AROUND) == (rule, [])
