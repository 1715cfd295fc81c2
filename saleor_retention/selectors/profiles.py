"""What customers told of themselves, read for many of them at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from saleor_retention.models import Profile


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
