"""``retentionConsentGive``: agree to something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.inputs_consents import RetentionConsentInput
from saleor_retention.graphql.mutations.answering import Answerer, answerer
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.graphql.types_profile import RetentionConsent, consent_type
from saleor_retention.host.contract import Requestor
from saleor_retention.models import ConsentSource
from saleor_retention.services import consents


class RetentionConsentGive(RetentionMutation):
    """Writes down that the logged-in customer agrees to what was shown.

    Where the program wants it confirmed, a link is mailed first and the consent is REQUESTED until
    it is followed. For another member it requires MANAGE_USERS.
    """

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
    ) -> RetentionConsentGive:
        """Write it down."""
        who = answerer(asks, channel, member_id)
        order_ref = "" if order_id is None else _own_order(who, order_id)
        source = ConsentSource.ORDER if order_ref else ConsentSource.STOREFRONT
        entry = consents.give(
            who.account,
            channel=input["channel"],
            purpose=input["purpose"],
            text_version=input["text_version"],
            source=ConsentSource.STAFF if who.is_staff else source,
            actor_ref=who.actor_ref,
            order_ref=order_ref,
        )
        return cls(member=who.member, consent=consent_type(entry))


def _own_order(who: Answerer, order_id: str) -> str:
    """Return the reference of the customer's own order; refuse NOT_FOUND for all others."""
    shop = host.current()
    ref = shop.from_global_id(order_id, "Order")
    facts = None if ref is None else shop.order_facts(ref)
    if facts is None or facts.user_ref != str(who.account.user_id):
        raise Refusal(Code.NOT_FOUND, "There is no such order.", "orderId")
    return facts.ref
