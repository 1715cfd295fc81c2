"""``retentionTierOverride``: give a member a tier by hand, or end that."""

from __future__ import annotations

import datetime as dt
from typing import Any

import graphene

from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.lookups import account_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_member import Member, RetentionMember
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Account
from saleor_retention.services.membership import tiering


class RetentionTierOverride(RetentionMutation):
    """Sets a member's tier by hand, up or down, for a time. Requires MANAGE_USERS.

    It holds unless the member climbs above it. Without a tier, what was set by hand ends and the
    orders decide again.
    """

    class Arguments:
        """What is asked for."""

        member_id = graphene.ID(description="The member.", required=True)
        tier = graphene.String(
            description="Slug of the tier; left out, a tier that was set by hand ends."
        )
        valid_until = graphene.Argument(
            DateTime, description="Until when; until it is ended when left out."
        )
        reason = graphene.String(
            description="Why. Staff read it in the member's history, the customer does not.",
            required=True,
        )

    permissions = ("users",)

    member = graphene.Field(RetentionMember, description="The member.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        member_id: str,
        reason: str,
        tier: str | None = None,
        valid_until: dt.datetime | None = None,
    ) -> RetentionTierOverride:
        """Set the tier, or end what was set."""
        account = account_of(member_id)
        if tier is None:
            tiering.end_override(account_id=account.pk, reason=reason, actor_ref=asks.actor_ref)
        else:
            tiering.override(
                account_id=account.pk,
                tier=tier,
                valid_until=valid_until,
                reason=reason,
                actor_ref=asks.actor_ref,
            )
        return cls(member=Member(Account.objects.get(pk=account.pk)))
