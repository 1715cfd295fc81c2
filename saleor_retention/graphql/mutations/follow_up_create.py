"""``retentionFollowUpCreate``: staff have something to do about a member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.host_types import Date
from saleor_retention.graphql.lookups import account_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_follow_ups import RetentionFollowUp, user_ref_of
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership.follow_ups import Plan, open_task


class RetentionFollowUpCreateInput(graphene.InputObjectType):
    """A new task."""

    member_id = graphene.ID(description="Whom it is about.", required=True)
    reason = graphene.String(
        description="What is to be done, and why. The customer never reads it.", required=True
    )
    due_on = graphene.InputField(
        Date, description="The day on which it is due, today or later.", required=True
    )
    assignee_id = graphene.ID(description="The member of staff who does it.")


class RetentionFollowUpCreate(RetentionMutation):
    """Opens a task about a member. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        input = RetentionFollowUpCreateInput(description="The task.", required=True)

    permissions = ("users",)

    follow_up = graphene.Field(RetentionFollowUp, description="The task.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionFollowUpCreate:
        """Open it."""
        assignee = input.get("assignee_id")
        plan = Plan(
            reason=input["reason"],
            due_on=input["due_on"],
            assignee_ref=user_ref_of(assignee, "assigneeId") if assignee else "",
        )
        account = account_of(input["member_id"])
        return cls(follow_up=open_task(account, plan, actor_ref=asks.actor_ref))
