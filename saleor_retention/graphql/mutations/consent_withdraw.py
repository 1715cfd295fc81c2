"""``retentionConsentWithdraw``: agree no more."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.enums_consents import RetentionConsentChannel
from saleor_retention.graphql.mutations.answering import answerer
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.graphql.types_profile import RetentionConsent, consent_type
from saleor_retention.host.contract import Requestor
from saleor_retention.models import ConsentSource
from saleor_retention.services.consenting import consents


class RetentionConsentWithdraw(RetentionMutation):
    """Writes down that the logged-in customer does not agree (any more); it holds at once.

    For another member it requires MANAGE_USERS.
    """

    is_one_transaction = True

    class Arguments:
        """What is asked for."""

        consent_channel = RetentionConsentChannel(
            description="What it was a consent to.", required=True
        )
        purpose = graphene.String(description="What it was for.", required=True)
        channel = graphene.String(
            description="Slug of the sales channel; not needed where one program runs."
        )
        member_id = graphene.ID(description="The member that staff write it down of.")

    member = graphene.Field(RetentionMember, description="The member.")
    consent = graphene.Field(RetentionConsent, description="What holds now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        consent_channel: str,
        purpose: str,
        channel: str | None = None,
        member_id: str | None = None,
    ) -> RetentionConsentWithdraw:
        """Write it down."""
        who = answerer(asks, channel, member_id)
        entry = consents.withdraw(
            who.account,
            channel=consent_channel,
            purpose=purpose,
            source=ConsentSource.STAFF if who.is_staff else ConsentSource.STOREFRONT,
            actor_ref=who.actor_ref,
        )
        return cls(member=who.member, consent=consent_type(entry))
