"""``retentionSaleReverse``: goods of a point of sale came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import graphene

from saleor_retention.errors import Code, Refusal, renaming
from saleor_retention.graphql.inputs import RetentionSaleReversalInput
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.sales import member_of, points_of
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.graphql.types_order import RetentionOrder
from saleor_retention.host.contract import Requestor
from saleor_retention.services.ordering.pos import reverse_sale

Lines = Sequence[Mapping[str, Any]]


class RetentionSaleReverse(RetentionMutation):
    """Takes units of a sale back, or all that is left of it. Requires MANAGE_ORDERS.

    Idempotent by the reversal's own name. It may arrive before its sale and then waits for it.
    """

    class Arguments:
        """What is asked for."""

        input = RetentionSaleReversalInput(description="What came back.", required=True)

    permissions = ("orders",)

    member = graphene.Field(
        RetentionMember, description="Whose sale it was; null while the sale has not arrived."
    )
    order = graphene.Field(
        RetentionOrder, description="The receipt's points; null while the sale has not arrived."
    )
    is_new = graphene.Boolean(
        description="Whether it was recorded now; false when it was sent before."
    )

    @classmethod
    def perform(
        cls,
        info: Any,
        asks: Requestor,
        *,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionSaleReverse:
        """Record the reversal and settle the receipt."""
        lines = input.get("lines")
        with renaming(lambda refusal: _by_position(refusal, lines or ())):
            recorded = reverse_sale(
                source=input["source"],
                receipt=input["receipt"],
                reversal_id=input["reversal_id"],
                lines=None if lines is None else _quantities(lines),
                actor_ref=asks.actor_ref,
            )
        return cls(
            member=member_of(recorded), order=points_of(info, recorded), is_new=recorded.is_new
        )


def _quantities(lines: Lines) -> dict[str, Any]:
    quantities: dict[str, Any] = {}
    for index, line in enumerate(lines):
        if line["ref"] in quantities:
            message = f'Line "{line["ref"]}" is given twice.'
            raise Refusal(Code.UNIQUE, message, f"lines.{index}.ref")
        quantities[line["ref"]] = line["quantity"]
    return quantities


def _by_position(refusal: Refusal, lines: Lines) -> Refusal:
    """Name a line of the input by its position, where the service named it by its reference."""
    for index, line in enumerate(lines):
        name = f"lines.{line['ref']}"
        if refusal.field == name:
            return Refusal(refusal.code, refusal.message, f"lines.{index}.ref")
        if refusal.field == f"{name}.quantity":
            return Refusal(refusal.code, refusal.message, f"lines.{index}.quantity")
    return refusal
