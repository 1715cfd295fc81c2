"""``retentionReferralCode``: the code that a member gives to friends."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.answering import answerer
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership import referrals


class RetentionReferralCode(RetentionMutation):
    """Gives the logged-in customer's code for friends, made at the first time.

    For another member it requires MANAGE_USERS.
    """

    is_one_transaction = True

    class Arguments:
        """What is asked for."""

        channel = graphene.String(
            description="Slug of the channel; not needed where one program runs."
        )
        renew = graphene.Boolean(
            description="Whether to make a new one, after which the old one refers nobody.",
            default_value=False,
        )
        member_id = graphene.ID(description="The member whose code staff ask for.")

    code = graphene.String(description="The code.")
    member = graphene.Field(RetentionMember, description="The member.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        channel: str | None = None,
        renew: bool = False,
        member_id: str | None = None,
    ) -> RetentionReferralCode:
        """Return or make it."""
        who = answerer(asks, channel, member_id)
        made = referrals.code_of(who.account, is_renewed=renew, actor_ref=who.actor_ref)
        return cls(code=made.code, member=who.member)
