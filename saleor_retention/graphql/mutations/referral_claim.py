"""``retentionReferralClaim``: a new customer was referred by a member."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.base import RetentionMutation, customer_ref
from saleor_retention.graphql.mutations.membership import program_in
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership import referrals


class RetentionReferralClaim(RetentionMutation):
    """Notes that the logged-in customer was referred by the member of a code.

    Before the first order only. Both get their points when that order has left its return window.
    """

    is_one_transaction = True

    class Arguments:
        """What is asked for."""

        code = graphene.String(description="As it was typed.", required=True)
        channel = graphene.String(
            description="Slug of the channel; not needed where one program runs."
        )

    member = graphene.Field(RetentionMember, description="The membership.")

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, code: str, channel: str | None = None
    ) -> RetentionReferralClaim:
        """Note it."""
        user_ref = customer_ref(asks)
        place, program = program_in(channel)
        referral = referrals.claim(program=program, user_ref=user_ref, code=code)
        return cls(member=Member(referral.friend, place.currency, place.ref))
