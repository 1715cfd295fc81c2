"""The movements of a member's points and tier, with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.graphql import enums, paging, words
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.members import OrderNumber
from saleor_retention.graphql.dataloaders.pages import total_change
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.types_program import RetentionThreshold, threshold_type
from saleor_retention.models import TierChange, Transaction
from saleor_retention.selectors import receipts
from saleor_retention.selectors.programs import rules_of


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a member's history with what it takes to say it."""

    row: Any
    number: str = ""  # the order's


class RetentionBalance(graphene.ObjectType):
    """A member's points, true at this instant whether or not any job has run."""

    available = graphene.Int(description="Points that can be spent.", required=True)
    pending = graphene.Int(description="Points earned that cannot be spent yet.", required=True)
    held = graphene.Int(description="Points set aside for open checkouts.", required=True)
    deficit = graphene.Int(
        description="Points owed; later ones repay them before any can be spent.", required=True
    )


class RetentionLedgerEntry(graphene.ObjectType):
    """One signed movement in one account of the ledger."""

    book = enums.RetentionBook(description="The account.", required=True)
    points = graphene.Int(description="The movement.", required=True)


class RetentionAudit(graphene.ObjectType):
    """Who and what moved points, for staff."""

    recorded_at = graphene.Field(DateTime, description="When it was written.", required=True)
    key = graphene.String(description="The idempotency key.", required=True)
    rule_key = graphene.String(description="The rule that it follows from.", required=True)
    cause = graphene.String(description="What brought it about.", required=True)
    actor_id = graphene.ID(description="The user or app that did it; null when nobody did.")
    note = graphene.String(description="The reason that was typed; null when there is none.")
    version = graphene.Int(description="The number of the program's version in force.")
    entries = graphene.List(
        graphene.NonNull(RetentionLedgerEntry),
        description="The movements, which sum to zero.",
        required=True,
    )


class RetentionHistoryEntry(graphene.ObjectType):
    """One movement of a member's points, with its reason."""

    id = graphene.ID(description="The entry's id.", required=True)
    at = graphene.Field(DateTime, description="When it took effect.", required=True)
    kind = enums.RetentionHistoryKind(description="Why points moved.", required=True)
    points = graphene.Int(
        description="The change of the member's points. Where they only moved between pending, "
        "set aside and available, how many became available.",
        required=True,
    )
    change = graphene.Field(
        RetentionBalance, description="The change of each balance.", required=True
    )
    text = graphene.String(description="The reason in words.", required=True)
    order_id = graphene.ID(description="The order it belongs to.")
    order_number = graphene.String(description="The order's or receipt's number.")
    audit = graphene.Field(
        RetentionAudit, description="Who and what moved them. Requires MANAGE_USERS."
    )

    @staticmethod
    def resolve_id(root: Row, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionHistoryEntry", str(root.row.pk))

    @staticmethod
    def resolve_at(root: Row, _info: Any) -> Any:
        """Return when it took effect."""
        return root.row.effective_at

    @staticmethod
    def resolve_kind(root: Row, _info: Any) -> str:
        """Return why points moved."""
        return str(root.row.kind)

    @staticmethod
    def resolve_points(root: Row, _info: Any) -> int:
        """Return what changed for the member."""
        return total_change(root.row.change)

    @staticmethod
    def resolve_change(root: Row, _info: Any) -> RetentionBalance:
        """Return the change of each balance; the deficit counts what is owed."""
        change = root.row.change
        return RetentionBalance(
            available=change.get("available", 0),
            pending=change.get("pending", 0),
            held=change.get("held", 0),
            deficit=-change.get("deficit", 0),
        )

    @staticmethod
    def resolve_text(root: Row, _info: Any) -> str:
        """Return the reason in words."""
        row = root.row
        return words.said(words.reason(row.kind, row.rule_key, root.number, row.cause))

    @staticmethod
    def resolve_order_id(root: Row, _info: Any) -> str | None:
        """Return the order's global id; a receipt of a point of sale has none."""
        return order_id(root.row.order_ref)

    @staticmethod
    def resolve_order_number(root: Row, _info: Any) -> str | None:
        """Return the number that the customer knows."""
        return root.number or None

    @staticmethod
    def resolve_audit(root: Row, info: Any) -> RetentionAudit:
        """Return who and what moved them, for staff."""
        require(info, "users")
        return audit_type(root.row)


class RetentionHistoryConnection(paging.Connection):
    """A member's history, newest first."""

    class Meta:
        """Of history entries."""

        node = RetentionHistoryEntry


class RetentionTierChange(graphene.ObjectType):
    """One change of a member's tier."""

    at = graphene.Field(DateTime, description="When it changed.", required=True)
    kind = enums.RetentionTierChangeKind(description="Why it changed.", required=True)
    from_tier = graphene.String(description="Slug of the tier before; null for none.")
    to_tier = graphene.String(description="Slug of the tier after; null for none.")
    value = graphene.Field(
        RetentionThreshold, description="What the member had reached, where that decided."
    )
    valid_until = graphene.Field(DateTime, description="Until when it holds; null for no end.")
    order_id = graphene.ID(description="The order that brought it about.")
    actor_id = graphene.ID(description="The user or app that changed it. Requires MANAGE_USERS.")
    note = graphene.String(description="The reason that was typed. Requires MANAGE_USERS.")

    @staticmethod
    def resolve_from_tier(root: TierChange, _info: Any) -> str | None:
        """Return the tier before."""
        return root.from_tier or None

    @staticmethod
    def resolve_to_tier(root: TierChange, _info: Any) -> str | None:
        """Return the tier after."""
        return root.to_tier or None

    @staticmethod
    @discreet
    def resolve_value(root: TierChange, _info: Any) -> Any:
        """Return the sum that justified it, in what the ladder counted then."""
        if root.metric_value is None:
            return None
        return threshold_type(root.metric_value, rules_of(root.version_id))

    @staticmethod
    def resolve_order_id(root: TierChange, _info: Any) -> str | None:
        """Return the order's global id."""
        return order_id(root.order_ref)

    @staticmethod
    def resolve_actor_id(root: TierChange, info: Any) -> str | None:
        """Return who changed it, for staff."""
        require(info, "users")
        return actor_id(root.actor_ref)

    @staticmethod
    def resolve_note(root: TierChange, info: Any) -> str | None:
        """Return the typed reason, for staff."""
        require(info, "users")
        return note_of(root)


class RetentionTierChangeConnection(paging.Connection):
    """A member's tiers over time, newest first."""

    class Meta:
        """Of tier changes."""

        node = RetentionTierChange


def order_id(order_ref: str) -> str | None:
    """Return an order's global id; None where there is none, as for a receipt."""
    if not order_ref or order_ref.startswith(receipts.PREFIX):
        return None
    return host.current().to_global_id("Order", order_ref)


def actor_id(actor_ref: str) -> str | None:
    """Return the global id of "user:<pk>" or "app:<pk>"."""
    kind, _, ref = actor_ref.partition(":")
    return host.current().to_global_id(kind.capitalize(), ref) if ref else None


def note_of(row: Any) -> str | None:
    """Return the words that were typed, unless they were redacted since."""
    return row.note.text if row.note is not None and row.note.redacted_at is None else None


def audit_type(row: Transaction) -> RetentionAudit:
    """Return who and what moved points."""
    return RetentionAudit(
        recorded_at=row.recorded_at,
        key=row.key,
        rule_key=row.rule_key,
        cause=row.cause,
        actor_id=actor_id(row.actor_ref),
        note=note_of(row),
        version=row.version.number if row.version is not None else None,
        entries=[
            RetentionLedgerEntry(book=book, points=points)
            for book, points in sorted(row.change.items())
        ],
    )


def with_numbers(info: Any, rows: list[Transaction]) -> Any:
    """Promise the rows with the numbers of their orders."""
    refs = [row.order_ref for row in rows]
    known = sorted({ref for ref in refs if ref})

    def joined(numbers: list[str | None]) -> list[Row]:
        by_ref = dict(zip(known, numbers, strict=True))
        return [Row(row, by_ref.get(row.order_ref) or "") for row in rows]

    return OrderNumber.of(info).load_many(known).then(joined)
