"""The GraphQL enums, made from the engine's and the models' own so that neither can drift."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any

import graphene

from saleor_retention.engine import rules
from saleor_retention.engine.pricing import Finding
from saleor_retention.engine.redemption import ClampReason
from saleor_retention.models import AccountState, AuditAction, Book, TierChangeKind, TransactionKind
from saleor_retention.selectors.balances import LotState


def described(name: str, members: type[Enum], about: str, meanings: Mapping[Any, str]) -> Any:
    """Return a GraphQL enum whose values are described; a member without a meaning is a fault."""
    missing = [member.name for member in members if member not in meanings]
    if missing:
        raise LookupError(f"{name} does not say what {', '.join(missing)} mean.")

    class Meta:
        enum = members

        @staticmethod
        def description(member: Enum | None) -> str:
            return about if member is None else meanings[member]

    return type(name, (graphene.Enum,), {"Meta": Meta})


class Weekday(StrEnum):
    """The weekdays as the rules document writes them."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class OrderPointsState(StrEnum):
    """How far an order's points are."""

    NONE = "none"
    QUOTED = "quoted"
    PENDING = "pending"
    AVAILABLE = "available"
    REVERSED = "reversed"


class MemberSortField(StrEnum):
    """What members can be sorted by."""

    JOINED_AT = "joined_at"
    LAST_ACTIVITY_AT = "last_activity_at"
    AVAILABLE = "available"
    NUMBER = "number"


RetentionMaturingRule = described(
    "RetentionMaturingRule",
    rules.MaturingRule,
    "When earned points become available.",
    {
        rules.MaturingRule.AT_ONCE: "When the order is fully paid.",
        rules.MaturingRule.ON_FULFILMENT: "When the order is fulfilled.",
        rules.MaturingRule.DAYS_AFTER_PAYMENT: "A number of days after the order is fully paid.",
        rules.MaturingRule.DAYS_AFTER_FULFILMENT: "A number of days after fulfillment.",
    },
)

RetentionExpiryPolicy = described(
    "RetentionExpiryPolicy",
    rules.ExpiryPolicy,
    "When points that were not spent expire.",
    {
        rules.ExpiryPolicy.NEVER: "Never.",
        rules.ExpiryPolicy.DAYS: "At the end of the local day, a number of days later.",
        rules.ExpiryPolicy.END_OF_MONTH: "At the end of the month, a number of months later.",
        rules.ExpiryPolicy.END_OF_YEAR: "At the end of the year, a number of years later.",
        rules.ExpiryPolicy.INACTIVITY: "After a number of days without earning or spending.",
    },
)

RetentionDeficitPolicy = described(
    "RetentionDeficitPolicy",
    rules.DeficitPolicy,
    "What happens when points that are to be taken back were spent already.",
    {
        rules.DeficitPolicy.DEFICIT: "The member owes them; points earned later repay them first.",
        rules.DeficitPolicy.WRITE_OFF: "The shop bears the loss.",
    },
)

RetentionEnrolment = described(
    "RetentionEnrolment",
    rules.Enrolment,
    "Who is a member.",
    {
        rules.Enrolment.EVERY_CUSTOMER: "Every customer with a confirmed account.",
        rules.Enrolment.OPT_IN: "Customers who enrolled themselves.",
    },
)

RetentionTierMetric = described(
    "RetentionTierMetric",
    rules.Metric,
    "What the tier ladder counts.",
    {
        rules.Metric.SPEND: "Money spent, net of refunds, in the program's reference currency.",
        rules.Metric.ORDERS: "Paid orders of which something was kept.",
        rules.Metric.POINTS: "Points earned, net of those taken back.",
    },
)

RetentionTierWindow = described(
    "RetentionTierWindow",
    rules.Window,
    "Over which time the tier ladder counts.",
    {
        rules.Window.LIFETIME: "Since the customer became a member; a tier never runs out.",
        rules.Window.CALENDAR_YEAR: "The calendar year.",
        rules.Window.ROLLING_MONTHS: "A number of months up to now.",
        rules.Window.MEMBERSHIP_YEAR: "The year from the day the customer became a member.",
    },
)

RetentionDowngrade = described(
    "RetentionDowngrade",
    rules.Downgrade,
    "How far a member falls who no longer qualifies.",
    {
        rules.Downgrade.ONE_STEP: "To the next lower tier.",
        rules.Downgrade.RECOMPUTE: "To the tier that the member qualifies for now.",
    },
)

RetentionWeekday = described(
    "RetentionWeekday",
    Weekday,
    "A weekday in the program's time zone.",
    {day: f"{day.name.capitalize()}." for day in Weekday},
)

RetentionMemberState = described(
    "RetentionMemberState",
    AccountState,
    "What kind of account this is.",
    {
        AccountState.MEMBER: "A customer who is a member.",
        AccountState.SHADOW: "A guest's points, waiting for the guest to open an account.",
        AccountState.LEFT: "A customer who left the program; points may still be spent.",
        AccountState.ERASED: "A customer whose data was erased; only the sums are kept.",
        AccountState.MERGED: "A guest's points that their owner has claimed.",
    },
)

RetentionHistoryKind = described(
    "RetentionHistoryKind",
    TransactionKind,
    "Why points moved.",
    {
        TransactionKind.EARN: "Earned by an order.",
        TransactionKind.BONUS: "A bonus of the program, such as welcome points.",
        TransactionKind.GRANT: "Granted by the shop.",
        TransactionKind.MATURE: "Pending points became available.",
        TransactionKind.HOLD: "Set aside for a checkout.",
        TransactionKind.RELEASE: "Set free from a checkout.",
        TransactionKind.LAPSE: "Set free because the checkout's time limit passed.",
        TransactionKind.CAPTURE: "Spent on an order.",
        TransactionKind.CLAWBACK: "Taken back because what earned them was returned or refunded.",
        TransactionKind.REINSTATE: "Given again because a refund was undone.",
        TransactionKind.RESTORE: "Given back because what they paid for was returned or refunded.",
        TransactionKind.REVOKE: "Spent again because a refund was undone.",
        TransactionKind.EXPIRE: "Expired.",
        TransactionKind.ADJUST: "Corrected by the shop.",
        TransactionKind.MERGE: "Brought over from orders placed as a guest.",
        TransactionKind.ERASE: "Removed when the customer's data was erased.",
    },
)

RetentionTierChangeKind = described(
    "RetentionTierChangeKind",
    TierChangeKind,
    "Why a member's tier changed.",
    {
        TierChangeKind.UPGRADE: "The member reached it.",
        TierChangeKind.DOWNGRADE: "The member no longer qualified for a higher one.",
        TierChangeKind.WITHDRAW: "It was reached only by orders that were reversed since.",
        TierChangeKind.RENEW: "The member qualified again.",
        TierChangeKind.OVERRIDE: "Staff set it.",
        TierChangeKind.OVERRIDE_END: "What staff had set came to its end.",
        TierChangeKind.LADDER: "The shop changed its ladder.",
    },
)

RetentionAuditAction = described(
    "RetentionAuditAction",
    AuditAction,
    "What was done by staff, an app or a command.",
    {
        AuditAction.PROGRAM_CREATE: "A program was created.",
        AuditAction.PROGRAM_UPDATE: "A program, its rules or tiers were changed.",
        AuditAction.PROGRAM_ACTIVATE: "A program was switched on.",
        AuditAction.PROGRAM_DEACTIVATE: "A program was switched off.",
        AuditAction.PROGRAM_RETIRE: "A program was ended for good.",
        AuditAction.OFFER_CREATE: "An offer was created.",
        AuditAction.OFFER_UPDATE: "An offer was changed.",
        AuditAction.OFFER_ACTIVATE: "An offer was switched on.",
        AuditAction.OFFER_DEACTIVATE: "An offer was switched off.",
        AuditAction.OFFER_RETIRE: "An offer was ended for good.",
        AuditAction.POINTS_GRANT: "Points were granted by hand.",
        AuditAction.POINTS_TAKE: "Points were taken by hand.",
        AuditAction.TIER_OVERRIDE: "A tier was given by hand.",
        AuditAction.TIER_OVERRIDE_END: "A tier given by hand was ended.",
        AuditAction.ORDER_SETTLE: "An order was settled on request.",
        AuditAction.SALE_RECORD: "A sale at a point of sale was recorded.",
        AuditAction.SALE_REVERSE: "A sale at a point of sale was reversed.",
        AuditAction.MEMBER_ERASE: "A member was erased on request.",
        AuditAction.COUPON_PLAN: "What staff may give, or a first order brings, was set.",
        AuditAction.COUPON_BATCH: "Many coupons were ordered at once.",
        AuditAction.COUPON_ISSUE: "A coupon was given to a member by hand.",
        AuditAction.COUPON_REVOKE: "A coupon, or all of a batch, was ended.",
        AuditAction.EVENT_RECORD: "A rewarded event, such as a review, was recorded.",
        AuditAction.EVENT_REVERSE: "A rewarded event was taken back.",
        AuditAction.CAMPAIGN_CREATE: "A campaign was created.",
        AuditAction.CAMPAIGN_UPDATE: "A campaign was changed.",
        AuditAction.CAMPAIGN_SCHEDULE: "A campaign was given times to start and end by itself.",
        AuditAction.CAMPAIGN_START: "A campaign was started, or went on.",
        AuditAction.CAMPAIGN_PAUSE: "A campaign was paused.",
        AuditAction.CAMPAIGN_END: "A campaign was ended for good.",
        AuditAction.FOLLOW_UP_OPEN: "A task about a member was opened by hand.",
        AuditAction.FOLLOW_UP_CHANGE: "A task about a member was changed.",
        AuditAction.FOLLOW_UP_CLOSE: "A task about a member was done or dropped.",
        AuditAction.ADDRESS_SUPPRESS: "An address was reported, and nothing is sent to it.",
        AuditAction.ADDRESS_RELEASE: "What was reported of an address was lifted.",
        AuditAction.SEGMENT_CREATE: "A segment was created.",
        AuditAction.SEGMENT_UPDATE: "A segment or its list was changed.",
        AuditAction.SEGMENT_RETIRE: "A segment was ended for good.",
        AuditAction.CONSENT_GIVE: "A member's consent was written down by staff.",
        AuditAction.CONSENT_WITHDRAW: "A member's consent was withdrawn by staff.",
        AuditAction.PROFILE_UPDATE: "Facts about a member were written down by staff.",
        AuditAction.REFERRAL_CODE: "A member's code for friends was made by staff.",
        AuditAction.CAMPAIGN_TEST: "A campaign's message was sent to one address as a test.",
        AuditAction.MEMBER_EXPORT: "Everything held about a member was read.",
        AuditAction.POINTS_IMPORT: "Points of another system were brought over.",
        AuditAction.BACKFILL_APPLY: "Orders from before a program were booked.",
        AuditAction.BACKFILL_UNDO: "A backfill was taken back.",
        AuditAction.LEDGER_REPAIR: "Kept values were written anew from the entries.",
        AuditAction.EXPERIMENT_CREATE: "An experiment was begun.",
        AuditAction.EXPERIMENT_DEAL: "A segment's members were dealt to the arms of an experiment.",
        AuditAction.EXPERIMENT_END: "An experiment was ended.",
        AuditAction.REDEMPTION_SET: "Points were set in a customer's cart.",
        AuditAction.REDEMPTION_CLEAR: "Points were taken off a customer's cart.",
        AuditAction.GIFT_PICK: "A gift was chosen in a customer's cart, or none.",
    },
)

RetentionVerdictCode = described(
    "RetentionVerdictCode",
    Finding,
    "What became of a rule at a checkout.",
    {
        Finding.APPLIED: "It is in the price.",
        Finding.PARTLY_APPLIED: "The checkout bears only part of it.",
        Finding.NOT_A_MEMBER: "It is for members, and the checkout has no member.",
        Finding.TIER_TOO_LOW: "The member has not reached its tier; the gap says what is missing.",
        Finding.OTHER_TIER: "The member's own, higher tier decides.",
        Finding.NO_MATCHING_GOODS: "Nothing in the checkout is among its goods.",
        Finding.NO_EFFECT: "The goods match, and nothing is left to take off.",
        Finding.NO_REDEMPTION: "No points were set.",
        Finding.REDEMPTION_DISABLED: "The program does not take points.",
        Finding.NO_POINT_VALUE: "Points have no value in this currency.",
        Finding.NOTHING_TO_REDEEM_ON: "Nothing in the checkout can be paid with points.",
    },
)

RetentionLotState = described(
    "RetentionLotState",
    LotState,
    "What can be done with points now.",
    {
        LotState.PENDING: "They are earned and not available yet.",
        LotState.AVAILABLE: "They can be spent.",
        LotState.HELD: "All that is left of them is set aside for a checkout.",
    },
)

RetentionOrderState = described(
    "RetentionOrderState",
    OrderPointsState,
    "How far an order's points are.",
    {
        OrderPointsState.NONE: "The order earns nothing.",
        OrderPointsState.QUOTED: "The order is not fully paid, or was placed a moment ago; "
        "`quoted` says what it would earn.",
        OrderPointsState.PENDING: "They are booked and not available yet.",
        OrderPointsState.AVAILABLE: "They were made available.",
        OrderPointsState.REVERSED: "All of them were taken back.",
    },
)

RetentionMemberSortField = described(
    "RetentionMemberSortField",
    MemberSortField,
    "What members are sorted by.",
    {
        MemberSortField.JOINED_AT: "When they became members.",
        MemberSortField.LAST_ACTIVITY_AT: "When they last earned or spent.",
        MemberSortField.AVAILABLE: "How many points they can spend.",
        MemberSortField.NUMBER: "Their member number.",
    },
)

RetentionBook = described(
    "RetentionBook",
    Book,
    "An account of the ledger.",
    {
        Book.AVAILABLE: "What the member can spend.",
        Book.PENDING: "What the member earned and cannot spend yet.",
        Book.HELD: "What is set aside for checkouts.",
        Book.DEFICIT: "What the member owes, as a negative number.",
        Book.ISSUANCE: "The program gave points.",
        Book.REDEEMED: "The program took points for goods.",
        Book.BREAKAGE: "Points expired.",
        Book.CLAWBACK: "The program took earned points back.",
        Book.WRITE_OFF: "The program bore a loss.",
        Book.ADJUSTMENT: "Staff corrected a balance.",
    },
)

RetentionClampReason = described(
    "RetentionClampReason",
    ClampReason,
    "What allows fewer points than were asked for.",
    {
        ClampReason.DISABLED: "The program does not take points.",
        ClampReason.NO_POINT_VALUE: "Points have no value in this currency.",
        ClampReason.NOT_ENOUGH_POINTS: "The member has no more.",
        ClampReason.ORDER_SHARE: "Points may pay only a part of an order.",
        ClampReason.BASKET_TOO_SMALL: "The goods cost no more.",
        ClampReason.BLOCK_SIZE: "Only whole steps, or whole units of money, are taken.",
        ClampReason.BELOW_MINIMUM: "Fewer than the program takes at once.",
    },
)
