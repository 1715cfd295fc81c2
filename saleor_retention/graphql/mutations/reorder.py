"""``retentionReorder``: a checkout with what is about to run out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.host_types import Checkout
from saleor_retention.graphql.mutations.answering import answerer
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.redeeming import checkout_type
from saleor_retention.graphql.types_run_out import RetentionReorderMissing
from saleor_retention.host.contract import Requestor
from saleor_retention.services.campaigning import reordering


class RetentionReorder(RetentionMutation):
    """Opens a checkout of the logged-in customer with what is about to run out.

    Each in the usual quantity, with the customer's e-mail and default addresses, by the shop's own
    `checkoutCreate`. Goods that cannot be bought now are left out and named. Asked again before the
    next order, the same checkout is returned. Not on Saleor 2.10.
    """

    is_one_transaction = True

    class Arguments:
        """What is asked for."""

        channel = graphene.String(
            description="Slug of the channel to buy in; by default where the goods were bought "
            "last. Needed where several programs run."
        )
        variant_ids = graphene.List(
            graphene.NonNull(graphene.ID),
            description="Only these, also when they are used up by now; by default all of "
            "`runOuts` that are running out.",
        )

    checkout = graphene.Field(Checkout, description="The checkout with the goods.")
    is_new = graphene.Boolean(
        description="Whether it was opened now; false for the one of an earlier call."
    )
    missing = graphene.List(
        graphene.NonNull(RetentionReorderMissing),
        description="What runs out and cannot be bought now.",
    )

    @classmethod
    def perform(
        cls,
        info: Any,
        asks: Requestor,
        *,
        channel: str | None = None,
        variant_ids: Sequence[str] | None = None,
    ) -> RetentionReorder:
        """Open the checkout, or return the one that is there."""
        who = answerer(asks, channel, None)
        done = reordering.reorder(
            who.account,
            partial(host.current().counter, info),
            variant_refs=None if variant_ids is None else _refs(variant_ids),
            channel_ref=None if channel is None else who.member.channel_ref,
        )
        return cls(
            checkout=checkout_type(done.checkout_ref),
            is_new=done.is_new,
            missing=list(done.missing),
        )


def _refs(variant_ids: Sequence[str]) -> set[str]:
    refs = set()
    for index, variant_id in enumerate(variant_ids):
        ref = host.current().from_global_id(variant_id, "ProductVariant")
        if ref is None:
            message = phrase(_("There is no such product."))
            raise Refusal(Code.NOT_FOUND, message, f"variantIds.{index}")
        refs.add(ref)
    return refs
