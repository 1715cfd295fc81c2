"""``retentionSegmentUpdate``: change a segment, or who is on a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.db import transaction

from saleor_retention.graphql.lookups import segment_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.segments import (
    DRY_RUN,
    RetentionSegmentUpdateInput,
    draft_of,
    previewed,
    put_on_list,
    reread,
)
from saleor_retention.graphql.types_segment import RetentionSegment
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership.segments import update_segment


class RetentionSegmentUpdate(RetentionMutation):
    """Changes a segment; its members follow at once. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The segment.", required=True)
        input = RetentionSegmentUpdateInput(description="What changes.", required=True)
        dry_run = graphene.Boolean(description=DRY_RUN, default_value=False)

    permissions = ("users",)

    segment = graphene.Field(RetentionSegment, description="The segment, as it is now.")
    size = graphene.Int(description="How many its rule finds now; null of an explicit list.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
        input: Mapping[str, Any],  # noqa: A002
        dry_run: bool = False,
    ) -> RetentionSegmentUpdate:
        """Change it and let its members follow, or only count them."""
        segment = segment_of(id)
        preview = previewed(segment.program, draft_of(input, segment), segment)
        if not dry_run:
            with transaction.atomic():
                segment = update_segment(segment, preview.draft, actor_ref=asks.actor_ref)
                put_on_list(
                    segment, input, "add_members", "remove_members", actor_ref=asks.actor_ref
                )
            segment = reread(segment)
        return cls(segment=segment, size=preview.size)
