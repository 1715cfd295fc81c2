"""What an order's confirmation asks its customer: to enrol, and what the program wants to know.

A purchase is no consent: it is only a good moment to ask. Nothing is told of a customer to anybody
else who sees the order.
"""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.engine.questions import Open
from saleor_retention.engine.rules import Enrolment
from saleor_retention.graphql.context import requestor
from saleor_retention.graphql.dataloaders.order_questions import AskerOfOrder, OrderAsker
from saleor_retention.graphql.dataloaders.orders import OrderPoints
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_profile import resolve_open
from saleor_retention.graphql.types_program import Terms
from saleor_retention.graphql.types_questions import questions_type


class RetentionEnrolmentReminder(graphene.ObjectType):
    """What to tell a customer who is no member yet."""

    text = graphene.String(
        description='The reminder in the shop\'s words; "" for none.', required=True
    )
    needs_account = graphene.Boolean(
        description="Whether the customer has to register with the shop first.", required=True
    )
    orders = graphene.Int(description="How many orders the customer placed here; null of a guest.")
    welcome_points = graphene.Field(
        RetentionPoints, description="Points for becoming a member.", required=True
    )
    points = graphene.Field(
        RetentionPoints,
        description="Points of this order that wait for the customer, who gets them with a "
        "confirmed account of the same address.",
        required=True,
    )


def asker(info: Any, root: OrderPoints) -> Any:
    """Promise whom an order's confirmation asks; None where nobody is or somebody else looks."""
    asks = requestor(info)

    def seen(found: OrderAsker | None) -> OrderAsker | None:
        if found is None:
            return None
        is_own = asks.app_ref is None and asks.user_ref == found.user_ref
        return found if found.user_ref is None or is_own else None

    return AskerOfOrder.of(info).load(root.order_ref).then(seen)


def resolve_enrolment(info: Any, root: OrderPoints) -> Any:
    """Promise the reminder; null for members, for who left or placed too few, and to others."""

    def made(found: OrderAsker | None) -> RetentionEnrolmentReminder | None:
        if found is None or found.account is not None:
            return None
        rules = Terms.of(found.program).rules
        if found.user_ref is not None and rules.enrolment is Enrolment.EVERY_CUSTOMER:
            return None
        if found.orders < rules.questions.enrolment_orders:
            return None
        return RetentionEnrolmentReminder(
            text=rules.questions.enrolment,
            needs_account=found.user_ref is None,
            orders=None if found.user_ref is None else found.orders,
            welcome_points=rules.welcome_points,
            points=max(root.earned - root.clawed_back, root.pending),
        )

    return asker(info, root).then(made)


def resolve_order_questions(info: Any, root: OrderPoints) -> Any:
    """Promise what is still to be asked of the order's customer; null to others and of guests."""

    def made(found: OrderAsker | None) -> Any:
        if found is None or found.user_ref is None:
            return None
        if found.account is not None:
            return resolve_open(info, found.account).then(questions_type)
        return questions_type(Open(Terms.of(found.program).rules.questions))

    return asker(info, root).then(made)


def reminded(info: Any, order_ref: str, points: OrderPoints | None) -> Any:
    """Promise what an order shows: its points, or none of them where only a reminder is due."""
    if points is not None:
        return points
    empty = OrderPoints(order_ref)
    return resolve_enrolment(info, empty).then(lambda found: None if found is None else empty)
