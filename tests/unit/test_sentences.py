"""Every rule in one plain sentence (C11)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from saleor_retention.engine.phrases import render
from saleor_retention.engine.rules import (
    DeficitPolicy,
    Downgrade,
    EarnCaps,
    EarnRate,
    Enrolment,
    Expiry,
    ExpiryPolicy,
    Maturing,
    MaturingRule,
    Metric,
    Multiplier,
    PriceBenefit,
    ProgramRules,
    RedemptionLimits,
    Selection,
    Window,
)
from saleor_retention.engine.sentences import benefits_of, sentences
from tests.unit.builders import EXPONENTS, amount_off, ladder, rules, tier


def said(program: ProgramRules) -> dict[str, str]:
    """Return the program's sentences in English by rule."""
    return {item.rule_key: render(item) for item in sentences(program, EXPONENTS)}


def test_a_small_program() -> None:
    """What a merchant sees who has set a rate and a value."""
    assert said(rules("10.00", welcome_points=100, first_order_points=1)) == {
        "earn.rates.USD": "Every 10.00 USD spent earns 1 point.",
        "earn.include_tax": "Points are earned on prices with tax, without shipping.",
        "point_value.USD": "1 point is worth 0.01 USD.",
        "enrolment": "Every customer with a confirmed account is a member.",
        "welcome_points": "New members get 100 points.",
        "first_order_points": "The first order earns 1 point more.",
        "maturing": "Points can be spent once the order is paid.",
        "expiry": "Points never expire.",
        "redemption": "Points can be spent at checkout from 1 point on.",
        "deficit": "Points of returned goods that were spent already are repaid by later points.",
    }


SENTENCES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"earn_caps": EarnCaps(per_order=500)},
        "earn.points_per_order_max",
        "One order earns 500 points at most.",
    ),
    (
        {"earn_caps": EarnCaps(per_day=1)},
        "earn.points_per_day_max",
        "The orders of a day earn 1 point at most.",
    ),
    (
        {"earn_caps": EarnCaps(per_member=0)},
        "earn.points_per_member_max",
        "All orders of a member earn 0 points at most.",
    ),
    (
        {"redemption": RedemptionLimits(points_per_month_max=1000)},
        "redemption.points_per_month_max",
        "At most 1000 points can be spent in a month.",
    ),
    (
        {"earn_rates": {"JPY": EarnRate(Fraction(3, 2), 150)}},
        "earn.rates.JPY",
        "Every 150 JPY spent earns 1.5 points.",
    ),
    (
        {"point_values": {"KWD": Fraction(3, 40)}},
        "point_value.KWD",
        "40 points are worth 0.003 KWD.",
    ),
    (
        {"earns_on_tax": False, "earns_on_shipping": True},
        "earn.include_tax",
        "Points are earned on prices without tax, and on shipping.",
    ),
    ({"enrolment": Enrolment.OPT_IN}, "enrolment", "Customers who enroll are members."),
    (
        {"multipliers": (Multiplier("Happy 50 % hour", Fraction(2)),)},
        "multipliers.0",
        "Happy 50 % hour: all goods earn 2 times the points every day.",
    ),
    (
        {
            "multipliers": (
                Multiplier(
                    "Member days",
                    Fraction("1.5"),
                    Selection(products=frozenset({"1"})),
                    dt.date(2026, 1, 1),
                    dt.date(2026, 12, 31),
                    frozenset({6, 1}),
                ),
            )
        },
        "multipliers.0",
        (
            "Member days: chosen goods earn 1.5 times the points on Tuesday, Sunday "
            "from 2026-01-01 to "
            "2026-12-31."
        ),
    ),
    (
        {"multipliers": (Multiplier("From now", Fraction(2), starts_on=dt.date(2026, 1, 1)),)},
        "multipliers.0",
        "From now: all goods earn 2 times the points every day from 2026-01-01 on.",
    ),
    (
        {"multipliers": (Multiplier("Till then", Fraction(2), ends_on=dt.date(2026, 1, 1)),)},
        "multipliers.0",
        "Till then: all goods earn 2 times the points every day until 2026-01-01.",
    ),
    (
        {"maturing": Maturing(MaturingRule.ON_FULFILMENT)},
        "maturing",
        "Points can be spent once the order is paid and shipped.",
    ),
    (
        {"maturing": Maturing(MaturingRule.DAYS_AFTER_PAYMENT, 1)},
        "maturing",
        "Points can be spent 1 day after payment.",
    ),
    (
        {"maturing": Maturing(MaturingRule.DAYS_AFTER_FULFILMENT, 14)},
        "maturing",
        "Points can be spent 14 days after shipping.",
    ),
    ({"expiry": Expiry(ExpiryPolicy.DAYS, 365)}, "expiry", "Points expire after 365 days."),
    (
        {"expiry": Expiry(ExpiryPolicy.INACTIVITY, 90)},
        "expiry",
        "Points expire after 90 days without activity.",
    ),
    (
        {"expiry": Expiry(ExpiryPolicy.END_OF_MONTH, 0)},
        "expiry",
        "Points expire at the end of the month they are earned in.",
    ),
    (
        {"expiry": Expiry(ExpiryPolicy.END_OF_MONTH, 2)},
        "expiry",
        "Points expire 2 months later, at the end of the month.",
    ),
    (
        {"expiry": Expiry(ExpiryPolicy.END_OF_YEAR, 1)},
        "expiry",
        "Points expire 1 year later, at the end of the year.",
    ),
    (
        {"redemption": RedemptionLimits(is_enabled=False)},
        "redemption",
        "Points cannot be spent at checkout.",
    ),
    (
        {
            "redemption": RedemptionLimits(
                minimum_points=100, block_points=50, order_share_max=Fraction(1, 2)
            )
        },
        "redemption",
        (
            "Points can be spent at checkout from 100 points on, in steps of 50 "
            "points, for up to 50 % "
            "of the goods."
        ),
    ),
    (
        {"deficit": DeficitPolicy.WRITE_OFF},
        "deficit",
        "Points of returned goods that were spent already are written off.",
    ),
    (
        {"ladder": ladder(tier("vip", 3), metric=Metric.ORDERS)},
        "tiers.vip",
        "Vip, from 3 orders on: no benefits yet.",
    ),
    (
        {"ladder": ladder(tier("vip", 1), metric=Metric.POINTS)},
        "tiers.vip",
        "Vip, from 1 point on: no benefits yet.",
    ),
    (
        {
            "ladder": ladder(
                tier(
                    "vip",
                    50_000,
                    prices=(
                        PriceBenefit(percent=Decimal("7.5")),
                        amount_off(Selection(products=frozenset({"1"})), USD=100, EUR=90),
                    ),
                    earn_multiplier=Fraction("1.5"),
                    has_free_shipping=True,
                    return_window_days=60,
                    maturing_days=1,
                    perks=(("gift_wrap", "free"),),
                )
            )
        },
        "tiers.vip",
        (
            "Vip, from 500.00 USD on: 7.5 % off all goods, 0.90 EUR / 1.00 USD off each of chosen "
            "goods, free shipping, 1.5 times the points, returns within 60 days, "
            "points wait 1 day at "
            "most, gift wrap: free."
        ),
    ),
    (
        {"ladder": ladder(tier("base", 0, maturing_days=0))},
        "tiers.base",
        "Base, every member from the start: points without waiting.",
    ),
    (
        {"ladder": ladder(tier("vip", 1), window=Window.ROLLING_MONTHS, window_months=1)},
        "tiers.metric",
        "Tiers count the money spent in the last 1 month, less what was returned.",
    ),
    (
        {"ladder": ladder(tier("vip", 1), window=Window.MEMBERSHIP_YEAR, grace_days=30)},
        "tiers.downgrade",
        (
            "A tier is valid to the end of the next period; a member who does not "
            "reach it any more "
            "then falls to the tier that is reached, after 30 days of grace."
        ),
    ),
    (
        {
            "ladder": ladder(
                tier("vip", 1), window=Window.CALENDAR_YEAR, downgrade=Downgrade.ONE_STEP
            )
        },
        "tiers.downgrade",
        (
            "A tier is valid to the end of the next period; a member who does not "
            "reach it any more "
            "then falls by one tier."
        ),
    ),
]


@pytest.mark.parametrize(
    ("changes", "rule_key", "text"), SENTENCES, ids=[text[:40] for _, _, text in SENTENCES]
)
def test_sentences(changes: dict[str, Any], rule_key: str, text: str) -> None:
    """One sentence a rule, with its numbers, currency and plural."""
    assert said(rules(**changes))[rule_key] == text


def test_benefits_one_by_one() -> None:
    """The same words as in the tier's sentence, for a list."""
    vip = tier("vip", 1, percent="5", has_free_shipping=True)

    benefits = [render(phrase) for phrase in benefits_of(vip, EXPONENTS)]

    assert benefits == ["5 % off all goods", "free shipping"]
    assert benefits_of(tier("base"), EXPONENTS) == []


def test_a_lifetime_ladder_says_nothing_of_falling() -> None:
    """What cannot happen needs no sentence; without tiers there is none at all."""
    assert "tiers.downgrade" not in said(rules(ladder=ladder(tier("vip", 1))))
    assert not [key for key in said(rules()) if key.startswith("tiers")]


def test_other_languages() -> None:
    """Every phrase within a sentence is translated too, and plurals by the language's own rule."""
    french = {
        "Every %(money)s spent earns %(points)s.": "%(points)s pour chaque %(money)s.",
        "%(number)s point": "%(number)s point",
        "%(number)s points": "%(number)s points (pl.)",
    }

    def gettext(msgid: str) -> str:
        return french.get(msgid, msgid)

    def ngettext(singular: str, plural: str, count: int) -> str:
        return french[singular if count <= 1 else plural]

    one, two = (next(iter(sentences(rules("1.00", points=points), EXPONENTS))) for points in (1, 2))

    assert render(one, gettext, ngettext) == "1 point pour chaque 1.00 USD."
    assert render(two, gettext, ngettext) == "2 points (pl.) pour chaque 1.00 USD."
