"""What members buy again and again, for all members of a query at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import Account
from saleor_retention.services.campaigning.run_outs import RunningOut, run_outs_of


class RunOutsOf(Loader[int, list[RunningOut]]):
    """By account id; absent where nothing is bought again and again."""

    def find(self, keys: Sequence[int]) -> Mapping[int, list[RunningOut]]:
        """Read them in a constant number of statements for each program."""
        accounts = Account.objects.filter(pk__in=keys).select_related("program__current_version")
        found: dict[int, list[RunningOut]] = {}
        for _program_id, group in groupby(
            accounts.order_by("program_id", "pk"), lambda account: account.program_id
        ):
            members = list(group)
            found |= run_outs_of(members[0].program, members, moment(self.info))
        return found
