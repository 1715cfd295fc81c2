"""``retentionFeedbackSubmit``: a customer answers what is asked without an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import graphene

from saleor_retention.graphql.inputs_consents import RetentionAnswerInput, plain_value
from saleor_retention.graphql.mutations.base import RetentionMutation, customer_ref
from saleor_retention.graphql.mutations.membership import program_in
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.graphql.types_surveys import RetentionSurveyAnswer
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Account
from saleor_retention.services.membership import feedback


class RetentionFeedbackSubmit(RetentionMutation):
    """Stores what the logged-in customer answers to a questionnaire, once in a period of it.

    Sent again it changes nothing; other answers are refused until the next period.
    """

    class Arguments:
        """What is asked for."""

        survey = graphene.String(description="The questionnaire's stable name.", required=True)
        answers = graphene.List(
            graphene.NonNull(RetentionAnswerInput),
            description="The answers, by question.",
            required=True,
        )
        channel = graphene.String(
            description="Slug of the channel; not needed where one program runs."
        )

    answer = graphene.Field(RetentionSurveyAnswer, description="What was stored.")
    member = graphene.Field(RetentionMember, description="The member.")
    is_new = graphene.Boolean(
        description="Whether it was stored now; false when it was sent before."
    )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        survey: str,
        answers: Sequence[Mapping[str, Any]],
        channel: str | None = None,
    ) -> RetentionFeedbackSubmit:
        """Store it."""
        user_ref = customer_ref(asks)
        place, program = program_in(channel)
        answered = feedback.give_feedback(
            program=program,
            user_ref=user_ref,
            slug=survey,
            given={answer["key"]: plain_value(answer) for answer in answers},
        )
        account = Account.objects.get(pk=answered.answer.account_id)
        member = Member(account, place.currency, place.ref)
        return cls(answer=answered.answer, member=member, is_new=answered.is_new)
