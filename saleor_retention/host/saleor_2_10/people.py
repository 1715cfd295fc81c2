"""Shop users: by key, by what staff type, by e-mail and by phone; staff by their groups.

2.10.1 has no field for a confirmed address: an account that waits for confirmation is inactive, so
active is confirmed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q
from saleor.account.models import User
from saleor.app.models import App
from saleor.order import OrderStatus
from saleor.order.models import Order

from saleor_retention.engine.engagement import home_key
from saleor_retention.host.contract import UserFacts

from .catalog import numbers

NOT_PLACED = (OrderStatus.DRAFT, OrderStatus.CANCELED)


def users(user_refs: Iterable[str]) -> dict[str, UserFacts]:
    """Return users by reference in one statement; unknown ones are absent."""
    found = User.objects.filter(pk__in=numbers(user_refs)).only(
        "email", "first_name", "last_name", "is_active", "date_joined"
    )
    return {
        str(user.pk): UserFacts(
            ref=str(user.pk),
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            is_confirmed=user.is_active,
            joined_at=user.date_joined,
        )
        for user in found
    }


def find_user_refs(text: str, limit: int) -> list[str]:
    """Return users whose e-mail or name contains every word of ``text``, by e-mail."""
    query = Q()
    for word in text.split():
        query &= (
            Q(email__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        )
    found = User.objects.filter(query).order_by("email").values_list("pk", flat=True)
    return [str(pk) for pk in found[:limit]] if query else []


def find_user_by_email(email: str) -> str | None:
    """Return the active user of that address, whatever its case; None also where two share it."""
    found = User.objects.filter(email__iexact=email, is_active=True).values_list("pk", flat=True)
    refs = [str(pk) for pk in found[:2]]
    return refs[0] if len(refs) == 1 else None


def find_users_by_phone(phone: str) -> list[str]:
    """Return users with that E.164 number on a default address, by key."""
    found = User.objects.filter(
        Q(default_billing_address__phone=phone) | Q(default_shipping_address__phone=phone)
    )
    return [str(pk) for pk in found.order_by("pk").values_list("pk", flat=True).distinct()]


def phones_of(user_refs: Iterable[str]) -> dict[str, str]:
    """Return the numbers of default addresses, of shipping before billing; without: absent."""
    found = User.objects.filter(pk__in=numbers(user_refs)).values_list(
        "pk", "default_shipping_address__phone", "default_billing_address__phone"
    )
    numbers_of = {str(pk): str(shipping or billing or "") for pk, shipping, billing in found}
    return {ref: number for ref, number in numbers_of.items() if number}


def places_of(user_refs: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the homes and phone numbers in users' address books, in one statement."""
    found = User.objects.filter(pk__in=numbers(user_refs), addresses__isnull=False).values_list(
        "pk",
        "addresses__phone",
        "addresses__country",
        "addresses__postal_code",
        "addresses__city",
        "addresses__street_address_1",
        "addresses__street_address_2",
    )
    places: dict[str, set[str]] = defaultdict(set)
    for pk, phone, country, postal_code, city, *streets in found:
        known = places[str(pk)]
        if phone:
            known.add(f"phone:{phone}")
        if any(streets):
            known.add(home_key(str(country), postal_code, city, *streets))
    return {ref: frozenset(known) for ref, known in places.items()}


def has_ordered(user_ref: str) -> bool:
    """Tell whether the user has an order that was placed and not called off."""
    orders = Order.objects.filter(user__in=numbers([user_ref]))
    return bool(orders.exclude(status__in=NOT_PLACED).exists())


def group_names(user_ref: str) -> set[str]:
    """Return the names of the permission groups that a member of staff is in."""
    found = User.objects.filter(pk__in=numbers([user_ref]), is_staff=True, groups__isnull=False)
    return set(found.values_list("groups__name", flat=True))


def app_name(app_ref: str) -> str | None:
    """Return what an app is called; None when it is gone."""
    name: str | None = (
        App.objects.filter(pk__in=numbers([app_ref])).values_list("name", flat=True).first()
    )
    return name
