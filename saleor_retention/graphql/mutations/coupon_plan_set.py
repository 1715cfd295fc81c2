"""``retentionCouponPlanSet``: what stands ready to be given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.inputs_coupons import (
    RetentionCouponPlanInput,
    allowances,
    terms_of,
    whole_or_none,
)
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.scalars import whole
from saleor_retention.graphql.types_coupon import RetentionCouponPlan
from saleor_retention.host.contract import Requestor
from saleor_retention.models import CouponTrigger
from saleor_retention.services.couponing.coupon_plans import Draft, set_plan


class RetentionCouponPlanSet(RetentionMutation):
    """Creates a plan of coupons or replaces the one of that slug. Requires MANAGE_DISCOUNTS.

    Coupons that were issued stay as they are.
    """

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        input = RetentionCouponPlanInput(description="The plan.", required=True)

    permissions = ("discounts",)

    plan = graphene.Field(RetentionCouponPlan, description="The plan.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionCouponPlanSet:
        """Set it."""
        program = program_of(program_id, "programId")
        draft = Draft(
            slug=input["slug"],
            trigger=CouponTrigger(input["trigger"]),
            terms=terms_of(input["terms"]),
            valid_for_days=whole(input["valid_for_days"], "validForDays"),
            remind_days=whole_or_none(input.get("remind_days"), "remindDays"),
            cap=whole_or_none(input.get("cap"), "cap"),
            per_day=whole_or_none(input.get("per_day"), "perDay"),
            per_day_groups=allowances(input.get("per_day_groups"), "perDayGroups"),
            per_day_apps=allowances(input.get("per_day_apps"), "perDayApps"),
            is_active=input.get("is_active") is not False,
        )
        return cls(plan=set_plan(program, draft, actor_ref=asks.actor_ref))
