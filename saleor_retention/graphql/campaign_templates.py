"""Ready campaigns for staff to begin with, in the shape that the mutations take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import graphene
from django.utils import timezone

from saleor_retention.engine.campaigns.playbook import Play, playbook
from saleor_retention.graphql.campaign_documents import CAMPAIGN
from saleor_retention.graphql.context import require
from saleor_retention.graphql.document_inputs import input_of
from saleor_retention.graphql.documents import FEEDBACK, Section
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import JSONString
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.segment_rules import RetentionRecencyBand
from saleor_retention.selectors.programs import rules_of

DAYS_AHEAD = 7
"""How far away the day is of a campaign that has one day."""

COUPON = Section(
    "coupon",
    {
        "kind": "kind",
        "terms": Section("terms", {"name": "name", "percent": "percent"}),
        "valid_for_days": "valid_for_days",
    },
)
BENEFIT = Section("benefit", {**CAMPAIGN["benefit"].fields, "coupon": COUPON})
FIELDS: Mapping[str, Any] = {**CAMPAIGN, "benefit": BENEFIT}


class RetentionCampaignTemplate(graphene.ObjectType):
    """A ready campaign, for staff to begin with."""

    name = graphene.String(description="A stable name.", required=True)
    title = graphene.String(description="What it does, in words.", required=True)
    band = RetentionRecencyBand(
        description="For which customers, by their last order.", required=True
    )
    segment = graphene.Field(
        JSONString,
        description="A `RetentionSegmentCreateInput` of the segment that its audience names, to be "
        "made before it; null where it names none.",
    )
    feedback = graphene.Field(
        JSONString,
        description="A `RetentionFeedbackInput` of the questionnaire that its message leads to, to "
        "be added to the program's rules before it; null where it leads to none.",
    )
    input = graphene.Field(
        JSONString,
        description="A `RetentionCampaignInput`, a valid draft. What only the shop knows stands in "
        "brackets.",
        required=True,
    )


@discreet
def resolve_campaign_templates(
    _root: Any, info: Any, program: str
) -> list[RetentionCampaignTemplate]:
    """Return the playbook, with days of the program's own calendar, for those who may use it."""
    require(info, "discounts")
    zone = ZoneInfo(rules_of(program_of(program, "program").current_version_id).time_zone)
    on = timezone.now().astimezone(zone).date() + dt.timedelta(days=DAYS_AHEAD)
    return [_template_type(play) for play in playbook(on)]


def _template_type(play: Play) -> RetentionCampaignTemplate:
    return RetentionCampaignTemplate(
        name=play.name,
        title=play.title,
        band=play.band,
        segment=_segment_input(play.segment) if play.segment else None,
        feedback=_feedback_input(play.feedback) if play.feedback else None,
        input=input_of(play.document, FIELDS),
    )


def _segment_input(segment: Mapping[str, Any]) -> dict[str, Any]:
    bands = [band.upper() for band in segment["rule"]["band"]]
    return {**segment, "rule": {"band": bands}}


def _feedback_input(feedback: Mapping[str, Any]) -> dict[str, Any]:
    (made,) = input_of({FEEDBACK.key: feedback}, {"feedback": FEEDBACK})["feedback"]
    return dict(made)
