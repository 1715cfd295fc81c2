"""The plugin's tables, one file per concept; what a constraint can hold, a constraint holds."""

from .accounts import Account, AccountAddress, AccountState
from .audit import AuditAction, AuditEntry
from .backfills import Backfill, BackfillState
from .campaigns import (
    AWAITS_CONSENT,
    Campaign,
    CampaignState,
    CampaignVersion,
    Dispatch,
    DispatchState,
    SkippedSend,
)
from .consents import (
    ConsentEntry,
    ConsentSource,
    ConsentState,
    Suppression,
    SuppressionReason,
)
from .coupons import (
    Coupon,
    CouponBatch,
    CouponCause,
    CouponKind,
    CouponPlan,
    CouponState,
    CouponTrigger,
    CouponUse,
    CouponUseState,
)
from .customers import (
    BandLimits,
    CustomerRollup,
    CustomerTag,
    Segment,
    SegmentEvent,
    SegmentEventKind,
    SegmentMember,
)
from .digests import LedgerDigest
from .engagement import (
    MemberEvent,
    Referral,
    ReferralCode,
    ReferralReason,
    ReferralState,
)
from .erasures import Erasure
from .experiments import Experiment, ExperimentArm, ExperimentSubject
from .followups import FollowUp, FollowUpOutcome, FollowUpState
from .jobs import SettleFailure, Watermark
from .ledger import MEMBER_BOOKS, Book, Entry, Lot, LotExtension, Note, Transaction, TransactionKind
from .ledger_sums import LedgerSum, LedgerSummed
from .lookups import LookupPace
from .offers import (
    GiftGiven,
    GiftPick,
    Offer,
    OfferCounter,
    OfferGrant,
    OfferKind,
    OfferStamp,
    OfferUse,
    OfferUseState,
    OfferVersion,
)
from .orders import OrderRecord, PosSale, StoredQuote
from .profiles import Profile, ProfileEntry, ProfileSource
from .programs import Program, ProgramChannel, ProgramVersion
from .redemptions import Consumption, Hold, HoldState
from .surveys import SurveyAnswer
from .tiers import TierChange, TierChangeKind

__all__ = [
    "AWAITS_CONSENT",
    "MEMBER_BOOKS",
    "Account",
    "AccountAddress",
    "AccountState",
    "AuditAction",
    "AuditEntry",
    "Backfill",
    "BackfillState",
    "BandLimits",
    "Book",
    "Campaign",
    "CampaignState",
    "CampaignVersion",
    "ConsentEntry",
    "ConsentSource",
    "ConsentState",
    "Consumption",
    "Coupon",
    "CouponBatch",
    "CouponCause",
    "CouponKind",
    "CouponPlan",
    "CouponState",
    "CouponTrigger",
    "CouponUse",
    "CouponUseState",
    "CustomerRollup",
    "CustomerTag",
    "Dispatch",
    "DispatchState",
    "Entry",
    "Erasure",
    "Experiment",
    "ExperimentArm",
    "ExperimentSubject",
    "FollowUp",
    "FollowUpOutcome",
    "FollowUpState",
    "GiftGiven",
    "GiftPick",
    "Hold",
    "HoldState",
    "LedgerDigest",
    "LedgerSum",
    "LedgerSummed",
    "LookupPace",
    "Lot",
    "LotExtension",
    "MemberEvent",
    "Note",
    "Offer",
    "OfferCounter",
    "OfferGrant",
    "OfferKind",
    "OfferStamp",
    "OfferUse",
    "OfferUseState",
    "OfferVersion",
    "OrderRecord",
    "PosSale",
    "Profile",
    "ProfileEntry",
    "ProfileSource",
    "Program",
    "ProgramChannel",
    "ProgramVersion",
    "Referral",
    "ReferralCode",
    "ReferralReason",
    "ReferralState",
    "Segment",
    "SegmentEvent",
    "SegmentEventKind",
    "SegmentMember",
    "SettleFailure",
    "SkippedSend",
    "StoredQuote",
    "Suppression",
    "SuppressionReason",
    "SurveyAnswer",
    "TierChange",
    "TierChangeKind",
    "Transaction",
    "TransactionKind",
    "Watermark",
]
