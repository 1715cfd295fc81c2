"""The audit trail: who did what and when, for those who manage programs or members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.db.models import Q
from graphql.error import GraphQLError

from saleor_retention import host
from saleor_retention.graphql import enums, paging
from saleor_retention.graphql.context import denied_any, may
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.texts import is_storable
from saleor_retention.graphql.types_history import actor_id, note_of, order_id
from saleor_retention.models import AuditAction, AuditEntry
from saleor_retention.selectors import receipts

OF_ADDRESSES = (AuditAction.ADDRESS_SUPPRESS, AuditAction.ADDRESS_RELEASE)
ABOUT_MEMBERS = Q(account__isnull=False) | ~Q(order_ref="") | Q(action__in=OF_ADDRESSES)
ACTORS = {"User": "user", "App": "app"}
SUBJECTS = {"RetentionProgram": "program_id", "RetentionMember": "account_id", "Order": "order_ref"}
KEY_DIGITS = 19


class RetentionAuditEntry(graphene.ObjectType):
    """One thing that staff, an app or a command did."""

    id = graphene.ID(description="The entry's id.", required=True)
    at = graphene.Field(DateTime, description="When it was done.", required=True)
    action = enums.RetentionAuditAction(description="What was done.", required=True)
    actor_id = graphene.ID(
        description="The user or app that did it; null for a command on the server and for the "
        "plugin's page in the dashboard."
    )
    program_id = graphene.ID(description="The program that it concerns.")
    member_id = graphene.ID(description="The member whom it concerns.")
    order_id = graphene.ID(description="The order that it concerns.")
    receipt = graphene.String(description="The receipt that it concerns, with its source before.")
    changes = graphene.List(
        graphene.NonNull(graphene.String),
        description="What is other than before, in words; a line for each change.",
        required=True,
    )
    note = graphene.String(description="The reason that was typed, unless it was redacted since.")

    @staticmethod
    def resolve_id(root: AuditEntry, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionAuditEntry", str(root.pk))

    @staticmethod
    def resolve_actor_id(root: AuditEntry, _info: Any) -> str | None:
        """Return who did it."""
        return actor_id(root.actor_ref)

    @staticmethod
    def resolve_program_id(root: AuditEntry, _info: Any) -> str | None:
        """Return the program's global id."""
        return _global_id("RetentionProgram", root.program_id)

    @staticmethod
    def resolve_member_id(root: AuditEntry, _info: Any) -> str | None:
        """Return the member's global id."""
        return _global_id("RetentionMember", root.account_id)

    @staticmethod
    def resolve_order_id(root: AuditEntry, _info: Any) -> str | None:
        """Return the order's global id; a receipt has none."""
        return order_id(root.order_ref)

    @staticmethod
    def resolve_receipt(root: AuditEntry, _info: Any) -> str | None:
        """Return the receipt as "source:receipt"."""
        is_receipt = root.order_ref.startswith(receipts.PREFIX)
        return root.order_ref[len(receipts.PREFIX) :] if is_receipt else None

    @staticmethod
    def resolve_note(root: AuditEntry, _info: Any) -> str | None:
        """Return the typed reason."""
        return note_of(root)


class RetentionAuditConnection(paging.Connection):
    """What was done, newest first."""

    class Meta:
        """Of audit entries."""

        node = RetentionAuditEntry


class RetentionAuditFilterInput(graphene.InputObjectType):
    """Which entries; all conditions hold together."""

    actor = graphene.ID(description="Of this user or app.")
    actions = graphene.List(
        graphene.NonNull(enums.RetentionAuditAction), description="Of these kinds."
    )
    subject = graphene.ID(description="About this program, member or order.")
    since = graphene.InputField(DateTime, description="At this time or later.")
    until = graphene.InputField(DateTime, description="Before this time.")


@discreet
def resolve_audit_trail(_root: Any, info: Any, **arguments: Any) -> Any:
    """Return a page of what was done, as far as the requestor may see it.

    What concerns a member, an order or a receipt is for those who manage customers, the rest for
    those who manage programs.
    """
    visible = Q(pk=None)
    if may(info, "discounts"):
        visible |= ~ABOUT_MEMBERS
    if may(info, "users"):
        visible |= ABOUT_MEMBERS
    if visible == Q(pk=None):
        raise denied_any("discounts", "users")
    condition = visible & _condition(arguments.pop("filter", None) or {})
    window = paging.Window.of("retentionAuditTrail", arguments, paging.instant, paging.row_id)
    entries = AuditEntry.objects.filter(condition).select_related("note")
    order = paging.Order("at", is_descending=True)
    return paging.page(RetentionAuditConnection, entries, order, window)


def _condition(given: Mapping[str, Any]) -> Q:
    condition = Q()
    if given.get("actor") is not None:
        condition &= Q(actor_ref=_actor_ref(given["actor"]))
    if given.get("actions") is not None:
        condition &= Q(action__in=given["actions"])
    if given.get("subject") is not None:
        condition &= _about(given["subject"])
    if given.get("since") is not None:
        condition &= Q(at__gte=given["since"])
    if given.get("until") is not None:
        condition &= Q(at__lt=given["until"])
    return condition


def _actor_ref(global_id: str) -> str:
    for type_name, kind in ACTORS.items():
        ref = host.current().from_global_id(global_id, type_name)
        if ref is not None and is_storable(ref):
            return f"{kind}:{ref}"
    raise GraphQLError("`filter.actor` must be the id of a user or an app.")


def _about(global_id: str) -> Q:
    for type_name, column in SUBJECTS.items():
        ref = host.current().from_global_id(global_id, type_name)
        if ref is None or not is_storable(ref):
            continue
        if column == "order_ref":
            return Q(order_ref=ref) & ~Q(order_ref="")
        is_key = ref.isascii() and ref.isdecimal() and len(ref) < KEY_DIGITS
        return Q(**{column: int(ref)}) if is_key else Q(pk=None)
    raise GraphQLError("`filter.subject` must be the id of a program, a member or an order.")


def _global_id(type_name: str, key: int | None) -> str | None:
    return None if key is None else host.current().to_global_id(type_name, str(key))
