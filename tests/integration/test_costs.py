"""What offers, coupons and tier prices took off: statements agree with a count row by row."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import pytest

from saleor_retention.engine.coupons.terms import parse
from saleor_retention.engine.measures.costs import Costs
from saleor_retention.engine.measures.figures import Figures
from saleor_retention.engine.periods import local_date
from saleor_retention.models import (
    CouponKind,
    CouponUse,
    CouponUseState,
    Offer,
    OfferUse,
    OfferUseState,
    OrderRecord,
    Program,
    StoredQuote,
)
from saleor_retention.selectors.costs import (
    CouponCost,
    OfferCost,
    coupon_cost,
    off_by_tiers,
    offer_costs,
)
from saleor_retention.services.couponing import coupons
from saleor_retention.services.offering import offers
from tests import ledger
from tests.customers import record_order
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

PARIS = "Europe/Paris"
FIRST, LAST = dt.date(2026, 2, 1), dt.date(2026, 2, 28)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose program counts in Paris."""
    return ledger.open_shop(monkeypatch, time_zone=PARIS)


def offer(shop: Shop, slug: str) -> Offer:
    """Create an offer."""
    document = {"kind": "member_price", "member_price": {"percent": 5}}
    return offers.create_offer(
        program=shop.program, slug=slug, name=slug.upper(), document=document, now=at("2026-01-01")
    ).offer


def use(given: Offer, record: OrderRecord, state: str, minor: int, currency: str = "USD") -> None:
    """Note down that an order uses an offer."""
    OfferUse.objects.create(
        offer=given,
        version_id=given.current_version_id,
        checkout_ref=f"cart-{record.order_ref}",
        order_ref=record.order_ref,
        state=state,
        uses=2,
        amount_minor=minor,
        returned_minor=minor // 3,
        currency=currency,
        created_at=record.created_at,
        lapses_at=record.created_at,
        ended_at=record.created_at,
    )


def counted(program: Program) -> list[OfferCost]:
    """Count what is used by orders of February in Paris, row by row."""
    records = {
        record.order_ref: record
        for record in OrderRecord.objects.filter(program=program, is_counted=True)
        if FIRST <= local_date(record.created_at, PARIS) <= LAST
    }
    groups: dict[tuple[str, str, str], list[OfferUse]] = defaultdict(list)
    for row in OfferUse.objects.filter(state=OfferUseState.USED).select_related("offer"):
        if row.order_ref in records:
            groups[row.offer.slug, row.offer.name, row.currency].append(row)
    found = [
        OfferCost(
            slug,
            name,
            currency,
            exponent=0 if currency == "JPY" else 2,
            uses=sum(row.uses for row in rows),
            orders=len(rows),
            customers=len({records[row.order_ref].account_id for row in rows}),
            discount_minor=sum(row.amount_minor - row.returned_minor for row in rows),
            revenue_minor=sum(records[row.order_ref].spend_minor for row in rows),
        )
        for (slug, name, currency), rows in groups.items()
    ]
    return sorted(found, key=lambda cost: (-cost.discount_minor, cost.slug, cost.currency))


@pytest.mark.parametrize("seed", range(3))
def test_the_statement_counts_as_one_would_by_hand(shop: Shop, seed: int) -> None:
    """All states, two currencies, orders that do not count and those of other months."""
    draw = random.Random(seed)  # noqa: S311
    given = [offer(shop, slug) for slug in ("tea", "cup", "never")]
    members = [shop.member(f"m{number}") for number in range(6)]
    for _ in range(60):
        record = record_order(
            draw.choice(members),
            at("2026-01-25 00:00") + dt.timedelta(hours=draw.randrange(24 * 40)),
            draw.randrange(5000),
            is_counted=draw.random() < 0.8,
        )
        for each in draw.sample(given[:2], draw.randrange(3)):
            state = draw.choice([*OfferUseState, OfferUseState.USED])
            use(each, record, state, draw.randrange(900), draw.choice(["USD", "USD", "JPY"]))

    found = offer_costs(shop.program, first_day=FIRST, last_day=LAST)

    assert found == counted(shop.program)
    assert {cost.slug for cost in found} == {"tea", "cup"}


def test_nobody_used_an_offer(shop: Shop) -> None:
    """No row, also where there are offers and orders."""
    offer(shop, "tea")
    record_order(shop.member("ann"), at("2026-02-10 12:00"), 1000)

    assert offer_costs(shop.program, first_day=FIRST, last_day=LAST) == []


def test_a_program_s_cost_beside_a_new_customer() -> None:
    """Exact fractions; nothing where there is nothing to divide by, or nothing was stated."""
    figures = Figures(
        customers=30,
        returning_customers=8,
        orders=50,
        returning_orders=20,
        revenue_minor=90_000,
        returning_minor=40_000,
    )
    costs = Costs(figures, redeemed_minor=3000, discount_minor=1001, acquisition_minor=2500)

    assert costs.program_minor == 4001
    assert costs.per_returning_customer == Fraction(4001, 8)
    assert costs.per_returning_revenue == Fraction(4001, 40_000)
    assert costs.acquired_minor == 2500 * 30
    assert costs.times == Fraction(20_000, 4001)
    assert replace(costs, tier_minor=40, coupon_minor=9).program_minor == 4050

    unsaid = Costs(figures, 3000, 1001)
    assert (unsaid.acquired_minor, unsaid.times) == (None, None)
    nobody = Costs(Figures(), 0, 0, 2500)
    assert (nobody.per_returning_customer, nobody.per_returning_revenue, nobody.times) == (
        None,
        None,
        None,
    )
    assert Costs(figures, -5000, 0, 2500).times is None


def test_what_coupons_took_off(shop: Shop) -> None:
    """Counted orders of the days in the currency; the amount where it was not kept."""
    ann = shop.member("ann")

    def used(minor: int | None, currency: str = "USD", **facts: object) -> None:
        terms: dict[str, object] = {"amounts": {"USD": 500, "EUR": 400}}
        if facts.pop("per_cent", False):
            terms = {"percent": "10"}
        state = facts.pop("state", CouponUseState.USED)
        created_at = facts.pop("created_at", at("2026-02-10 12:00"))
        record = record_order(ann, created_at, 1000, **{"is_counted": True, **facts})
        OrderRecord.objects.filter(pk=record.pk).update(currency=currency)
        coupon = coupons.issue(
            shop.program,
            CouponKind.PERSONAL,
            ann,
            parse({"name": "For you", **terms}),
            key=record.order_ref,
            valid_for_days=30,
            now=at("2026-02-01"),
        )
        CouponUse.objects.create(
            coupon=coupon,
            checkout_ref=record.order_ref,
            order_ref=record.order_ref,
            state=state,
            amount_minor=minor,
            currency="" if minor is None else currency,
            lapses_at=created_at,
        )

    used(321)
    used(700, per_cent=True)
    used(0, per_cent=True)
    used(None)
    used(None, per_cent=True)
    used(9000, "EUR")
    used(9000, is_counted=False)
    used(9000, state=CouponUseState.RETURNED)
    used(9000, created_at=at("2026-03-01 12:00"))

    found = coupon_cost(shop.program, first_day=FIRST, last_day=LAST, currency="USD")

    assert found == CouponCost(uses=5, minor=321 + 700 + 500, estimated=1, unknown=1)
    nothing = coupon_cost(shop.program, first_day=LAST, last_day=LAST, currency="USD")
    assert nothing == CouponCost()


def test_what_tier_prices_took_off(shop: Shop) -> None:
    """Kept with the order when it is first seen, from the price that its checkout had."""
    ann = shop.member("ann")
    allocations = [
        {"line_ref": "a", "rule_key": "member:vip", "amount_minor": 120, "name": "VIP"},
        {"line_ref": "b", "rule_key": "member:vip", "amount_minor": 30, "name": "VIP"},
        {"line_ref": "b", "rule_key": "offer:1", "amount_minor": 900, "name": "Tea"},
        {"line_ref": "b", "rule_key": "points", "amount_minor": 70, "name": "Points"},
    ]
    StoredQuote.objects.create(
        checkout_ref="cart-1",
        account=ann,
        version_id=shop.program.current_version_id,
        tier="vip",
        payload={"allocations": allocations, "verdicts": []},
        priced_at=at("2026-02-10 12:00"),
    )
    for ref, cart, month in (("o-1", "cart-1", 2), ("o-2", None, 2), ("o-3", "cart-1", 3)):
        created_at = at(f"2026-0{month}-10 12:00")
        shop.buys(ann, ref, "10.00", now=created_at, checkout_ref=cart)

    kept = dict(OrderRecord.objects.values_list("order_ref", "tier_minor"))
    assert kept == {"o-1": 150, "o-2": 0, "o-3": 150}
    days = {"first_day": FIRST, "last_day": LAST}
    assert off_by_tiers(shop.program, **days, currency="USD") == 150
    assert off_by_tiers(shop.program, **days, currency="EUR") == 0
