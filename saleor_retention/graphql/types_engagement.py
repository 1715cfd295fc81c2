"""Events of members and referrals, as their members and staff see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.db.models import Q

from saleor_retention import host
from saleor_retention.graphql import enums_engagement, paging
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.referrals import ReferralsOf, Standing
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.lookups import account_of, program_of
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_history import order_id
from saleor_retention.models import Account, MemberEvent, Referral


class RetentionEvent(graphene.ObjectType):
    """Something that a member did besides ordering, such as a review."""

    id = graphene.ID(description="The event's id.", required=True)
    source = graphene.String(description="Who told of it.", required=True)
    reference = graphene.String(description="What the source calls it.", required=True)
    kind = graphene.String(description="What was done.", required=True)
    object = graphene.String(
        description='What it is about, as the source calls it; "" for the shop.', required=True
    )
    at = graphene.Field(DateTime, description="When it was done.", required=True)
    outcome = enums_engagement.RetentionEventOutcome(
        description="What became of it.", required=True
    )
    points = graphene.Field(
        RetentionPoints, description="Points that it brought, also when taken back.", required=True
    )
    reversed_at = graphene.Field(DateTime, description="When it was taken back.")
    member_id = graphene.ID(description="The member.", required=True)

    @staticmethod
    def resolve_id(root: MemberEvent, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionEvent", str(root.pk))

    @staticmethod
    def resolve_object(root: MemberEvent, _info: Any) -> str:
        """Return what it is about."""
        return str(root.object_ref)

    @staticmethod
    def resolve_member_id(root: MemberEvent, _info: Any) -> str:
        """Return whose it is."""
        return host.current().to_global_id("RetentionMember", str(root.account_id))


class RetentionEventConnection(paging.Connection):
    """Events, newest first, a page at a time."""

    class Meta:
        """Of events."""

        node = RetentionEvent


class RetentionReferral(graphene.ObjectType):
    """A new customer whom a member referred."""

    id = graphene.ID(description="The referral's id.", required=True)
    advocate_id = graphene.ID(description="The member who referred.", required=True)
    friend_id = graphene.ID(description="The member who was referred.", required=True)
    state = enums_engagement.RetentionReferralState(description="How far it is.", required=True)
    reason = enums_engagement.RetentionReferralReason(description="Why it brings nothing.")
    claimed_at = graphene.Field(DateTime, description="When the code was claimed.", required=True)
    due_at = graphene.Field(DateTime, description="When the return window is over.")
    ended_at = graphene.Field(DateTime, description="When it was rewarded or became void.")
    advocate_points = graphene.Field(
        RetentionPoints,
        description="Points booked for who referred, also when taken back; 0 beyond a limit.",
        required=True,
    )
    friend_points = graphene.Field(
        RetentionPoints,
        description="Points booked for who was referred, also when taken back.",
        required=True,
    )
    order_id = graphene.ID(description="The friend's first order; null for a receipt.")

    @staticmethod
    def resolve_id(root: Referral, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionReferral", str(root.pk))

    @staticmethod
    def resolve_advocate_id(root: Referral, _info: Any) -> str:
        """Return who referred."""
        return host.current().to_global_id("RetentionMember", str(root.advocate_id))

    @staticmethod
    def resolve_friend_id(root: Referral, _info: Any) -> str:
        """Return who was referred."""
        return host.current().to_global_id("RetentionMember", str(root.friend_id))

    @staticmethod
    def resolve_reason(root: Referral, _info: Any) -> str | None:
        """Return why it is void."""
        return root.reason or None

    @staticmethod
    def resolve_order_id(root: Referral, _info: Any) -> str | None:
        """Return the friend's first order."""
        return order_id(root.order_ref)


class RetentionReferralConnection(paging.Connection):
    """Referrals, newest first, a page at a time."""

    class Meta:
        """Of referrals."""

        node = RetentionReferral


class RetentionReferralStanding(graphene.ObjectType):
    """A member's part in referrals. Who a friend is, and what he bought, is not told."""

    code = graphene.String(
        description="The code for friends; null until it is asked for by a mutation."
    )
    waiting = graphene.Int(
        description="Friends who have not placed and paid their first order yet.", required=True
    )
    pending = graphene.Int(
        description="Friends whose first order is in its return window.", required=True
    )
    rewarded = graphene.Int(description="Friends that brought their reward.", required=True)
    points = graphene.Field(
        RetentionPoints, description="Points that friends have brought.", required=True
    )
    claimed = enums_engagement.RetentionReferralState(
        description="How far the member's own coming by a friend is; null for none."
    )
    claimed_points = graphene.Field(
        RetentionPoints, description="What that brings or brought the member.", required=True
    )


class RetentionEventFilterInput(graphene.InputObjectType):
    """Which events; all conditions hold together."""

    member = graphene.ID(description="Of this member.")
    kinds = graphene.List(graphene.NonNull(graphene.String), description="Of these kinds.")
    source = graphene.String(description="Told by this source.")
    reference = graphene.String(description="Of this name at its source.")


class RetentionReferralFilterInput(graphene.InputObjectType):
    """Which referrals; all conditions hold together."""

    advocate = graphene.ID(description="By this member.")
    friend = graphene.ID(description="Of this member.")
    states = graphene.List(
        graphene.NonNull(enums_engagement.RetentionReferralState), description="In these states."
    )


@discreet
def resolve_events(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of what members of a program did, for those who manage customers."""
    require(info, "users")
    given = arguments.pop("filter", None) or {}
    window = paging.Window.of("retentionEvents", arguments, paging.row_id, paging.row_id)
    condition = Q(account__program=program_of(program_id, "programId")) & _of_events(given)
    order = paging.Order("id", is_descending=True)
    found = MemberEvent.objects.filter(condition)
    return paging.page(RetentionEventConnection, found, order, window)


@discreet
def resolve_referrals(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of a program's referrals, for those who manage customers."""
    require(info, "users")
    given = arguments.pop("filter", None) or {}
    window = paging.Window.of("retentionReferrals", arguments, paging.row_id, paging.row_id)
    condition = Q(advocate__program=program_of(program_id, "programId")) & _of_referrals(given)
    order = paging.Order("id", is_descending=True)
    found = Referral.objects.filter(condition)
    return paging.page(RetentionReferralConnection, found, order, window)


def resolve_standing(info: Any, account: Account) -> Any:
    """Promise a member's part in referrals."""
    return ReferralsOf.of(info).load(account.pk).then(_standing)


def _standing(found: Standing | None) -> RetentionReferralStanding:
    known = found or Standing()
    return RetentionReferralStanding(
        code=known.code,
        waiting=known.waiting,
        pending=known.pending,
        rewarded=known.rewarded,
        points=known.points,
        claimed=known.claimed,
        claimed_points=known.claimed_points,
    )


def _of_events(given: Mapping[str, Any]) -> Q:
    condition = Q()
    if given.get("member") is not None:
        condition &= Q(account=account_of(given["member"], "filter.member"))
    if given.get("kinds") is not None:
        condition &= Q(kind__in=given["kinds"])
    for key in ("source", "reference"):
        if given.get(key) is not None:
            condition &= Q(**{key: given[key]})
    return condition


def _of_referrals(given: Mapping[str, Any]) -> Q:
    condition = Q()
    for key in ("advocate", "friend"):
        if given.get(key) is not None:
            condition &= Q(**{key: account_of(given[key], f"filter.{key}")})
    if given.get("states") is not None:
        condition &= Q(state__in=given["states"])
    return condition
