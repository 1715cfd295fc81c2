"""What staff and apps send of a campaign: its document in typed form.

The shape follows the document (``engine.campaigns.parsing``), but for texts, which are a list by
language, and coupons, whose terms are typed as everywhere.
"""

from __future__ import annotations

import graphene

from saleor_retention.graphql import enums_campaigns
from saleor_retention.graphql.enums_coupons import RetentionCouponKind
from saleor_retention.graphql.host_types import Date
from saleor_retention.graphql.inputs_coupons import RetentionCouponTermsInput
from saleor_retention.graphql.scalars import RetentionWholeNumber
from saleor_retention.graphql.segment_rules import RetentionRecencyBand


def _whole(description: str) -> graphene.InputField:
    return graphene.InputField(RetentionWholeNumber, description=description)


def _names(description: str) -> graphene.List:
    return graphene.List(graphene.NonNull(graphene.String), description=description)


class RetentionTriggerInput(graphene.InputObjectType):
    """What makes a member due; each kind takes some of the fields and refuses the others."""

    kind = graphene.InputField(
        enums_campaigns.RetentionTriggerKind, description="What it is; needed in a new campaign."
    )
    on = graphene.InputField(
        Date,
        description="ONCE: the day. ANNOUNCE: not before this day; may be left out for an offer "
        "that has a start.",
    )
    days_before = _whole("BIRTHDAY, ANNIVERSARY, HOLIDAY, RUN_OUT: so many days before it.")
    each_days_before = graphene.List(
        graphene.NonNull(RetentionWholeNumber),
        description="POINTS_EXPIRING, COUPON_EXPIRING: a message so many days before, each; when "
        "left out 30, 7 and 1 for points, 3 for coupons.",
    )
    days_after = _whole("WELCOME, SECOND_PURCHASE, SURVEY, EVENT: so many days after.")
    holiday = graphene.String(
        description="HOLIDAY: its name, `public:<country>:<name>`, or `own` with `days`."
    )
    days = graphene.List(graphene.NonNull(Date), description="HOLIDAY: the shop's own days.")
    day_of_month = _whole("POINTS_EXPIRING_NEXT_MONTH: on this day of the month before.")
    band = graphene.InputField(
        RetentionRecencyBand, description="WIN_BACK: SLEEPING, AT_RISK or LOST."
    )
    variants = graphene.List(
        graphene.NonNull(graphene.ID), description="RUN_OUT: the variants, each by its own rhythm."
    )
    event = graphene.String(
        description="EVENT: the kind that the program's rules have, such as `review`."
    )
    product = graphene.ID(description="ANNOUNCE: a product,")
    variant = graphene.ID(description="or a variant,")
    offer = graphene.String(description="or an offer of the program, by slug.")
    segment = graphene.String(description="SEGMENT_ENTERED, SEGMENT_LEFT: its slug.")


class RetentionAudienceInput(graphene.InputObjectType):
    """Which members; everybody when left out."""

    segments = _names("In any of these segments, by slug.")
    without = _names("In none of these.")
    tiers = _names("In any of these tiers, by slug.")


class RetentionTextsInput(graphene.InputObjectType):
    """The templates of one language."""

    language = graphene.String(description="en, zh-hant or zh-hans.", required=True)
    subject = graphene.String(description="The subject of an e-mail.")
    text = graphene.String(description="The message as plain text.")
    html = graphene.String(description="The same as HTML, for e-mails.")


class RetentionMessageInput(graphene.InputObjectType):
    """What is said, and how."""

    channel = graphene.InputField(
        enums_campaigns.RetentionMessageChannel, description="How it goes out."
    )
    via = graphene.InputField(enums_campaigns.RetentionMessageVia, description="Who sends it.")
    purpose = graphene.String(
        description="The purpose of the consent that it needs; `marketing` when left out."
    )
    feedback = graphene.String(
        description="The questionnaire that it leads to, by its name; whoever has answered it in "
        "this period does not get the message."
    )
    texts = graphene.List(
        graphene.NonNull(RetentionTextsInput),
        description="By language; the first one is for who has none of these.",
    )


class RetentionBenefitCouponInput(graphene.InputObjectType):
    """A coupon for each member."""

    kind = graphene.InputField(RetentionCouponKind, description="Who may use it.", required=True)
    terms = graphene.InputField(
        RetentionCouponTermsInput, description="What it gives.", required=True
    )
    valid_for_days = _whole("How many days after the one of issue; 30 when left out.")


class RetentionBenefitOfferInput(graphene.InputObjectType):
    """An offer for each member, a gift for example."""

    slug = graphene.String(
        description="The slug of an offer that is for those who were given it (`grantedOnly`).",
        required=True,
    )
    valid_for_days = _whole("How many days after the one on which it is given; 30 when left out.")


class RetentionBenefitInput(graphene.InputObjectType):
    """What comes with it: points, a coupon or an offer."""

    points = _whole("Points for each member.")
    coupon = graphene.InputField(RetentionBenefitCouponInput, description="A coupon for each.")
    offer = graphene.InputField(RetentionBenefitOfferInput, description="An offer for each.")
    with_message_only = graphene.Boolean(
        description="Whether it is for those alone who may get the message, too."
    )


class RetentionQuietHoursInput(graphene.InputObjectType):
    """Hours of the member's own clock in which nothing is sent, as HH:MM."""

    start = graphene.String(description="When they begin.")
    end = graphene.String(description="When they are over.")


class RetentionSendCapInput(graphene.InputObjectType):
    """At most so many messages of all campaigns to one member within so many days."""

    messages = _whole("How many.")
    days = _whole("Within how many days.")


class RetentionSendLimitsInput(graphene.InputObjectType):
    """What keeps messages back."""

    send_at = graphene.String(
        description="When it goes out on a day, as HH:MM of the member's clock; 10:00 when left "
        "out."
    )
    quiet = graphene.InputField(RetentionQuietHoursInput, description="Hours without messages.")
    cap = graphene.InputField(RetentionSendCapInput, description="How many messages are too many.")
    sends_max = _whole("How many members get it in all.")
    points_max = _whole("How many points it gives in all.")
    useful_days = _whole("For how many days after its day it is of use; 7 when left out.")


class RetentionCampaignInput(graphene.InputObjectType):
    """What a campaign says. In a change, what is left out stays and null removes."""

    trigger = graphene.InputField(RetentionTriggerInput, description="What makes a member due.")
    audience = graphene.InputField(RetentionAudienceInput, description="Which members.")
    message = graphene.InputField(RetentionMessageInput, description="What is said.")
    benefit = graphene.InputField(RetentionBenefitInput, description="What comes with it.")
    limits = graphene.InputField(RetentionSendLimitsInput, description="What keeps it back.")
    holdout_per_mille = _whole("Of 1000 members so many are held out, to see whether it works.")
    holdout_window_days = _whole(
        "For so many days after the assignment their orders are compared; 30 when left out."
    )


class RetentionCampaignCreateInput(graphene.InputObjectType):
    """A new campaign; it begins as a draft."""

    slug = graphene.String(description="A stable name, unique in the program.", required=True)
    name = graphene.String(description="What staff read.", required=True)
    campaign = graphene.InputField(
        RetentionCampaignInput, description="What it says.", required=True
    )


class RetentionCampaignUpdateInput(graphene.InputObjectType):
    """A change of a campaign."""

    name = graphene.String(description="What staff read.")
    campaign = graphene.InputField(RetentionCampaignInput, description="What changes of it.")


class RetentionDispatchFilterInput(graphene.InputObjectType):
    """Which of a campaign's messages; all conditions hold together."""

    states = graphene.List(
        graphene.NonNull(enums_campaigns.RetentionDispatchState), description="In these states."
    )
    reasons = graphene.List(
        graphene.NonNull(enums_campaigns.RetentionSkipReason),
        description="Left out for one of these reasons.",
    )
    member = graphene.ID(description="Of this member.")
