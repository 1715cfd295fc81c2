"""``retentionOrderSettle``: book an order again as it is now."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.dataloaders.orders import PointsOfOrder
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_order import RetentionOrder
from saleor_retention.host.contract import Requestor
from saleor_retention.services.ordering.settling import settle_by_hand


class RetentionOrderSettle(RetentionMutation):
    """Brings the ledger to what an order's state asks for. Requires MANAGE_ORDERS.

    This happens by itself when an order changes and every hour; asking again changes nothing
    that is right already.
    """

    class Arguments:
        """What is asked for."""

        order_id = graphene.ID(description="The order.", required=True)

    permissions = ("orders",)

    order = graphene.Field(
        RetentionOrder, description="The order's points; null where no program has to do with it."
    )

    @classmethod
    def perform(cls, info: Any, asks: Requestor, *, order_id: str) -> RetentionOrderSettle:
        """Settle it."""
        shop = host.current()
        order_ref = shop.from_global_id(order_id, "Order")
        if order_ref is None or shop.order_facts(order_ref) is None:
            raise Refusal(Code.NOT_FOUND, "There is no such order.", "orderId")
        settle_by_hand(order_ref=order_ref, actor_ref=asks.actor_ref)
        return cls(order=PointsOfOrder(info).find([order_ref]).get(order_ref))
