"""The terms that were in force at an instant: version, tier, and since when inactivity counts.

Settling may come late; what it freezes must not depend on when it came.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from saleor_retention.engine.rules import ExpiryPolicy
from saleor_retention.models import Account, Program, ProgramVersion, TierChange
from saleor_retention.selectors.programs import rules_of


def version_at(program: Program, at: dt.datetime) -> ProgramVersion:
    """Return the version in force at ``at``; the first one for an instant before it."""
    versions = ProgramVersion.objects.filter(program=program).defer("document")
    version = versions.filter(created_at__lte=at).order_by("-number").first()
    if version is None:
        version = versions.order_by("number").first()
    if version is None:
        raise ValueError(f"Program {program.slug} has no version.")
    return version


def tier_at(account: Account, at: dt.datetime) -> str:
    """Return the slug of the tier that the member had at ``at``, or ""."""
    later = TierChange.objects.filter(account=account, at__gt=at).order_by("id").first()
    return account.tier if later is None else later.from_tier


@lru_cache(maxsize=256)
def inactivity_since(version_id: int) -> dt.datetime:
    """Return when the program took up the inactivity policy that this version still has."""
    version = ProgramVersion.objects.defer("document").get(pk=version_id)
    since = version.created_at
    earlier = ProgramVersion.objects.filter(
        program_id=version.program_id, number__lt=version.number
    ).order_by("-number")
    for older in earlier.defer("document"):
        if rules_of(older.pk).expiry.policy is not ExpiryPolicy.INACTIVITY:
            break
        since = older.created_at
    return since
