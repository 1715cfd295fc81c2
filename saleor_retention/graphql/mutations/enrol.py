"""``retentionEnrol``: become a member."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.base import RetentionMutation, customer_ref
from saleor_retention.graphql.mutations.membership import program_in
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership import members


class RetentionEnrol(RetentionMutation):
    """Makes the logged-in customer a member of a channel's program, or again after leaving."""

    class Arguments:
        """What is asked for."""

        channel = graphene.String(
            description="Slug of the channel; not needed where one program runs."
        )

    member = graphene.Field(RetentionMember, description="The membership.")

    @classmethod
    def perform(cls, _info: Any, asks: Requestor, *, channel: str | None = None) -> RetentionEnrol:
        """Open the account, or take the customer back."""
        user_ref = customer_ref(asks)
        place, program = program_in(channel)
        account = members.enrol(program, user_ref)
        return cls(member=Member(account, place.currency))
