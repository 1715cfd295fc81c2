"""What apps and staff send of events."""

from __future__ import annotations

import graphene

from saleor_retention.graphql.host_types import DateTime
from saleor_retention.graphql.inputs import RetentionSaleMemberInput


class RetentionEventInput(graphene.InputObjectType):
    """Something that a member did, such as a review. The member is named in one of three ways."""

    source = graphene.String(
        description="The system that tells of it: 24 letters, digits, points, hyphens or "
        "underscores at most.",
        required=True,
    )
    reference = graphene.String(
        description="What the source calls it, unique there: sent again, it changes nothing.",
        required=True,
    )
    kind = graphene.String(
        description="What was done, a kind that the program has a rule for: review, favorite, "
        "follow or one of the merchant's own.",
        required=True,
    )
    object = graphene.String(
        description="What it is about, such as a product's id; left out for the shop."
    )
    at = graphene.InputField(DateTime, description="When it was done; now when left out.")
    member_id = graphene.ID(description="The member.")
    user_id = graphene.ID(description="The customer, who becomes a member where all customers are.")
    member = graphene.InputField(
        RetentionSaleMemberInput, description="The member by number, phone or e-mail address."
    )
    channel = graphene.String(
        description="Slug of a channel of the program; not needed with `memberId`, nor where one "
        "program runs."
    )
