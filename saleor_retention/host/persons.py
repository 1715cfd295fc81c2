"""Shop users, on every host: by what staff type and by phone; staff by their groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q
from saleor.account.models import User
from saleor.app.models import App

from saleor_retention.engine.engagement import home_key

from .goods import numbers


def find_user_refs(text: str, limit: int) -> list[str]:
    """Return users whose e-mail or name contains every word of ``text``, by e-mail."""
    query = Q()
    for word in text.split():
        query &= (
            Q(email__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        )
    found = User.objects.filter(query).order_by("email").values_list("pk", flat=True)
    return [str(pk) for pk in found[:limit]] if query else []


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
