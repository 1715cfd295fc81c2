"""Uses of offers: set aside by a checkout about to become an order, so that no limit is passed.

A use is reserved at the last look before the order (``reserve``), becomes the order's when that is
settled (``services.ordering.order_uses``), and is given back by a canceled order or when its time
is over. What limits look at is kept in counters (``offer_counters``). A gift needs none: the
database refuses to note down a second time that a member had it.

Source: semantics, 'Offers at checkout'; docs/explanation/offer-uses.md.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.utils import OperationalError
from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.engine.offers.facts import has_counters
from saleor_retention.engine.offers.terms import PunchCardTerms
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.quote import AppliedOffer, Quote
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Offer, OfferUse, OfferUseState, Program, StoredQuote
from saleor_retention.selectors.due import uses_to_lapse
from saleor_retention.selectors.offers import terms_of
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.checkout import holding
from saleor_retention.services.ledger.locking import (
    LOCK_NOT_AVAILABLE,
    lock_name,
    run_serialized,
    sqlstate,
)
from saleor_retention.services.membership import members
from saleor_retention.services.offering.offer_counters import count, limits_in_total, periods_of

logger = logging.getLogger(__name__)

LAPSE_BATCH = 500
POSTPONED = dt.timedelta(hours=1)
RESERVE = """
SELECT * FROM saleor_retention_reserve(%s, %s, %s, %s::jsonb, %s, %s, %s)
"""
REASONS = {
    "NOT_A_MEMBER": (Code.NOT_A_MEMBER, _('The offer "%(name)s" is for members only.')),
    "LIMIT_PER_CUSTOMER": (
        Code.LIMIT_REACHED,
        _('You have used the offer "%(name)s" as often as it may be used.'),
    ),
    "LIMIT_IN_TOTAL": (
        Code.LIMIT_REACHED,
        _('The offer "%(name)s" has been used up by other customers.'),
    ),
    "STAMPS_MISSING": (
        Code.LIMIT_REACHED,
        _('The card of the offer "%(name)s" is not full any more.'),
    ),
    "NO_GIFT_LEFT": (
        Code.LIMIT_REACHED,
        _('You have had the gift of the offer "%(name)s" before.'),
    ),
}
"""Why a use is refused, in the words that the shopper sees."""


def reserve_for(
    checkout_ref: str,
    *,
    currency: str,
    quote: Quote | None = None,
    now: dt.datetime | None = None,
) -> None:
    """Set aside what a checkout's price uses of its offers, before it becomes an order.

    ``quote`` is what the caller has just decided; else what was stored last. A price without offers
    asks the database nothing more. Refuses as ``reserve`` does.

    A fault is logged. Where a limit might be passed by it, the order is refused as BUSY: nobody
    would know any more whether the offer was sold too often. Where nothing is limited the order
    goes on, and ``settle`` writes down what it used. After a refusal the counters that were opened
    stay, so that the next price knows of the limit.
    """
    if quote is not None and not quote.applied:
        return
    applied = () if quote is None else quote.applied
    try:
        stored = run_serialized(lambda: _stored(checkout_ref))
        if stored is None or stored.version is None:
            return
        applied = (quote or load_quote(stored.payload)).applied
        if not applied:
            return
        at = now or timezone.now()
        refusal = run_serialized(lambda: _reserve_for(stored, applied, currency, at))
    except Exception as error:
        logger.exception("Could not reserve the offers of checkout %s.", checkout_ref)
        if any(map(_is_limited, applied)):
            message = _("An offer of this cart could not be set aside for you; try again.")
            raise Refusal(Code.BUSY, phrase(message)) from error
        return
    if refusal is not None:
        raise refusal


def reserve(
    *,
    checkout_ref: str,
    applied: Sequence[AppliedOffer],
    account_id: int | None,
    currency: str,
    rules: ProgramRules,
    now: dt.datetime | None = None,
) -> None:
    """Set these uses aside for a checkout in place of what it had; one statement.

    ``account_id`` is None for a guest. Limits are those of the versions that priced the checkout.
    Idempotent by checkout. Locks the checkout's uses by name, then counters. Refuses, naming the
    offer, and with nothing changed: LIMIT_REACHED, NOT_A_MEMBER (a limit by customer and a gift
    need a member), BUSY.
    """
    at = now or timezone.now()
    params = [
        checkout_ref,
        account_id,
        currency,
        json.dumps(_items(applied, local_date(at, rules.time_zone)), default=dt.date.isoformat),
        at,
        holding.lapses_at(rules, at),
        f"{int(conf.get('LOCK_TIMEOUT_MS'))}ms",
    ]

    def work() -> tuple[int, str] | None:
        with connection.cursor() as cursor:
            cursor.execute(RESERVE, params)
            found: tuple[int, str] | None = cursor.fetchone()
        return found

    try:
        refused = run_serialized(work)
    except OperationalError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        message = _("Others are using the same offer just now; try again.")
        raise Refusal(Code.BUSY, phrase(message)) from error
    if refused is not None:
        offer_id, reason = refused
        code, sentence = REASONS[reason]
        name = Offer.objects.values_list("name", flat=True).get(pk=offer_id)
        raise Refusal(code, phrase(sentence, name=name), "offers")


def lapse_reservations(now: dt.datetime | None = None, limit: int = LAPSE_BATCH) -> int:
    """Give back what checkouts set aside and did not use in time; return how many checkouts.

    Up to ``limit`` uses. One whose order is there stays for ``settle``, which is dispatched. Each
    checkout has a transaction of its own; one that fails is logged and waits an hour, so that it
    does not stand in the way of others. Safe to run twice and at the same time.
    """
    at = now or timezone.now()
    due = uses_to_lapse(at).order_by("lapses_at")[:limit]
    refs = dict.fromkeys(due.values_list("checkout_ref", flat=True))
    return sum(_lapse_safely(checkout_ref, at) for checkout_ref in refs)


def lock_uses(checkout_ref: str) -> None:
    """Lock what a checkout uses, whether it has an order or not; before any counter."""
    lock_name(f"offer-uses:{checkout_ref}")


# --- reserving ------------------------------------------------------------------------------------


def _reserve_for(
    stored: StoredQuote, applied: Sequence[AppliedOffer], currency: str, at: dt.datetime
) -> Refusal | None:
    """Reserve; a refusal is returned, so that the savepoint around this stays."""
    try:
        reserve(
            checkout_ref=stored.checkout_ref,
            applied=applied,
            account_id=_account_id(stored, at),
            currency=currency,
            rules=rules_of(stored.version_id),
            now=at,
        )
    except Refusal as refusal:
        return refusal
    return None


def _stored(checkout_ref: str) -> StoredQuote | None:
    quotes = StoredQuote.objects.select_related("version__program").defer("version__document")
    return quotes.filter(checkout_ref=checkout_ref).first()


def _account_id(stored: StoredQuote, at: dt.datetime) -> int | None:
    """Return the member who uses the offers; his account is opened where he has none yet."""
    if stored.account_id is not None or not stored.user_ref or stored.version is None:
        return stored.account_id
    program: Program = stored.version.program
    member = members.member_of(program, stored.user_ref, now=at)
    return None if member is None else member.pk


def _items(applied: Sequence[AppliedOffer], day: dt.date) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    given: set[str] = set()  # where two offers give the same, it is one gift
    for offer in applied:
        terms = terms_of(offer.version_id)
        limits, benefit = terms.limits, terms.benefit
        start, total_start = periods_of(limits, day)
        in_total, ever = limits_in_total(limits)
        items.append(
            {
                "offer": int(offer.offer_id),
                "version": offer.version_id,
                "uses": max(1, offer.uses),
                "amount": offer.amount_minor,
                "period": start,
                "total_period": total_start,
                "by_customer": limits.per_customer,
                "in_total": in_total,
                "ever": ever,
                "stamps": benefit.stamps if isinstance(benefit, PunchCardTerms) else None,
                "gifts": sorted(set(offer.gift_refs) - given),
            }
        )
        given.update(offer.gift_refs)
    return items


def _is_limited(offer: AppliedOffer) -> bool:
    """Tell whether something would be broken if the use were not reserved."""
    if offer.gift_refs:
        return True
    try:
        terms = terms_of(offer.version_id)
    except Exception:
        logger.exception("Version %s of an offer cannot be read.", offer.version_id)
        return False
    return has_counters(terms.limits) or isinstance(terms.benefit, PunchCardTerms)


# --- lapsing --------------------------------------------------------------------------------------


def _lapse_safely(checkout_ref: str, at: dt.datetime) -> bool:
    try:
        return run_serialized(lambda: _lapse(checkout_ref, at))
    except Exception:
        logger.exception("Offers reserved by checkout %s could not lapse.", checkout_ref)
    uses_to_lapse(at).filter(checkout_ref=checkout_ref).update(lapses_at=at + POSTPONED)
    return False


def _lapse(checkout_ref: str, at: dt.datetime) -> bool:
    lock_uses(checkout_ref)
    due = list(uses_to_lapse(at).filter(checkout_ref=checkout_ref))
    if not due:
        return False
    shop = host.current()
    order_ref = shop.order_ref_of_checkout(checkout_ref)
    if order_ref is not None:
        shop.dispatch("settle", order_ref)
        waiting = OfferUse.objects.filter(
            pk__in=[use.pk for use in due], state=OfferUseState.RESERVED
        )
        waiting.update(lapses_at=at + POSTPONED)
        return False
    count((use, -use.uses) for use in due)
    give_back(due, at)
    return True


def give_back(uses: Sequence[OfferUse], at: dt.datetime) -> None:
    """Mark uses as returned, with their gifts; the caller has counted them off."""
    for use in uses:
        use.gifts.all().delete()
    OfferUse.objects.filter(pk__in=[use.pk for use in uses]).update(
        state=OfferUseState.RETURNED, ended_at=at
    )
