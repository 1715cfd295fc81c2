"""The GraphQL enums of campaigns, made from the engine's and the models' own."""

from __future__ import annotations

from saleor_retention.engine.campaigns.terms import Channel, TriggerKind, Via
from saleor_retention.engine.campaigns.verdicts import Reason
from saleor_retention.graphql.enums import described
from saleor_retention.models import CampaignState, DispatchState

RetentionCampaignState = described(
    "RetentionCampaignState",
    CampaignState,
    "Where a campaign is.",
    {
        CampaignState.DRAFT: "It does nothing yet.",
        CampaignState.SCHEDULED: "It starts by itself.",
        CampaignState.RUNNING: "It plans and sends.",
        CampaignState.PAUSED: "It sends nothing until it is started again.",
        CampaignState.ENDED: "It is over for good.",
    },
)

RetentionDispatchState = described(
    "RetentionDispatchState",
    DispatchState,
    "What became of a member's message, or of a benefit without one.",
    {
        DispatchState.PLANNED: "It waits for its time.",
        DispatchState.SENDING: "A worker is about to hand it over.",
        DispatchState.SENT: "It was taken by the mail server or provider.",
        DispatchState.FAILED: "It was surely not sent, and is not tried again.",
        DispatchState.UNKNOWN: "Nobody knows whether it went out; it is never sent again.",
        DispatchState.SKIPPED: "It was left out, for a reason.",
    },
)

RetentionSkipReason = described(
    "RetentionSkipReason",
    Reason,
    "Why a member does not get a campaign's message.",
    {
        Reason.GONE: "The customer left, was erased, or was deleted.",
        Reason.HOLDOUT: "The customer is held out, to see whether the campaign works.",
        Reason.BUDGET: "The campaign's budget is spent.",
        Reason.RECENT_BIRTHDAY: "The birthday was told shortly before the day.",
        Reason.TOO_LATE: "The message was of no more use.",
        Reason.NO_LONGER_DUE: "The customer has bought meanwhile.",
        Reason.HAD: "The customer was given it under another account of the same address.",
        Reason.NO_ADDRESS: "There is no confirmed address, or no number.",
        Reason.CONSENT: "The customer did not agree to such messages.",
        Reason.SUPPRESSED: "Nothing may be sent to the address.",
        Reason.QUIET_HOURS: "Quiet hours last longer than the message is of use.",
        Reason.CAP: "The customer had as many messages as the campaign allows.",
        Reason.ENDED: "The campaign ended before it was sent.",
    },
)

RetentionTriggerKind = described(
    "RetentionTriggerKind",
    TriggerKind,
    "What makes a member due.",
    {
        TriggerKind.ONCE: "A day: everybody, once.",
        TriggerKind.BIRTHDAY: "The birthday, or some days before it.",
        TriggerKind.ANNIVERSARY: "The day of the first order, in later years.",
        TriggerKind.HOLIDAY: "A holiday, or some days before it.",
        TriggerKind.POINTS_EXPIRING: "Points that expire in some days.",
        TriggerKind.COUPON_EXPIRING: "A coupon that ends in some days.",
        TriggerKind.POINTS_EXPIRING_NEXT_MONTH: "Points that expire next month.",
        TriggerKind.TIER_REACHED: "A tier was reached.",
        TriggerKind.TIER_AT_RISK: "A tier is about to be lost.",
        TriggerKind.WELCOME: "The customer has joined.",
        TriggerKind.SECOND_PURCHASE: "The first order was so long ago, and there is no second.",
        TriggerKind.WIN_BACK: "The last order was so long ago that the recency band changes.",
        TriggerKind.RUN_OUT: "What the customer buys again and again is about to run out.",
        TriggerKind.SEGMENT_ENTERED: "A segment was entered.",
        TriggerKind.SEGMENT_LEFT: "A segment was left.",
        TriggerKind.EVENT: "The member did something, such as a review, so long ago.",
        TriggerKind.ANNOUNCE: "A product or an offer is there: everybody, once.",
        TriggerKind.SURVEY: "The last order was so long ago, and was not answered for.",
    },
)

RetentionMessageChannel = described(
    "RetentionMessageChannel",
    Channel,
    "How a message goes out.",
    {Channel.EMAIL: "By e-mail.", Channel.SMS: "As a text message."},
)

RetentionMessageVia = described(
    "RetentionMessageVia",
    Via,
    "Who sends an e-mail.",
    {
        Via.MAIL: "The shop's own mail server.",
        Via.NOTIFY: "Whoever listens to the shop's notify event. Not on Saleor 2.10.",
    },
)
