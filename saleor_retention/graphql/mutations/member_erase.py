"""``retentionMemberErase``: forget a customer, and keep the sums."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.lookups import account_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.host.contract import Requestor
from saleor_retention.selectors import persons
from saleor_retention.services.membership import erasing


class RetentionMemberErase(RetentionMutation):
    """Erases everything held about a member's customer, in every program. Requires MANAGE_USERS.

    It cannot be undone. Open points become breakage, the ledger's entries stay under a pseudonym
    and every sum is what it was. The shop's own customer stays; deleting that one erases too.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The member, in any of the programs.", required=True)
        reason = graphene.String(
            description="Why, for the record that stays; do not name the customer in it.",
            required=True,
        )

    permissions = ("users",)

    erased = graphene.List(
        graphene.NonNull(graphene.ID), description="The ids of the accounts that were erased."
    )

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        reason: str,
    ) -> RetentionMemberErase:
        """Erase whose account it is."""
        person = persons.of_account(account_of(id, "id"))
        if person == persons.NOBODY:
            raise Refusal(Code.NOT_FOUND, "This member was erased already.", "id")
        account_ids = erasing.erase(person, reason=reason, actor_ref=asks.actor_ref)
        shop = host.current()
        return cls(erased=[shop.to_global_id("RetentionMember", str(pk)) for pk in account_ids])
