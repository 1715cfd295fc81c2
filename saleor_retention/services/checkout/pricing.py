"""Decides what a checkout's price is: the engine's quote, the stored one, or nothing of ours.

The host reads the basket and the ``Standing``, asks here, and
writes what it is told. The rules of failure live here, once for both hosts: a missing discount is
reported, a wrong total is never sold.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django.utils import timezone

from saleor_retention.engine import pricing
from saleor_retention.engine.facts import BasketFacts, CustomerFacts
from saleor_retention.engine.quote import Allocation, Quote
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.engine.rules import Enrolment, ProgramRules
from saleor_retention.selectors.standing import Standing, StoredPrice
from saleor_retention.services.offering import offer_cases

logger = logging.getLogger(__name__)

RulesOf = Callable[[int], ProgramRules]

LATEST_MAX = 256
_latest: dict[str, Quote] = {}  # by fingerprint


@dataclass(frozen=True, slots=True)
class Decision:
    """The price of a checkout, the terms that made it, and whether the database must hear of it.

    ``quote`` is None where nothing of ours belongs on the checkout: no program, plugin off, or a
    fault on another basket than the stored one.
    """

    quote: Quote | None
    version_id: int | None = None
    account_id: int | None = None
    tier: str | None = None
    must_store: bool = False
    is_fault: bool = False


def decide(
    basket: BasketFacts,
    standing: Standing,
    rules_of: RulesOf | None = None,
    now: dt.datetime | None = None,
) -> Decision:
    """Return the price of ``basket``; never raises.

    With offers the price depends on ``now`` too: a window that opens or closes changes it. Money
    committed on a stored quote of this very basket: that quote is honored, while the plugin is on.
    A fault of the engine: the stored quote stays if it is of this basket, otherwise nothing.
    """
    try:
        return _decide(basket, standing, rules_of or rules_of_version, now or timezone.now())
    except Exception:
        logger.exception("Could not price checkout %s.", basket.ref)
    try:
        if standing.is_active and standing.stored and _is_same_basket(basket, standing.stored):
            return replace(_stored_decision(standing.stored), is_fault=True)
    except Exception:
        logger.exception("Could not read the stored quote of checkout %s.", basket.ref)
    return Decision(quote=None, must_store=standing.stored is not None, is_fault=True)


def reason_of(allocation: Allocation, quote: Quote) -> str:
    """Return why a line costs less, as Saleor shows it on the order line.

    >>> reason_of(Allocation("1", "member:vip", 50, "VIP", "percentage", "5"), quote())
    'VIP: 5 %'
    >>> reason_of(Allocation("1", "points", 50, "Points", "fixed", "0.50"), quote(points=500))
    'Points: 500'
    """
    if allocation.rule_key == pricing.POINTS_RULE:
        return f"{allocation.name}: {quote.points_applied}"
    if allocation.value_type == "percentage":
        return f"{allocation.name}: {allocation.value} %"
    return allocation.name


def customer_of(standing: Standing, rules: ProgramRules) -> CustomerFacts | None:
    """Return the member behind a checkout, also one whose account is not opened yet."""
    if standing.customer is not None or not standing.user_ref or not standing.is_confirmed:
        return standing.customer
    return newcomer(rules)


def newcomer(rules: ProgramRules) -> CustomerFacts | None:
    """Return what a confirmed customer without an account is to the program, if anything.

    Where every customer is a member, he has the ladder's first step (if it asks for nothing)
    before the first points open an account.
    """
    if rules.enrolment is not Enrolment.EVERY_CUSTOMER:
        return None
    reached = [tier.slug for tier in rules.ladder.tiers if tier.threshold <= 0]
    return CustomerFacts(account_id=0, tier=reached[-1] if reached else None)


def has_benefit(quote: Quote) -> bool:
    """Tell whether the quote changes any price."""
    return bool(quote.allocations) or quote.has_free_shipping


def redeemable_base(
    basket: BasketFacts,
    standing: Standing,
    customer: CustomerFacts | None,
    rules: ProgramRules,
    now: dt.datetime | None = None,
) -> int:
    """Return what points could pay for at most, after offers and member prices, in minor units."""
    at = now or timezone.now()
    offers = offer_cases.case_of(basket, standing, customer, rules, at)
    return pricing.redeemable_base(basket, customer, rules, offers)


def _decide(
    basket: BasketFacts, standing: Standing, rules_of: RulesOf, now: dt.datetime
) -> Decision:
    stored = standing.stored
    if not standing.is_active:
        return Decision(quote=None, must_store=stored is not None)
    if stored and standing.is_money_committed and _is_same_basket(basket, stored):
        return _stored_decision(stored)
    if standing.version_id is None:
        return Decision(quote=None, must_store=stored is not None)
    rules = rules_of(standing.version_id)
    customer = customer_of(standing, rules)
    quote = _quote(basket, standing, customer, rules, now)
    return Decision(
        quote=quote,
        version_id=standing.version_id,
        account_id=customer.account_id or None if customer else None,
        tier=customer.tier if customer else None,
        must_store=_must_store(quote, customer, standing),
    )


def _quote(
    basket: BasketFacts,
    standing: Standing,
    customer: CustomerFacts | None,
    rules: ProgramRules,
    now: dt.datetime,
) -> Quote:
    """Return the price; where all that decides is what it was, the one that is known already.

    Saleor prices a cart several times in a mutation. A price follows from its fingerprint, so those
    that this process found last are kept, and with offers the stored one spares a search elsewhere.
    """
    held, version = standing.points_held, str(standing.version_id)
    offers = offer_cases.case_of(basket, standing, customer, rules, now)
    fingerprint = pricing.fingerprint(basket, customer, held, version, offers)
    quote = _latest.get(fingerprint)
    if quote is not None:
        return quote
    stored = standing.stored
    if offers is not None and stored is not None and stored.fingerprint == fingerprint:
        return load_quote(stored.payload)
    quote = pricing.price(basket, customer, rules, held, version=version, offers=offers)
    if len(_latest) >= LATEST_MAX:
        _latest.clear()
    _latest[fingerprint] = quote
    return quote


def forget() -> None:
    """Forget the prices found last (tests start from nothing)."""
    _latest.clear()


def _must_store(quote: Quote, customer: CustomerFacts | None, standing: Standing) -> bool:
    """Tell whether the stored quote is out of date.

    A guest's checkout without a benefit leaves no row. A member's leaves one, for the terms that
    the order will be settled under and to notice a change of identity; as long as there is no
    benefit, it is written again only when those terms change.
    """
    stored = standing.stored
    if stored is None:
        return has_benefit(quote) or customer is not None
    if has_benefit(quote) or stored.own_row_ids:
        return stored.fingerprint != quote.fingerprint
    terms = (standing.version_id, standing.user_ref, customer and customer.tier)
    return (stored.version_id, stored.user_ref, stored.tier) != terms


def _is_same_basket(basket: BasketFacts, stored: StoredPrice) -> bool:
    return stored.basket_fingerprint == pricing.basket_fingerprint(basket)


def _stored_decision(stored: StoredPrice) -> Decision:
    return Decision(
        quote=load_quote(stored.payload),
        version_id=stored.version_id,
        account_id=stored.account_id,
        tier=stored.tier,
    )


def rules_of_version(version_id: int) -> ProgramRules:
    """Return the rules of a stored version, parsed once per process."""
    from saleor_retention.selectors.programs import rules_of

    return rules_of(version_id)


def allocations_by_line(allocations: Iterable[Allocation]) -> dict[str, list[Allocation]]:
    """Group allocations by their line, in the order of the quote."""
    grouped: dict[str, list[Allocation]] = {}
    for allocation in allocations:
        grouped.setdefault(allocation.line_ref, []).append(allocation)
    return grouped
