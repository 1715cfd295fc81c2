"""How refusals, missing permissions and faults look to a client.

A refusal is an entry in the payload's ``errors``. A missing permission is an error of the query
with the code ``PermissionDenied``, as everywhere in Saleor. A fault is logged here in full and says
nothing to the client, because Saleor 2.10 would print the exception's own text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import graphene
from graphql.error import GraphQLError
from promise import is_thenable

from saleor_retention import host
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql import words
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.languages import follow
from saleor_retention.graphql.texts import RULE, unstorable_in

logger = logging.getLogger(__name__)

Resolver = TypeVar("Resolver", bound=Callable[..., Any])

MEANINGS = {
    Code.REQUIRED: "A value is missing.",
    Code.INVALID: "A value cannot be used; the message says which rule it breaks.",
    Code.NOT_FOUND: "There is no such thing, or it is not yours.",
    Code.UNIQUE: "Another one has this value already.",
    Code.PERMISSION_DENIED: "The permission for this is missing.",
    Code.LOGIN_REQUIRED: "A customer must be logged in.",
    Code.NOT_A_MEMBER: "The customer is not a member of the program.",
    Code.ALREADY_A_MEMBER: "The customer is a member of the program already.",
    Code.PROGRAM_INACTIVE: "No program is active there.",
    Code.REDEMPTION_DISABLED: "The program does not take points.",
    Code.CURRENCY_WITHOUT_RATE: "The program has no rate for this currency.",
    Code.NOT_ENOUGH_POINTS: "The member has fewer points; the message says how many are left.",
    Code.BELOW_MINIMUM: "Fewer points than the program takes at once.",
    Code.IN_DEFICIT: "The member owes points, so none can be spent.",
    Code.NOTHING_TO_REDEEM_ON: "Nothing in the checkout can be paid with points.",
    Code.LIMIT_REACHED: "A limit of the program is reached.",
    Code.KEY_REUSED: "The idempotency key was used before with other content.",
    Code.CHECKOUT_PAID: "Money is authorized or charged on the checkout already.",
    Code.NOT_SUPPORTED: "This Saleor cannot do it; the message says why.",
    Code.BUSY: "Somebody else is changing the same points; try again.",
    Code.TOO_MANY_REQUESTS: "The same was done too often; the message says when it may be again.",
}


RetentionErrorCode = described(
    "RetentionErrorCode",
    Code,
    "Why a mutation was refused. The names are stable; new ones may be added.",
    MEANINGS,
)


class RetentionError(graphene.ObjectType):
    """One reason why a mutation was refused; nothing was changed."""

    field = graphene.String(
        description="The input field at fault, as a path (`rules.earn.rates.0.per`); "
        "null when it is none in particular."
    )
    message = graphene.String(description="The whole reason, as a sentence.", required=True)
    code = RetentionErrorCode(description="The reason's stable name.", required=True)


class PermissionDenied(GraphQLError):
    """The query asked for something that the requestor may not see or do.

    Both Saleors report the name of an error's class as its code, so this has to be the name.
    """


class InternalError(GraphQLError):
    """A fault that was logged; the client learns that it happened and nothing more."""


def error_of(refusal: Refusal) -> RetentionError:
    """Return the refusal as a client sees it."""
    return RetentionError(
        field=refusal.field, message=_message_of(refusal), code=refusal.code.value
    )


def _message_of(refusal: Refusal) -> str:
    """Return the sentence, in the request's language where it is translated."""
    return refusal.message if refusal.phrase is None else words.said(refusal.phrase)


def harmless(resolver: Resolver) -> Resolver:
    """Make a resolver on one of the shop's own types unable to break the query around it.

    A fault is logged and the field is null; only what the client must hear (a missing permission, a
    wrong argument) comes out as an error of this one field.
    """
    return _guarded(resolver, lambda _fault: None)


def discreet(resolver: Resolver) -> Resolver:
    """Make a resolver of a field of our own say nothing of a fault but that there was one."""

    def told(fault: Exception) -> None:
        raise InternalError("Internal Server Error") from fault

    return _guarded(resolver, told)


def _guarded(resolver: Resolver, after_fault: Callable[[Exception], None]) -> Resolver:
    """Return a resolver that lets errors for the client through and logs all others.

    It reads the default database, which Saleor 3 has to be told of: a replica may not know yet
    what was just booked.
    """

    def caught(fault: Exception, name: str) -> None:
        error = _for_client(fault)
        if error is fault:
            raise error  # never from itself: Saleor 3 follows causes to their end
        if error is not None:
            raise error from fault
        logger.error("The field %s failed.", name, exc_info=fault)
        after_fault(fault)

    @wraps(resolver)
    def wrapper(root: Any, info: Any, **arguments: Any) -> Any:
        name = f"{info.parent_type.name}.{info.field_name}"
        follow(info)
        try:
            _require_storable(arguments)
            with host.current().writer():
                result = resolver(root, info, **arguments)
        except Exception as fault:  # noqa: BLE001 - logged, and never told to the client
            return caught(fault, name)
        return result.catch(lambda fault: caught(fault, name)) if is_thenable(result) else result

    return wrapper  # type: ignore[return-value]


def _require_storable(arguments: Mapping[str, Any]) -> None:
    path = unstorable_in(arguments)
    if path is not None:
        raise GraphQLError(f"Argument `{path}` {RULE}")


def _for_client(fault: Exception) -> GraphQLError | None:
    """Return what the client must hear of it; a query has no ``errors`` to put a refusal into."""
    if isinstance(fault, Refusal):
        return GraphQLError(_message_of(fault))
    if isinstance(fault, Refusals):
        return GraphQLError(str(fault))
    is_own = isinstance(fault, GraphQLError) and not hasattr(fault, "original_error")
    return fault if is_own else None
