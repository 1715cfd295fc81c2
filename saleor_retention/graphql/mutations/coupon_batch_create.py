"""``retentionCouponBatchCreate``: order many codes at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.graphql.inputs_coupons import RetentionCouponBatchInput, terms_of
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.scalars import whole
from saleor_retention.graphql.types_coupon import RetentionCouponBatch
from saleor_retention.host.contract import Requestor
from saleor_retention.services.couponing.coupon_batches import Order, order_batch


class RetentionCouponBatchCreate(RetentionMutation):
    """Orders many codes at once, for whoever has them. Requires MANAGE_DISCOUNTS.

    A worker makes them; `issued` of the batch says how many are there.
    """

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        input = RetentionCouponBatchInput(description="The batch.", required=True)

    permissions = ("discounts",)

    batch = graphene.Field(RetentionCouponBatch, description="The batch.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionCouponBatchCreate:
        """Order it, and have its codes made."""
        wanted = Order(
            key=input["key"],
            size=whole(input["size"], "size"),
            terms=terms_of(input["terms"]),
            valid_for_days=whole(input["valid_for_days"], "validForDays"),
            prefix=input.get("prefix") or "",
            campaign=input.get("campaign") or "",
        )
        program = program_of(program_id, "programId")
        batch = order_batch(program, wanted, actor_ref=asks.actor_ref)
        host.current().dispatch("fill_batch", batch.pk)
        batch.refresh_from_db()
        return cls(batch=batch)
