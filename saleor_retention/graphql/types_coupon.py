"""Coupons as their owners and staff see them, batches, and what stands ready to be given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.db.models import Q

from saleor_retention import host
from saleor_retention.engine.coupons.codes import as_issued
from saleor_retention.engine.coupons.terms import parse
from saleor_retention.graphql import enums_coupons, paging
from saleor_retention.graphql.context import may, moment, requestor, require
from saleor_retention.graphql.errors import PermissionDenied, discreet
from saleor_retention.graphql.host_types import DateTime, Decimal, Money
from saleor_retention.graphql.lookups import account_of, batch_of, program_of
from saleor_retention.graphql.types_rules import amounts_type
from saleor_retention.models import Coupon, CouponBatch, CouponPlan, CouponState
from saleor_retention.services.couponing.coupons import lookup


class RetentionCouponTerms(graphene.ObjectType):
    """What a code gives."""

    name = graphene.String(description="What shoppers read beside the discount.", required=True)
    percent = graphene.Field(Decimal, description="Per cent off; null for amounts.")
    amounts = graphene.List(
        graphene.NonNull(Money), description="Money off, by currency.", required=True
    )
    minimums = graphene.List(
        graphene.NonNull(Money),
        description="From goods for how much on, by currency; empty for any.",
        required=True,
    )
    is_for_shipping = graphene.Boolean(
        description="Whether it is off the shipping and not off the goods.", required=True
    )
    uses = graphene.Int(description="For how many orders one code can be used.", required=True)


class RetentionCoupon(graphene.ObjectType):
    """A code for the checkout."""

    id = graphene.ID(description="The coupon's id.", required=True)
    code = graphene.String(description="What is typed at the checkout.", required=True)
    kind = enums_coupons.RetentionCouponKind(description="Who may use it.", required=True)
    state = enums_coupons.RetentionCouponState(description="What has become of it.", required=True)
    cause = enums_coupons.RetentionCouponCause(description="What it was issued for.", required=True)
    terms = graphene.Field(RetentionCouponTerms, description="What it gives.", required=True)
    uses = graphene.Int(description="How many orders have used it.", required=True)
    issued_at = graphene.Field(DateTime, description="When it was issued.", required=True)
    valid_until = graphene.Field(DateTime, description="When it ends.", required=True)
    campaign = graphene.String(
        description='What it is counted under; "" for nothing. For those with MANAGE_USERS, '
        "otherwise null."
    )
    member_id = graphene.ID(
        description="The member it was issued to. For those with MANAGE_USERS, otherwise null."
    )

    @staticmethod
    def resolve_id(root: Coupon, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionCoupon", str(root.pk))

    @staticmethod
    def resolve_kind(root: Coupon, _info: Any) -> str:
        """Return who may use it."""
        return str(root.batch.kind)

    @staticmethod
    def resolve_state(root: Coupon, info: Any) -> str:
        """Return what has become of it by this instant."""
        is_over = root.state == CouponState.ACTIVE and root.valid_until <= moment(info)
        return str(CouponState.EXPIRED if is_over else root.state)

    @staticmethod
    @discreet
    def resolve_terms(root: Coupon, _info: Any) -> RetentionCouponTerms:
        """Return what it gives."""
        return _terms(root.batch.terms)

    @staticmethod
    @discreet
    def resolve_campaign(root: Coupon, info: Any) -> str | None:
        """Return what it is counted under, to staff."""
        return str(root.campaign) if may(info, "users") else None

    @staticmethod
    @discreet
    def resolve_member_id(root: Coupon, info: Any) -> str | None:
        """Return whose it is, to staff."""
        if root.account_id is None or not may(info, "users"):
            return None
        return host.current().to_global_id("RetentionMember", str(root.account_id))


class RetentionCouponConnection(paging.Connection):
    """Coupons, newest first, a page at a time."""

    class Meta:
        """Of coupons."""

        node = RetentionCoupon


class RetentionCouponBatch(graphene.ObjectType):
    """Many codes with the same terms and end."""

    id = graphene.ID(description="The batch's id.", required=True)
    key = graphene.String(description="Its name in the program.", required=True)
    campaign = graphene.String(
        description='What its coupons are counted under; "" for nothing.', required=True
    )
    terms = graphene.Field(RetentionCouponTerms, description="What each gives.", required=True)
    prefix = graphene.String(description="What each code begins with.", required=True)
    size = graphene.Int(
        description="How many codes were ordered; null for a batch of single coupons."
    )
    issued = graphene.Int(description="How many of those are made.", required=True)
    valid_from = graphene.Field(DateTime, description="From when they hold.", required=True)
    valid_until = graphene.Field(DateTime, description="When they end.", required=True)
    revoked_at = graphene.Field(DateTime, description="When all of them were ended.")

    @staticmethod
    def resolve_id(root: CouponBatch, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionCouponBatch", str(root.pk))

    @staticmethod
    @discreet
    def resolve_terms(root: CouponBatch, _info: Any) -> RetentionCouponTerms:
        """Return what each gives."""
        return _terms(root.terms)


class RetentionCouponBatchConnection(paging.Connection):
    """Batches, newest first, a page at a time."""

    class Meta:
        """Of batches."""

        node = RetentionCouponBatch


class RetentionCouponAllowance(graphene.ObjectType):
    """A limit of one permission group or app."""

    name = graphene.String(description="The name of the group or app.", required=True)
    per_day = graphene.Int(description="How many coupons in a day.", required=True)


class RetentionCouponPlan(graphene.ObjectType):
    """What stands ready to be given by staff, or is brought by a first order."""

    slug = graphene.String(description="A stable name.", required=True)
    trigger = enums_coupons.RetentionCouponTrigger(description="What it is for.", required=True)
    terms = graphene.Field(
        RetentionCouponTerms, description="What each coupon gives.", required=True
    )
    valid_for_days = graphene.Int(
        description="How many days after the one of issue it can be used.", required=True
    )
    remind_days = graphene.Int(description="How many days before its end to remind of it.")
    cap = graphene.Int(description="How many coupons in all; null for no limit.")
    per_day = graphene.Int(
        description="How many one member of staff or app may give in a day; null for no limit."
    )
    per_day_groups = graphene.List(
        graphene.NonNull(RetentionCouponAllowance),
        description="Limits of permission groups in place of that.",
        required=True,
    )
    per_day_apps = graphene.List(
        graphene.NonNull(RetentionCouponAllowance), description="Limits of apps.", required=True
    )
    is_active = graphene.Boolean(description="Whether it is given now.", required=True)

    @staticmethod
    @discreet
    def resolve_terms(root: CouponPlan, _info: Any) -> RetentionCouponTerms:
        """Return what each coupon gives."""
        return _terms(root.terms)

    @staticmethod
    def resolve_per_day_groups(root: CouponPlan, _info: Any) -> list[RetentionCouponAllowance]:
        """Return the limits of groups by name."""
        return _allowances(root.per_day_groups)

    @staticmethod
    def resolve_per_day_apps(root: CouponPlan, _info: Any) -> list[RetentionCouponAllowance]:
        """Return the limits of apps by name."""
        return _allowances(root.per_day_apps)


@discreet
def resolve_coupons(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of a program's coupons, for those who manage customers."""
    require(info, "users")
    condition = _condition(arguments.pop("filter", None) or {})
    window = paging.Window.of("retentionCoupons", arguments, paging.row_id, paging.row_id)
    coupons = Coupon.objects.filter(condition, program=program_of(program_id, "programId"))
    found = coupons.select_related("batch")
    return paging.page(
        RetentionCouponConnection, found, paging.Order("id", is_descending=True), window
    )


@discreet
def resolve_coupon_batches(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of the batches that were ordered, for those who manage programs."""
    require(info, "discounts")
    window = paging.Window.of("retentionCouponBatches", arguments, paging.row_id, paging.row_id)
    program = program_of(program_id, "programId")
    found = CouponBatch.objects.filter(program=program, size__isnull=False)
    order = paging.Order("id", is_descending=True)
    return paging.page(RetentionCouponBatchConnection, found, order, window)


@discreet
def resolve_coupon_plans(_root: Any, info: Any, *, program_id: str) -> list[CouponPlan]:
    """Return a program's plans by slug, for those who manage customers."""
    require(info, "users")
    return list(CouponPlan.objects.filter(program=program_of(program_id, "programId")))


@discreet
def resolve_coupon_lookup(_root: Any, info: Any, *, code: str) -> Coupon:
    """Return the coupon that the logged-in customer typed, if he could use it."""
    asks = requestor(info)
    if asks.user_ref is None or asks.app_ref is not None:
        raise PermissionDenied("Log in to look a code up.")
    return lookup(code, user_ref=asks.user_ref, asker=asks.actor_ref, now=moment(info))


def _condition(given: Mapping[str, Any]) -> Q:
    condition = Q()
    if given.get("member") is not None:
        condition &= Q(account=account_of(given["member"], "filter.member"))
    if given.get("batch") is not None:
        condition &= Q(batch=batch_of(given["batch"], "filter.batch"))
    if given.get("campaign") is not None:
        condition &= Q(campaign=given["campaign"])
    if given.get("code") is not None:
        condition &= Q(code=as_issued(given["code"]))
    if given.get("states") is not None:
        condition &= Q(state__in=given["states"])
    return condition


def _terms(document: Mapping[str, Any]) -> RetentionCouponTerms:
    terms = parse(document)
    return RetentionCouponTerms(
        name=terms.name,
        percent=terms.percent,
        amounts=amounts_type(terms.amounts),
        minimums=amounts_type(terms.minimums),
        is_for_shipping=terms.is_for_shipping,
        uses=terms.uses,
    )


def _allowances(limits: Mapping[str, int]) -> list[RetentionCouponAllowance]:
    return [
        RetentionCouponAllowance(name=name, per_day=count) for name, count in sorted(limits.items())
    ]
