"""What is summed up of members, and what they are in, for all members of a query at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from saleor_retention.engine.segments.stages import Deeds
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import CustomerRollup, CustomerTag, SegmentMember
from saleor_retention.selectors.stages import deeds_of_accounts


class RollupOf(Loader[int, CustomerRollup]):
    """Summed-up orders by account id; absent where none counts."""

    def find(self, keys: Sequence[int]) -> Mapping[int, CustomerRollup]:
        """Read them in one statement."""
        return CustomerRollup.objects.in_bulk(list(keys))


class DeedsOf(Loader[int, Deeds]):
    """What tells of a stage besides orders, by account id; absent where there is nothing."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Deeds]:
        """Read it in two statements."""
        return deeds_of_accounts(keys)


class TagsOf(Loader[int, list[str]]):
    """Tags by account id, in the order of the alphabet; absent where there is none."""

    def find(self, keys: Sequence[int]) -> Mapping[int, list[str]]:
        """Read them in one statement."""
        borne: dict[int, list[str]] = defaultdict(list)
        rows = CustomerTag.objects.filter(account__in=keys).order_by("tag")
        for account_id, tag in rows.values_list("account_id", "tag"):
            borne[account_id].append(tag)
        return borne


class SegmentsOf(Loader[int, list[SegmentMember]]):
    """Memberships of active segments by account id, in the order of slugs; absent without any."""

    def find(self, keys: Sequence[int]) -> Mapping[int, list[SegmentMember]]:
        """Read them in one statement."""
        found: dict[int, list[SegmentMember]] = defaultdict(list)
        rows = SegmentMember.objects.filter(account__in=keys, segment__is_active=True)
        for row in rows.select_related("segment").order_by("segment__slug"):
            found[row.account_id].append(row)
        return found
