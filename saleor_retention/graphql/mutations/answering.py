"""Who answers a program's questions: the logged-in customer, or staff for a member."""

from __future__ import annotations

from dataclasses import dataclass

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.context import denied
from saleor_retention.graphql.lookups import account_of
from saleor_retention.graphql.mutations.base import customer_ref
from saleor_retention.graphql.mutations.membership import program_in
from saleor_retention.graphql.types_member import Member
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Account, ConsentSource
from saleor_retention.services.membership.members import member_of


@dataclass(frozen=True, slots=True)
class Answerer:
    """Whose answer it is, and who writes it down."""

    member: Member
    actor_ref: str = ""

    @property
    def account(self) -> Account:
        """Return the member's account."""
        return self.member.account

    @property
    def is_staff(self) -> bool:
        """Return whether somebody else writes it down."""
        return bool(self.actor_ref)

    def source(self, order_ref: str, *, at_registration: bool | None) -> str:
        """Return where the answer comes from, a value of the sources of consents and of facts."""
        if self.is_staff:
            return ConsentSource.STAFF
        if order_ref:
            return ConsentSource.ORDER
        return ConsentSource.REGISTRATION if at_registration else ConsentSource.STOREFRONT

    def own_order(self, order_id: str | None) -> str:
        """Return the reference of the customer's own order; "" for none.

        Refuses NOT_FOUND for orders of others.
        """
        if order_id is None:
            return ""
        shop = host.current()
        ref = shop.from_global_id(order_id, "Order")
        facts = None if ref is None else shop.order_facts(ref)
        if facts is None or facts.user_ref != str(self.account.user_id):
            raise Refusal(Code.NOT_FOUND, "There is no such order.", "orderId")
        return facts.ref


def answerer(asks: Requestor, channel: str | None, member_id: str | None) -> Answerer:
    """Return the customer of a channel's program, or the member that staff name.

    Raises ``PermissionDenied`` where a member is named by who may not manage customers. Refusals:
    LOGIN_REQUIRED, NOT_A_MEMBER, NOT_FOUND, and those of ``program_in``.
    """
    if member_id is not None:
        if not asks.can("users"):
            raise denied("users")
        return Answerer(Member(account_of(member_id)), asks.actor_ref)
    user_ref = customer_ref(asks)
    place, program = program_in(channel)
    account = member_of(program, user_ref)
    if account is None:
        message = phrase(_('You are not a member of "%(program)s".'), program=program.name)
        raise Refusal(Code.NOT_A_MEMBER, message)
    return Answerer(Member(account, place.currency, place.ref))
