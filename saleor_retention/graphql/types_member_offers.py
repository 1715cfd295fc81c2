"""What a member has gathered on punch cards, and how often offers may still be used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import graphene
from promise import Promise

from saleor_retention import host
from saleor_retention.engine.facts import CustomerFacts
from saleor_retention.engine.offers.eligibility import conditions_missed
from saleor_retention.engine.offers.facts import granted_until, situation_of
from saleor_retention.engine.offers.kinds import Offer
from saleor_retention.engine.offers.result import Finding, NearMiss
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.offers.terms import LimitPeriod, Limits, PunchCardTerms
from saleor_retention.engine.offers.verdict_words import near_miss_text
from saleor_retention.engine.offers.words import Vocabulary
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.graphql import enums_offers, offer_words, words
from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.offers import FactsOfShopper
from saleor_retention.graphql.dataloaders.programs import ProgramById, channels
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.types_offer import offer_id
from saleor_retention.graphql.types_program import Terms
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Account, Program
from saleor_retention.selectors.offers import OfferShelf, offers_in
from saleor_retention.services.offering.offer_cases import carried

PASSING = {Finding.OTHER_WEEKDAY, Finding.LIMIT_PER_CUSTOMER, Finding.LIMIT_IN_TOTAL}
"""Conditions that an offer of the member's may miss now and meet later."""


class RetentionPunchCard(graphene.ObjectType):
    """A member's punch card: so many units bought, one at a lower price or free."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    buy = graphene.Int(description="Units to be bought for one reward.", required=True)
    stamps = graphene.Int(
        description="Units bought that no reward was used for yet.", required=True
    )
    rewards = graphene.Int(description="Rewards that can be used now.", required=True)
    missing = graphene.Int(description="Units to be bought for the next reward.", required=True)
    text = graphene.String(description="What is missing to the next, in words.", required=True)
    sentence = graphene.String(description="What the card gives, in words.", required=True)


class RetentionOfferLimit(graphene.ObjectType):
    """How often a member may still use an offer that is limited."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    left = graphene.Int(description="Uses that are left to the member.", required=True)
    period = enums_offers.RetentionOfferPeriod(
        description="What they count afresh in; null for all time."
    )
    sentence = graphene.String(description="What the offer gives, in words.", required=True)


class RetentionGrantedOffer(graphene.ObjectType):
    """An offer that was given to the member, and is only for those who were given it."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    valid_until = graphene.Field(
        DateTime,
        description="The first instant at which the member does not have it any more.",
        required=True,
    )
    sentence = graphene.String(description="What the offer gives, in words.", required=True)


@dataclass(frozen=True, slots=True)
class MemberOffers:
    """The offers that are for a member, and how the member stands with them."""

    shelf: OfferShelf
    situation: Situation
    rules: ProgramRules
    granted: Mapping[str, dt.datetime]  # by id of the offer: until when

    def running(self) -> Iterator[Offer]:
        """Yield the offers that are for the member and whose time it is."""
        for offer in carried(self.shelf.offers):
            missed = {miss.code for miss in conditions_missed(offer, self.situation)}
            if missed <= PASSING:
                yield offer


def offers_of_member(info: Any, account: Account, channel_ref: str | None) -> Any:
    """Promise a member's offers in a channel, by default the program's first.

    None where the program has no channel, or never had an offer.
    """

    def found(loaded: list[Any]) -> Any:
        program, places = loaded
        place = _place(program, places, channel_ref)
        if place is None or not program.offers_stamp:
            return None
        with host.current().writer():  # the first time in a process, the offers are read
            shelf = offers_in(
                program.pk, program.offers_stamp, channel_ref=place.ref, currency=place.currency
            )
        facts = FactsOfShopper.of(info).load((program.pk, account.pk))
        rules = Terms.of(program).rules
        return facts.then(
            lambda known: MemberOffers(
                shelf,
                _situation(account, shelf, rules, known, moment(info)),
                rules,
                granted_until(known or {}),
            )
        )

    return Promise.all([ProgramById.of(info).load(account.program_id), channels(info)]).then(found)


def punch_cards(info: Any, offers: MemberOffers | None) -> Any:
    """Promise the member's punch cards."""
    if offers is None:
        return []
    cards = [
        (offer, card)
        for offer in offers.running()
        if isinstance(card := offers.shelf.terms[offer.id].benefit, PunchCardTerms)
    ]
    return _spoken(info, offers, [offer for offer, _ in cards]).then(
        lambda spoken: [_card(offers, offer, card, spoken) for offer, card in cards]
    )


def offer_limits(info: Any, offers: MemberOffers | None) -> Any:
    """Promise what is left to the member of offers with a limit by customer."""
    if offers is None:
        return []
    left = {
        offer.id: uses.by_customer
        for offer in offers.running()
        if (uses := offers.situation.uses_left.get(offer.id)) and uses.by_customer is not None
    }
    limited = [offer for offer in offers.shelf.offers if offer.id in left]

    def made(spoken: Vocabulary) -> list[RetentionOfferLimit]:
        return [
            RetentionOfferLimit(
                offer_id=offer_id(offer.id),
                name=offer.name,
                left=left[offer.id],
                period=_period(offers.shelf.terms[offer.id].limits),
                sentence=offer_words.sentence(offers.shelf.terms[offer.id], spoken),
            )
            for offer in limited
        ]

    return _spoken(info, offers, limited).then(made)


def _period(limits: Limits) -> LimitPeriod | None:
    return None if limits.period is LimitPeriod.ALL_TIME else limits.period


def granted_offers(info: Any, offers: MemberOffers | None) -> Any:
    """Promise the offers that were given to the member and run, the first to end first."""
    if offers is None:
        return []
    given = sorted(
        (offers.granted[offer.id], offer.id, offer)
        for offer in offers.running()
        if offer.audience.is_granted_only
    )

    def made(spoken: Vocabulary) -> list[RetentionGrantedOffer]:
        return [
            RetentionGrantedOffer(
                offer_id=offer_id(offer.id),
                name=offer.name,
                valid_until=until,
                sentence=offer_words.sentence(offers.shelf.terms[offer.id], spoken),
            )
            for until, _, offer in given
        ]

    return _spoken(info, offers, [offer for _, _, offer in given]).then(made)


def _spoken(info: Any, offers: MemberOffers, said: list[Offer]) -> Any:
    terms = [offers.shelf.terms[offer.id] for offer in said]
    return offer_words.vocabulary(info, terms, offers.rules)


def _card(
    offers: MemberOffers, offer: Offer, card: PunchCardTerms, spoken: Vocabulary
) -> RetentionPunchCard:
    terms = offers.shelf.terms[offer.id]
    balance = offers.situation.stamps.get(offer.id, 0)
    stamps = max(0, balance)
    missing = card.stamps - stamps % card.stamps + stamps - balance
    near = NearMiss(offer.id, Finding.STAMPS_MISSING, missing)
    return RetentionPunchCard(
        offer_id=offer_id(offer.id),
        name=offer.name,
        buy=card.stamps,
        stamps=stamps,
        rewards=stamps // card.stamps,
        missing=missing,
        text=words.capitalized(words.said(near_miss_text(near, terms, spoken))),
        sentence=offer_words.sentence(terms, spoken),
    )


def _place(
    program: Program, places: tuple[ChannelFacts, ...], channel_ref: str | None
) -> ChannelFacts | None:
    refs = {place.channel_ref for place in program.channels.all()}
    if channel_ref is not None:
        refs &= {channel_ref}
    return next((place for place in places if place.ref in refs), None)


def _situation(
    account: Account,
    shelf: OfferShelf,
    rules: ProgramRules,
    facts: dict[str, Any] | None,
    now: dt.datetime,
) -> Situation:
    customer = CustomerFacts(account_id=account.pk, tier=account.tier or None)
    at = now.astimezone(ZoneInfo(rules.time_zone))
    return situation_of(facts or {}, shelf.terms, at=at, customer=customer)
