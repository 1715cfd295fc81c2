"""Short builders of engine facts for tests and doctests: only what a case is about is spelled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

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
from saleor_retention.engine.rules import (
    EarnRate,
    Ladder,
    PriceBenefit,
    ProgramRules,
    Selection,
    Tier,
)

EXPONENTS = {"USD": 2, "EUR": 2, "PLN": 2, "JPY": 0, "KWD": 3}


def instant(text: str) -> dt.datetime:
    """Read "2026-01-31 23:59" as an instant in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


NOON = instant("2026-03-10 12:00")


def goods(number: int = 1, category: str = "", collection: str = "") -> GoodsFacts:
    """Return goods with references made from a number: v1, p1, ..."""
    return GoodsFacts(
        variant_ref=f"v{number}",
        product_ref=f"p{number}",
        category_refs=frozenset([category] if category else []),
        collection_refs=frozenset([collection] if collection else []),
    )


def order(*gross_minor: int, **changes: Any) -> OrderFacts:
    """Return a paid order with one line of one unit for each amount: line-1, line-2, ..."""
    lines = tuple(
        OrderLine(
            ref=f"line-{number}",
            goods=goods(number),
            quantity=1,
            quantity_returned=0,
            net_minor=amount,
            gross_minor=amount,
            undiscounted_minor=amount,
        )
        for number, amount in enumerate(gross_minor, start=1)
    )
    facts = OrderFacts(
        ref="order-1",
        number="1",
        checkout_ref="checkout-1",
        channel_ref="1",
        currency="USD",
        exponent=2,
        origin=Origin.CHECKOUT,
        state=OrderState.OPEN,
        user_ref="7",
        email="shopper@example.com",
        is_user_confirmed=True,
        created_at=NOON,
        paid_at=NOON,
        fulfilled_at=None,
        is_paid=True,
        total_minor=sum(gross_minor),
        shipping_net_minor=0,
        shipping_gross_minor=0,
        refunded_minor=0,
        refunded_shipping_minor=0,
        lines=lines,
    )
    return replace(facts, **changes)


def with_line(facts: OrderFacts, line_ref: str, **changes: Any) -> OrderFacts:
    """Return the order with one of its lines changed."""
    lines = tuple(
        replace(line, **changes) if line.ref == line_ref else line for line in facts.lines
    )
    return replace(facts, lines=lines)


def returned(facts: OrderFacts, line_ref: str, quantity: int = 1) -> OrderFacts:
    """Return the order after ``quantity`` units of the line came back."""
    return with_line(facts, line_ref, quantity_returned=quantity)


def refunded(facts: OrderFacts, money_minor: int, shipping_minor: int = 0) -> OrderFacts:
    """Return the order after so much more money went back, shipping included."""
    return replace(
        facts,
        refunded_minor=facts.refunded_minor + money_minor,
        refunded_shipping_minor=facts.refunded_shipping_minor + shipping_minor,
    )


def rules(points_per: str = "1.00", points: int = 1, **changes: Any) -> ProgramRules:
    """Return rules that give ``points`` per so many US dollars, a point being worth a cent."""
    minimal = ProgramRules(
        earn_rates={"USD": EarnRate(Fraction(points), int(Decimal(points_per) * 100))},
        point_values={"USD": Fraction(1)},
        reference_currency="USD",
    )
    return replace(minimal, **changes)


def tier(slug: str, threshold: int = 0, percent: str | None = None, **changes: Any) -> Tier:
    """Return a tier, with so many per cent off everything."""
    prices = () if percent is None else (PriceBenefit(percent=Decimal(percent)),)
    minimal = Tier(slug=slug, name=slug.capitalize(), threshold=threshold, prices=prices)
    return replace(minimal, **changes)


def amount_off(selection: Selection | None = None, **amounts: int) -> PriceBenefit:
    """Return a benefit of so many minor units off each unit: ``amount_off(USD=100)``."""
    named = tuple(sorted(amounts.items()))
    return PriceBenefit(amount_minor=named, selection=selection or Selection())


def ladder(*tiers: Tier, **changes: Any) -> Ladder:
    """Return a ladder of these tiers."""
    return Ladder(tiers=tiers, **changes)


def basket_line(number: int, total_minor: int, quantity: int = 1, **changes: Any) -> BasketLine:
    """Return a checkout line of goods ``number``, so much in all."""
    line = BasketLine(
        ref=f"line-{number}",
        goods=goods(number),
        quantity=quantity,
        unit_minor=total_minor // quantity,
        total_minor=total_minor,
    )
    return replace(line, **changes)


def basket(*lines: BasketLine | int, **changes: Any) -> BasketFacts:
    """Return a US dollar checkout; a number stands for a line of one unit at that price."""
    filled = tuple(
        basket_line(number, line) if isinstance(line, int) else line
        for number, line in enumerate(lines, start=1)
    )
    facts = BasketFacts(
        ref="checkout-1",
        channel_ref="1",
        currency="USD",
        exponent=2,
        user_ref="7",
        lines=filled,
    )
    return replace(facts, **changes)


def member(tier_slug: str | None = None, available: int = 0) -> CustomerFacts:
    """Return a member of that tier."""
    return CustomerFacts(account_id=1, tier=tier_slug, available=available)


def document(**changes: Any) -> dict[str, Any]:
    """Return a small valid rules document, with sections replaced (or removed by None)."""
    minimal: dict[str, Any] = {
        "time_zone": "Europe/Paris",
        "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
        "point_value": {"USD": "0.01"},
        "reference": {"currency": "USD"},
    }
    merged: Mapping[str, Any] = {**minimal, **changes}
    return {key: value for key, value in merged.items() if value is not None}
