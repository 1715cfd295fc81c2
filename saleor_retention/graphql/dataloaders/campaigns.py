"""What became of campaigns in a list, counted for all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count

from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import Campaign, Dispatch, SkippedSend


class StatesByCampaign(Loader[int, dict[str, int]]):
    """How many messages of a campaign are in each state; states of none are absent."""

    def find(self, keys: Sequence[int]) -> Mapping[int, dict[str, int]]:
        """Count them in one statement."""
        rows = Dispatch.objects.filter(campaign__in=keys).order_by()
        found: dict[int, dict[str, int]] = {}
        counted = rows.values("campaign_id", "state").annotate(count=Count("pk"))
        for campaign_id, state, count in counted.values_list("campaign_id", "state", "count"):
            found.setdefault(campaign_id, {})[state] = count
        return found


class ReasonsByCampaign(Loader[int, dict[str, int]]):
    """How many messages of a campaign were left out for each reason."""

    def find(self, keys: Sequence[int]) -> Mapping[int, dict[str, int]]:
        """Count them in one statement."""
        rows = SkippedSend.objects.filter(dispatch__campaign__in=keys).order_by()
        found: dict[int, dict[str, int]] = {}
        counted = rows.values("dispatch__campaign_id", "reason").annotate(count=Count("pk"))
        for campaign_id, reason, count in counted.values_list(
            "dispatch__campaign_id", "reason", "count"
        ):
            found.setdefault(campaign_id, {})[reason] = count
        return found


class CampaignSecrets(Loader[tuple[int, str], str]):
    """The secret that deals a campaign's holdout, by program and slug."""

    def find(self, keys: Sequence[tuple[int, str]]) -> Mapping[tuple[int, str], str]:
        """Read them in one statement."""
        wanted = set(keys)
        programs, slugs = {key[0] for key in wanted}, {key[1] for key in wanted}
        rows = Campaign.objects.filter(program__in=programs, slug__in=slugs)
        return {
            (program_id, slug): secret
            for program_id, slug, secret in rows.values_list("program_id", "slug", "secret")
            if (program_id, slug) in wanted
        }
