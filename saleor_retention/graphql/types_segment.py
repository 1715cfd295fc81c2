"""Segments of a program's members, for staff."""

from __future__ import annotations

from typing import Any

import graphene
from promise import Promise

from saleor_retention import host
from saleor_retention.graphql import paging
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.offers import NameOfGoods
from saleor_retention.graphql.dataloaders.segments import (
    LimitsByProgram,
    SegmentMemberPages,
    SizeBySegment,
)
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.lookups import program_of, segment_of
from saleor_retention.graphql.segment_rules import json_of
from saleor_retention.graphql.types_member import Member, RetentionMemberConnection
from saleor_retention.graphql.words import said
from saleor_retention.models import Segment, SegmentMember
from saleor_retention.selectors.segments import goods_said_of, sentence_of


class RetentionSegmentFollowUp(graphene.ObjectType):
    """The task that staff get about each member who comes into a segment."""

    reason = graphene.String(description="What is to be done, and why.", required=True)
    days = graphene.Int(description="Days until it is due.", required=True)


class RetentionSegment(graphene.ObjectType):
    """A named set of a program's members: by a rule, or by an explicit list."""

    id = graphene.ID(description="The segment's id.", required=True)
    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What staff read.", required=True)
    sentence = graphene.String(description="Who is in it, in words.", required=True)
    rule = graphene.String(
        description="The rule as JSON in the shape of RetentionSegmentRuleInput; null of a list."
    )
    tag = graphene.String(description='The tag that its members bear; "" for none.', required=True)
    follow_up = graphene.Field(
        RetentionSegmentFollowUp,
        description="The task about each member who comes into it; null for none.",
    )
    is_active = graphene.Boolean(
        description="Whether it is kept up to date and offers may ask for it.", required=True
    )
    retired_at = graphene.Field(DateTime, description="When it was ended for good.")
    refreshed_at = graphene.Field(
        DateTime, description="When all members were last looked at; null of a list."
    )
    size = graphene.Int(description="How many are in it.", required=True)
    members = graphene.Field(
        RetentionMemberConnection,
        description="Who is in it; `totalCount` is null, `size` counts them.",
        **paging.ARGUMENTS,
    )

    @staticmethod
    def resolve_id(root: Segment, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionSegment", str(root.pk))

    @staticmethod
    @discreet
    def resolve_sentence(root: Segment, info: Any) -> Any:
        """Promise the rule in words."""
        keys = goods_said_of(root)
        named = NameOfGoods.of(info).load_many(keys) if keys else Promise.resolve([])
        limits = LimitsByProgram.of(info).load(root.program_id)

        def told(found: list[Any]) -> str:
            pairs = zip(keys, found[1], strict=True)
            return said(sentence_of(root, found[0], {key: name for key, name in pairs if name}))

        return Promise.all([limits, named]).then(told)

    @staticmethod
    def resolve_rule(root: Segment, _info: Any) -> str | None:
        """Return the rule as JSON."""
        return None if root.document is None else json_of(root.document)

    @staticmethod
    def resolve_follow_up(root: Segment, _info: Any) -> RetentionSegmentFollowUp | None:
        """Return the task that it asks for."""
        if not root.follow_up:
            return None
        return RetentionSegmentFollowUp(reason=root.follow_up, days=root.follow_up_days)

    @staticmethod
    @discreet
    def resolve_size(root: Segment, info: Any) -> Any:
        """Promise how many members there are."""
        return SizeBySegment.of(info).load(root.pk).then(lambda size: size or 0)

    @staticmethod
    @discreet
    def resolve_members(root: Segment, info: Any, **arguments: Any) -> Any:
        """Promise a page of members."""
        window = paging.Window.of("members", arguments, paging.row_id)

        def shown(rows: list[SegmentMember]) -> paging.Connection:
            return paging.connection_of(
                RetentionMemberConnection,
                rows,
                window,
                lambda row: paging.encoded(row.account_id),
                node_of=lambda row: Member(row.account),
            )

        return SegmentMemberPages.of(info).load((root.pk, window)).then(shown)


class RetentionSegmentConnection(paging.Connection):
    """Segments, a page at a time."""

    class Meta:
        """Of segments."""

        node = RetentionSegment


@discreet
def resolve_segments(_root: Any, info: Any, *, program_id: str, **arguments: Any) -> Any:
    """Return a page of a program's segments, for those who manage customers."""
    require(info, "users")
    window = paging.Window.of("retentionSegments", arguments, str, paging.row_id)
    rows = Segment.objects.filter(program=program_of(program_id, "programId"))
    found = rows.select_related("program__current_version")
    return paging.page(RetentionSegmentConnection, found, paging.Order("slug"), window)


@discreet
def resolve_segment(_root: Any, info: Any, *, id: str) -> Segment:  # noqa: A002
    """Return one segment, for those who manage customers."""
    require(info, "users")
    return segment_of(id)
