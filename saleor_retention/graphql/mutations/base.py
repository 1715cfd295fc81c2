"""What every mutation of ours does around its work.

The host is told that the request writes, permissions are asked before anything is read, refusals
become the payload's ``errors``, and what is read afterwards shows what was done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import graphene
from graphql.error import GraphQLError

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql.context import new_moment, requestor, require
from saleor_retention.graphql.dataloaders.base import forget
from saleor_retention.graphql.errors import InternalError, RetentionError, error_of
from saleor_retention.graphql.languages import follow
from saleor_retention.graphql.texts import RULE, unstorable_in
from saleor_retention.host.contract import Requestor
from saleor_retention.services.ledger.locking import run_serialized

logger = logging.getLogger(__name__)


class RetentionMutation(graphene.Mutation):
    """The base of our mutations; a subclass says ``permissions`` and how to ``perform``."""

    class Meta:
        """Only its subclasses are mutations."""

        abstract = True

    permissions: ClassVar[tuple[str, ...]] = ()
    """Every one of them is needed; none for mutations of the logged-in customer."""

    perform: ClassVar[Callable[..., Any]]
    """Does the work for (info, requestor, **arguments) and returns the payload, or refuses."""

    is_one_transaction: ClassVar[bool] = False
    """Whether a refusal also takes back that the customer became a member by asking."""

    @classmethod
    def __init_subclass_with_meta__(cls, **options: Any) -> None:
        """Give the payload its ``errors``."""
        cls.errors = graphene.List(
            graphene.NonNull(RetentionError),
            description="Why it was refused; empty when it was done.",
            required=True,
        )
        super().__init_subclass_with_meta__(**options)

    @classmethod
    def mutate(cls, _root: Any, info: Any, **arguments: Any) -> Any:
        """Run the mutation; refusals are answers, faults are logged and not told."""
        follow(info)
        try:
            with host.current().mutation_context(info):
                asks = require(info, *cls.permissions) if cls.permissions else requestor(info)
                try:
                    _require_storable(arguments)
                    payload = cls._performed(info, asks, arguments)
                except (Refusal, Refusals) as refused:
                    return cls(errors=[error_of(refusal) for refusal in refused.refusals])
                finally:
                    forget(info)
                    new_moment(info)
        except GraphQLError:
            raise
        except Exception as fault:
            logger.exception("The mutation %s failed.", info.field_name)
            raise InternalError("Internal Server Error") from fault
        payload.errors = []
        return payload

    @classmethod
    def _performed(cls, info: Any, asks: Requestor, arguments: Mapping[str, Any]) -> Any:
        if not cls.is_one_transaction:
            return cls.perform(info, asks, **arguments)
        return run_serialized(lambda: cls.perform(info, asks, **arguments))


def _require_storable(arguments: Mapping[str, Any]) -> None:
    path = unstorable_in(arguments)
    if path is not None:
        raise Refusal(Code.INVALID, f"{path} {RULE}", path)


def customer_ref(asks: Requestor) -> str:
    """Return the logged-in customer; refuse LOGIN_REQUIRED where nobody or an app asks."""
    if asks.user_ref is None or asks.app_ref is not None:
        raise Refusal(Code.LOGIN_REQUIRED, phrase(_("Log in to do this.")))
    return asks.user_ref
