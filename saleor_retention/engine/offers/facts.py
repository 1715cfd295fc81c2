"""From what the database knows of a shopper to the situation that offers are judged in.

The facts are the JSON of ``sql/functions/offer_facts.sql``: uses by offer, member and period, the
stamps of punch cards and their rewards, gifts had, gifts picked, offers given. Here is decided
which of it counts now: the running period of each limit, what of a card is not rewarded yet, and
what was given and is not over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from saleor_retention.engine.facts import CustomerFacts
from saleor_retention.engine.offers.situation import Shopper, Situation, UsesLeft
from saleor_retention.engine.offers.terms import (
    LimitPeriod,
    Limits,
    OfferTerms,
    PunchCardTerms,
)


def situation_of(
    facts: Mapping[str, Any],
    shelf_terms: Mapping[str, OfferTerms],
    *,
    at: dt.datetime,
    customer: CustomerFacts | None,
    shipping_minor: int = 0,
) -> Situation:
    """Return the situation of a shopper (``None``: a guest) at an instant in the program's zone.

    ``shelf_terms`` are by offer id. A limit by customer needs somebody to count for: a guest has
    nothing left of it. One who left the program is no member, and his uses count all the same.
    """
    return Situation(
        at=at,
        shopper=_shopper(facts, customer, at),
        uses_left=dict(_uses_left(facts, shelf_terms, at.date(), is_guest=customer is None)),
        stamps=dict(_stamps(facts, shelf_terms)),
        gifts_had=frozenset(facts.get("gifts_had", ())),
        gift_choices={key: frozenset(refs) for key, refs in facts.get("gift_picks", {}).items()},
        shipping_minor=shipping_minor,
    )


def period_start(period: LimitPeriod, day: dt.date) -> dt.date | None:
    """Return the first day of the period that a day is in; None where uses count for all time.

    >>> period_start(LimitPeriod.WEEK, dt.date(2026, 3, 1))  # a Sunday
    datetime.date(2026, 2, 23)
    >>> period_start(LimitPeriod.MONTH, dt.date(2026, 3, 31))
    datetime.date(2026, 3, 1)
    """
    match period:
        case LimitPeriod.ALL_TIME:
            return None
        case LimitPeriod.DAY:
            return day
        case LimitPeriod.WEEK:
            return day - dt.timedelta(days=day.weekday())
        case LimitPeriod.MONTH:
            return day.replace(day=1)
        case LimitPeriod.YEAR:
            return day.replace(month=1, day=1)


def granted_until(facts: Mapping[str, Any]) -> dict[str, dt.datetime]:
    """Return until when the shopper has which offers that were given, by their ids."""
    granted = facts.get("granted", {})
    return {offer_id: dt.datetime.fromisoformat(until) for offer_id, until in granted.items()}


def _shopper(facts: Mapping[str, Any], customer: CustomerFacts | None, at: dt.datetime) -> Shopper:
    is_member = customer is not None and not facts.get("left", False)
    return Shopper(
        is_member=is_member,
        tier=customer.tier if customer is not None and is_member else None,
        segments=frozenset(facts.get("segments", ())),
        tags=frozenset(facts.get("tags", ())),
        orders_count=facts.get("orders", 0),
        granted=_granted(facts, at) if is_member else frozenset(),
    )


def _granted(facts: Mapping[str, Any], at: dt.datetime) -> frozenset[str]:
    return frozenset(offer_id for offer_id, until in granted_until(facts).items() if at < until)


def _uses_left(
    facts: Mapping[str, Any],
    shelf_terms: Mapping[str, OfferTerms],
    today: dt.date,
    *,
    is_guest: bool,
) -> Iterator[tuple[str, UsesLeft]]:
    used = {
        (str(offer_id), is_member, start): uses
        for offer_id, is_member, start, uses in facts.get("used", ())
    }
    starts = {period: _iso(period_start(period, today)) for period in LimitPeriod}
    for offer_id, terms in shelf_terms.items():
        limits = terms.limits
        if not has_counters(limits):
            continue
        mine = _left(limits.per_customer, used.get((offer_id, True, starts[limits.period]), 0))
        in_total = used.get((offer_id, False, starts[limits.period_in_total]), 0)
        yield (
            offer_id,
            UsesLeft(
                by_customer=0 if is_guest and mine is not None else mine,
                in_total=_left(limits.in_total, in_total),
            ),
        )


def has_counters(limits: Limits) -> bool:
    """Tell whether the limits look at other orders than the one that is priced."""
    return limits.per_customer is not None or limits.in_total is not None


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def _stamps(
    facts: Mapping[str, Any], shelf_terms: Mapping[str, OfferTerms]
) -> Iterator[tuple[str, int]]:
    """Yield the stamps of each card, less those that rewards have used up.

    Below zero where returned goods took stamps back that a reward was given for.
    """
    spent = facts.get("stamps_spent", {})
    stamps = facts.get("stamps", {})
    for offer_id in {**stamps, **spent}:
        terms = shelf_terms.get(offer_id)
        if terms is not None and isinstance(terms.benefit, PunchCardTerms):
            yield offer_id, stamps.get(offer_id, 0) - spent.get(offer_id, 0)
