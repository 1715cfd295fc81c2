"""Who asks, and what they may: asked of the host once per request."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from saleor_retention import host
from saleor_retention.graphql.errors import PermissionDenied
from saleor_retention.host.contract import Requestor

PERMISSION_NAMES = {
    "discounts": "MANAGE_DISCOUNTS",
    "users": "MANAGE_USERS",
    "orders": "MANAGE_ORDERS",
    "checkouts": "MANAGE_CHECKOUTS",
}
"""The permissions as Saleor's API names them."""

_REQUESTOR = "_retention_requestor"
_MOMENT = "_retention_moment"


def requestor(info: Any) -> Requestor:
    """Return who asks; the host is asked once per request."""
    known: Requestor | None = getattr(info.context, _REQUESTOR, None)
    if known is None:
        shop = host.current()
        with shop.writer():
            known = shop.requestor(info)
        setattr(info.context, _REQUESTOR, known)
    return known


def may(info: Any, *permissions: str) -> bool:
    """Tell whether the requestor holds every one of the permissions."""
    asks = requestor(info)
    return all(asks.can(permission) for permission in permissions)


def require(info: Any, *permissions: str) -> Requestor:
    """Return the requestor, or raise ``PermissionDenied`` naming the permissions needed."""
    asks = requestor(info)
    if all(asks.can(permission) for permission in permissions):
        return asks
    raise denied(*permissions)


def denied(*permissions: str) -> PermissionDenied:
    """Return the error that names the permissions needed."""
    names = ", ".join(PERMISSION_NAMES[permission] for permission in permissions)
    return PermissionDenied(f"To access this path, you need the following permissions: {names}")


def denied_any(*permissions: str) -> PermissionDenied:
    """Return the error that names the permissions of which one is needed."""
    names = ", ".join(PERMISSION_NAMES[permission] for permission in permissions)
    return PermissionDenied(
        f"To access this path, you need one of the following permissions: {names}"
    )


def moment(info: Any) -> dt.datetime:
    """Return the instant that the whole request speaks of."""
    known: dt.datetime | None = getattr(info.context, _MOMENT, None)
    if known is None:
        known = timezone.now()
        setattr(info.context, _MOMENT, known)
    return known


def new_moment(info: Any) -> dt.datetime:
    """Return the instant that a mutation happens at, and what it answers speaks of."""
    setattr(info.context, _MOMENT, timezone.now())
    return moment(info)
