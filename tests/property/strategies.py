"""All baskets, orders, lots and rules that the engine may meet; each feature extends this module.

References come from small pools, so that selections match often. Amounts are mostly small, where
rounding shows, and sometimes at the limits.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from saleor_retention.engine.facts import (
    BasketFacts,
    BasketLine,
    CustomerFacts,
    GoodsFacts,
    OrderFacts,
    OrderLine,
    OrderState,
    Origin,
)
from saleor_retention.engine.lots import LotFacts
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
from tests.unit.builders import EXPONENTS

ZONES = ("UTC", "Europe/Paris", "America/Havana", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo")

amounts_minor = st.one_of(
    st.integers(0, 50),
    st.integers(0, 20_000),
    st.integers(0, 10**12),
    st.sampled_from([999, 1000, 3333, 3334]),
)
points = st.one_of(st.integers(0, 20), st.integers(0, 5_000), st.integers(0, 10**12))
instants = st.datetimes(
    min_value=dt.datetime(2010, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=dt.datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
)
zones = st.sampled_from(ZONES)
point_values = st.builds(Fraction, st.integers(1, 500), st.sampled_from([1, 2, 5, 10, 40, 100]))


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[Fraction]:
    """Return numbers that decimals can hold, from ``low`` to ``high``."""
    scale: int = 10**places
    return st.integers(low * scale, high * scale).map(lambda number: Fraction(number, scale))


# --- goods and baskets ------------------------------------------------------------------------

_refs = {kind: [f"{kind}{number}" for number in range(1, 4)] for kind in "vpck"}


def _some(kind: str, *, at_least: int = 0) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(_refs[kind]), min_size=at_least, max_size=2)


goods = st.builds(
    GoodsFacts,
    variant_ref=st.sampled_from(_refs["v"]),
    product_ref=st.sampled_from(_refs["p"]),
    category_refs=_some("c"),
    collection_refs=_some("k"),
)
selections = st.one_of(
    st.just(Selection()),
    st.builds(
        Selection,
        variants=_some("v"),
        products=_some("p"),
        categories=_some("c"),
        collections=_some("k"),
    ),
)


@st.composite
def baskets(draw: st.DrawFn) -> BasketFacts:
    """A US dollar checkout of up to six lines, gifts and gift cards among them."""
    lines = []
    for number in range(draw(st.integers(0, 6))):
        quantity = draw(st.integers(1, 12))
        total_minor = draw(amounts_minor)
        lines.append(
            BasketLine(
                ref=f"line-{number}",
                goods=draw(goods),
                quantity=quantity,
                unit_minor=total_minor // quantity + draw(st.integers(0, 100)),
                total_minor=total_minor,
                is_gift=draw(st.sampled_from([False, False, False, True])),
                is_gift_card=draw(st.sampled_from([False, False, False, True])),
            )
        )
    return BasketFacts(
        ref="checkout",
        channel_ref="1",
        currency=draw(st.sampled_from(["USD", "EUR"])),
        exponent=2,
        user_ref="7",
        lines=tuple(lines),
    )


# --- orders -----------------------------------------------------------------------------------


@st.composite
def orders(draw: st.DrawFn, *, min_lines: int = 0) -> OrderFacts:
    """A paid order as it was bought: nothing returned or refunded yet."""
    lines = []
    for number in range(draw(st.integers(min_lines, 5))):
        gross_minor = draw(amounts_minor)
        lines.append(
            OrderLine(
                ref=f"line-{number}",
                goods=draw(goods),
                quantity=draw(st.integers(1, 9)),
                quantity_returned=0,
                net_minor=gross_minor * 100 // draw(st.sampled_from([100, 107, 123])),
                gross_minor=gross_minor,
                undiscounted_minor=gross_minor + draw(st.integers(0, 1000)),
                is_gift_card=draw(st.sampled_from([False, False, False, True])),
            )
        )
    shipping_minor = draw(st.sampled_from([0, 0, 499, 1000]))
    created_at = draw(instants)
    return OrderFacts(
        ref="order",
        number="1",
        checkout_ref=None,
        channel_ref="1",
        currency=draw(st.sampled_from(["USD", "USD", "EUR", "JPY"])),
        exponent=2,
        origin=draw(st.sampled_from([Origin.CHECKOUT, Origin.POS, *Origin])),
        state=OrderState.OPEN,
        user_ref="7",
        email="",
        is_user_confirmed=True,
        created_at=created_at,
        paid_at=created_at,
        fulfilled_at=draw(st.none() | st.just(created_at + dt.timedelta(days=2))),
        is_paid=True,
        total_minor=sum(line.gross_minor for line in lines) + shipping_minor,
        shipping_net_minor=shipping_minor * 100 // 123,
        shipping_gross_minor=shipping_minor,
        refunded_minor=0,
        refunded_shipping_minor=0,
        lines=tuple(lines),
    )


@st.composite
def changed(draw: st.DrawFn, order: OrderFacts) -> OrderFacts:
    """The order in any later state: units returned, money refunded, canceled."""
    lines = tuple(
        replace(line, quantity_returned=draw(st.integers(0, line.quantity))) for line in order.lines
    )
    shipping_minor = draw(st.integers(0, order.shipping_gross_minor))
    goods_minor = order.total_minor - order.shipping_gross_minor
    return replace(
        order,
        lines=lines,
        refunded_shipping_minor=shipping_minor,
        refunded_minor=shipping_minor + draw(st.integers(0, goods_minor)),
        state=draw(st.sampled_from([OrderState.OPEN] * 5 + [OrderState.CANCELED])),
    )


# --- lots -------------------------------------------------------------------------------------


@st.composite
def lots(draw: st.DrawFn) -> list[LotFacts]:
    """Up to eight lots around the year 2026: pending, live, dead and empty ones."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    days = st.integers(-100, 100).map(lambda number: start + dt.timedelta(days=number))
    return [
        LotFacts(
            id=number,
            remaining=draw(st.integers(0, 300)),
            opened_at=draw(days),
            valid_from=draw(st.none() | days),
            expires_at=draw(st.none() | days),
            order_ref=draw(st.sampled_from([None, "o1", "o2"])),
        )
        for number in range(1, draw(st.integers(0, 8)) + 1)
    ]


# --- rules ------------------------------------------------------------------------------------

names = st.text("aZ09 %(é中'{}", min_size=1, max_size=8).filter(str.strip)
factors = decimals(0, 5, 2).filter(bool)


@st.composite
def multipliers(draw: st.DrawFn, name: str) -> Multiplier:
    """A multiplier that applies on some day."""
    starts_on = draw(st.none() | st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)))
    ends_on = None
    if draw(st.booleans()):
        first = starts_on or dt.date(2025, 1, 1)
        ends_on = first + dt.timedelta(days=draw(st.integers(6, 500)))
    return Multiplier(
        name=name,
        factor=draw(decimals(0, 20, 2)),
        selection=draw(selections),
        starts_on=starts_on,
        ends_on=ends_on,
        weekdays=draw(st.frozensets(st.integers(0, 6))),
    )


@st.composite
def prices(draw: st.DrawFn) -> PriceBenefit:
    """A per cent, or an amount in some currencies, off some goods."""
    selection = draw(selections)
    if draw(st.booleans()):
        percent = draw(st.integers(1, 100_000).map(lambda number: Decimal(number) / 1000))
        return PriceBenefit(percent=percent, selection=selection)
    currencies = draw(st.frozensets(st.sampled_from(sorted(EXPONENTS)), min_size=1))
    named = tuple((currency, draw(st.integers(1, 5000))) for currency in sorted(currencies))
    return PriceBenefit(amount_minor=named, selection=selection)


@st.composite
def tiers(draw: st.DrawFn, rank: int, threshold: int) -> Tier:
    """A tier with everything that one can give."""
    return Tier(
        slug=f"tier-{rank}",
        name=f"Tier {rank}",
        threshold=threshold,
        earn_multiplier=draw(factors),
        prices=tuple(draw(st.lists(prices(), max_size=2))),
        has_free_shipping=draw(st.booleans()),
        return_window_days=draw(st.none() | st.integers(0, 365)),
        maturing_days=draw(st.none() | st.integers(0, 60)),
        perks=tuple(sorted(draw(st.dictionaries(names, names, max_size=2)).items())),
    )


@st.composite
def ladders(draw: st.DrawFn, *, steps: bool = False) -> Ladder:
    """Up to four tiers in ascending order; bare ``steps`` give nothing."""
    thresholds = sorted(draw(st.sets(st.integers(0, 10_000), max_size=4)))
    window = draw(st.sampled_from(Window))
    return Ladder(
        metric=draw(st.sampled_from(Metric)),
        window=window,
        window_months=draw(st.integers(1, 60)) if window is Window.ROLLING_MONTHS else 12,
        downgrade=draw(st.sampled_from(Downgrade)),
        grace_days=draw(st.integers(0, 60)),
        warning_days=draw(st.integers(0, 60)),
        tiers=tuple(
            Tier(slug=f"tier-{rank}", name=f"Tier {rank}", threshold=threshold)
            if steps
            else draw(tiers(rank, threshold))
            for rank, threshold in enumerate(thresholds)
        ),
    )


@st.composite
def expiries(draw: st.DrawFn) -> Expiry:
    """Any policy with a count that it can have."""
    policy = draw(st.sampled_from(ExpiryPolicy))
    low = 1 if policy in (ExpiryPolicy.DAYS, ExpiryPolicy.INACTIVITY) else 0
    count = 0 if policy is ExpiryPolicy.NEVER else draw(st.integers(low, 1000))
    return Expiry(policy, count, draw(st.integers(0, 365)))


@st.composite
def maturings(draw: st.DrawFn) -> Maturing:
    """Any rule with days where it waits for days."""
    rule = draw(st.sampled_from(MaturingRule))
    waits_days = rule in (MaturingRule.DAYS_AFTER_PAYMENT, MaturingRule.DAYS_AFTER_FULFILMENT)
    return Maturing(rule, draw(st.integers(1, 365)) if waits_days else 0)


@st.composite
def limits(draw: st.DrawFn) -> RedemptionLimits:
    """Limits in which the minimum is no less than a block."""
    block = draw(st.sampled_from([1, 1, 10, 50, 100]))
    return RedemptionLimits(
        is_enabled=draw(st.sampled_from([True, True, True, False])),
        minimum_points=block + draw(st.integers(0, 200)),
        block_points=block,
        order_share_max=draw(decimals(0, 1, 3).filter(bool)),
        hold_minutes=draw(st.integers(1, 10_000)),
        points_per_day_max=draw(caps),
        points_per_month_max=draw(caps),
    )


caps = st.none() | st.integers(0, 10_000)


@st.composite
def allowances(draw: st.DrawFn) -> tuple[tuple[str, GrantAllowance], ...]:
    """What some groups, or apps, may grant; each says one limit at least."""
    some = st.builds(GrantAllowance, caps, caps).filter(lambda each: each != GrantAllowance())
    names = st.sampled_from(("Support", "Store leads", "Help desk 2.0"))
    return tuple(sorted(draw(st.dictionaries(names, some)).items()))


@st.composite
def earning_programs(draw: st.DrawFn) -> ProgramRules:
    """Rules with everything that decides what an order earns."""
    thresholds = range(draw(st.integers(0, 2)))
    return ProgramRules(
        time_zone=draw(zones),
        earn_rates={
            "USD": EarnRate(draw(decimals(0, 50, 3)), draw(st.integers(1, 20_000))),
            "JPY": EarnRate(Fraction(1), 150),
        },
        point_values={"USD": Fraction(1), "JPY": Fraction(1)},
        earns_on_tax=draw(st.booleans()),
        earns_on_shipping=draw(st.booleans()),
        earns_on_drafts=draw(st.booleans()),
        earns_on_reissues=draw(st.booleans()),
        earns_on_bulk_orders=draw(st.booleans()),
        earn_caps=EarnCaps(per_order=draw(caps)),
        multipliers=tuple(draw(multipliers(f"m{n}")) for n in range(draw(st.integers(0, 2)))),
        maturing=draw(maturings()),
        ladder=Ladder(
            tiers=tuple(
                Tier(
                    slug=f"tier-{rank}",
                    name=f"Tier {rank}",
                    threshold=rank,
                    earn_multiplier=draw(factors),
                    maturing_days=draw(st.none() | st.integers(0, 60)),
                )
                for rank in thresholds
            )
        ),
    )


@st.composite
def pricing_programs(draw: st.DrawFn) -> ProgramRules:
    """Rules with everything that decides a price."""
    return ProgramRules(
        point_values={"USD": draw(point_values), "EUR": draw(point_values)},
        redemption=draw(limits()),
        ladder=Ladder(
            tiers=tuple(
                Tier(
                    slug=f"tier-{rank}",
                    name=f"Tier {rank}",
                    threshold=rank * 100,
                    prices=tuple(draw(st.lists(prices(), max_size=3))),
                    has_free_shipping=draw(st.booleans()),
                )
                for rank in range(draw(st.integers(0, 3)))
            )
        ),
    )


@st.composite
def programs(draw: st.DrawFn) -> ProgramRules:
    """Any rules that the parser accepts, all sections filled."""
    currencies = sorted(draw(st.sets(st.sampled_from(sorted(EXPONENTS)), min_size=1, max_size=3)))
    reference = draw(st.sampled_from(currencies))
    marks = draw(st.sets(names, max_size=2))
    return ProgramRules(
        time_zone=draw(zones),
        earn_rates={
            currency: EarnRate(draw(factors), draw(st.integers(1, 20_000)))
            for currency in currencies
        },
        point_values={currency: draw(point_values) for currency in currencies},
        acquisition_costs={
            currency: draw(st.integers(0, 10**6))
            for currency in currencies[: draw(st.integers(0, 1))]
        },
        reference_currency=reference,
        reference_rates={
            currency: draw(decimals(0, 200, 4).filter(bool))
            for currency in currencies
            if currency != reference
        },
        earns_on_tax=draw(st.booleans()),
        earns_on_shipping=draw(st.booleans()),
        earns_on_drafts=draw(st.booleans()),
        earns_on_reissues=draw(st.booleans()),
        earns_on_bulk_orders=draw(st.booleans()),
        earn_caps=EarnCaps(draw(caps), draw(caps), draw(caps), draw(caps)),
        multipliers=tuple(draw(multipliers(name)) for name in sorted(marks)),
        welcome_points=draw(points),
        first_order_points=draw(points),
        enrolment=draw(st.sampled_from(Enrolment)),
        maturing=draw(maturings()),
        expiry=draw(expiries()),
        redemption=draw(limits()),
        deficit=draw(st.sampled_from(DeficitPolicy)),
        goodwill_repays_deficit=draw(st.booleans()),
        grant_points_max=draw(points),
        grant_points_per_day_max=draw(caps),
        grant_groups=draw(allowances()),
        grant_apps=draw(allowances()),
        ladder=draw(ladders()),
    )


@st.composite
def tier_slugs(draw: st.DrawFn, rules: ProgramRules) -> str | None:
    """A tier of the ladder, none, or one that is not on it."""
    return draw(st.sampled_from([None, "gone", *(tier.slug for tier in rules.ladder.tiers)]))


@st.composite
def customers(draw: st.DrawFn, rules: ProgramRules) -> CustomerFacts | None:
    """A guest, or a member of any tier."""
    if draw(st.sampled_from([False, False, False, True])):
        return None
    return CustomerFacts(account_id=1, tier=draw(tier_slugs(rules)))
