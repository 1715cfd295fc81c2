"""What the mutations of segments share: their inputs, and how a draft is made of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from graphene.utils.str_converters import to_camel_case

from saleor_retention.errors import renaming
from saleor_retention.graphql.lookups import account_ids_of
from saleor_retention.graphql.scalars import RetentionWholeNumber, whole
from saleor_retention.graphql.segment_rules import (
    RetentionSegmentRuleInput,
    document_of,
    in_terms_of_input,
)
from saleor_retention.models import Program, Segment
from saleor_retention.services.membership.segments import (
    FOLLOW_UP_DAYS,
    LIST_MAX,
    Draft,
    Preview,
    change_list,
    preview_segment,
)

FOLLOW_UP = "The task that staff get about each member who comes into it from now on."
DRY_RUN = "Only say how many would be in it, and change nothing."


class RetentionSegmentFollowUpInput(graphene.InputObjectType):
    """A task for each member who comes into a segment, once for each coming in."""

    reason = graphene.String(
        description='What is to be done, and why; "" for no tasks.', required=True
    )
    days = graphene.InputField(
        RetentionWholeNumber, description="Days until it is due; 3 when left out."
    )


class RetentionSegmentCreateInput(graphene.InputObjectType):
    """A new segment."""

    slug = graphene.String(description="A stable name within the program.", required=True)
    name = graphene.String(description="What staff read.", required=True)
    rule = graphene.InputField(
        RetentionSegmentRuleInput, description="Who is in it; left out for an explicit list."
    )
    tag = graphene.String(description="The tag that its members bear.")
    is_active = graphene.Boolean(description="Whether it is kept up to date; yes when left out.")
    follow_up = graphene.InputField(RetentionSegmentFollowUpInput, description=FOLLOW_UP)
    members = graphene.List(
        graphene.NonNull(graphene.ID),
        description=f"Members to put on an explicit list; {LIST_MAX} at most.",
    )


class RetentionSegmentUpdateInput(graphene.InputObjectType):
    """Changes of a segment; what is left out stays."""

    name = graphene.String(description="What staff read.")
    rule = graphene.InputField(RetentionSegmentRuleInput, description="Who is in it.")
    tag = graphene.String(description='The tag that its members bear; "" for none.')
    is_active = graphene.Boolean(description="Whether it is kept up to date.")
    follow_up = graphene.InputField(RetentionSegmentFollowUpInput, description=FOLLOW_UP)
    add_members = graphene.List(
        graphene.NonNull(graphene.ID),
        description=f"Members to put on an explicit list; {LIST_MAX} at most.",
    )
    remove_members = graphene.List(
        graphene.NonNull(graphene.ID),
        description=f"Members to take off an explicit list; {LIST_MAX} at most.",
    )


def draft_of(given: Mapping[str, Any], segment: Segment | None = None) -> Draft:
    """Return the draft that an input means, on top of a segment that there is."""
    has_rule = given.get("rule") is not None
    document = segment.document if segment is not None else None
    values: dict[str, Any] = {
        "slug": segment.slug if segment is not None else given["slug"],
        "name": segment.name if segment is not None else "",
        "tag": segment.tag if segment is not None else "",
        "is_active": segment.is_active if segment is not None else True,
        "follow_up": segment.follow_up if segment is not None else "",
        "follow_up_days": segment.follow_up_days if segment is not None else FOLLOW_UP_DAYS,
    }
    task = given.get("follow_up")
    if task is not None:
        days = task.get("days")
        values["follow_up"] = task["reason"]
        values["follow_up_days"] = FOLLOW_UP_DAYS if days is None else whole(days, "followUp.days")
    for name in ("name", "tag", "is_active"):
        if given.get(name) is not None:
            values[name] = given[name]
    return Draft(document=document_of(given["rule"]) if has_rule else document, **values)


def previewed(program: Program, draft: Draft, segment: Segment | None = None) -> Preview:
    """Return what a draft would make; refuse in terms of the input."""
    with renaming(in_terms_of_input):
        return preview_segment(program, draft, segment=segment)


def reread(segment: Segment) -> Segment:
    """Return a segment as it is now, with the program that its fields ask for."""
    return Segment.objects.select_related("program__current_version").get(pk=segment.pk)


def put_on_list(
    segment: Segment, given: Mapping[str, Any], add: str, remove: str, *, actor_ref: str
) -> None:
    """Change an explicit list as an input asks for; nothing where it asks for nothing."""
    to_add = account_ids_of(given.get(add) or (), to_camel_case(add))
    to_remove = account_ids_of(given.get(remove) or (), to_camel_case(remove))
    if to_add or to_remove:
        change_list(segment, add=to_add, remove=to_remove, actor_ref=actor_ref)
