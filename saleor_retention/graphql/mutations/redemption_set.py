"""``retentionRedemptionSet``: pay a checkout partly with points."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.enums import RetentionClampReason
from saleor_retention.graphql.host_types import Checkout
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.redeeming import (
    CHECKOUT_ID,
    checkout_type,
    redeemer_of,
    unknown_as_missing,
)
from saleor_retention.graphql.scalars import RetentionPoints, RetentionWholeNumber, whole
from saleor_retention.host.contract import Requestor
from saleor_retention.services.checkout import redeeming


class RetentionRedemptionSet(RetentionMutation):
    """Sets the points that a checkout is paid with; 0 sets none, and the last call counts.

    For the checkout's logged-in customer; for staff and apps on that customer's behalf with
    MANAGE_CHECKOUTS and MANAGE_USERS. More points than the customer has are refused. Fewer than
    asked for are set only where the goods, the program's share of an order or its step size allow
    no more.
    """

    class Arguments:
        """What is asked for."""

        checkout_id = CHECKOUT_ID
        points = RetentionWholeNumber(description="How many points; 0 for none.", required=True)

    checkout = graphene.Field(Checkout, description="The checkout with its new price.")
    points = graphene.Field(RetentionPoints, description="Points that are set now.")
    clamped_by = RetentionClampReason(
        description="What allowed fewer points than asked for; null when all of them are set."
    )

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, checkout_id: str, points: Any
    ) -> RetentionRedemptionSet:
        """Place, change or clear the hold."""
        wanted = whole(points, "points", minimum=0)
        with unknown_as_missing():
            redeemer = redeemer_of(asks, checkout_id)
            hold = redeeming.set_redemption(
                checkout_ref=redeemer.checkout_ref,
                user_ref=redeemer.user_ref,
                points=wanted,
                actor_ref=redeemer.actor_ref,
            )
        return cls(
            checkout=checkout_type(redeemer.checkout_ref),
            points=hold.points if hold is not None else 0,
            clamped_by=(hold.clamped_by or None) if hold is not None else None,
        )
