"""Proves a checkout's price from outside: the best price anew, verified by the separate checker.

What the shopper carries is the stored quote; what the checker verifies is made afresh from the same
facts. So that both are one, line by line and rule by rule, is looked at too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.money import from_minor
from saleor_retention.engine.offers.checker import Refused, check
from saleor_retention.engine.offers.quoting import compete, lowest, tier_prices
from saleor_retention.engine.pricing import POINTS_RULE
from saleor_retention.engine.quote import Allocation
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.standing import StoredPrice
from saleor_retention.services.offering import offer_cases


@dataclass(frozen=True, slots=True)
class Proved:
    """What the checker says of a checkout's price; amounts in the currency's unit."""

    currency: str
    saving: Decimal  # by offers and the tier's prices, a delivery that is free included
    gap: Decimal  # how far at most from the lowest price; 0: it is the lowest
    offers_met: int
    nodes: int  # of the search
    applied: tuple[str, ...]  # names of the offers that apply
    refused: str  # what the checker does not believe; "" where it agrees
    is_carried: bool  # the checkout carries exactly these allocations


def prove(checkout_ref: str, now: dt.datetime | None = None) -> Proved | None:
    """Return the proof of a checkout's price; None where it is gone, or has no offers to prove.

    Changes nothing.
    """
    facts = host.current().checkout_facts(checkout_ref)
    if facts is None or facts.standing is None or facts.standing.version_id is None:
        return None
    standing, basket = facts.standing, facts.basket
    rules = rules_of(facts.standing.version_id)
    case = offer_cases.case_of(basket, standing, standing.customer, rules, now or timezone.now())
    if case is None:
        return None
    tier = rules.tier(standing.customer.tier) if standing.customer else None
    prices = tier_prices(case, tier, basket.currency)
    quote, price = compete(basket, tier, case, prices), lowest(basket, tier, case)
    situation = case.situation
    if tier is not None and tier.has_free_shipping:
        situation = replace(situation, shipping_minor=0)
    names = {offer.id: offer.name for offer in case.offers}
    refused = ""
    try:
        check(quote, basket, (*case.offers, *prices.values()), situation)
    except Refused as refusal:
        refused = str(refusal)
    return Proved(
        currency=basket.currency,
        saving=from_minor(quote.saving_minor, basket.exponent),
        gap=from_minor(quote.gap_minor, basket.exponent),
        offers_met=len(case.offers),
        nodes=quote.nodes,
        applied=tuple(sorted(names[each.offer_id] for each in price.applied)),
        refused=refused,
        is_carried=_carried(standing.stored) == _by_rule(price.allocations),
    )


def _carried(stored: StoredPrice | None) -> dict[tuple[str, str], int]:
    return {} if stored is None else _by_rule(load_quote(stored.payload).allocations)


def _by_rule(allocations: Iterable[Allocation]) -> dict[tuple[str, str], int]:
    return {
        (each.line_ref, each.rule_key): each.amount_minor
        for each in allocations
        if each.rule_key != POINTS_RULE
    }
