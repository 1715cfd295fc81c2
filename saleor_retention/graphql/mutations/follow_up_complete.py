"""``retentionFollowUpComplete``: a task is done, with what came of it."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import follow_up_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_follow_ups import RetentionFollowUp, RetentionFollowUpOutcome
from saleor_retention.host.contract import Requestor
from saleor_retention.models import FollowUpOutcome
from saleor_retention.services.membership.follow_ups import close_task


class RetentionFollowUpComplete(RetentionMutation):
    """Closes a task as done. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The task.", required=True)
        outcome = RetentionFollowUpOutcome(description="What came of it.", required=True)
        note = graphene.String(description="More about it. The customer never reads it.")

    permissions = ("users",)

    follow_up = graphene.Field(RetentionFollowUp, description="The task.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        outcome: str,
        note: str | None = None,
    ) -> RetentionFollowUpComplete:
        """Close it."""
        done = close_task(
            follow_up_of(id), FollowUpOutcome(outcome), note=note or "", actor_ref=asks.actor_ref
        )
        return cls(follow_up=done)
