"""What goods cost and earn the asking customer, for all goods of a query at once.

The price is the one that the engine gives a basket of a single unit, so that what a product page
says is what the cart says.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from saleor_retention import conf, host
from saleor_retention.engine.accrual import EarnTerms, quoted
from saleor_retention.engine.facts import BasketFacts, BasketLine, CustomerFacts
from saleor_retention.engine.offers.eligibility import conditions_missed
from saleor_retention.engine.offers.facts import situation_of
from saleor_retention.engine.offers.kinds import FreeShipping, Offer, SpendThreshold
from saleor_retention.engine.offers.quoting import OfferCase
from saleor_retention.engine.offers.result import Finding
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.offers.terms import OfferTerms
from saleor_retention.engine.pricing import price
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.engine.selections import is_everything
from saleor_retention.graphql.context import moment, requestor
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.host.contract import ShelfPrice
from saleor_retention.models import Account, AccountState, ProgramChannel
from saleor_retention.selectors.offer_facts import facts_of
from saleor_retention.selectors.offers import OfferShelf, offers_in
from saleor_retention.selectors.programs import is_switched_on, rules_of
from saleor_retention.services.checkout.pricing import newcomer
from saleor_retention.services.offering.offer_cases import carried

FOR_MEMBERS = {Finding.NOT_A_MEMBER, Finding.LIMIT_PER_CUSTOMER}
"""Conditions that a guest meets by becoming a member."""

GoodsKey = tuple[str, str]
"""(channel reference, variant or product reference)"""


@dataclass(frozen=True, slots=True)
class GoodsPoints:
    """One unit of a variant: what it costs everybody, what it costs the asker, what it earns."""

    variant_ref: str
    currency: str
    price_minor: int
    member_minor: int
    rule_names: tuple[str, ...]  # of what lowers the price
    earns: int
    rules: ProgramRules
    offers: tuple[tuple[Offer, OfferTerms], ...] = ()  # that the goods take part in


class PointsOfVariant(Loader[GoodsKey, GoodsPoints]):
    """Price and points by channel and variant, for whoever asks."""

    def find(self, keys: Sequence[GoodsKey]) -> Mapping[GoodsKey, GoodsPoints]:
        """Read prices, program and member in a few statements for each channel."""
        found = {}
        now = moment(self.info)
        for channel_ref, variant_refs in _by_channel(keys).items():
            asker = _asker(channel_ref, requestor(self.info).user_ref)
            if asker is None:
                continue
            prices = host.current().shelf_prices(variant_refs, channel_ref)
            currency = next((shelf.currency for shelf in prices.values()), None)
            on_shelf = None if currency is None else _offers(asker, channel_ref, currency, now)
            for ref, shelf in prices.items():
                found[channel_ref, ref] = _of_one_unit(shelf, channel_ref, asker, on_shelf, now)
        return found


class VariantsOfProduct(Loader[GoodsKey, list[str]]):
    """The variants that a product sells, by channel and product."""

    def find(self, keys: Sequence[GoodsKey]) -> Mapping[GoodsKey, list[str]]:
        """Read them in one statement for each channel."""
        found = {}
        for channel_ref, product_refs in _by_channel(keys).items():
            variants = host.current().variants_of_products(product_refs, channel_ref)
            found.update({(channel_ref, ref): refs for ref, refs in variants.items()})
        return found


@dataclass(frozen=True, slots=True)
class _Asker:
    """Under which rules, and as whom, the goods are priced."""

    program_id: int
    offers_stamp: int
    rules: ProgramRules
    customer: CustomerFacts | None


@dataclass(frozen=True, slots=True)
class _Offers:
    """The offers of the channel, and how the asker stands with them."""

    shelf: OfferShelf
    situation: Situation
    stamp: int

    def case(self, basket: BasketFacts) -> OfferCase:
        """Return the offers that a basket meets, as the price pass puts them to it."""
        return OfferCase(
            offers=tuple(carried(self.shelf.index.candidates(basket))),
            situation=self.situation,
            version_ids=self.shelf.version_ids,
            stamp=self.stamp,
            nodes_max=int(conf.get("OFFER_NODES_MAX")),
        )


def _asker(channel_ref: str, user_ref: str | None) -> _Asker | None:
    """Return the rules of the channel and the asking member; None where no program runs."""
    place = (
        ProgramChannel.objects.filter(channel_ref=channel_ref, is_active=True)
        .values_list("program_id", "program__current_version_id", "program__offers_stamp")
        .first()
    )
    if place is None or not is_switched_on():
        return None
    program_id, version_id, stamp = place
    rules = rules_of(version_id)
    if user_ref is None:
        return _Asker(program_id, stamp, rules, None)
    account = Account.objects.filter(program_id=program_id, user_id=user_ref).first()
    if account is not None:
        is_member = account.state == AccountState.MEMBER
        tier = (account.tier or None) if is_member else None
        customer = CustomerFacts(account_id=account.pk, tier=tier)
        return _Asker(program_id, stamp, rules, customer)
    user = host.current().users([user_ref]).get(user_ref)
    is_confirmed = user is not None and user.is_confirmed
    return _Asker(program_id, stamp, rules, newcomer(rules) if is_confirmed else None)


def _offers(asker: _Asker, channel_ref: str, currency: str, now: dt.datetime) -> _Offers | None:
    """Return the offers of the channel; None where the program never had one. One statement."""
    if not asker.offers_stamp:
        return None
    shelf = offers_in(
        asker.program_id, asker.offers_stamp, channel_ref=channel_ref, currency=currency
    )
    shopper = (asker.program_id, asker.customer.account_id or None if asker.customer else None)
    situation = situation_of(
        facts_of([shopper])[shopper],
        shelf.terms,
        at=now.astimezone(ZoneInfo(asker.rules.time_zone)),
        customer=asker.customer,
    )
    return _Offers(shelf, situation, asker.offers_stamp)


def _of_one_unit(
    shelf: ShelfPrice,
    channel_ref: str,
    asker: _Asker,
    offers: _Offers | None,
    now: dt.datetime,
) -> GoodsPoints:
    ref = shelf.goods.variant_ref
    line = BasketLine(
        ref=ref,
        goods=shelf.goods,
        quantity=1,
        unit_minor=shelf.list_minor,
        total_minor=shelf.unit_minor,
        is_gift_card=shelf.is_gift_card,
    )
    basket = BasketFacts(
        ref="",
        channel_ref=channel_ref,
        currency=shelf.currency,
        exponent=shelf.exponent,
        user_ref=None,
        lines=(line,),
    )
    case = None if offers is None else offers.case(basket)
    quote = price(basket, asker.customer, asker.rules, 0, offers=case)
    member_minor = shelf.unit_minor - quote.discount_minor
    terms = EarnTerms(asker.rules, asker.customer.tier if asker.customer else None)
    return GoodsPoints(
        variant_ref=ref,
        currency=shelf.currency,
        price_minor=shelf.unit_minor,
        member_minor=member_minor,
        rule_names=tuple(allocation.name for allocation in quote.allocations),
        earns=quoted([(line, member_minor)], shelf.currency, now, terms),
        rules=asker.rules,
        offers=() if offers is None or case is None else tuple(_taking_part(offers, case)),
    )


def _taking_part(offers: _Offers, case: OfferCase) -> Iterator[tuple[Offer, OfferTerms]]:
    """Yield the offers that these goods take part in and that are for the asker now.

    One on all that is spent takes part in nothing in particular. Somebody who is not logged in is
    also shown what is for every member.
    """
    for offer in case.offers:
        benefit = offer.benefit
        if isinstance(benefit, FreeShipping | SpendThreshold) and is_everything(benefit.selection):
            continue
        missed = {miss.code for miss in conditions_missed(offer, offers.situation)}
        if not missed or (missed <= FOR_MEMBERS and not offers.situation.shopper.is_member):
            yield offer, offers.shelf.terms[offer.id]


def _by_channel(keys: Sequence[GoodsKey]) -> Mapping[str, list[str]]:
    grouped = defaultdict(list)
    for channel_ref, ref in keys:
        grouped[channel_ref].append(ref)
    return grouped
