"""What members answered to questionnaires without an order, for all members of a query at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import SurveyAnswer


class FeedbackOf(Loader[int, list[SurveyAnswer]]):
    """By account id, of all periods; absent where nothing was answered."""

    def find(self, keys: Sequence[int]) -> Mapping[int, list[SurveyAnswer]]:
        """Read them in one statement."""
        found: dict[int, list[SurveyAnswer]] = {}
        for answer in SurveyAnswer.objects.filter(account__in=keys, order_ref=None):
            found.setdefault(answer.account_id, []).append(answer)
        return found
