"""``retentionSegmentCreate``: name a set of members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from django.db import transaction

from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.segments import (
    DRY_RUN,
    RetentionSegmentCreateInput,
    draft_of,
    previewed,
    put_on_list,
    reread,
)
from saleor_retention.graphql.types_segment import RetentionSegment
from saleor_retention.host.contract import Requestor
from saleor_retention.services.membership.segments import create_segment


class RetentionSegmentCreate(RetentionMutation):
    """Creates a segment of a program's members. Requires MANAGE_USERS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        input = RetentionSegmentCreateInput(description="The segment.", required=True)
        dry_run = graphene.Boolean(description=DRY_RUN, default_value=False)

    permissions = ("users",)

    segment = graphene.Field(RetentionSegment, description="The segment; null of a dry run.")
    size = graphene.Int(description="How many its rule finds now; null of an explicit list.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
        dry_run: bool = False,
    ) -> RetentionSegmentCreate:
        """Create it and find its members, or only count them."""
        program = program_of(program_id, "programId")
        preview = previewed(program, draft_of(input))
        if dry_run:
            return cls(size=preview.size)
        with transaction.atomic():
            segment = create_segment(program, preview.draft, actor_ref=asks.actor_ref)
            put_on_list(segment, input, "members", "", actor_ref=asks.actor_ref)
        return cls(segment=reread(segment), size=preview.size)
