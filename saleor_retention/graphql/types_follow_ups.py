"""Tasks of staff about members, for those who manage customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.db.models import Q

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql import paging
from saleor_retention.graphql.context import require
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import Date, DateTime
from saleor_retention.graphql.lookups import account_of, program_of
from saleor_retention.graphql.texts import is_storable
from saleor_retention.graphql.types_history import actor_id
from saleor_retention.models import FollowUp, FollowUpOutcome, FollowUpState

RetentionFollowUpState = described(
    "RetentionFollowUpState",
    FollowUpState,
    "How far a task is.",
    {
        FollowUpState.OPEN: "It is still to be done.",
        FollowUpState.DONE: "It was done; `outcome` says what came of it.",
        FollowUpState.DROPPED: "It was given up, or the customer was erased.",
    },
)

RetentionFollowUpOutcome = described(
    "RetentionFollowUpOutcome",
    FollowUpOutcome,
    "What came of a task.",
    {
        FollowUpOutcome.REACHED: "The customer was spoken to.",
        FollowUpOutcome.NOT_REACHED: "The customer could not be reached.",
        FollowUpOutcome.BOUGHT: "The customer bought.",
        FollowUpOutcome.DECLINED: "The customer does not want it.",
        FollowUpOutcome.OTHER: "Something else; the note says what.",
    },
)


class RetentionFollowUp(graphene.ObjectType):
    """A task of staff about a member."""

    id = graphene.ID(description="The task's id.", required=True)
    program_id = graphene.ID(description="The program.", required=True)
    member_id = graphene.ID(description="Whom it is about.", required=True)
    reason = graphene.String(
        description='What is to be done, and why; "" once the customer was erased.', required=True
    )
    due_on = graphene.Field(Date, description="The day on which it is due.", required=True)
    assignee_id = graphene.ID(description="The user who does it; null for nobody yet.")
    state = RetentionFollowUpState(description="How far it is.", required=True)
    outcome = RetentionFollowUpOutcome(description="What came of it; null unless it was done.")
    note = graphene.String(description="What was written when it was closed.", required=True)
    segment_id = graphene.ID(
        description="The segment that asked for it; null of one that was opened by hand."
    )
    created_at = graphene.Field(DateTime, description="When it was opened.", required=True)
    created_by_id = graphene.ID(description="The user or app that opened it by hand.")
    closed_at = graphene.Field(DateTime, description="When it was done or dropped.")
    closed_by_id = graphene.ID(description="The user or app that closed it.")

    @staticmethod
    def resolve_id(root: FollowUp, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionFollowUp", str(root.pk))

    @staticmethod
    def resolve_program_id(root: FollowUp, _info: Any) -> str:
        """Return the program."""
        return host.current().to_global_id("RetentionProgram", str(root.program_id))

    @staticmethod
    def resolve_member_id(root: FollowUp, _info: Any) -> str:
        """Return whom it is about."""
        return host.current().to_global_id("RetentionMember", str(root.account_id))

    @staticmethod
    def resolve_assignee_id(root: FollowUp, _info: Any) -> str | None:
        """Return who does it."""
        ref = root.assignee_ref
        return host.current().to_global_id("User", ref) if ref else None

    @staticmethod
    def resolve_outcome(root: FollowUp, _info: Any) -> str | None:
        """Return what came of it."""
        return root.outcome or None

    @staticmethod
    def resolve_segment_id(root: FollowUp, _info: Any) -> str | None:
        """Return the segment that asked for it."""
        key = root.segment_id
        return None if key is None else host.current().to_global_id("RetentionSegment", str(key))

    @staticmethod
    def resolve_created_by_id(root: FollowUp, _info: Any) -> str | None:
        """Return who opened it."""
        return actor_id(root.created_by)

    @staticmethod
    def resolve_closed_by_id(root: FollowUp, _info: Any) -> str | None:
        """Return who closed it."""
        return actor_id(root.closed_by)


class RetentionFollowUpConnection(paging.Connection):
    """Tasks by the day on which they are due, a page at a time."""

    class Meta:
        """Of tasks."""

        node = RetentionFollowUp


class RetentionFollowUpFilterInput(graphene.InputObjectType):
    """Which tasks; all conditions hold together."""

    program = graphene.ID(description="Of this program.")
    member = graphene.ID(description="About this member.")
    states = graphene.List(graphene.NonNull(RetentionFollowUpState), description="In these states.")
    due_until = graphene.InputField(Date, description="Due on this day or before.")
    assignee = graphene.ID(description="Of this user.")
    unassigned = graphene.Boolean(description="True: only those that nobody has yet.")


@discreet
def resolve_follow_ups(_root: Any, info: Any, **arguments: Any) -> Any:
    """Return a page of tasks, for those who manage customers."""
    require(info, "users")
    given = arguments.pop("filter", None) or {}
    window = paging.Window.of("retentionFollowUps", arguments, paging.day, paging.row_id)
    found = FollowUp.objects.filter(_condition(given))
    return paging.page(RetentionFollowUpConnection, found, paging.Order("due_on"), window)


def user_ref_of(global_id: str, field: str) -> str:
    """Return the reference in a user's id; refuse NOT_FOUND, naming the input field."""
    ref = host.current().from_global_id(global_id, "User")
    if not ref or not is_storable(ref):
        raise Refusal(Code.NOT_FOUND, "There is no such member of staff.", field)
    return ref


def _condition(given: Mapping[str, Any]) -> Q:
    condition = Q()
    if given.get("program") is not None:
        condition &= Q(program=program_of(given["program"], "filter.program"))
    if given.get("member") is not None:
        condition &= Q(account=account_of(given["member"], "filter.member"))
    if given.get("states") is not None:
        condition &= Q(state__in=given["states"])
    if given.get("due_until") is not None:
        condition &= Q(due_on__lte=given["due_until"])
    if given.get("assignee") is not None:
        condition &= Q(assignee_ref=user_ref_of(given["assignee"], "filter.assignee"))
    if given.get("unassigned"):
        condition &= Q(assignee_ref="")
    return condition
