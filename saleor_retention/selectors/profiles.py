"""What customers told of themselves, read for many of them at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from saleor_retention.models import Profile, ProfileEntry


@dataclass(frozen=True, slots=True)
class Locale:
    """A customer's time zone and language; "" where none was told."""

    time_zone: str = ""
    language: str = ""


def locales(account_ids: Collection[int]) -> dict[int, Locale]:
    """Return the time zones and languages of those who told one, by account."""
    rows = Profile.objects.filter(pk__in=account_ids).exclude(time_zone="", language="")
    found = rows.values_list("pk", "time_zone", "language")
    return {account_id: Locale(zone, language) for account_id, zone, language in found}


def facts_of(account_ids: Collection[int]) -> dict[int, list[ProfileEntry]]:
    """Return the latest entry of each fact that is known, in the order of names, by account."""
    rows = ProfileEntry.objects.filter(account__in=account_ids)
    found: dict[int, list[ProfileEntry]] = {account_id: [] for account_id in account_ids}
    for entry in rows.order_by("account_id", "fact", "-id").distinct("account_id", "fact"):
        if entry.value is not None:  # else it was cleared
            found[entry.account_id].append(entry)
    return found
