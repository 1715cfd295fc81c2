"""Shop users: by key, by what staff type, by e-mail and by phone; staff by their groups."""

from __future__ import annotations

from collections.abc import Iterable

from saleor.account.models import User
from saleor.order import OrderStatus
from saleor.order.models import Order

from saleor_retention.host.contract import UserFacts
from saleor_retention.host.goods import numbers

NOT_PLACED = (OrderStatus.DRAFT, OrderStatus.CANCELED, OrderStatus.EXPIRED)


def users(user_refs: Iterable[str]) -> dict[str, UserFacts]:
    """Return users by reference in one statement; unknown ones are absent."""
    found = User.objects.filter(pk__in=numbers(user_refs)).only(
        "email", "first_name", "last_name", "is_active", "is_confirmed", "date_joined"
    )
    return {
        str(user.pk): UserFacts(
            ref=str(user.pk),
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            is_confirmed=user.is_confirmed and user.is_active,
            joined_at=user.date_joined,
        )
        for user in found
    }


def find_user_by_email(email: str) -> str | None:
    """Return the confirmed, active user of that address, whatever its case.

    None also where two share it but for the case, which old shops may have.
    """
    found = User.objects.filter(email__iexact=email, is_active=True, is_confirmed=True)
    refs = [str(pk) for pk in found.values_list("pk", flat=True)[:2]]
    return refs[0] if len(refs) == 1 else None


def has_ordered(user_ref: str) -> bool:
    """Tell whether the user has an order that was placed and not called off."""
    orders = Order.objects.filter(user__in=numbers([user_ref]))
    return bool(orders.exclude(status__in=NOT_PLACED).exists())
