"""The GraphQL enums of offers, made from the engine's and the models' own."""

from __future__ import annotations

from enum import StrEnum

from saleor_retention.engine.offers.kinds import Novelty
from saleor_retention.engine.offers.result import Finding
from saleor_retention.engine.offers.terms import LimitPeriod
from saleor_retention.graphql.enums import described
from saleor_retention.models import OfferKind


class OfferState(StrEnum):
    """Where an offer is in its life."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    ENDED = "ended"
    RETIRED = "retired"


class OfferSortField(StrEnum):
    """What offers can be sorted by."""

    SLUG = "slug"
    NAME = "name"
    CREATED_AT = "created_at"


RetentionOfferKind = described(
    "RetentionOfferKind",
    OfferKind,
    "What an offer gives.",
    {
        OfferKind.BUNDLE: "Goods that cost less together.",
        OfferKind.QUANTITY: "A price per unit by the number bought.",
        OfferKind.ADD_ON: "A price for goods that other goods open.",
        OfferKind.GIFT: "Free goods, of the shopper's choice.",
        OfferKind.PUNCH_CARD: "A reward after so many units bought in earlier orders.",
        OfferKind.MEMBER_PRICE: "A price per unit for those whom it is for.",
        OfferKind.THRESHOLD: "Something off from an amount spent.",
        OfferKind.FREE_SHIPPING: "Shipping at no price.",
    },
)

RetentionOfferState = described(
    "RetentionOfferState",
    OfferState,
    "Where an offer is in its life, whether or not it is switched on.",
    {
        OfferState.SCHEDULED: "Its time is still to come.",
        OfferState.RUNNING: "It is its time.",
        OfferState.ENDED: "Its time is over.",
        OfferState.RETIRED: "It was ended for good.",
    },
)

RetentionOfferSortField = described(
    "RetentionOfferSortField",
    OfferSortField,
    "What offers are sorted by.",
    {
        OfferSortField.SLUG: "Their slug.",
        OfferSortField.NAME: "Their name.",
        OfferSortField.CREATED_AT: "When they were created.",
    },
)

RetentionOfferNovelty = described(
    "RetentionOfferNovelty",
    Novelty,
    "Whether an offer is for those who have ordered before.",
    {
        Novelty.NEW: "For those who have never ordered.",
        Novelty.RETURNING: "For those who have ordered before.",
    },
)

RetentionOfferPeriod = described(
    "RetentionOfferPeriod",
    LimitPeriod,
    "What limits count afresh in; local to the program's time zone.",
    {
        LimitPeriod.DAY: "A day.",
        LimitPeriod.WEEK: "A week from Monday.",
        LimitPeriod.MONTH: "A calendar month.",
        LimitPeriod.YEAR: "A calendar year.",
        LimitPeriod.ALL_TIME: "All time: they never do.",
    },
)

RetentionOfferVerdictCode = described(
    "RetentionOfferVerdictCode",
    Finding,
    "What became of an offer at a checkout, or the condition that it misses.",
    {
        Finding.APPLIED: "It is in the price.",
        Finding.NOT_STARTED: "Its time is still to come.",
        Finding.EXPIRED: "Its time is over.",
        Finding.OTHER_WEEKDAY: "It is for other weekdays.",
        Finding.NOT_A_MEMBER: "It is for members, and the checkout has no member.",
        Finding.OTHER_TIER: "It is for other tiers.",
        Finding.OTHER_SEGMENT: "It is for other customers.",
        Finding.OTHER_TAG: "It is for other customers.",
        Finding.NOT_NEW: "It is for those who have never ordered.",
        Finding.NOT_RETURNING: "It is for those who have ordered before.",
        Finding.NOT_GRANTED: "It is for those to whom it was given, by a campaign for example.",
        Finding.LIMIT_PER_ORDER: "It may not be used in an order.",
        Finding.LIMIT_PER_CUSTOMER: "The customer has used it as often as is allowed.",
        Finding.LIMIT_IN_TOTAL: "All that there was of it is used.",
        Finding.NO_MATCHING_GOODS: "Nothing in the checkout is among its goods.",
        Finding.NOT_OPENED: "The goods that open it are missing.",
        Finding.SUBTOTAL_TOO_HIGH: "The goods come to more than it is for.",
        Finding.UNITS_MISSING: "Units are missing; `missing` says how many.",
        Finding.AMOUNT_MISSING: "The goods come to too little; `missingAmount` says by how much.",
        Finding.STAMPS_MISSING: "Stamps are missing on the punch card; `missing` says how many.",
        Finding.GIFT_TO_CHOOSE: "A gift waits to be chosen.",
        Finding.NO_GIFT_LEFT: "No gift is left that the customer could have.",
        Finding.NO_EFFECT: "The goods match, and nothing would come off.",
        Finding.BEATEN: "Other offers take more off the same goods.",
        Finding.CONFLICT: "Another offer of its exclusion group applies.",
    },
)
