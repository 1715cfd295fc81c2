"""What offers would do to a given basket of a given customer: a dry run with the full explanation.

Nothing is written. The basket is made from the shelf's prices, so that staff can try an offer
before any shopper meets it, at any instant and for any customer.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.facts import BasketFacts, BasketLine, CustomerFacts
from saleor_retention.engine.offers import kinds
from saleor_retention.engine.offers.facts import situation_of
from saleor_retention.engine.offers.quoting import OfferCase, compete, tier_prices
from saleor_retention.engine.offers.result import OfferQuote
from saleor_retention.engine.offers.terms import OfferTerms, in_currency
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import Account, AccountState, Offer, Program
from saleor_retention.selectors.offers import followed_terms, offers_in, terms_of
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.offering.offer_validating import validate_offer

LINES_MAX = 100
QUANTITY_MAX = 1000
NODES_MAX = 20_000  # of each search: the explanation searches once for every beaten offer
TRIED = "new"  # the id of an offer that is tried and does not exist

FACTS = "SELECT saleor_retention_offer_facts(%s, %s, '')::text"


@dataclass(frozen=True, slots=True)
class OfferTrial:
    """The lowest price of the basket, explained; ``tried`` is the id of the offer in question."""

    basket: BasketFacts
    quote: OfferQuote
    offers: tuple[kinds.Offer, ...]
    terms: Mapping[str, OfferTerms]  # by offer id
    has_free_shipping: bool  # by an offer or by the tier
    tried: str | None


def preview(
    *,
    program: Program,
    lines: Sequence[tuple[str, int]],
    channel_ref: str,
    document: Mapping[str, Any] | None = None,
    offer: Offer | None = None,
    account: Account | None = None,
    shipping_minor: int = 0,
    gift_picks: Mapping[str, Collection[str]] | None = None,
    at: dt.datetime | None = None,
) -> OfferTrial:
    """Return what the program's active offers would do to a basket, with one more if given.

    ``lines`` are variants with their quantities. A ``document`` is tried as a new offer, or in the
    place of ``offer``; an ``offer`` alone is tried as it is, also when it is switched off.
    ``account`` is the member whose tier, limits, cards and gifts count (None: a guest).
    ``shipping_minor`` is the price of the delivery. ``gift_picks`` are variants by offer id
    (``TRIED`` for a new one): a unit of each is added to the basket unless it has one. Refuses what
    the channel does not sell (NOT_FOUND at ``lines.<n>`` and ``gift_picks``), what is no gift
    of an offer that runs (INVALID), quantities out of bounds, and a document that could not be
    stored; a window that is over is none of these.
    """
    picks = {key: frozenset(refs) for key, refs in (gift_picks or {}).items()}
    rules = rules_of(program.current_version_id)
    now = at or timezone.now()
    named = {ref for ref, _quantity in lines}
    added = sorted({ref for refs in picks.values() for ref in refs} - named)
    basket = _basket(program, lines, added, channel_ref, account)
    stamp = Program.objects.values_list("offers_stamp", flat=True).get(pk=program.pk)
    shelf = offers_in(program.pk, stamp, channel_ref=channel_ref, currency=basket.currency)
    offers = {each.id: each for each in shelf.offers}
    terms = dict(shelf.terms)
    tried = _tried(program, document, offer, now)
    if tried is not None:
        offers.pop(tried[0], None)
        one = in_currency(
            tried[1],
            offer_id=tried[0],
            name=offer.name if offer is not None else "",
            currency=basket.currency,
        )
        if one is not None and (not tried[1].channels or channel_ref in tried[1].channels):
            offers[one.id], terms[one.id] = one, tried[1]
    _require_gifts(picks, offers)
    customer = _customer(account)
    situation = situation_of(
        _facts(program, account),
        terms,
        at=now.astimezone(ZoneInfo(rules.time_zone)),
        customer=customer,
        shipping_minor=shipping_minor,
    )
    situation = replace(situation, gift_choices=picks)
    tier = rules.tier(customer.tier) if customer is not None else None
    case = OfferCase(tuple(offers.values()), situation, {}, stamp, NODES_MAX)
    prices = tier_prices(case, tier, basket.currency)
    quote = compete(basket, tier, case, prices, explain=True)
    return OfferTrial(
        basket=basket,
        quote=quote,
        offers=(*offers.values(), *prices.values()),
        terms=terms,
        has_free_shipping=quote.has_free_shipping or (tier is not None and tier.has_free_shipping),
        tried=None if tried is None else tried[0],
    )


def _tried(
    program: Program, document: Mapping[str, Any] | None, offer: Offer | None, now: dt.datetime
) -> tuple[str, OfferTerms] | None:
    """Return the id and the terms of the offer in question."""
    offer_id = TRIED if offer is None else str(offer.pk)
    if document is not None:
        validated = validate_offer(program, document, is_active=False, now=now, offer=offer)
        return offer_id, followed_terms(program.pk, validated.terms)
    if offer is None:
        return None
    return offer_id, followed_terms(program.pk, terms_of(offer.current_version_id))


def _require_gifts(picks: Mapping[str, frozenset[str]], offers: Mapping[str, kinds.Offer]) -> None:
    for offer_id, refs in picks.items():
        gift = offers[offer_id].benefit if offer_id in offers else None
        if not isinstance(gift, kinds.Gift) or not refs or not refs <= gift.choices:
            message = "gift_picks names what is no gift of an offer that runs here."
            raise Refusal(Code.INVALID, message, "gift_picks")


def _basket(
    program: Program,
    lines: Sequence[tuple[str, int]],
    gifts: Sequence[str],
    channel_ref: str,
    account: Account | None,
) -> BasketFacts:
    if not program.channels.filter(channel_ref=channel_ref).exists():
        message = f'The program "{program.slug}" does not run in this channel.'
        raise Refusal(Code.NOT_FOUND, message, "channel")
    if not 1 <= len(lines) <= LINES_MAX:
        raise Refusal(Code.INVALID, f"A basket has 1 to {LINES_MAX} lines here.", "lines")
    wanted = [*lines, *((ref, 1) for ref in gifts)]
    prices = host.current().shelf_prices([ref for ref, _quantity in wanted], channel_ref)
    refusals = []
    found = []
    for number, (ref, quantity) in enumerate(wanted):
        path = f"lines.{number}" if number < len(lines) else "gift_picks"
        if ref not in prices:
            message = f'{path} names no variant that the channel sells: "{ref}".'
            refusals.append(Refusal(Code.NOT_FOUND, message, f"{path}.variant"))
        elif not 1 <= quantity <= QUANTITY_MAX:
            message = f"{path}.quantity must be 1 to {QUANTITY_MAX}; it is {quantity}."
            refusals.append(Refusal(Code.INVALID, message, f"{path}.quantity"))
        else:
            price = prices[ref]
            found.append(
                BasketLine(
                    ref=str(number),
                    goods=price.goods,
                    quantity=quantity,
                    unit_minor=price.list_minor,
                    total_minor=price.unit_minor * quantity,
                    is_gift_card=price.is_gift_card,
                )
            )
    if refusals:
        raise Refusals(refusals)
    first = prices[lines[0][0]]
    user_ref = None if account is None or account.user_id is None else str(account.user_id)
    return BasketFacts("", channel_ref, first.currency, first.exponent, user_ref, tuple(found))


def _customer(account: Account | None) -> CustomerFacts | None:
    if account is None:
        return None
    is_member = account.state == AccountState.MEMBER
    return CustomerFacts(account.pk, (account.tier or None) if is_member else None)


def _facts(program: Program, account: Account | None) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(FACTS, [program.pk, None if account is None else account.pk])
        facts: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return facts
