"""What an order did to its customer's points."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.graphql import enums
from saleor_retention.graphql.dataloaders.orders import OrderPoints, PointsOfOrder
from saleor_retention.graphql.errors import discreet, harmless
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_history import order_id
from saleor_retention.graphql.types_order_questions import (
    RetentionEnrolmentReminder,
    reminded,
    resolve_enrolment,
    resolve_order_questions,
)
from saleor_retention.graphql.types_questions import RetentionQuestions
from saleor_retention.graphql.types_surveys import RetentionOrderSurvey, resolve_order_survey


class RetentionOrder(graphene.ObjectType):
    """An order's points. Whoever may see the order may see them."""

    order_id = graphene.ID(description="The order; null for a receipt of a point of sale.")
    state = enums.RetentionOrderState(description="How far its points are.", required=True)
    quoted = graphene.Field(
        RetentionPoints, description="Points that it was to earn when it was placed.", required=True
    )
    earned = graphene.Field(
        RetentionPoints,
        description="Points that it earned, before any were taken back.",
        required=True,
    )
    pending = graphene.Field(
        RetentionPoints,
        description="Points that cannot be spent yet; until the order is booked, those quoted.",
        required=True,
    )
    bonus = graphene.Field(
        RetentionPoints, description="Points for the first order, which it brought.", required=True
    )
    clawed_back = graphene.Field(
        RetentionPoints, description="Points taken back for returns and refunds.", required=True
    )
    redeemed = graphene.Field(
        RetentionPoints, description="Points that it was paid with.", required=True
    )
    restored = graphene.Field(
        RetentionPoints,
        description="Points given back, of those that it was paid with.",
        required=True,
    )
    enrolment = graphene.Field(
        RetentionEnrolmentReminder,
        description="The reminder to enrol for the order's confirmation page; null for a member, "
        "and to whoever is not the order's customer. A guest's order shows it to all who see it.",
    )
    questions = graphene.Field(
        RetentionQuestions,
        description="What to ask the order's customer on its confirmation page; null to others "
        "and of a guest. The purchase itself is no consent.",
    )
    survey = graphene.Field(
        RetentionOrderSurvey,
        description="What the order's customer is asked about it, and has answered; null to "
        "others, of a guest, and where nothing is asked.",
    )

    @staticmethod
    def resolve_order_id(root: OrderPoints, _info: Any) -> str | None:
        """Return the order's global id."""
        return order_id(root.order_ref)

    @staticmethod
    def resolve_state(root: OrderPoints, _info: Any) -> str:
        """Return how far the points are."""
        return root.state.value

    @staticmethod
    @discreet
    def resolve_enrolment(root: OrderPoints, info: Any) -> Any:
        """Promise the reminder to enrol."""
        return resolve_enrolment(info, root)

    @staticmethod
    @discreet
    def resolve_questions(root: OrderPoints, info: Any) -> Any:
        """Promise what to ask."""
        return resolve_order_questions(info, root)

    @staticmethod
    @discreet
    def resolve_survey(root: OrderPoints, info: Any) -> Any:
        """Promise what is asked about the order."""
        return resolve_order_survey(info, root)


@harmless
def resolve_order_retention(root: Any, info: Any) -> Any:
    """Promise the points of an order; null where no program has to do with it."""
    ref = str(host.current().node(root).pk)
    return PointsOfOrder.of(info).load(ref).then(lambda points: reminded(info, ref, points))
