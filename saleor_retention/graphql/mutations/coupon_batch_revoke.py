"""``retentionCouponBatchRevoke``: end all codes of a batch."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import batch_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_coupon import RetentionCouponBatch
from saleor_retention.host.contract import Requestor
from saleor_retention.services.couponing.coupon_batches import revoke_batch


class RetentionCouponBatchRevoke(RetentionMutation):
    """Ends all codes of a batch that can still be used, for a reason. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The batch.", required=True)
        reason = graphene.String(description="Why, for the audit trail.", required=True)

    permissions = ("discounts",)

    batch = graphene.Field(RetentionCouponBatch, description="The batch.")
    ended = graphene.Int(description="How many codes ended now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        reason: str,
    ) -> RetentionCouponBatchRevoke:
        """End them."""
        batch = batch_of(id)
        ended = revoke_batch(batch, actor_ref=asks.actor_ref, reason=reason)
        batch.refresh_from_db()
        return cls(batch=batch, ended=ended)
