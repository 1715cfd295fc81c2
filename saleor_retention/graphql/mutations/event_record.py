"""``retentionEventRecord``: a member wrote a review, marked a favorite, followed the shop ..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.utils import timezone

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.inputs_engagement import RetentionEventInput
from saleor_retention.graphql.lookups import account_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.membership import program_in
from saleor_retention.graphql.types_engagement import RetentionEvent
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Account
from saleor_retention.services.ledger.locking import run_serialized
from saleor_retention.services.membership import events
from saleor_retention.services.membership.members import member_of
from saleor_retention.services.ordering.looking_up import member_by
from saleor_retention.services.ordering.pos_checks import Checks, MemberKey

WAYS = ("member_id", "user_id", "member")


class RetentionEventRecord(RetentionMutation):
    """Records what a member did and books what the program's rules give. Requires MANAGE_USERS.

    Idempotent by source and reference: sent again it changes nothing, with other content it is
    refused. Beyond a limit it is recorded without points, and `outcome` says which limit it is.
    Staff are refused (LIMIT_REACHED) where it brings more than they may grant; apps are not.
    """

    class Arguments:
        """What is asked for."""

        input = RetentionEventInput(description="The event.", required=True)

    permissions = ("users",)

    event = graphene.Field(RetentionEvent, description="The event.")
    member = graphene.Field(RetentionMember, description="Whose it is.")
    is_new = graphene.Boolean(
        description="Whether it was recorded now; false when it was sent before."
    )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionEventRecord:
        """Record and reward it."""

        def record() -> events.Recorded:  # in one transaction: a refusal opens no account
            return events.record_event(
                account=_member(input),
                source=input["source"],
                reference=input["reference"],
                kind=input["kind"],
                object_ref=input.get("object") or "",
                at=input.get("at"),
                actor_ref=asks.actor_ref,
            )

        recorded = run_serialized(record)
        member = Member(Account.objects.get(pk=recorded.event.account_id))
        return cls(event=recorded.event, member=member, is_new=recorded.is_new)


def _member(given: Mapping[str, Any]) -> Account:
    """Return the member that is named, in one way."""
    if sum(given.get(way) is not None for way in WAYS) != 1:
        message = "Name the member by exactly one of memberId, userId and member."
        raise Refusal(Code.REQUIRED, message, "memberId")
    if given.get("member_id") is not None:
        return account_of(given["member_id"])
    _place, program = program_in(given.get("channel"))
    if given.get("member") is not None:
        named = given["member"]
        key = MemberKey(**{way: named.get(way) or "" for way in ("number", "phone", "email")})
        checks = Checks()
        checks.member(key)
        checks.end()
        return member_by(program, key, timezone.now())
    user_ref = host.current().from_global_id(given["user_id"], "User")
    found = None
    if user_ref is not None and user_ref in host.current().users([user_ref]):
        found = member_of(program, user_ref)
    if found is None:
        raise Refusal(Code.NOT_FOUND, "There is no such member.", "userId")
    return found
