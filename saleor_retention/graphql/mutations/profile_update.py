"""``retentionProfileUpdate``: keep what a customer tells of himself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.errors import Refusals
from saleor_retention.graphql.inputs_consents import (
    RetentionProfileInput,
    changes_in,
    refusals_of,
)
from saleor_retention.graphql.mutations.answering import answerer
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.models import ProfileSource
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services import profiles


class RetentionProfileUpdate(RetentionMutation):
    """Keeps facts that the logged-in customer tells of himself, a few at a time.

    For another member it requires MANAGE_USERS.
    """

    class Arguments:
        """What is asked for."""

        input = RetentionProfileInput(description="The facts.", required=True)
        channel = graphene.String(
            description="Slug of the channel; not needed where one program runs."
        )
        member_id = graphene.ID(description="The member that staff write down the facts of.")

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
    ) -> RetentionProfileUpdate:
        """Write them down."""
        who = answerer(asks, channel, member_id)
        questions = rules_of(who.account.program.current_version_id).questions
        try:
            profiles.update(
                who.account,
                changes_in(input, questions),
                source=ProfileSource.STAFF if who.is_staff else ProfileSource.STOREFRONT,
                actor_ref=who.actor_ref,
            )
        except Refusals as refusals:
            raise refusals_of(refusals) from refusals
        return cls(member=who.member)
