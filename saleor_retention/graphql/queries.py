"""The root queries, and the membership of a shop user."""

from __future__ import annotations

from typing import Any

from graphql.error import GraphQLError

from saleor_retention import host
from saleor_retention.engine.liability import Step
from saleor_retention.errors import Refusal
from saleor_retention.graphql import paging
from saleor_retention.graphql.channels import place_of_member
from saleor_retention.graphql.context import denied, may, moment, requestor, require
from saleor_retention.graphql.dataloaders.members import AccountByUser
from saleor_retention.graphql.dataloaders.programs import ProgramById
from saleor_retention.graphql.errors import discreet, harmless
from saleor_retention.graphql.lookups import account_of, program_of
from saleor_retention.graphql.members import members_page
from saleor_retention.graphql.types_liability import RetentionLiability, liability_type
from saleor_retention.graphql.types_member import Member
from saleor_retention.graphql.types_program import RetentionProgramConnection
from saleor_retention.graphql.types_verification import RetentionVerification
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Account, Program
from saleor_retention.selectors import digests
from saleor_retention.selectors.liability import ALL, liability, rate_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.membership.members import member_of

BREACHES_MAX = 100


@harmless
def resolve_user_retention(root: Any, info: Any, channel: str | None = None) -> Any:
    """Promise a user's membership, for that user and for those who manage customers.

    Where every customer is a member, a customer becomes one by asking; staff who look do not make
    anybody a member.
    """
    user_ref = str(root.pk)
    asks = requestor(info)
    is_own = asks.app_ref is None and asks.user_ref == user_ref
    if not is_own and not asks.can("users"):
        raise denied("users")

    def in_program(place: tuple[ChannelFacts | None, int | None]) -> Any:
        channel_facts, program_id = place
        if channel_facts is None or program_id is None:
            return None
        found = AccountByUser.of(info).load((program_id, user_ref))
        return found.then(lambda account: shown(account, channel_facts, program_id))

    def shown(account: Account | None, place: ChannelFacts, program_id: int) -> Any:
        if account is not None:
            return Member(account, place.currency, place.ref)
        if not is_own:
            return None
        return (
            ProgramById.of(info)
            .load(program_id)
            .then(lambda program: _opened(info, program, user_ref, place))
        )

    return place_of_member(info, channel).then(in_program)


@discreet
def resolve_program(
    _root: Any,
    info: Any,
    id: str | None = None,  # noqa: A002 - the argument's name in Saleor's API
    slug: str | None = None,
    channel: str | None = None,
) -> Any:
    """Promise a program; those that do not run only to who may change them."""
    if sum(given is not None for given in (id, slug, channel)) > 1:
        raise GraphQLError("Give one of `id`, `slug` and `channel` only.")
    if id is not None:
        try:
            return _visible(info, program_of(id))
        except Refusal:
            return None  # the same as one that does not run, to whoever may not see it
    if slug is not None:
        found = Program.objects.select_related("current_version").filter(slug=slug).first()
        return _visible(info, found)

    def load(place: tuple[ChannelFacts | None, int | None]) -> Any:
        return None if place[1] is None else ProgramById.of(info).load(place[1])

    return place_of_member(info, channel).then(load)


@discreet
def resolve_programs(_root: Any, info: Any, **arguments: Any) -> Any:
    """Return a page of all programs, for those who may change them."""
    require(info, "discounts")
    window = paging.Window.of("retentionPrograms", arguments, str, paging.row_id)
    programs = Program.objects.select_related("current_version").prefetch_related("channels")
    return paging.page(RetentionProgramConnection, programs, paging.Order("slug"), window)


@discreet
def resolve_members(_root: Any, info: Any, **arguments: Any) -> Any:
    """Return a page of members, for those who manage customers."""
    require(info, "users")
    given = arguments.pop("filter", None) or {}
    sort_by = arguments.pop("sort_by", None)
    return members_page(given, sort_by, arguments)


@discreet
def resolve_member(
    _root: Any,
    info: Any,
    id: str | None = None,  # noqa: A002 - the argument's name in Saleor's API
    number: str | None = None,
) -> Member | None:
    """Return one member, for those who manage customers; null where there is none."""
    require(info, "users")
    if (id is None) == (number is None):
        raise GraphQLError("Give one of `id` and `number`.")
    if id is not None:
        return Member(account_of(id, "id"))
    account = Account.objects.filter(member_number=(number or "").strip()).first()
    return None if account is None else Member(account)


@discreet
def resolve_verify(
    _root: Any,
    info: Any,
    program: str | None = None,
    *,
    orders: bool = False,
    all_days: bool = False,
) -> RetentionVerification:
    """Check the ledger and its digests, for those who manage customers."""
    require(info, "users")
    chosen = None if program is None else program_of(program, "program")
    found = breaches(chosen, reads_orders=orders)
    past = digests.verify(digests.since(all_days=all_days))
    return RetentionVerification(
        is_sound=not found and not past.differences,
        count=len(found),
        breaches=found[:BREACHES_MAX],
        changed_days=past.differences[:BREACHES_MAX],
        days=len(past.heads),
    )


@discreet
def resolve_liability(_root: Any, info: Any, **arguments: Any) -> RetentionLiability:
    """Return what a program owes its members, for those who manage programs."""
    require(info, "discounts")
    rate = arguments.get("expected_redemption_rate")
    report = liability(
        program_of(arguments["program_id"], "programId"),
        first_day=arguments["from"],
        last_day=arguments["to"],
        step=Step(arguments.get("by") or Step.DAY),
        rate=ALL if rate is None else rate_of(rate),
        now=moment(info),
    )
    return liability_type(report)


def _opened(info: Any, program: Program, user_ref: str, place: ChannelFacts) -> Member | None:
    with host.current().writer():
        account = member_of(program, user_ref, now=moment(info))
    return None if account is None else Member(account, place.currency, place.ref)


def _visible(info: Any, program: Program | None) -> Program | None:
    if program is None or program.is_active or may(info, "discounts"):
        return program
    return None
