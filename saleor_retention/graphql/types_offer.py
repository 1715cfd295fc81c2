"""An offer as staff set it up and watch it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.offers.terms import OfferTerms
from saleor_retention.graphql import enums_offers, offer_words, paging
from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.offers import OfferUsage
from saleor_retention.graphql.dataloaders.pages import OfferVersionPages
from saleor_retention.graphql.dataloaders.programs import ProgramById, program_channels
from saleor_retention.graphql.enums_offers import OfferState
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime, JSONString, Money, money
from saleor_retention.graphql.types_history import actor_id
from saleor_retention.graphql.types_program import RetentionProgram
from saleor_retention.models import Offer, OfferVersion
from saleor_retention.selectors.offer_statistics import OfferStatistics
from saleor_retention.selectors.offers import kept_terms
from saleor_retention.selectors.programs import rules_of


class RetentionOfferStatistics(graphene.ObjectType):
    """What orders have used of an offer; what they gave back stands by itself."""

    uses = graphene.Int(description="Sets, units or orders, as the kind counts.", required=True)
    orders = graphene.Int(description="Orders that have it.", required=True)
    discount = graphene.List(
        graphene.NonNull(Money),
        description="What it took off goods that are kept, by currency.",
        required=True,
    )
    discount_returned = graphene.List(
        graphene.NonNull(Money),
        description="What it took off goods that came back, by currency.",
        required=True,
    )


class RetentionOfferVersion(graphene.ObjectType):
    """One state of an offer, which never changes."""

    number = graphene.Int(description="Numbered from 1.", required=True)
    document = graphene.Field(
        JSONString, description="What it said, with the shop's own keys.", required=True
    )
    created_at = graphene.Field(DateTime, description="When it was made.", required=True)
    actor_id = graphene.ID(description="The user or app that made it; null for a command.")

    @staticmethod
    def resolve_actor_id(root: OfferVersion, _info: Any) -> str | None:
        """Return who made it."""
        return actor_id(root.actor_ref)


class RetentionOfferVersionConnection(paging.Connection):
    """Versions of an offer, newest first."""

    class Meta:
        """Of versions."""

        node = RetentionOfferVersion


class RetentionOffer(graphene.ObjectType):
    """An offer of a program, as staff set it up and watch it."""

    id = graphene.ID(description="The offer's id.", required=True)
    slug = graphene.String(description="A stable name, unique in the program.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    kind = enums_offers.RetentionOfferKind(description="What it gives.", required=True)
    is_active = graphene.Boolean(description="Whether it is switched on.", required=True)
    state = enums_offers.RetentionOfferState(
        description="Where it is in its life, on or off.", required=True
    )
    program = graphene.Field(RetentionProgram, description="The program.", required=True)
    starts_at = graphene.Field(DateTime, description="When it begins; null for always.")
    ends_at = graphene.Field(
        DateTime, description="The first instant at which it is over; null for never."
    )
    document = graphene.Field(
        JSONString, description="All that it says, with the shop's own keys.", required=True
    )
    sentence = graphene.String(description="All that it says, in words.", required=True)
    version = graphene.Int(
        description="The number of the current version; each change makes the next.", required=True
    )
    created_at = graphene.Field(DateTime, description="When it was created.", required=True)
    retired_at = graphene.Field(DateTime, description="When it was ended for good.")
    statistics = graphene.Field(
        RetentionOfferStatistics,
        description="What orders have used of it.",
        required=True,
        since=graphene.Argument(DateTime, description="Of orders from this time on."),
        until=graphene.Argument(DateTime, description="Of orders before this time."),
    )
    versions = graphene.Field(
        RetentionOfferVersionConnection,
        description="Every state that it has had, newest first.",
        required=True,
        **paging.ARGUMENTS,
    )

    @staticmethod
    def resolve_id(root: Offer, _info: Any) -> str:
        """Return the global id."""
        return offer_id(str(root.pk))

    @staticmethod
    @discreet
    def resolve_state(root: Offer, info: Any) -> str:
        """Return where it is in its life at this instant."""
        return state_of(root, terms_of_offer(root), moment(info)).value

    @staticmethod
    @discreet
    def resolve_program(root: Offer, info: Any) -> Any:
        """Promise the program."""
        return ProgramById.of(info).load(root.program_id)

    @staticmethod
    @discreet
    def resolve_starts_at(root: Offer, _info: Any) -> dt.datetime | None:
        """Return when it begins."""
        return terms_of_offer(root).starts_at

    @staticmethod
    @discreet
    def resolve_ends_at(root: Offer, _info: Any) -> dt.datetime | None:
        """Return when it ends."""
        return terms_of_offer(root).ends_at

    @staticmethod
    def resolve_document(root: Offer, _info: Any) -> Any:
        """Return the current version's document."""
        return root.current_version.document

    @staticmethod
    @discreet
    def resolve_sentence(root: Offer, info: Any) -> Any:
        """Promise the offer in words, with its channels where these are not all."""
        terms = terms_of_offer(root)
        rules = rules_of(root.program.current_version_id)

        def said(names: Mapping[str, str]) -> Any:
            spoken = offer_words.vocabulary(info, [terms], rules, channels=names)
            return spoken.then(lambda known: offer_words.sentence(terms, known))

        if not terms.channels:
            return said({})
        return program_channels(info, root.program_id).then(said)

    @staticmethod
    def resolve_version(root: Offer, _info: Any) -> int:
        """Return the number of the current version."""
        return int(root.current_version.number)

    @staticmethod
    @discreet
    def resolve_statistics(
        root: Offer,
        info: Any,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> Any:
        """Promise what orders have used of it in a window."""
        return OfferUsage.of(info).load((root.pk, since, until)).then(statistics_type)

    @staticmethod
    @discreet
    def resolve_versions(root: Offer, info: Any, **arguments: Any) -> Any:
        """Promise a page of its versions."""
        window = paging.Window.of("versions", arguments, paging.row_id)
        found = OfferVersion.objects.filter(offer_id=root.pk)
        pages = OfferVersionPages.of(info)
        return paging.promised(RetentionOfferVersionConnection, pages, window, found, root.pk)


class RetentionOfferConnection(paging.Connection):
    """Offers, a page at a time."""

    class Meta:
        """Of offers."""

        node = RetentionOffer


def offer_id(ref: str) -> str:
    """Return the global id of an offer."""
    return host.current().to_global_id("RetentionOffer", ref)


def terms_of_offer(offer: Offer) -> OfferTerms:
    """Return what an offer says now; it was loaded with its current version."""
    return kept_terms(offer.current_version_id, offer.current_version.document)


def state_of(offer: Offer, terms: OfferTerms, now: dt.datetime) -> OfferState:
    """Return where an offer is in its life."""
    if offer.retired_at is not None:
        return OfferState.RETIRED
    if terms.ends_at is not None and terms.ends_at <= now:
        return OfferState.ENDED
    if terms.starts_at is not None and terms.starts_at > now:
        return OfferState.SCHEDULED
    return OfferState.RUNNING


def statistics_type(found: OfferStatistics) -> RetentionOfferStatistics:
    """Return what orders have used of an offer."""
    return RetentionOfferStatistics(
        uses=found.uses,
        orders=found.orders,
        discount=[money(minor, currency) for currency, minor in found.discount_minor],
        discount_returned=[money(minor, currency) for currency, minor in found.returned_minor],
    )
