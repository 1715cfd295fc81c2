"""Which conditions an offer misses before the basket is looked at: window, audience, limits.

Every condition is judged, none hides another: who is told of the first one only would mend it and
meet the next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from saleor_retention.engine.offers.kinds import Audience, Novelty, Offer
from saleor_retention.engine.offers.result import Finding, Miss
from saleor_retention.engine.offers.situation import Shopper, Situation, UsesLeft

EVERYBODY, UNLIMITED = Audience(), UsesLeft()


def conditions_missed(offer: Offer, situation: Situation) -> tuple[Miss, ...]:
    """Return the conditions that the offer fails, whatever is in the basket."""
    left = situation.uses_left.get(offer.id, UNLIMITED)
    misses = [] if _is_always_open(offer) else [*_window(offer, situation.at)]
    if offer.audience != EVERYBODY:
        misses += _audience(offer, situation.shopper)
    if left is not UNLIMITED or offer.uses_per_order is not None:
        misses += _limits(offer, left)
    return tuple(misses)


def is_open(offer: Offer, at: dt.datetime) -> bool:
    """Return whether the offer's window and weekdays hold an instant of the program's zone."""
    return _is_always_open(offer) or not any(_window(offer, at))


def uses_max(offer: Offer, situation: Situation) -> int | None:
    """Return how often the offer may be used in this order; None means without a limit."""
    left = situation.uses_left.get(offer.id)
    if left is None:
        return offer.uses_per_order
    limits = (offer.uses_per_order, left.by_customer, left.in_total)
    return min((limit for limit in limits if limit is not None), default=None)


def _is_always_open(offer: Offer) -> bool:
    return offer.starts_at is None and offer.ends_at is None and not offer.weekdays


def _window(offer: Offer, at: dt.datetime) -> Iterator[Miss]:
    if offer.starts_at is not None and at < offer.starts_at:
        yield Miss(Finding.NOT_STARTED)
    if offer.ends_at is not None and at >= offer.ends_at:
        yield Miss(Finding.EXPIRED)
    if offer.weekdays and at.weekday() not in offer.weekdays:
        yield Miss(Finding.OTHER_WEEKDAY)


def _audience(offer: Offer, shopper: Shopper) -> Iterator[Miss]:
    audience = offer.audience
    if (audience.is_members_only or audience.tiers) and not shopper.is_member:
        yield Miss(Finding.NOT_A_MEMBER)
    if audience.tiers and shopper.tier not in audience.tiers:
        yield Miss(Finding.OTHER_TIER, wanted=tuple(sorted(audience.tiers)))
    if audience.segments and audience.segments.isdisjoint(shopper.segments):
        yield Miss(Finding.OTHER_SEGMENT, wanted=tuple(sorted(audience.segments)))
    if audience.tags and audience.tags.isdisjoint(shopper.tags):
        yield Miss(Finding.OTHER_TAG, wanted=tuple(sorted(audience.tags)))
    if audience.novelty is Novelty.NEW and shopper.orders_count:
        yield Miss(Finding.NOT_NEW)
    if audience.novelty is Novelty.RETURNING and not shopper.orders_count:
        yield Miss(Finding.NOT_RETURNING)
    if audience.is_granted_only and offer.id not in shopper.granted:
        yield Miss(Finding.NOT_GRANTED)


def _limits(offer: Offer, left: UsesLeft) -> Iterator[Miss]:
    for code, limit in (
        (Finding.LIMIT_PER_ORDER, offer.uses_per_order),
        (Finding.LIMIT_PER_CUSTOMER, left.by_customer),
        (Finding.LIMIT_IN_TOTAL, left.in_total),
    ):
        if limit is not None and limit <= 0:
            yield Miss(code, missing=0)
