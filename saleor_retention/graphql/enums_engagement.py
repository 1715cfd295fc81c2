"""The GraphQL enums of events and referrals, made from those that decide and store."""

from __future__ import annotations

from saleor_retention.engine.engagement import Outcome
from saleor_retention.graphql.enums import described
from saleor_retention.models import ReferralReason, ReferralState

RetentionEventOutcome = described(
    "RetentionEventOutcome",
    Outcome,
    "What became of an event.",
    {
        Outcome.REWARDED: "It brought points.",
        Outcome.NO_POINTS: "Its rule gives none.",
        Outcome.OBJECT_MAX: "Enough events of the kind about the same object were rewarded.",
        Outcome.DAY_MAX: "Enough events of the kind were rewarded on that day.",
        Outcome.MONTH_MAX: "Enough events of the kind were rewarded in that month.",
        Outcome.MEMBER_MAX: "Enough events of the kind were rewarded in all.",
    },
)

RetentionReferralState = described(
    "RetentionReferralState",
    ReferralState,
    "How far a referral is.",
    {
        ReferralState.CLAIMED: "The friend has not placed and paid the first order yet.",
        ReferralState.PENDING: "Points are booked and wait for the end of the return window.",
        ReferralState.REWARDED: "The points were made available.",
        ReferralState.VOID: "It brings nothing; `reason` says why.",
    },
)

RetentionReferralReason = described(
    "RetentionReferralReason",
    ReferralReason,
    "Why a referral brings nothing.",
    {
        ReferralReason.RETURNED: "All of the friend's first order was canceled or came back.",
        ReferralReason.SAME_PERSON: "Both share a mailbox, a phone number or a home.",
        ReferralReason.LEFT: "The friend has left the program.",
    },
)
