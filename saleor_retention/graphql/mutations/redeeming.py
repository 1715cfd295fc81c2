"""Whose points a redemption takes, and what both of its mutations answer with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.mutations.base import customer_ref
from saleor_retention.host.contract import Requestor

CHECKOUT_ID = graphene.ID(description="The checkout.", required=True)


@dataclass(frozen=True, slots=True)
class Redeemer:
    """A checkout, the customer for whom its points are set, and who does it on his behalf.

    ``actor_ref`` is "" where customers do it themselves.
    """

    checkout_ref: str
    user_ref: str
    actor_ref: str


def redeemer_of(asks: Requestor, checkout_id: str) -> Redeemer:
    """Return whose points may be set on the checkout.

    The logged-in customer's own, or the checkout's customer's where staff or an app may act for
    that customer. Whose checkout it is, is judged under its lock by the service.
    """
    acts_for_others = asks.can("checkouts") and asks.can("users")
    user_ref = asks.user_ref if acts_for_others else customer_ref(asks)
    checkout_ref = host.current().from_global_id(checkout_id, "Checkout")
    if checkout_ref is None:
        raise missing_checkout()
    if acts_for_others:
        checkout = checkout_row(checkout_ref)
        if checkout is None:
            raise missing_checkout()
        user_ref = str(checkout.user_id) if checkout.user_id is not None else None
        if user_ref is None:
            message = phrase(_("Points can be set only on a checkout with a logged-in customer."))
            raise Refusal(Code.LOGIN_REQUIRED, message, "checkoutId")
    assert user_ref is not None  # noqa: S101 - both branches have seen to it
    return Redeemer(checkout_ref, user_ref, actor_for(asks, user_ref))


def actor_for(asks: Requestor, user_ref: str | None) -> str:
    """Return who acts on behalf of a customer, for the audit trail; "" for the customer himself."""
    is_own = asks.app_ref is None and asks.user_ref == user_ref
    return "" if is_own else asks.actor_ref


@contextmanager
def unknown_as_missing() -> Iterator[None]:
    """Answer for another customer's checkout what is answered for one that does not exist."""
    try:
        yield
    except Refusal as refusal:
        if refusal.code in (Code.PERMISSION_DENIED, Code.NOT_FOUND):
            raise missing_checkout() from refusal
        raise


def checkout_type(checkout_ref: str) -> Any:
    """Return the checkout, read afresh, as the host's type wants it."""
    checkout = checkout_row(checkout_ref)
    return host.current().wrap_checkout(checkout) if checkout is not None else None


def checkout_row(checkout_ref: str) -> Any:
    """Return the host's row of a checkout, or None."""
    graphene_type: Any = host.current().graphql_types()["Checkout"]
    model = graphene_type._meta.model  # noqa: SLF001 - graphene's only way to it
    return model.objects.filter(pk=checkout_ref).first()


def missing_checkout() -> Refusal:
    """Return the refusal of a checkout that is not there, or is another customer's."""
    return Refusal(Code.NOT_FOUND, phrase(_("There is no such checkout.")), "checkoutId")
