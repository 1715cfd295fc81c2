"""Give an offer to one member: what opens an offer that is for those alone who were given it."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.periods import end_of_local_day, local_date
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Campaign, Offer, OfferGrant, Program
from saleor_retention.selectors.offers import terms_of
from saleor_retention.selectors.programs import rules_of


def grant_offer(
    offer: Offer,
    account: Account,
    *,
    days: int,
    key: str,
    campaign: Campaign | None = None,
    now: dt.datetime | None = None,
) -> OfferGrant:
    """Give an offer to a member, until the end of the local day ``days`` after this one.

    Once for a key, however often it is tried: what the first try gave comes back. The member's open
    checkouts are priced afresh. Refuses INVALID where the offer has been retired, or is for
    everybody.
    """
    at = now or timezone.now()
    if (reason := not_grantable(offer)) is not None:
        raise Refusal(Code.INVALID, reason, "offer")
    zone = rules_of(account.program.current_version_id).time_zone
    until = end_of_local_day(local_date(at, zone) + dt.timedelta(days=days), zone)
    grant, is_new = OfferGrant.objects.get_or_create(
        key=key,
        defaults={
            "offer": offer,
            "account": account,
            "campaign": campaign,
            "granted_at": at,
            "valid_until": until,
        },
    )
    if is_new:
        host.current().dispatch("reprice_members", [account.pk])
    return grant


def offer_named(program: Program, slug: str) -> Offer:
    """Return the offer of a program that can be given; refuses NOT_FOUND and INVALID."""
    offer = program.offers.filter(slug=slug).first()
    if offer is None:
        raise Refusal(Code.NOT_FOUND, f'This program has no offer "{slug}".', "offer")
    if (reason := not_grantable(offer)) is not None:
        raise Refusal(Code.INVALID, reason, "offer")
    return offer


def not_grantable(offer: Offer) -> str | None:
    """Return why an offer cannot be given to somebody; None where it can."""
    if offer.retired_at is not None:
        return f'The offer "{offer.slug}" has been retired.'
    version_id = offer.current_version_id
    if version_id is None or not terms_of(version_id).audience.is_granted_only:
        return f'The offer "{offer.slug}" is not only for those who were given it (granted_only).'
    return None
