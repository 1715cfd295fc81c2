"""``retentionEventReverse``: a review was deleted, a favorite unmarked ..."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_engagement import RetentionEvent
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Account
from saleor_retention.services.membership import events


class RetentionEventReverse(RetentionMutation):
    """Takes back what an event brought, because it was undone. Requires MANAGE_USERS.

    Idempotent. Its place under the limits of its kind stays used.
    """

    class Arguments:
        """What is asked for."""

        source = graphene.String(description="The system that told of it.", required=True)
        reference = graphene.String(description="What the source calls it.", required=True)

    permissions = ("users",)

    event = graphene.Field(RetentionEvent, description="The event.")
    member = graphene.Field(RetentionMember, description="Whose it is.")
    is_new = graphene.Boolean(
        description="Whether it was taken back now; false when that was done before."
    )

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, source: str, reference: str
    ) -> RetentionEventReverse:
        """Take the points back."""
        recorded = events.reverse_event(
            source=source, reference=reference, actor_ref=asks.actor_ref
        )
        member = Member(Account.objects.get(pk=recorded.event.account_id))
        return cls(event=recorded.event, member=member, is_new=recorded.is_new)
