"""Puts a program's offers to a checkout: which ones its basket meets, and how the shopper stands.

No statement for that: the standing brought the offers' stamp and the shopper's facts, and a process
that knows the stamp has the offers.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from saleor_retention import conf, host
from saleor_retention.engine.facts import BasketFacts, CustomerFacts
from saleor_retention.engine.offers.facts import situation_of
from saleor_retention.engine.offers.kinds import Gift, Offer, PunchCard
from saleor_retention.engine.offers.quoting import OfferCase
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.selectors.offers import OfferShelf, offers_in
from saleor_retention.selectors.standing import Standing

CAPABILITIES = {Gift: "gifts", PunchCard: "punch_cards"}
"""What a host may be unable to do with offers of a kind."""


def case_of(
    basket: BasketFacts,
    standing: Standing,
    customer: CustomerFacts | None,
    rules: ProgramRules,
    now: dt.datetime,
) -> OfferCase | None:
    """Return the offers that the basket meets; None where the program has never had an offer."""
    shelf = shelf_of(standing, basket.currency)
    if shelf is None:
        return None
    offers = tuple(carried(shelf.index.candidates(basket)))
    return put(shelf, offers, basket, standing, customer, rules, now)


def shelf_of(standing: Standing, currency: str) -> OfferShelf | None:
    """Return the offers that run in the checkout's channel, in its currency."""
    if standing.program_id is None or not standing.offers_stamp:
        return None
    return offers_in(
        standing.program_id,
        standing.offers_stamp,
        channel_ref=standing.channel_ref,
        currency=currency,
    )


def put(
    shelf: OfferShelf,
    offers: tuple[Offer, ...],
    basket: BasketFacts,
    standing: Standing,
    customer: CustomerFacts | None,
    rules: ProgramRules,
    now: dt.datetime,
) -> OfferCase:
    """Return some offers of the shelf with all that decides about them."""
    delivery = standing.delivery or Decimal(0)
    situation = situation_of(
        json.loads(standing.offer_facts or "{}"),
        {offer.id: shelf.terms[offer.id] for offer in offers},
        at=now.astimezone(ZoneInfo(rules.time_zone)),
        customer=customer,
        shipping_minor=int(delivery.scaleb(basket.exponent).to_integral_value(ROUND_HALF_UP)),
    )
    return OfferCase(
        offers=offers,
        situation=situation,
        version_ids=shelf.version_ids,
        stamp=standing.offers_stamp,
        nodes_max=int(conf.get("OFFER_NODES_MAX")),
    )


def carried(offers: Iterable[Offer]) -> Iterator[Offer]:
    """Yield the offers that the running Saleor can give wholly; the others do not run on it."""
    shop = host.current()
    refused = tuple(kind for kind, name in CAPABILITIES.items() if shop.refusal_of(name))
    for offer in offers:
        if not isinstance(offer.benefit, refused):
            yield offer
