"""What our GraphQL module needs of Saleor 3.x; imported when Saleor's schema is built."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from saleor_retention.host.contract import PricedCheckout, Requestor

PERMISSIONS = {
    "discounts": "discount.manage_discounts",
    "users": "account.manage_users",
    "orders": "order.manage_orders",
    "checkouts": "checkout.manage_checkouts",
}
UUID_TYPES = frozenset({"Checkout", "CheckoutLine", "Order", "OrderLine"})
"""Types whose primary keys are UUIDs; a query for any other text would be an error of Django's."""


def requestor(info: Any) -> Requestor:
    """Return who asks; an app counts before a user, as in Saleor itself."""
    app = getattr(info.context, "app", None)
    user = getattr(info.context, "user", None)
    asks = app or user
    permissions = (name for name, code in PERMISSIONS.items() if asks and asks.has_perm(code))
    return Requestor(
        user_ref=str(user.pk) if user else None,
        app_ref=str(app.pk) if app else None,
        permissions=frozenset(permissions),
    )


def node(root: Any) -> Any:
    """Return the model behind a resolver's root; users come bare, the rest wrapped."""
    return getattr(root, "node", root)


def channel_slug(root: Any) -> str | None:
    """Return the channel that the query around a resolver's root named."""
    return getattr(root, "channel_slug", None)


def graphql_types() -> Mapping[str, type]:
    """Return Saleor's classes by the names of the contract."""
    from saleor.graphql.account.schema import AccountMutations, AccountQueries
    from saleor.graphql.account.types import User
    from saleor.graphql.checkout.types import Checkout
    from saleor.graphql.core.enums import OrderDirection
    from saleor.graphql.core.fields import JSONString
    from saleor.graphql.core.scalars import Date, DateTime, Decimal
    from saleor.graphql.core.types.money import Money
    from saleor.graphql.order.types import Order
    from saleor.graphql.product.types import Product, ProductVariant

    return {
        "User": User,
        "Checkout": Checkout,
        "Order": Order,
        "Product": Product,
        "ProductVariant": ProductVariant,
        "Queries": AccountQueries,
        "Mutations": AccountMutations,
        "Money": Money,
        "DateTime": DateTime,
        "Date": Date,
        "Decimal": Decimal,
        "JSONString": JSONString,
        "OrderDirection": OrderDirection,
    }


def wrap_checkout(checkout: Any) -> Any:
    """Return what a resolver must return for a field of type Checkout."""
    from saleor.graphql.core.context import SyncWebhookControlContext

    return SyncWebhookControlContext(node=checkout)


@contextmanager
def mutation_context(info: Any) -> Iterator[None]:
    """Do what Saleor's own mutations do before writing."""
    from saleor.core.db.connection import allow_writer
    from saleor.graphql.core.context import disallow_replica_in_context, setup_context_user

    with allow_writer():
        disallow_replica_in_context(info.context)
        setup_context_user(info.context)
        yield


def from_global_id(global_id: str, type_name: str) -> str | None:
    """Return the primary key as text, or None when the id is not of that type."""
    from graphql import GraphQLError
    from saleor.graphql.core.utils import from_global_id_or_error

    try:
        _name, key = from_global_id_or_error(global_id, type_name)
    except (GraphQLError, AttributeError, TypeError):
        return None
    if key is None or (type_name in UUID_TYPES and not _is_uuid(str(key))):
        return None
    return str(key)


def _is_uuid(key: str) -> bool:
    try:
        uuid.UUID(key)
    except ValueError:
        return False
    return True


def to_global_id(type_name: str, ref: str) -> str:
    """Return Saleor's GraphQL id."""
    from graphene import Node

    return str(Node.to_global_id(type_name, ref))


def checkout_prices(info: Any, root: Any) -> Any:
    """Promise the ``PricedCheckout`` of a resolver's root; None when it is gone.

    Saleor's own resolver of the subtotal goes first, so that prices which ran out are computed as
    they are for every field, once per request; the loaders then hold the lines it left behind.
    """
    from promise import Promise
    from saleor.graphql.checkout.dataloaders import (
        CheckoutInfoByCheckoutTokenLoader,
        CheckoutLinesInfoByCheckoutTokenLoader,
    )
    from saleor.graphql.checkout.types import Checkout

    token = node(root).token

    def read(loaded: Any) -> PricedCheckout | None:
        from . import checkouts, effects

        with effects.writer():
            return checkouts.priced_checkout(*loaded)

    def load(_subtotal: Any) -> Any:
        loaders = (CheckoutInfoByCheckoutTokenLoader, CheckoutLinesInfoByCheckoutTokenLoader)
        return Promise.all([loader(info.context).load(token) for loader in loaders])

    return Promise.resolve(Checkout.resolve_subtotal_price(root, info)).then(load).then(read)


def register_query_costs(costs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Tell Saleor's query cost validator what our fields cost."""
    from saleor.graphql.query_cost_map import COST_MAP

    for type_name, fields in costs.items():
        COST_MAP.setdefault(type_name, {}).update(fields)
