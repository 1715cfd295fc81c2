"""``retentionPointsAdjust``: give or take points by hand."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import account_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.scalars import RetentionWholeNumber, whole
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Account
from saleor_retention.services.ledger import granting


class RetentionPointsAdjust(RetentionMutation):
    """Gives a member points, or takes available ones, for a reason. Requires MANAGE_USERS.

    The program limits how many may be given at once.
    """

    class Arguments:
        """What is asked for."""

        member_id = graphene.ID(description="The member.", required=True)
        points = RetentionWholeNumber(
            description="How many points; negative to take them.", required=True
        )
        reason = graphene.String(
            description="Why. Staff read it in the member's ledger, the customer does not.",
            required=True,
        )
        key = graphene.String(
            description="A name of your own for this change, unique in the program: sent again, it "
            "changes nothing and answers the same.",
            required=True,
        )

    permissions = ("users",)

    member = graphene.Field(RetentionMember, description="The member.")
    is_new = graphene.Boolean(
        description="Whether it was done now; false when the key was sent before."
    )

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, member_id: str, points: Any, reason: str, key: str
    ) -> RetentionPointsAdjust:
        """Post the change."""
        account = account_of(member_id)
        posted = granting.adjust(
            account_id=account.pk,
            points=whole(points, "points"),
            reason=reason,
            actor_ref=asks.actor_ref,
            key=key,
        )
        member = Member(Account.objects.get(pk=account.pk))
        return cls(member=member, is_new=posted.is_new)
