"""``retentionProfileUpdate``: keep what a customer tells of himself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.errors import renaming
from saleor_retention.graphql.inputs_consents import (
    RetentionProfileInput,
    changes_in,
    in_terms_of_input,
)
from saleor_retention.graphql.mutations.answering import answerer
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.models import ProfileSource
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.membership import profiles


class RetentionProfileUpdate(RetentionMutation):
    """Keeps facts that the logged-in customer tells of himself, a few at a time.

    For another member it requires MANAGE_USERS.
    """

    is_one_transaction = True

    class Arguments:
        """What is asked for."""

        input = RetentionProfileInput(description="The facts.", required=True)
        channel = graphene.String(
            description="Slug of the channel; not needed where one program runs."
        )
        member_id = graphene.ID(description="The member that staff write down the facts of.")
        order_id = graphene.ID(
            description="The customer's order on whose confirmation they were asked."
        )
        at_registration = graphene.Boolean(
            description="Whether they were asked on the form of registration.", default_value=False
        )

    member = graphene.Field(RetentionMember, description="The member.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
        channel: str | None = None,
        member_id: str | None = None,
        order_id: str | None = None,
        at_registration: bool | None = False,
    ) -> RetentionProfileUpdate:
        """Write them down."""
        who = answerer(asks, channel, member_id)
        order_ref = who.own_order(order_id)
        questions = rules_of(who.account.program.current_version_id).questions
        with renaming(in_terms_of_input):
            profiles.update(
                who.account,
                changes_in(input, questions),
                source=ProfileSource(who.source(order_ref, at_registration=at_registration)),
                actor_ref=who.actor_ref,
            )
        return cls(member=who.member)
