"""``retentionFollowUpUpdate``: a task is put off, given to somebody, or said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.host_types import Date
from saleor_retention.graphql.lookups import follow_up_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_follow_ups import RetentionFollowUp, user_ref_of
from saleor_retention.host.contract import Requestor
from saleor_retention.models import FollowUp
from saleor_retention.services.membership.follow_ups import Plan, change_task

ASSIGNEE = "assignee_id"


class RetentionFollowUpUpdateInput(graphene.InputObjectType):
    """Changes of an open task; what is left out stays."""

    reason = graphene.String(description="What is to be done, and why.")
    due_on = graphene.InputField(Date, description="The day on which it is due.")
    assignee_id = graphene.ID(description="The member of staff who does it; null for nobody.")


class RetentionFollowUpUpdate(RetentionMutation):
    """Changes an open task. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The task.", required=True)
        input = RetentionFollowUpUpdateInput(description="What changes.", required=True)

    permissions = ("users",)

    follow_up = graphene.Field(RetentionFollowUp, description="The task, as it is now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        input: Mapping[str, Any],  # noqa: A002
    ) -> RetentionFollowUpUpdate:
        """Change it."""
        task = follow_up_of(id)
        reason, due_on = input.get("reason"), input.get("due_on")
        plan = Plan(
            reason=task.reason if reason is None else reason,
            due_on=task.due_on if due_on is None else due_on,
            assignee_ref=_assignee(task, input),
        )
        return cls(follow_up=change_task(task, plan, actor_ref=asks.actor_ref))


def _assignee(task: FollowUp, given: Mapping[str, Any]) -> str:
    if ASSIGNEE not in given:
        return str(task.assignee_ref)
    return user_ref_of(given[ASSIGNEE], "assigneeId") if given[ASSIGNEE] else ""
