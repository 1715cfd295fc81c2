"""``retentionSaleRecord``: a member bought something at a point of sale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.inputs import RetentionSaleInput
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.membership import program_in
from saleor_retention.graphql.mutations.sales import member_of, points_of
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.graphql.types_order import RetentionOrder
from saleor_retention.host.contract import Requestor
from saleor_retention.services.ordering.pos import MemberKey, SaleLine, record_sale


class RetentionSaleRecord(RetentionMutation):
    """Records a paid sale at a point of sale, which earns as an order does. Requires MANAGE_ORDERS.

    Idempotent by source and receipt: sent again it changes nothing, with other content it is
    refused. It may arrive late, and after its own reversal.
    """

    class Arguments:
        """What is asked for."""

        input = RetentionSaleInput(description="The sale.", required=True)

    permissions = ("orders",)

    member = graphene.Field(RetentionMember, description="Whose sale it is.")
    order = graphene.Field(RetentionOrder, description="The receipt's points.")
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
    ) -> RetentionSaleRecord:
        """Record and settle it."""
        member = input["member"]
        recorded = record_sale(
            source=input["source"],
            receipt=input["receipt"],
            channel=_channel_ref(input.get("channel")),
            member=MemberKey(
                **{key: member.get(key) or "" for key in ("number", "phone", "email")}
            ),
            sold_at=input["sold_at"],
            currency=input["currency"],
            lines=[_line(index, line) for index, line in enumerate(input["lines"], start=1)],
            actor_ref=asks.actor_ref,
        )
        return cls(
            member=member_of(recorded), order=points_of(info, recorded), is_new=recorded.is_new
        )


def _channel_ref(slug: str | None) -> str:
    if slug is None:
        return program_in(None)[0].ref
    for place in host.current().channels():
        if place.slug == slug:
            return place.ref
    raise Refusal(Code.NOT_FOUND, f'There is no channel "{slug}".', "channel")


def _line(position: int, given: Mapping[str, Any]) -> SaleLine:
    ref = given.get("ref")
    return SaleLine(
        ref=str(position) if ref is None else ref,
        quantity=given["quantity"],
        gross=given["gross"],
        net=given.get("net"),
        sku=given.get("sku") or "",
        is_gift_card=bool(given.get("is_gift_card")),
    )
