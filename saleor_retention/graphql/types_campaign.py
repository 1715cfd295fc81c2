"""Campaigns, what became of them, and whom they would reach, for staff."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import graphene
from django.db.models import Q

from saleor_retention import host
from saleor_retention.graphql import enums_campaigns, paging
from saleor_retention.graphql.campaign_documents import in_zone_of
from saleor_retention.graphql.context import moment, require
from saleor_retention.graphql.dataloaders.campaigns import ReasonsByCampaign, StatesByCampaign
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.lookups import account_of, campaign_of, program_of
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.models import Account, Campaign, Dispatch
from saleor_retention.services.campaigning import campaigns
from saleor_retention.services.campaigning.campaign_planning import foresee
from saleor_retention.services.campaigning.campaign_trying import rendered_of
from saleor_retention.services.campaigning.messages import Rendered


class RetentionDispatchCount(graphene.ObjectType):
    """How many messages are in a state."""

    state = enums_campaigns.RetentionDispatchState(description="The state.", required=True)
    count = graphene.Int(description="How many.", required=True)


class RetentionSkipCount(graphene.ObjectType):
    """How many members do not get a message for a reason."""

    reason = enums_campaigns.RetentionSkipReason(description="The reason.", required=True)
    count = graphene.Int(description="How many.", required=True)


class RetentionCampaignWords(graphene.ObjectType):
    """A campaign's message as a member would get it, with made-up facts."""

    language = graphene.String(description="The language that it is in.", required=True)
    subject = graphene.String(description='The subject; "" of a text message.', required=True)
    text = graphene.String(description="As plain text.", required=True)
    html = graphene.String(description='As HTML; "" where there is none.', required=True)


class RetentionCampaign(graphene.ObjectType):
    """Who is written to or rewarded, when and with what."""

    id = graphene.ID(description="The campaign's id.", required=True)
    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What staff read.", required=True)
    state = enums_campaigns.RetentionCampaignState(description="Where it is.", required=True)
    version = graphene.Int(description="The number of the version that holds.", required=True)
    document = graphene.String(
        description="What it says, as JSON: the document that `retention_campaign save` takes.",
        required=True,
    )
    created_at = graphene.Field(DateTime, description="When it was created.", required=True)
    starts_at = graphene.Field(DateTime, description="When it starts or has started.")
    ends_at = graphene.Field(DateTime, description="When it ends or has ended.")
    planned_until = graphene.Field(
        DateTime, description="Up to when it was looked at who is due; null before the first time."
    )
    counts = graphene.List(
        graphene.NonNull(RetentionDispatchCount),
        description="What became of its messages; states of none are left out.",
        required=True,
    )
    skips = graphene.List(
        graphene.NonNull(RetentionSkipCount),
        description="Why members were left out; reasons of none are left out.",
        required=True,
    )
    words = graphene.Field(
        RetentionCampaignWords,
        description="Its message with made-up facts; null where it has none.",
        language=graphene.String(
            description="en, zh-hant or zh-hans; the first of its languages when left out."
        ),
    )

    @staticmethod
    def resolve_id(root: Campaign, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionCampaign", str(root.pk))

    @staticmethod
    @discreet
    def resolve_version(root: Campaign, _info: Any) -> int:
        """Return the number of the version."""
        return 0 if root.current_version is None else int(root.current_version.number)

    @staticmethod
    @discreet
    def resolve_document(root: Campaign, _info: Any) -> str:
        """Return what it says as JSON."""
        return json.dumps(campaigns.document_of(root), ensure_ascii=False)

    @staticmethod
    @discreet
    def resolve_counts(root: Campaign, info: Any) -> Any:
        """Promise the counts by state."""
        loaded = StatesByCampaign.of(info).load(root.pk)
        return loaded.then(
            lambda counts: [
                RetentionDispatchCount(state=state, count=count)
                for state, count in sorted((counts or {}).items())
            ]
        )

    @staticmethod
    @discreet
    def resolve_skips(root: Campaign, info: Any) -> Any:
        """Promise the counts by reason."""
        return ReasonsByCampaign.of(info).load(root.pk).then(skip_counts)

    @staticmethod
    @discreet
    def resolve_words(root: Campaign, _info: Any, language: str = "") -> Rendered | None:
        """Return the message as somebody would get it."""
        return rendered_of(root.program, campaigns.terms_of(root), language=language)


class RetentionCampaignConnection(paging.Connection):
    """Campaigns, a page at a time."""

    class Meta:
        """Of campaigns."""

        node = RetentionCampaign


class RetentionDispatch(graphene.ObjectType):
    """What a campaign meant for one member in one cycle, and what became of it."""

    id = graphene.ID(description="Its id, which is also in the message's key.", required=True)
    member = graphene.Field(RetentionMember, description="Who.", required=True)
    cycle = graphene.String(description="Of which occasion.", required=True)
    state = enums_campaigns.RetentionDispatchState(description="What became of it.", required=True)
    reason = enums_campaigns.RetentionSkipReason(description="Why it was left out, if it was.")
    note = graphene.String(
        description='What went wrong, or "consent" where that is waited for; "" for nothing.'
    )
    planned_at = graphene.Field(DateTime, description="When it was planned.", required=True)
    not_before = graphene.Field(DateTime, description="Not sent before this.", required=True)
    sending_at = graphene.Field(DateTime, description="When a worker began to hand it over.")
    finished_at = graphene.Field(DateTime, description="When it was over.")

    @staticmethod
    def resolve_id(root: Dispatch, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionDispatch", str(root.pk))

    @staticmethod
    def resolve_member(root: Dispatch, _info: Any) -> Member:
        """Return the member."""
        return Member(root.account)

    @staticmethod
    @discreet
    def resolve_reason(root: Dispatch, _info: Any) -> str | None:
        """Return why it was left out."""
        skipped = getattr(root, "skipped", None)  # absent where it was not
        return None if skipped is None else str(skipped.reason)


class RetentionDispatchConnection(paging.Connection):
    """What became of a campaign's messages, a page at a time."""

    class Meta:
        """Of dispatches."""

        node = RetentionDispatch


@dataclass(frozen=True, slots=True)
class _Place:
    """Somebody in a dry run, and the how manieth; without the account, of whom there are many."""

    number: int
    account_id: int
    cycle: str
    reason: str | None
    at: dt.datetime | None
    is_benefit_alone: bool


@dataclass(frozen=True, slots=True)
class _Named:
    """The same with the account."""

    place: _Place
    account: Account


@dataclass(frozen=True, slots=True)
class _DryRun:
    """All of a dry run: what is left of a budget depends on all who came before."""

    at: dt.datetime
    places: list[_Place]


class RetentionForeseenDispatch(graphene.ObjectType):
    """What would become of one member's message."""

    member = graphene.Field(RetentionMember, description="Who.", required=True)
    cycle = graphene.String(description="Of which occasion.", required=True)
    reason = enums_campaigns.RetentionSkipReason(description="Why not; null for who would get it.")
    at = graphene.Field(DateTime, description="When it would go out; null where it would not.")
    benefit_alone = graphene.Boolean(
        description="Whether the benefit comes without the message; the budget is spent on it.",
        required=True,
    )

    @staticmethod
    def resolve_member(root: _Named, _info: Any) -> Member:
        """Return the member."""
        return Member(root.account)

    @staticmethod
    def resolve_cycle(root: _Named, _info: Any) -> str:
        """Return the occasion."""
        return root.place.cycle

    @staticmethod
    def resolve_reason(root: _Named, _info: Any) -> str | None:
        """Return why not."""
        return root.place.reason

    @staticmethod
    def resolve_at(root: _Named, _info: Any) -> dt.datetime | None:
        """Return when."""
        return root.place.at

    @staticmethod
    def resolve_benefit_alone(root: _Named, _info: Any) -> bool:
        """Tell whether the benefit comes alone."""
        return root.place.is_benefit_alone


class RetentionForeseenDispatchConnection(paging.Connection):
    """Whom a campaign would reach and whom not, a page at a time."""

    class Meta:
        """Of what is foreseen."""

        node = RetentionForeseenDispatch


class RetentionCampaignDryRun(graphene.ObjectType):
    """Whom a campaign would reach if it was planned and sent at an instant."""

    at = graphene.Field(
        DateTime, description="The instant; give it again to read further pages.", required=True
    )
    would = graphene.Int(description="How many members would get it.", required=True)
    later = graphene.Int(
        description="How many of them not yet at that instant: on a later day, or after quiet "
        "hours.",
        required=True,
    )
    would_not = graphene.List(
        graphene.NonNull(RetentionSkipCount),
        description="How many would not, by reason.",
        required=True,
    )
    benefit_alone = graphene.Int(
        description="How many of those would get the benefit all the same, as only the message is "
        "kept back; the budget is spent on them.",
        required=True,
    )
    members = graphene.Field(
        RetentionForeseenDispatchConnection, description="Each of them.", **paging.ARGUMENTS
    )

    @staticmethod
    def resolve_would(root: _DryRun, _info: Any) -> int:
        """Count who would get it."""
        return sum(place.reason is None for place in root.places)

    @staticmethod
    def resolve_later(root: _DryRun, _info: Any) -> int:
        """Count who would get it later."""
        return sum(place.at is not None and place.at > root.at for place in root.places)

    @staticmethod
    def resolve_would_not(root: _DryRun, _info: Any) -> list[RetentionSkipCount]:
        """Count the others by reason."""
        return skip_counts(Counter(place.reason for place in root.places if place.reason))

    @staticmethod
    def resolve_benefit_alone(root: _DryRun, _info: Any) -> int:
        """Count who would get the benefit without the message."""
        return sum(place.is_benefit_alone for place in root.places)

    @staticmethod
    @discreet
    def resolve_members(root: _DryRun, _info: Any, **arguments: Any) -> Any:
        """Return a page of them."""
        window = paging.Window.of("members", arguments, paging.row_id)
        kept = _page(root.places, window)
        accounts = Account.objects.in_bulk([place.account_id for place in kept])
        return paging.connection_of(
            RetentionForeseenDispatchConnection,
            kept,
            window,
            lambda place: paging.encoded(place.number),
            count=lambda: len(root.places),
            node_of=lambda place: _Named(place, accounts[place.account_id]),
        )


@discreet
def resolve_campaigns(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of a program's campaigns by slug, for those who manage programs."""
    require(info, "discounts")
    states = arguments.pop("states", None)
    window = paging.Window.of("retentionCampaigns", arguments, str, paging.row_id)
    rows = Campaign.objects.filter(program=program_of(program_id, "programId"))
    if states is not None:
        rows = rows.filter(state__in=states)
    found = rows.select_related("program__current_version", "current_version")
    return paging.page(RetentionCampaignConnection, found, paging.Order("slug"), window)


@discreet
def resolve_campaign(_root: Any, info: Any, *, id: str) -> Campaign:  # noqa: A002
    """Return one campaign, for those who manage programs."""
    require(info, "discounts")
    return campaign_of(id)


@discreet
def resolve_dispatches(_root: Any, info: Any, *, campaign_id: str, **arguments: Any) -> Any:
    """Return a page of what became of a campaign's messages, for those who manage customers."""
    require(info, "users")
    condition = _condition(arguments.pop("filter", None) or {})
    window = paging.Window.of("retentionDispatches", arguments, paging.row_id, paging.row_id)
    campaign = campaign_of(campaign_id, "campaignId")
    rows = Dispatch.objects.filter(condition, campaign=campaign)
    found = rows.select_related("account", "skipped")
    return paging.page(RetentionDispatchConnection, found, paging.Order("account_id"), window)


@discreet
def resolve_dry_run(
    _root: Any,
    info: Any,
    *,
    id: str,  # noqa: A002
    at: dt.datetime | None = None,
) -> _DryRun:
    """Return whom a campaign would reach, for those who manage programs and customers."""
    require(info, "discounts", "users")
    campaign = campaign_of(id)
    instant = moment(info) if at is None else in_zone_of(campaign.program, at)
    places = [
        _Place(
            number,
            each.account.pk,
            each.cycle,
            each.reason and each.reason.value,
            each.at,
            each.is_benefit_alone,
        )
        for number, each in enumerate(foresee(campaign, instant), 1)
    ]
    return _DryRun(instant, places)


def _page(places: list[_Place], window: paging.Window) -> list[_Place]:
    """Return one place more than a page has, in the window's direction; numbers begin with 1."""
    count = window.limit + 1
    if not window.is_backward:
        begin = 0 if window.position is None else max(window.position[0], 0)
        return places[begin : begin + count]
    end = len(places) if window.position is None else max(window.position[0] - 1, 0)
    return places[max(end - count, 0) : end][::-1]


def skip_counts(counts: Mapping[str, int] | None) -> list[RetentionSkipCount]:
    """Return counts by reason as GraphQL gives them out."""
    return [
        RetentionSkipCount(reason=reason, count=count)
        for reason, count in sorted((counts or {}).items())
    ]


def _condition(given: Mapping[str, Any]) -> Q:
    condition = Q()
    if given.get("states") is not None:
        condition &= Q(state__in=given["states"])
    if given.get("reasons") is not None:
        condition &= Q(skipped__reason__in=given["reasons"])
    if given.get("member") is not None:
        condition &= Q(account=account_of(given["member"], "filter.member"))
    return condition
