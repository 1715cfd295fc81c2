"""What an order uses of offers, and what it puts on punch cards: follows what is kept of it.

Part of ``settle``: called under the member's lock with the order read afresh, it brings uses,
counters, gifts and stamps to what the order's state asks for, whatever was reserved, lost or
settled before. It never refuses: an order is a fact, and may take an offer past its limit.
"""

from __future__ import annotations

import copy
import datetime as dt
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.accrual import may_earn
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.engine.offers.terms import (
    FreeShippingTerms,
    GiftTerms,
    OfferTerms,
    PunchCardTerms,
)
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.quote import AppliedOffer
from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.engine.rules import ProgramRules, Selection
from saleor_retention.engine.selections import matches
from saleor_retention.models import (
    Account,
    AccountState,
    GiftGiven,
    OfferStamp,
    OfferUse,
    OfferUseState,
    OrderRecord,
    StoredQuote,
)
from saleor_retention.selectors import punch_cards
from saleor_retention.selectors.offers import terms_of
from saleor_retention.selectors.punch_cards import PunchCard, cards_of
from saleor_retention.services.offering.offer_counters import count, periods_of
from saleor_retention.services.offering.offer_uses import lock_uses

logger = logging.getLogger(__name__)

PERSONS = (AccountState.MEMBER, AccountState.LEFT)


@dataclass(frozen=True, slots=True)
class Settled:
    """An order being settled, under its account's lock."""

    account: Account
    record: OrderRecord
    facts: OrderFacts  # with the goods as they were
    rules: ProgramRules
    is_void: bool  # nothing of it is kept
    now: dt.datetime

    @property
    def stamp(self) -> int:
        """Return the state of the program's offers; 0 where it never had one."""
        return self.account.program.offers_stamp

    def units_kept(self, selection: Selection) -> int:
        """Return how many units of some goods the order keeps, gift cards left out."""
        return sum(
            line.quantity - line.quantity_returned
            for line in self.facts.lines
            if not line.is_gift_card and matches(selection, line.goods)
        )


def settle_uses(order: Settled) -> None:
    """Bring what an order has of offers to its present state; nothing where there are no offers.

    The caller holds the account's lock. Locks what the order's checkout reserved, by name, and
    counters. Idempotent.
    """
    if not order.stamp:
        return
    uses = _uses_of(order)
    _move(order, uses)
    _stamp(order, uses)


def looks_at_goods(account: Account) -> bool:
    """Tell whether the goods of the member's orders have to be kept as they were, for cards."""
    program = account.program
    return bool(program.offers_stamp) and punch_cards.look_at_goods(
        program.pk, program.offers_stamp
    )


# --- uses -----------------------------------------------------------------------------------------


def _uses_of(order: Settled) -> list[OfferUse]:
    """Return the order's uses; at first sight those that its checkout reserved, or was priced with.

    A reservation is what the order was held to at the last look. Where there is none, because
    nothing had to be reserved or the hook was lost, the stored price says what the order has.
    """
    record = order.record
    if record.settled_at is not None:
        return list(_rows(order_ref=record.order_ref))
    if not record.checkout_ref:
        return []
    open_uses = {"checkout_ref": record.checkout_ref, "order_ref": ""}
    quote = StoredQuote.objects.filter(pk=record.checkout_ref).only("payload").first()
    applied = () if quote is None else load_quote(quote.payload).applied
    if not applied and not OfferUse.objects.filter(**open_uses).exists():
        return []
    lock_uses(record.checkout_ref)
    reserved = list(_rows(**open_uses, state=OfferUseState.RESERVED))
    if reserved:
        return reserved
    OfferUse.objects.filter(**open_uses).delete()  # lapsed, and used all the same
    return [_use(order, offer) for offer in applied]


def _rows(**wanted: object) -> Iterable[OfferUse]:
    return OfferUse.objects.filter(**wanted).order_by("offer_id")


def _use(order: Settled, offer: AppliedOffer) -> OfferUse:
    """Return a use that nobody reserved, not saved."""
    created_at = order.facts.created_at
    terms = _terms(offer.version_id)
    day = local_date(created_at, order.rules.time_zone)
    start, total_start = (None, None) if terms is None else periods_of(terms.limits, day)
    return OfferUse(
        offer_id=int(offer.offer_id),
        version_id=offer.version_id,
        account=order.account if order.account.state in PERSONS else None,
        checkout_ref=order.record.checkout_ref,
        state=OfferUseState.RETURNED,  # counts for nothing yet
        uses=max(1, offer.uses),
        amount_minor=offer.amount_minor,
        currency=order.facts.currency,
        period_start=start,
        total_period_start=total_start,
        created_at=created_at,
        ended_at=order.now,
    )


def _move(order: Settled, uses: list[OfferUse]) -> None:
    """Bring the uses to the order's state, and the counters with them."""
    changes: list[tuple[OfferUse, int]] = []
    changed = []
    for use in uses:
        before = copy.copy(use)
        _bring(order, use)
        was, is_now = _counted(before), _counted(use)
        if use.account_id != before.account_id:
            changes += [(before, -was), (use, is_now)]
        elif was != is_now:
            changes.append((use, is_now - was))
        if use.pk is None or _columns(use) != _columns(before):
            changed.append(use)
    count(changes)
    for use in changed:
        use.save()
    for use in uses:
        _give(order, use)


def _bring(order: Settled, use: OfferUse) -> None:
    """Set a use's columns as the order's state asks for."""
    use.order_ref = order.record.order_ref
    if order.account.state in PERSONS:
        use.account_id = order.account.pk
    kept = 0 if order.is_void else _uses_kept(order, use)
    if kept:
        use.returned_minor = _returned_minor(order, use, kept)
        use.state, use.ended_at, use.uses = OfferUseState.USED, None, kept
    elif use.state != OfferUseState.RETURNED:
        use.state, use.ended_at = OfferUseState.RETURNED, order.now


def _uses_kept(order: Settled, use: OfferUse) -> int:
    """Return how many of the uses stand: of gifts and rewards those whose units are kept.

    Other units of the same goods come back first: who keeps one keeps what he got for nothing.
    A part of anything else that comes back leaves the number of uses as it is.
    """
    terms = _terms(use.version_id)
    if terms is None:
        return use.uses
    if isinstance(terms.benefit, GiftTerms):
        return min(use.uses, order.units_kept(Selection(variants=terms.benefit.choices)))
    if isinstance(terms.benefit, PunchCardTerms):
        return min(use.uses, order.units_kept(terms.benefit.selection))
    return use.uses


def _returned_minor(order: Settled, use: OfferUse, kept: int) -> int:
    """Return what the use took off goods that came back, in minor units.

    Of gifts and rewards the part of the uses that are gone; of anything else the part of the list
    value of the goods that it may lower. Free shipping stands while anything is kept.
    """
    terms = _terms(use.version_id)
    if terms is None or isinstance(terms.benefit, FreeShippingTerms):
        return use.returned_minor
    if isinstance(terms.benefit, GiftTerms | PunchCardTerms):
        left = use.amount_minor - use.returned_minor
        return use.amount_minor - left * kept // use.uses
    whole = back = Fraction(0)
    for line in order.facts.lines:
        goods = line.goods
        if line.is_gift_card or not any(matches(each, goods) for each in terms.selections):
            continue
        whole += line.undiscounted_minor
        back += Fraction(line.undiscounted_minor * line.quantity_returned, line.quantity)
    return math.floor(use.amount_minor * back / whole) if whole else use.returned_minor


def _give(order: Settled, use: OfferUse) -> None:
    """Note down the gifts that the member has by this use, as far as he had none of them before."""
    terms = _terms(use.version_id)
    if terms is None or not isinstance(terms.benefit, GiftTerms):
        return
    if use.state == OfferUseState.RETURNED:
        use.gifts.all().delete()
        return
    kept = [
        ref
        for ref in sorted(terms.benefit.choices)
        if order.units_kept(Selection(variants=frozenset([ref])))
    ]
    use.gifts.exclude(variant_ref__in=kept).delete()
    if order.account.state in PERSONS and not use.gifts.exists():
        gifts = [
            GiftGiven(use=use, account=order.account, variant_ref=ref) for ref in kept[: use.uses]
        ]
        GiftGiven.objects.bulk_create(gifts, ignore_conflicts=True)


def _counted(use: OfferUse) -> int:
    return 0 if use.state == OfferUseState.RETURNED else use.uses


def _columns(use: OfferUse) -> tuple[object, ...]:
    return (use.order_ref, use.account_id, use.state, use.uses, use.returned_minor)


def _terms(version_id: int) -> OfferTerms | None:
    """Return what a version says; a version that cannot be read stops no order."""
    try:
        return terms_of(version_id)
    except ValueError:
        logger.exception("Version %s of an offer cannot be read.", version_id)
        return None


# --- punch cards ----------------------------------------------------------------------------------


def _stamp(order: Settled, uses: list[OfferUse]) -> None:
    """Put the units that a paid order keeps on the member's cards, and take back what came back."""
    if order.account.state not in PERSONS:
        return
    cards = cards_of(order.account.program_id, order.stamp)
    if not cards:
        return
    record = order.record
    there = {row.offer_id: row for row in OfferStamp.objects.filter(order_ref=record.order_ref)}
    rewarded = {use.offer_id: _counted(use) for use in uses}
    new = []
    for card in cards:
        row = there.get(card.offer_id)
        units = _units_of(order, card, has_stamps=row is not None)
        units = max(0, units - rewarded.get(card.offer_id, 0))
        if row is None and units:
            new.append(
                OfferStamp(
                    offer_id=card.offer_id,
                    account=order.account,
                    order_ref=record.order_ref,
                    units=units,
                    stamped_at=record.paid_at,
                )
            )
        elif row is not None and not units:
            row.delete()
        elif row is not None and (row.units, row.account_id) != (units, order.account.pk):
            row.units, row.account = units, order.account
            row.save(update_fields=["units", "account"])
    OfferStamp.objects.bulk_create(new)


def _units_of(order: Settled, card: PunchCard, *, has_stamps: bool) -> int:
    """Return how many kept units count on a card, by what it said when the order was created.

    A card that was switched off since takes no new orders; those that are on it stay.
    """
    record, facts = order.record, order.facts
    if order.is_void or record.paid_at is None or not record.may_earn:
        return 0
    if not (card.is_active or has_stamps) or not may_earn(facts, order.rules):
        return 0
    terms = card.terms_at(facts.created_at)
    if terms is None or not isinstance(terms.benefit, PunchCardTerms):
        return 0
    return order.units_kept(terms.benefit.selection) if _is_open(order, terms) else 0


def _is_open(order: Settled, terms: OfferTerms) -> bool:
    """Tell whether an order of this moment, place and tier counts; other audiences do for rewards.

    Segments, tags and novelty change by themselves, and a card does not empty for that.
    """
    facts = order.facts
    day = local_date(facts.created_at, order.rules.time_zone)
    tiers = terms.audience.tiers
    return (
        (not terms.channels or facts.channel_ref in terms.channels)
        and (terms.starts_at is None or terms.starts_at <= facts.created_at)
        and (terms.ends_at is None or facts.created_at < terms.ends_at)
        and (not terms.weekdays or day.weekday() in terms.weekdays)
        and (not tiers or order.record.tier in tiers)
    )
