"""``retentionRedemptionClear``: take the points off a checkout again."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.host_types import Checkout
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.redeeming import (
    CHECKOUT_ID,
    checkout_type,
    redeemer_of,
    unknown_as_missing,
)
from saleor_retention.host.contract import Requestor
from saleor_retention.services.checkout import redeeming


class RetentionRedemptionClear(RetentionMutation):
    """Takes the points off a checkout; nothing happens where none are set.

    For the checkout's logged-in customer; for staff and apps on that customer's behalf with
    MANAGE_CHECKOUTS and MANAGE_USERS.
    """

    class Arguments:
        """What is asked for."""

        checkout_id = CHECKOUT_ID

    checkout = graphene.Field(Checkout, description="The checkout with its new price.")

    @classmethod
    def perform(cls, _info: Any, asks: Requestor, *, checkout_id: str) -> RetentionRedemptionClear:
        """Give the hold's points back."""
        with unknown_as_missing():
            redeemer = redeemer_of(asks, checkout_id)
            redeeming.clear_redemption(
                checkout_ref=redeemer.checkout_ref,
                user_ref=redeemer.user_ref,
                actor_ref=redeemer.actor_ref,
            )
        return cls(checkout=checkout_type(redeemer.checkout_ref))
