"""Public metadata of shop users, where what came with a registration waits to be taken."""

from __future__ import annotations

from typing import Any

from saleor.account.models import User


def users_with_metadata(key: str, limit: int) -> list[str]:
    """Return confirmed, active users whose public metadata has a key, by Saleor's index on it.

    In no order: with one, PostgreSQL may go through all users by their keys instead.
    """
    found = User.objects.filter(metadata__has_key=key, is_active=True, is_confirmed=True)
    return [str(pk) for pk in found.values_list("pk", flat=True)[:limit]]


def take_metadata(user_ref: str, key: str) -> Any:
    """Lock a user, remove a key of the public metadata and return what it had, or None."""
    locked = User.objects.select_for_update(of=("self",), no_key=True)
    user = locked.filter(pk=int(user_ref)).only("metadata").first()
    if user is None or key not in user.metadata:
        return None
    value = user.metadata.pop(key)
    User.objects.filter(pk=user.pk).update(metadata=user.metadata)
    return value
