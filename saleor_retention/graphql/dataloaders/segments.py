"""Segments in a list: their sizes, pages of their members, and their programs' recency bands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db import connection
from django.db.models import Count

from saleor_retention.engine.segments.bands import Limits
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.graphql.paging import Window
from saleor_retention.models import SegmentMember
from saleor_retention.selectors.segments import limits_of_programs

PageKey = tuple[int, Window]
"""(segment id, which part of its members)"""

_PAGES = """
SELECT wanted.segment_id, page.id
FROM unnest(%(segment_ids)s::bigint[]) AS wanted (segment_id)
CROSS JOIN LATERAL (
    SELECT id FROM saleor_retention_segmentmember
    WHERE segment_id = wanted.segment_id
      AND (%(cursor)s::bigint IS NULL OR account_id {beyond} %(cursor)s)
    ORDER BY account_id {direction}
    LIMIT %(limit)s
) AS page
"""


class SizeBySegment(Loader[int, int]):
    """How many are in a segment; absent where nobody is."""

    def find(self, keys: Sequence[int]) -> Mapping[int, int]:
        """Count them in one statement."""
        members = SegmentMember.objects.filter(segment__in=keys).order_by()
        counted = members.values("segment_id").annotate(size=Count("pk"))
        return dict(counted.values_list("segment_id", "size"))


class LimitsByProgram(Loader[int, Limits]):
    """The recency bands of programs."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Limits]:
        """Read them in one statement."""
        return limits_of_programs(keys)


class SegmentMemberPages(Loader[PageKey, list[SegmentMember]]):
    """Members with their accounts, by segment and window, in the order of accounts."""

    def find(self, keys: Sequence[PageKey]) -> Mapping[PageKey, list[SegmentMember]]:
        """Read them in two statements for each window."""
        segments_by_window = defaultdict(list)
        for segment_id, window in keys:
            segments_by_window[window].append(segment_id)
        pages: dict[PageKey, list[SegmentMember]] = {key: [] for key in keys}
        for window, segment_ids in segments_by_window.items():
            found = _ids(segment_ids, window)
            members = SegmentMember.objects.select_related("account")
            rows = members.in_bulk([pk for _, pk in found])
            for segment_id, pk in found:
                if pk in rows:  # else gone since a moment ago
                    pages[segment_id, window].append(rows[pk])
        return pages


def _ids(segment_ids: Sequence[int], window: Window) -> list[tuple[int, int]]:
    statement = _PAGES.format(
        beyond="<" if window.is_backward else ">",
        direction="DESC" if window.is_backward else "ASC",
    )
    parameters = {
        "segment_ids": list(segment_ids),
        "cursor": window.position[0] if window.position else None,
        "limit": window.limit + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
