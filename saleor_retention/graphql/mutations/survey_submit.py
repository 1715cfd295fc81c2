"""``retentionSurveySubmit``: a customer answers what is asked about an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.graphql.inputs_consents import RetentionAnswerInput, plain_value
from saleor_retention.graphql.mutations.base import RetentionMutation, customer_ref
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.graphql.types_surveys import RetentionSurveyAnswer
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Account
from saleor_retention.services.membership import surveys


class RetentionSurveySubmit(RetentionMutation):
    """Stores what the logged-in customer answers about one of his own orders, once.

    Sent again it changes nothing; other answers are refused. An order of somebody else is answered
    like one that does not exist.
    """

    class Arguments:
        """What is asked for."""

        order_id = graphene.ID(description="The order, paid and not canceled.", required=True)
        answers = graphene.List(
            graphene.NonNull(RetentionAnswerInput),
            description="The answers, by question.",
            required=True,
        )

    answer = graphene.Field(RetentionSurveyAnswer, description="What was stored.")
    member = graphene.Field(RetentionMember, description="The member.")
    is_new = graphene.Boolean(
        description="Whether it was stored now; false when it was sent before."
    )

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, order_id: str, answers: Sequence[Mapping[str, Any]]
    ) -> RetentionSurveySubmit:
        """Store and reward it."""
        answered = surveys.answer_survey(
            user_ref=customer_ref(asks),
            order_ref=host.current().from_global_id(order_id, "Order"),
            given={answer["key"]: plain_value(answer) for answer in answers},
        )
        member = Member(Account.objects.get(pk=answered.answer.account_id))
        return cls(answer=answered.answer, member=member, is_new=answered.is_new)
