"""``retentionFollowUpDrop``: a task is given up."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import follow_up_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_follow_ups import RetentionFollowUp
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership.follow_ups import close_task


class RetentionFollowUpDrop(RetentionMutation):
    """Closes a task as dropped. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The task.", required=True)
        note = graphene.String(description="Why. The customer never reads it.")

    permissions = ("users",)

    follow_up = graphene.Field(RetentionFollowUp, description="The task.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        note: str | None = None,
    ) -> RetentionFollowUpDrop:
        """Close it."""
        task = close_task(follow_up_of(id), None, note=note or "", actor_ref=asks.actor_ref)
        return cls(follow_up=task)
