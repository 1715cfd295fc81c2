"""``retentionCouponGive``: goodwill by service staff."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.lookups import account_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_coupon import RetentionCoupon
from saleor_retention.host.contract import Requestor
from saleor_retention.models import CouponPlan
from saleor_retention.services.couponing import coupon_plans


class RetentionCouponGive(RetentionMutation):
    """Gives a member a coupon of a plan, for a reason. Requires MANAGE_USERS.

    The plan limits how many one member of staff or app may give in a day.
    """

    class Arguments:
        """What is asked for."""

        member_id = graphene.ID(description="The member.", required=True)
        plan = graphene.String(description="Slug of the plan.", required=True)
        reason = graphene.String(
            description="Why. Staff read it in the audit trail, the customer does not.",
            required=True,
        )
        key = graphene.String(
            description="A name of your own for this gift, unique in the program: sent again, it "
            "gives nothing more and answers the same.",
            required=True,
        )

    permissions = ("users",)

    coupon = graphene.Field(RetentionCoupon, description="The coupon.")

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, member_id: str, plan: str, reason: str, key: str
    ) -> RetentionCouponGive:
        """Give it."""
        account = account_of(member_id)
        plans = CouponPlan.objects.select_related("program")
        found = plans.filter(program_id=account.program_id, slug=plan).first()
        if found is None:
            raise Refusal(Code.NOT_FOUND, "There is no such plan in the member's program.", "plan")
        coupon = coupon_plans.give(
            plan=found, account=account, reason=reason, actor_ref=asks.actor_ref, key=key
        )
        return cls(coupon=coupon)
