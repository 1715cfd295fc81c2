"""A customer's past orders on the engine: tiers through time, lives, bonuses, reasons, sums."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pytest

from saleor_retention.engine.facts import OrderFacts, OrderState, Origin
from saleor_retention.engine.history import Reason, Setting, replay, tier_at_end
from saleor_retention.engine.rules import (
    Downgrade,
    EarnRate,
    Expiry,
    ExpiryPolicy,
    Ladder,
    Maturing,
    MaturingRule,
    Metric,
    ProgramRules,
    Tier,
    Window,
)
from saleor_retention.engine.tally import Share, Tally, worth
from tests.unit.builders import instant, order

NOW = instant("2026-06-01 12:00")
LADDER = Ladder(
    metric=Metric.SPEND,
    window=Window.CALENDAR_YEAR,
    tiers=(
        Tier("regular", "Regular", 0),
        Tier("vip", "VIP", 10_000, earn_multiplier=Fraction(2)),
    ),
)
RULES = ProgramRules(
    earn_rates={"USD": EarnRate(Fraction(1), 100)},
    point_values={"USD": Fraction(1, 2)},
    ladder=LADDER,
)


def bought(ref: str, day: str, amount_minor: int, **facts: object) -> OrderFacts:
    """Return an order of one line, paid on its day."""
    given = {"ref": ref, "user_ref": "1", "created_at": instant(day), "paid_at": instant(day)}
    return order(amount_minor, **(given | facts))


def points(orders: list[OrderFacts], rules: ProgramRules = RULES) -> list[int]:
    """Return what each order brings."""
    return [outcome.points for outcome in replay(orders, Setting(rules, NOW)).outcomes]


def test_a_tier_is_that_of_the_orders_paid_before() -> None:
    """Reached by the second order, of the third on; an order placed between sees the old one."""
    orders = [
        bought("o1", "2026-01-01", 6000),
        bought("o2", "2026-02-01", 4000, paid_at=instant("2026-02-05")),
        bought("o3", "2026-02-02", 1000),
        bought("o4", "2026-02-06", 1000),
    ]

    assert points(orders) == [60, 40, 10, 20]


def test_a_tier_is_lost_when_its_year_and_grace_are_over() -> None:
    """Reached in 2023 it is valid to the end of 2024, and ten days of grace."""
    rules = replace(RULES, ladder=replace(LADDER, grace_days=10))
    orders = [
        bought("o1", "2023-03-01", 10000),
        bought("o2", "2024-12-31", 1000),
        bought("o3", "2025-01-10", 1000),
        bought("o4", "2025-01-12", 1000),
    ]

    assert points(orders, rules) == [100, 20, 20, 10]


def test_one_step_at_a_time_also_where_nothing_was_bought_for_years() -> None:
    """Gold to the end of 2022, silver a year more, then regular."""
    tiers = (
        Tier("regular", "Regular", 0),
        Tier("silver", "Silver", 5_000, earn_multiplier=Fraction(2)),
        Tier("gold", "Gold", 10_000, earn_multiplier=Fraction(3)),
    )
    ladder = replace(LADDER, tiers=tiers, downgrade=Downgrade.ONE_STEP)
    rules = replace(RULES, ladder=ladder)

    def after(day: str) -> str | None:
        orders = [bought("o1", "2021-03-01", 10000), bought("o2", day, 100)]
        return replay(orders, Setting(rules, NOW)).outcomes[1].tier

    assert [after(f"{year}-06-01") for year in (2022, 2023, 2025)] == ["gold", "silver", "regular"]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"is_paid": False}, Reason.NOT_PAID),
        ({"paid_at": instant("2026-06-02")}, Reason.NOT_PAID),
        ({"state": OrderState.CANCELED}, Reason.CANCELED),
        ({"refunded_minor": 1000}, Reason.RETURNED),
        ({"origin": Origin.REISSUE}, Reason.ORIGIN),
    ],
)
def test_orders_that_do_not_count(facts: dict[str, object], reason: Reason) -> None:
    """They bring nothing, and the bonus goes to the next one."""
    rules = replace(RULES, first_order_points=9)
    orders = [bought("o1", "2026-01-01", 1000, **facts), bought("o2", "2026-01-02", 1000)]

    first, second = replay(orders, Setting(rules, NOW)).outcomes

    assert (first.reason, first.is_counted, first.points, first.bonus) == (reason, False, 0, 0)
    assert (second.reason, second.points, second.bonus) == (None, 10, 9)


def test_orders_that_count_and_bring_nothing() -> None:
    """Too small, or in a currency that earns nothing; they are the first order all the same."""
    rules = replace(RULES, first_order_points=9)
    orders = [
        bought("o1", "2026-01-01", 99),
        bought("o2", "2026-01-02", 1000, currency="CHF"),
    ]

    outcomes = replay(orders, Setting(rules, NOW)).outcomes

    assert [o.reason for o in outcomes] == [Reason.TOO_SMALL, Reason.NO_RATE]
    assert [o.bonus for o in outcomes] == [9, 0]
    assert all(o.is_counted for o in outcomes)


def test_no_bonus_for_who_has_had_it() -> None:
    """The caller knows."""
    rules = replace(RULES, first_order_points=9)

    (outcome,) = replay(
        [bought("o1", "2026-01-01", 100)], Setting(rules, NOW, has_first_order=True)
    ).outcomes

    assert outcome.bonus == 0


def test_an_order_that_says_not_when_it_was_paid_was_paid_at_once() -> None:
    """As an import of old orders leaves them."""
    (outcome,) = replay(
        [bought("o1", "2026-01-01", 100, paid_at=None)], Setting(RULES, NOW)
    ).outcomes

    assert outcome.paid_at == instant("2026-01-01")


def test_points_die_at_their_instant_and_the_bonus_with_them() -> None:
    """Thirty days from the day they became available; those that wait for goods do not die."""
    rules = replace(
        RULES,
        expiry=Expiry(ExpiryPolicy.DAYS, 30),
        maturing=Maturing(MaturingRule.ON_FULFILMENT),
        first_order_points=9,
    )
    orders = [
        bought("o1", "2026-04-01", 1000, fulfilled_at=instant("2026-05-01")),
        bought("o2", "2026-04-02", 1000, fulfilled_at=instant("2026-05-02 13:00")),
        bought("o3", "2026-04-03", 1000),
    ]

    share = Share(
        "1", replay(orders, Setting(rules, instant("2026-06-01"))).outcomes, instant("2026-06-01")
    )

    assert [o.reason for o in share.outcomes] == [Reason.EXPIRED, None, None]
    assert (share.points, share.available, share.pending) == (20, 10, 10)
    assert (share.expired, share.first_order) == (19, 0)


def test_inactivity_counts_from_the_last_order_or_the_switch() -> None:
    """Whichever is later; an old order's points live as long as the newest one's."""
    rules = replace(RULES, expiry=Expiry(ExpiryPolicy.INACTIVITY, 30))
    orders = [bought("o1", "2024-01-01", 1000), bought("o2", "2026-05-20", 1000)]

    alone = replay(orders, Setting(rules, NOW))
    switched = replay(orders, Setting(rules, NOW, lives_from=instant("2026-05-31")))
    quiet = replay(orders[:1], Setting(rules, NOW))

    assert {o.expires_at for o in alone.outcomes} == {instant("2026-06-20")}
    assert {o.expires_at for o in switched.outcomes} == {instant("2026-07-01")}
    assert quiet.outcomes[0].reason is Reason.EXPIRED
    assert (alone.lives_from, switched.lives_from) == (instant("2026-05-20"), instant("2026-05-31"))


def test_the_tier_at_the_end_is_that_of_the_sums() -> None:
    """This year's or last year's; an older one speaks for nobody."""

    def at_end(*days: str) -> str | None:
        orders = [bought(f"o{day}", day, 5000) for day in days]
        outcomes = replay(orders, Setting(RULES, NOW)).outcomes
        return tier_at_end(outcomes, RULES, NOW, dt.date(2026, 1, 1))

    assert at_end("2025-01-01", "2025-12-31") == "vip"
    assert at_end("2025-12-31", "2026-01-01") == "regular"
    assert at_end("2024-01-01", "2024-12-31") == "regular"
    assert tier_at_end((), replace(RULES, ladder=Ladder()), NOW, dt.date(2026, 1, 1)) is None


def test_sums_over_customers() -> None:
    """Months are local months; welcome points are of the end's; amounts round down."""
    rules = replace(
        RULES, ladder=Ladder(), time_zone="America/New_York", expiry=Expiry(ExpiryPolicy.DAYS, 90)
    )
    orders = [
        bought("o1", "2026-01-01 02:00", 1000),
        bought("o2", "2026-05-01 12:00", 700),
        bought("o3", "2026-05-02 12:00", 700, is_paid=False),
    ]
    tally = Tally(time_zone=rules.time_zone)

    tally.add(Share("1", replay(orders, Setting(rules, NOW)).outcomes, NOW, 8, "vip", "regular"))
    tally.add(Share("2", replay(orders[2:], Setting(rules, NOW)).outcomes, NOW))

    assert dict(tally.issued) == {
        ("2025-12", "USD"): 10,
        ("2026-05", "USD"): 7,
        ("2026-06", "USD"): 8,
    }
    assert (tally.customers, tally.members, tally.orders, tally.counted) == (2, 1, 4, 2)
    assert (tally.points, tally.expired, tally.welcome, tally.issued_points) == (15, 10, 8, 25)
    assert (dict(tally.owed), dict(tally.tiers)) == ({"USD": 15}, {"vip": 1})
    assert dict(tally.moves) == {("regular", "vip"): 1}
    assert dict(tally.reasons) == {Reason.EXPIRED: 1, Reason.NOT_PAID: 2}
    assert (worth(15, "USD", rules), worth(15, "EUR", rules)) == (7, 0)


def test_no_orders_bring_nothing() -> None:
    """An empty history is one."""
    assert replay([], Setting(RULES, NOW)).outcomes == ()
