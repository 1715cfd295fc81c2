"""Random past orders of some customers, and programs that treat them in different ways."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.engine.facts import OrderFacts, OrderState, Origin
from saleor_retention.models import Account
from tests.fakes import FakeHost, at, line, order
from tests.ledger import Shop

FIRST = at("2022-02-01 09:00")
LAUNCH = at("2026-01-01")
NOW = at("2026-02-10 12:00")
DAYS = (LAUNCH - FIRST).days

EARN = {"rates": {"USD": {"points": 1, "per": "1.00"}, "EUR": {"points": 2, "per": "1.50"}}}
MONEY = {"point_value": {"USD": "0.01", "EUR": "0.02"}}
REFERENCE = {"reference": {"currency": "USD", "rates": {"EUR": "1.10"}}}
STEPS = {
    "spend": ("0", "250.00", "600.00"),
    "orders": (0, 2, 4),
    "points": (0, 200, 700),
}


def _tiers(metric: str, window: str, **more: Any) -> dict[str, Any]:
    names, factors = ("regular", "silver", "gold"), ("1", "1.5", "3")
    ladder = [
        {"slug": name, "name": name, "threshold": threshold, "earn_multiplier": factor}
        for name, threshold, factor in zip(names, STEPS[metric], factors, strict=True)
    ]
    ladder[2]["maturing_days"] = 0
    return {"metric": metric, "window": window, "ladder": ladder, **more}


PROGRAMS: dict[str, dict[str, Any]] = {
    "spend of the year, expiry by days": {
        "tiers": _tiers("spend", "calendar_year", grace_days=20),
        "expiry": {"policy": "days", "count": 500},
        "welcome_points": 30,
        "first_order_points": 70,
    },
    "rolling orders, one step, after fulfilment": {
        "tiers": _tiers("orders", "rolling_months", months=9, downgrade="one_step"),
        "maturing": {"rule": "days_after_fulfilment", "days": 30},
        "expiry": {"policy": "end_of_month", "count": 14},
        "first_order_points": 40,
    },
    "points for ever, inactivity": {
        "tiers": _tiers("points", "lifetime"),
        "maturing": {"rule": "days_after_payment", "days": 60},
        "expiry": {"policy": "inactivity", "count": 90},
        "multipliers": [{"name": "Tuesdays", "factor": 2, "weekdays": ["tue"]}],
        "welcome_points": 5,
    },
    "membership year, end of year": {
        "tiers": _tiers("spend", "membership_year", downgrade="one_step", grace_days=5),
        "maturing": {"rule": "on_fulfilment"},
        "expiry": {"policy": "end_of_year", "count": 1},
        "time_zone": "America/New_York",
        "first_order_points": 11,
    },
}
CAPPED = "caps, points of the year"
"""Caps are filled in the order of payment; a walk fills them in the order of creation."""

CAPPED_PROGRAM: dict[str, Any] = {
    "earn": {
        **EARN,
        "points_per_day_max": 400,
        "points_per_month_max": 600,
        "points_per_member_max": 1500,
    },
    "tiers": _tiers("points", "calendar_year"),
    "expiry": {"policy": "days", "count": 400},
}


def rules_of(name: str) -> dict[str, Any]:
    """Return the sections of one of the programs."""
    sections = CAPPED_PROGRAM if name == CAPPED else PROGRAMS[name]
    return {"earn": EARN, **MONEY, **REFERENCE, **sections}


def random_orders(seed: int, user_refs: list[str]) -> list[OrderFacts]:
    """Return each customer's orders: paid, late, unpaid, canceled, returned and refunded ones."""
    chance = random.Random(seed)  # noqa: S311
    found = []
    for user_ref in user_refs:
        moments = sorted(chance.sample(range(DAYS * 24), chance.randint(1, 14)))
        for number, hours in enumerate(moments):
            created_at = FIRST + dt.timedelta(hours=hours)
            found.append(_order(chance, f"o-{user_ref}-{number}", user_ref, created_at))
    return found


def _order(chance: random.Random, ref: str, user_ref: str, created_at: dt.datetime) -> OrderFacts:
    lines = []
    for name in "ab"[: chance.randint(1, 2)]:
        quantity = chance.randint(1, 3)
        returned = chance.choice((0, 0, 0, 0, 0, 1, quantity))
        amount = quantity * chance.choice((49, 999, 6666, 25000))
        lines.append(line(name, amount, quantity=quantity, returned=returned))
    total = sum(item.gross_minor for item in lines)
    kind = chance.random()
    facts: dict[str, Any] = {"currency": chance.choice(("USD", "USD", "EUR"))}
    if kind < 0.08:
        facts |= {"is_paid": False}
    elif kind < 0.16:
        facts |= {"state": OrderState.CANCELED}
    elif kind < 0.22:
        facts |= {"origin": Origin.REISSUE}
    elif kind < 0.4:
        facts |= {"refunded_minor": chance.randint(1, total)}
    elif kind < 0.44:
        facts |= {"currency": "CHF"}
    paid_at = created_at + dt.timedelta(hours=chance.choice((0, 0, 1, 300)))
    if facts.get("is_paid", True):
        facts |= {"paid_at": min(paid_at, LAUNCH)}
        if chance.random() < 0.7:
            facts |= {"fulfilled_at": created_at + dt.timedelta(days=chance.randint(0, 40))}
    return order(ref, *lines, user_ref=user_ref, created_at=created_at, **facts)


def fill(shop: Shop, seed: int, customers: int = 5) -> list[str]:
    """Put customers with random orders into the shop; return who they are."""
    refs = [shop.customer(f"c{seed}-{number}") for number in range(customers)]
    put(shop.host, random_orders(seed, refs))
    return refs


def put(host: FakeHost, orders: list[OrderFacts]) -> None:
    """Make these the shop's orders, all changed before the program began."""
    for facts in orders:
        host.put_order(facts, changed_at=facts.paid_at or facts.created_at)


def account_of(shop: Shop, user_ref: str) -> Account | None:
    """Return the customer's account."""
    return Account.objects.filter(program=shop.program, user_id=int(user_ref)).first()


def clock_of_days(patch: pytest.MonkeyPatch, *moments: dt.datetime) -> Callable[[int], None]:
    """Let the shop's clock stand at the first of the moments; return what sets it to another."""
    current = [moments[0]]
    patch.setattr(timezone, "now", lambda: current[0])

    def turn(number: int) -> None:
        current[0] = moments[number]

    return turn
