"""What was answered about orders, for all orders of a query at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import SurveyAnswer


class AnswerAbout(Loader[str, SurveyAnswer]):
    """The answers by order reference; None where nobody has answered."""

    def find(self, keys: Sequence[str]) -> Mapping[str, SurveyAnswer]:
        """Read them in one statement."""
        found = SurveyAnswer.objects.filter(order_ref__in=keys)
        return {answer.order_ref: answer for answer in found}
