"""What is left of a campaign's budget: what is spoken for counts, and what was given.

A message that was left out or failed frees its place, unless its benefit had been given already.
Points count as they were given, or as the version says under which the message was planned.
"""

from __future__ import annotations

from django.db.models import Count, Q, Sum

from saleor_retention.engine.campaigns.caps import Budget
from saleor_retention.engine.campaigns.terms import CampaignTerms
from saleor_retention.models import Campaign, Dispatch, DispatchState
from saleor_retention.services.campaigning.campaigns import terms_of_version

FREED = (DispatchState.SKIPPED, DispatchState.FAILED)


def budget_of(campaign: Campaign, terms: CampaignTerms) -> Budget:
    """Return what is left, read in one statement: workers give meanwhile what was spoken for."""
    limits = terms.limits
    if limits.sends_max is None and limits.points_max is None:
        return Budget()
    sends, points = _taken(campaign)
    return Budget(
        None if limits.sends_max is None else limits.sends_max - sends,
        None if limits.points_max is None else limits.points_max - points,
    )


def _taken(campaign: Campaign) -> tuple[int, int]:
    """Return how many messages and how many points are taken."""
    is_given = Q(benefit_given_at__isnull=False)
    rows = Dispatch.objects.filter(is_given | ~Q(state__in=FREED), campaign=campaign)
    counted = (
        rows.order_by()
        .values_list("version_id")
        .annotate(
            count=Count("pk"), given=Sum("points_given"), promised=Count("pk", filter=~is_given)
        )
    )
    sends = points = 0
    for version_id, count, given, promised in counted:
        sends += count
        points += given + promised * terms_of_version(version_id).benefit.points
    return sends, points
