"""Says on request what the price pass has no time for: what became of every offer, and why.

The pass looks at the offers that the basket touches, and keeps what applies. Near misses, gifts to
choose and the offers whose goods are not in the basket at all come from another search, now, with
every offer of the channel.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.utils import timezone

from saleor_retention.engine.offers.index import OfferIndex
from saleor_retention.engine.offers.quoting import OfferCase, compete, tier_prices
from saleor_retention.engine.offers.result import OfferQuote
from saleor_retention.engine.rules import Tier
from saleor_retention.host.contract import PricedCheckout
from saleor_retention.selectors.offers import OfferShelf
from saleor_retention.services.checkout import pricing
from saleor_retention.services.offering import offer_cases

NO_OFFERS = OfferShelf((), {}, {}, {}, OfferIndex(()))


def explain(
    priced: PricedCheckout, now: dt.datetime | None = None, *, with_costs: bool = False
) -> tuple[OfferQuote, OfferShelf]:
    """Return what became of each offer at a checkout, and the offers by id.

    ``priced`` has to be under a program. The prices of the member's tier compete too: under the ids
    "member:<tier>:<n>", which are in the shelf's ``names`` and not among its offers. ``with_costs``
    also says how much dearer the basket would be with each beaten offer, a search for each. While
    money is committed the checkout may keep an older price than the one explained here.
    """
    shelf, case, tier = case_of_all(priced, now)
    basket = priced.basket
    prices = tier_prices(case, tier, basket.currency)
    quote = compete(basket, tier, case, prices, explain=with_costs)
    names = {**shelf.names, **{key: price.name for key, price in prices.items()}}
    return quote, replace(shelf, names=names)


def case_of_all(
    priced: PricedCheckout, now: dt.datetime | None = None
) -> tuple[OfferShelf, OfferCase, Tier | None]:
    """Return all offers of a checkout's channel, put to it, and its customer's tier."""
    standing, basket = priced.standing, priced.basket
    version_id = standing.version_id or priced.decision.version_id
    if version_id is None:
        raise ValueError("There is no program to explain the offers of.")
    rules = pricing.rules_of_version(version_id)
    customer = pricing.customer_of(standing, rules)
    shelf = offer_cases.shelf_of(standing, basket.currency) or NO_OFFERS
    offers = tuple(offer_cases.carried(shelf.offers))
    at = now or timezone.now()
    case = offer_cases.put(shelf, offers, basket, standing, customer, rules, at)
    return shelf, case, rules.tier(customer.tier) if customer else None
