"""``retentionGiftPick``: choose gifts of an offer, or none."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.host_types import Checkout
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.redeeming import (
    CHECKOUT_ID,
    actor_for,
    checkout_row,
    checkout_type,
    missing_checkout,
)
from saleor_retention.host.contract import Requestor
from saleor_retention.services.offering import gifts


class RetentionGiftPick(RetentionMutation):
    """Chooses gifts of an offer, or none; a unit of each is put into the checkout, or taken off.

    For the checkout's shopper; for staff and apps on a customer's behalf with MANAGE_CHECKOUTS and
    MANAGE_USERS.
    """

    class Arguments:
        """What is asked for."""

        checkout_id = CHECKOUT_ID
        offer_id = graphene.ID(description="The offer, of `giftChoices`.", required=True)
        variant_ids = graphene.List(
            graphene.NonNull(graphene.ID),
            description="All gifts that are wanted of the offer: those chosen earlier that are not "
            "among them are taken off. None when left out.",
        )

    checkout = graphene.Field(Checkout, description="The checkout with its new price.")
    picked = graphene.List(
        graphene.NonNull(graphene.ID), description="The variants that are chosen now."
    )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        checkout_id: str,
        offer_id: str,
        variant_ids: list[str] | None = None,
    ) -> RetentionGiftPick:
        """Keep the choices, and bring the checkout's goods in line with them."""
        shop = host.current()
        checkout_ref = shop.from_global_id(checkout_id, "Checkout")
        if checkout_ref is None:
            raise missing_checkout()
        refs = [_ref(variant_id, "ProductVariant") for variant_id in variant_ids or ()]
        user_ref = _shopper(asks, checkout_ref)
        may_act = asks.can("checkouts") and asks.can("users")
        try:
            picks = gifts.pick_gifts(
                checkout_ref=checkout_ref,
                user_ref=user_ref,
                offer_id=_ref(offer_id, "RetentionOffer"),
                variant_refs=refs,
                actor_ref=actor_for(asks, user_ref) if may_act else "",
            )
        except Refusal as refusal:
            if refusal.code is Code.PERMISSION_DENIED:  # as one that does not exist
                raise missing_checkout() from refusal
            raise
        return cls(
            checkout=checkout_type(checkout_ref),
            picked=[shop.to_global_id("ProductVariant", pick.variant_ref) for pick in picks],
        )


UNKNOWN = {
    "RetentionOffer": (_("There is no such offer."), "offerId"),
    "ProductVariant": (_("There is no such gift any more."), "variantIds"),
}


def _ref(global_id: str, type_name: str) -> str:
    ref = host.current().from_global_id(global_id, type_name)
    if ref is None:
        message, field = UNKNOWN[type_name]
        raise Refusal(Code.NOT_FOUND, phrase(message), field)
    return ref


def _shopper(asks: Requestor, checkout_ref: str) -> str | None:
    """Return for whom the gift is chosen; None for a guest, who has guests' checkouts only."""
    if asks.can("checkouts") and asks.can("users"):
        checkout = checkout_row(checkout_ref)
        owner = None if checkout is None else checkout.user_id
        return None if owner is None else str(owner)
    return asks.user_ref if asks.app_ref is None else None
