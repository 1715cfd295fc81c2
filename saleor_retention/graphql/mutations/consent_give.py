"""``retentionConsentGive``: agree to something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.inputs_consents import RetentionConsentInput
from saleor_retention.graphql.mutations.answering import answerer
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.graphql.types_profile import RetentionConsent, consent_type
from saleor_retention.host.contract import Requestor
from saleor_retention.models import ConsentSource
from saleor_retention.services.consenting import consents


class RetentionConsentGive(RetentionMutation):
    """Writes down that the logged-in customer agrees to what was shown.

    Where the program wants it confirmed, a link is mailed first and the consent is REQUESTED until
    it is followed. For another member it requires MANAGE_USERS.
    """

    is_one_transaction = True

    class Arguments:
        """What is asked for."""

        input = RetentionConsentInput(description="What is agreed to.", required=True)
        order_id = graphene.ID(
            description="The customer's order on whose confirmation it was asked."
        )
        channel = graphene.String(
            description="Slug of the channel; not needed where one program runs."
        )
        member_id = graphene.ID(description="The member that staff write it down of.")
        at_registration = graphene.Boolean(
            description="Whether it was asked on the form of registration.", default_value=False
        )

    member = graphene.Field(RetentionMember, description="The member.")
    consent = graphene.Field(RetentionConsent, description="What holds now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
        order_id: str | None = None,
        channel: str | None = None,
        member_id: str | None = None,
        at_registration: bool | None = False,
    ) -> RetentionConsentGive:
        """Write it down."""
        who = answerer(asks, channel, member_id)
        order_ref = who.own_order(order_id)
        entry = consents.give(
            who.account,
            channel=input["channel"],
            purpose=input["purpose"],
            text_version=input["text_version"],
            source=ConsentSource(who.source(order_ref, at_registration=at_registration)),
            actor_ref=who.actor_ref,
            order_ref=order_ref,
        )
        return cls(member=who.member, consent=consent_type(entry))
