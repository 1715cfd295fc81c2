"""The GraphQL enums of coupons, made from the models' own."""

from __future__ import annotations

from saleor_retention.graphql.enums import described
from saleor_retention.models import CouponCause, CouponKind, CouponState, CouponTrigger

RetentionCouponKind = described(
    "RetentionCouponKind",
    CouponKind,
    "Who may use a code.",
    {
        CouponKind.BEARER: "Whoever has it.",
        CouponKind.PERSONAL: "The member it was issued to.",
    },
)

RetentionCouponState = described(
    "RetentionCouponState",
    CouponState,
    "What has become of a code.",
    {
        CouponState.ACTIVE: "It can be used.",
        CouponState.USED: "It was used as often as it may be.",
        CouponState.EXPIRED: "Its time is over.",
        CouponState.REVOKED: "The shop ended it.",
        CouponState.TAKEN_BACK: "The order that it was given for was canceled or returned.",
    },
)

RetentionCouponCause = described(
    "RetentionCouponCause",
    CouponCause,
    "What a code was issued for.",
    {
        CouponCause.BATCH: "It is one of many made at once.",
        CouponCause.CAMPAIGN: "A campaign gave it.",
        CouponCause.GOODWILL: "Staff gave it.",
        CouponCause.NEXT_ORDER: "A first order brought it.",
    },
)

RetentionCouponTrigger = described(
    "RetentionCouponTrigger",
    CouponTrigger,
    "What a plan of coupons is for.",
    {
        CouponTrigger.GOODWILL: "Staff give it on their own judgment.",
        CouponTrigger.NEXT_ORDER: "A member's first order brings it, for the next.",
    },
)
