"""What offers took off, and on which orders: the statement agrees with a count row by row."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from fractions import Fraction

import pytest

from saleor_retention.engine.measures.costs import Costs
from saleor_retention.engine.measures.figures import Figures
from saleor_retention.engine.periods import local_date
from saleor_retention.models import Offer, OfferUse, OfferUseState, OrderRecord, Program
from saleor_retention.selectors.costs import OfferCost, offer_costs
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
            discount_minor=sum(row.amount_minor for row in rows),
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

    unsaid = Costs(figures, 3000, 1001)
    assert (unsaid.acquired_minor, unsaid.times) == (None, None)
    nobody = Costs(Figures(), 0, 0, 2500)
    assert (nobody.per_returning_customer, nobody.per_returning_revenue, nobody.times) == (
        None,
        None,
        None,
    )
    assert Costs(figures, -5000, 0, 2500).times is None
