"""Who asks in a GraphQL request, the host's classes, and its ids."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.host.contract import Requestor
from saleor_retention.host.goods import numbers

from .basket import token_of

PERMISSIONS = {
    "discounts": "discount.manage_discounts",
    "users": "account.manage_users",
    "orders": "order.manage_orders",
    "checkouts": "checkout.manage_checkouts",
}


def requestor(info: Any) -> Requestor:
    """Return the user behind a JWT, the app behind a token, or nobody.

    Only staff is asked for permissions: a shopper has none, and the question costs statements.
    """
    app = getattr(info.context, "app", None)
    if app:
        return Requestor(user_ref=None, app_ref=str(app.pk), permissions=_held_by(app))
    user = getattr(info.context, "user", None)
    if user is None or not user.is_authenticated:
        return Requestor(user_ref=None, app_ref=None, permissions=frozenset())
    is_staff = user.is_active and (user.is_staff or user.is_superuser)
    return Requestor(
        user_ref=str(user.pk),
        app_ref=None,
        permissions=_held_by(user) if is_staff else frozenset(),
    )


def types() -> Mapping[str, type]:
    """Return Saleor's classes by name; importing them does not build its schema."""
    from saleor.graphql.account.schema import AccountMutations, AccountQueries
    from saleor.graphql.account.types import User
    from saleor.graphql.checkout.types import Checkout
    from saleor.graphql.core.enums import OrderDirection
    from saleor.graphql.core.scalars import Decimal
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
        "DateTime": graphene.types.datetime.DateTime,
        "Date": graphene.types.datetime.Date,
        "Decimal": Decimal,
        "JSONString": graphene.JSONString,
        "OrderDirection": OrderDirection,
    }


def from_global_id(global_id: str, type_name: str) -> str | None:
    """Return the primary key as text; None for what is no id, or the id of something else."""
    try:
        kind, ref = graphene.Node.from_global_id(global_id)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    if kind != type_name:
        return None
    if type_name == "Checkout":
        return token_of(ref)
    return ref if numbers([ref]) else None


def to_global_id(type_name: str, ref: str) -> str:
    """Return the id under which Saleor knows the reference."""
    return str(graphene.Node.to_global_id(type_name, ref))


def _held_by(asking: Any) -> frozenset[str]:
    return frozenset(name for name, codename in PERMISSIONS.items() if asking.has_perm(codename))
