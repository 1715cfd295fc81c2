"""What the facts of a shopper come to: uses left in the running period, stamps, who is a member."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from saleor_retention.engine.facts import CustomerFacts
from saleor_retention.engine.offers.eligibility import conditions_missed
from saleor_retention.engine.offers.facts import situation_of
from saleor_retention.engine.offers.kinds import Audience, Novelty
from saleor_retention.engine.offers.result import Finding
from saleor_retention.engine.offers.situation import Shopper, UsesLeft
from saleor_retention.engine.offers.terms import (
    CutTerms,
    Kind,
    LimitPeriod,
    Limits,
    MemberPriceTerms,
    OfferTerms,
    PunchCardTerms,
    in_currency,
)
from saleor_retention.engine.rules import Selection

TEA = Selection(products=frozenset(["tea"]))
SUNDAY = dt.datetime(2026, 3, 1, 0, 30, tzinfo=ZoneInfo("Asia/Taipei"))
ANN = CustomerFacts(account_id=1, tier="vip")


def price(limits: Limits) -> OfferTerms:
    """An offer with limits."""
    benefit = MemberPriceTerms(TEA, CutTerms(percent=Decimal(5)))
    return OfferTerms(Kind.MEMBER_PRICE, benefit, limits=limits)


CARD = OfferTerms(Kind.PUNCH_CARD, PunchCardTerms(TEA, 6))


@pytest.mark.parametrize(
    ("period", "start"),
    [
        (LimitPeriod.ALL_TIME, None),
        (LimitPeriod.DAY, "2026-03-01"),
        (LimitPeriod.WEEK, "2026-02-23"),
        (LimitPeriod.MONTH, "2026-03-01"),
        (LimitPeriod.YEAR, "2026-01-01"),
    ],
)
def test_uses_of_the_running_period_count(period: LimitPeriod, start: str | None) -> None:
    """Of other periods none does; the week begins on Monday, the day is the program's."""
    terms = {"3": price(Limits(per_customer=4, in_total=100, period=period))}
    used = [
        [3, True, start, 3],
        [3, False, start, 60],
        [3, True, "2026-02-28", 4],
        [3, False, "2025-12-29", 100],
        [4, True, start, 4],
    ]

    situation = situation_of({"used": used}, terms, at=SUNDAY, customer=ANN)

    assert situation.uses_left == {"3": UsesLeft(by_customer=1, in_total=40)}


@pytest.mark.parametrize(
    ("total_period", "in_total"),
    [
        (None, 90),
        (LimitPeriod.MONTH, 90),
        (LimitPeriod.WEEK, 80),
        (LimitPeriod.ALL_TIME, 30),
    ],
)
def test_each_limit_has_its_own_period(total_period: LimitPeriod | None, in_total: int) -> None:
    """That of the customer is the month; in total counts the same, a week, or all time."""
    limits = Limits(4, 4, 100, LimitPeriod.MONTH, total_period)
    used = [
        [3, True, None, 4],
        [3, True, "2026-02-23", 4],
        [3, True, "2026-03-01", 1],
        [3, False, None, 70],
        [3, False, "2026-02-23", 20],
        [3, False, "2026-03-01", 10],
    ]

    situation = situation_of({"used": used}, {"3": price(limits)}, at=SUNDAY, customer=ANN)

    assert situation.uses_left == {"3": UsesLeft(by_customer=3, in_total=in_total)}


def test_a_total_by_day_stands_beside_a_limit_of_all_time() -> None:
    """Who has had it never has it again; the others have a hundred a day."""
    terms = {"3": price(Limits(per_customer=1, in_total=100, total_period=LimitPeriod.DAY))}
    used = [[3, True, None, 1], [3, False, "2026-03-01", 99], [3, False, None, 5000]]

    situation = situation_of({"used": used}, terms, at=SUNDAY, customer=ANN)

    assert situation.uses_left == {"3": UsesLeft(by_customer=0, in_total=1)}


def test_what_was_never_used_is_left_whole() -> None:
    """No counter is no use; an offer without such limits has none that could be left."""
    terms = {"1": price(Limits(in_total=5)), "2": price(Limits(per_order=1)), "3": price(Limits())}

    situation = situation_of({}, terms, at=SUNDAY, customer=ANN)

    assert situation.uses_left == {"1": UsesLeft(in_total=5)}


def test_more_uses_than_the_limit_leave_none() -> None:
    """A limit that was lowered leaves nothing, not less than nothing."""
    facts = {"used": [[1, True, None, 3], [1, False, None, 9]]}
    terms = {"1": price(Limits(per_customer=2, in_total=5))}

    situation = situation_of(facts, terms, at=SUNDAY, customer=ANN)

    assert situation.uses_left == {"1": UsesLeft(0, 0)}


def test_a_guest_has_nothing_left_of_a_limit_by_customer() -> None:
    """He cannot be told from the next one; what is limited in total only he may use."""
    terms = {"1": price(Limits(per_customer=2)), "2": price(Limits(in_total=5))}

    situation = situation_of({}, terms, at=SUNDAY, customer=None)

    assert situation.uses_left == {"1": UsesLeft(by_customer=0), "2": UsesLeft(in_total=5)}
    assert situation.shopper == Shopper()


def test_stamps_are_what_is_not_rewarded_yet() -> None:
    """One reward of six leaves seven of thirteen; stamps taken back are made up for first."""
    terms = {"1": CARD, "2": CARD, "3": price(Limits()), "5": CARD}
    facts = {"stamps": {"1": 13, "2": 3, "3": 9, "4": 6}, "stamps_spent": {"1": 6, "2": 6, "5": 6}}

    situation = situation_of(facts, terms, at=SUNDAY, customer=ANN)

    assert situation.stamps == {"1": 7, "2": -3, "5": -6}


def test_the_shopper_is_who_the_facts_say() -> None:
    """Tier, segments, tags and earlier orders are taken over, and so are gifts."""
    facts = {
        "segments": ["asleep"],
        "tags": ["tea"],
        "orders": 3,
        "gifts_had": ["7"],
        "gift_picks": {"9": ["8", "7"]},
    }

    situation = situation_of(facts, {}, at=SUNDAY, customer=ANN, shipping_minor=490)

    asleep, tea = frozenset(["asleep"]), frozenset(["tea"])
    assert situation.shopper == Shopper(
        is_member=True, tier="vip", segments=asleep, tags=tea, orders_count=3
    )
    assert situation.gifts_had == frozenset(["7"])
    assert situation.gift_choices == {"9": frozenset(["8", "7"])}
    assert (situation.at, situation.shipping_minor) == (SUNDAY, 490)


def test_what_was_given_is_had_until_it_is_over() -> None:
    """The end is the first instant without it; whoever left the program has nothing of it."""
    facts = {
        "granted": {"1": SUNDAY.isoformat(), "2": (SUNDAY + dt.timedelta(seconds=1)).isoformat()}
    }

    assert situation_of(facts, {}, at=SUNDAY, customer=ANN).shopper.granted == {"2"}
    left = situation_of({**facts, "left": True}, {}, at=SUNDAY, customer=ANN)
    assert left.shopper == Shopper()


def test_one_who_left_is_no_member_and_his_uses_count() -> None:
    """Leaving is no way to begin anew."""
    terms = {"1": price(Limits(per_customer=2))}
    facts = {"left": True, "used": [[1, True, None, 2]]}

    situation = situation_of(facts, terms, at=SUNDAY, customer=ANN)

    assert situation.shopper == Shopper()
    assert situation.uses_left == {"1": UsesLeft(by_customer=0)}


def test_a_guest_is_told_that_a_limit_by_customer_is_for_members() -> None:
    """Not only that nothing is left, which he would take for used up."""
    terms = {"1": price(Limits(per_customer=2))}
    offer = in_currency(terms["1"], offer_id="1", name="Tea", currency="USD")
    assert offer is not None

    guest = conditions_missed(offer, situation_of({}, terms, at=SUNDAY, customer=None))
    member = conditions_missed(offer, situation_of({}, terms, at=SUNDAY, customer=ANN))

    assert [miss.code for miss in guest] == [Finding.NOT_A_MEMBER, Finding.LIMIT_PER_CUSTOMER]
    assert member == ()


@pytest.mark.parametrize("novelty", list(Novelty))
def test_a_guest_is_neither_new_nor_returning(novelty: Novelty) -> None:
    """Else an offer for the first order could be had with every order, by logging out."""
    terms = {"1": replace(price(Limits()), audience=Audience(novelty=novelty))}
    offer = in_currency(terms["1"], offer_id="1", name="Tea", currency="USD")
    assert offer is not None

    guest = conditions_missed(offer, situation_of({}, terms, at=SUNDAY, customer=None))

    assert guest[0].code is Finding.NOT_A_MEMBER
