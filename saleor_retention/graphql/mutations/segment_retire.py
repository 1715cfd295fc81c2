"""``retentionSegmentRetire``: end a segment for good."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import segment_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.segments import reread
from saleor_retention.graphql.types_segment import RetentionSegment
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership.segments import retire_segment


class RetentionSegmentRetire(RetentionMutation):
    """Ends a segment: everybody leaves it, and its tag goes. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The segment.", required=True)

    permissions = ("users",)

    segment = graphene.Field(RetentionSegment, description="The segment, as it is now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
    ) -> RetentionSegmentRetire:
        """Retire it."""
        segment = retire_segment(segment_of(id), actor_ref=asks.actor_ref)
        return cls(segment=reread(segment))
