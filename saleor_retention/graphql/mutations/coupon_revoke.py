"""``retentionCouponRevoke``: end one coupon."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import coupon_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_coupon import RetentionCoupon
from saleor_retention.host.contract import Requestor
from saleor_retention.services.couponing import coupons


class RetentionCouponRevoke(RetentionMutation):
    """Ends a coupon that can still be used, for a reason. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The coupon.", required=True)
        reason = graphene.String(
            description="Why. Staff read it in the audit trail, the customer does not.",
            required=True,
        )

    permissions = ("users",)

    coupon = graphene.Field(RetentionCoupon, description="The coupon.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        reason: str,
    ) -> RetentionCouponRevoke:
        """End it."""
        coupon = coupons.revoke(coupon=coupon_of(id), actor_ref=asks.actor_ref, reason=reason)
        return cls(coupon=coupon)
