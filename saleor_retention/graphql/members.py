"""The list of members that staff search, filter and sort."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from graphql.error import GraphQLError

from saleor_retention import host
from saleor_retention.graphql import paging
from saleor_retention.graphql.enums import MemberSortField
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.scalars import whole
from saleor_retention.graphql.types_member import Member, RetentionMemberConnection
from saleor_retention.models import Account, AccountState, ProgramChannel

SEARCH_USERS_MAX = 1000
"""How many customers a search may match; one that matches more has to be narrowed."""


@dataclass(frozen=True, slots=True)
class _Sorting:
    column: str
    read: Callable[[Any], Any]


_SORTINGS = {
    MemberSortField.JOINED_AT: _Sorting("joined_at", paging.instant),
    MemberSortField.LAST_ACTIVITY_AT: _Sorting("last_activity_at", paging.instant),
    MemberSortField.AVAILABLE: _Sorting("available", paging.row_id),
    MemberSortField.NUMBER: _Sorting("member_number", str),
}


def members_page(
    given: Mapping[str, Any], sort_by: Mapping[str, Any] | None, arguments: Mapping[str, Any]
) -> paging.Connection:
    """Return a page of members; newest first unless sorted otherwise."""
    sort_by = sort_by or {"field": MemberSortField.JOINED_AT, "direction": "-"}
    sorting = _SORTINGS[MemberSortField(sort_by["field"])]
    window = paging.Window.of("retentionMembers", arguments, sorting.read, paging.row_id)
    order = paging.Order(sorting.column, is_descending=str(sort_by["direction"]) == "-")
    return paging.page(RetentionMemberConnection, _filtered(given), order, window, node_of=Member)


def _filtered(given: Mapping[str, Any]) -> QuerySet[Account]:
    condition = Q(state__in=given.get("states") or [AccountState.MEMBER])
    if given.get("program"):
        condition &= Q(program=program_of(given["program"], "program"))
    if given.get("channel"):
        condition &= Q(program_id__in=_programs_in(given["channel"]))
    if given.get("tiers"):
        condition &= Q(tier__in=given["tiers"])
    if given.get("available_min") is not None:
        condition &= Q(available__gte=whole(given["available_min"], "availableMin"))
    if given.get("available_max") is not None:
        condition &= Q(available__lte=whole(given["available_max"], "availableMax"))
    if given.get("has_deficit") is not None:
        condition &= Q(deficit__gt=0) if given["has_deficit"] else Q(deficit=0)
    if given.get("joined_after") is not None:
        condition &= Q(joined_at__gte=given["joined_after"])
    if given.get("joined_before") is not None:
        condition &= Q(joined_at__lt=given["joined_before"])
    if (given.get("search") or "").strip():
        condition &= _matching(given["search"].strip())
    return Account.objects.filter(condition)


def _programs_in(slug: str) -> Any:
    refs = [place.ref for place in host.current().channels() if place.slug == slug]
    if not refs:
        raise GraphQLError(f'There is no channel "{slug}".')
    active = ProgramChannel.objects.filter(channel_ref__in=refs, is_active=True)
    return active.values("program_id")


def _matching(text: str) -> Q:
    users = host.current().find_user_refs(text, SEARCH_USERS_MAX + 1)
    if len(users) > SEARCH_USERS_MAX:
        raise GraphQLError(f"More than {SEARCH_USERS_MAX} customers match; search for more of it.")
    return Q(member_number=text) | Q(user_id__in=users)
