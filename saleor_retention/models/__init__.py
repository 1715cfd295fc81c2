"""The plugin's tables, one file per concept; what a constraint can hold, a constraint holds."""

from .accounts import Account, AccountState
from .audit import AuditAction, AuditEntry
from .backfills import Backfill, BackfillState
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
from .erasures import Erasure
from .experiments import Experiment, ExperimentArm, ExperimentSubject
from .jobs import SettleFailure, Watermark
from .ledger import MEMBER_BOOKS, Book, Entry, Lot, LotExtension, Note, Transaction, TransactionKind
from .lookups import LookupPace
from .offers import (
    GiftGiven,
    GiftPick,
    Offer,
    OfferCounter,
    OfferKind,
    OfferStamp,
    OfferUse,
    OfferUseState,
    OfferVersion,
)
from .orders import OrderRecord, PosSale, StoredQuote
from .programs import Program, ProgramChannel, ProgramVersion
from .redemptions import Consumption, Hold, HoldState
from .tiers import TierChange, TierChangeKind

__all__ = [
    "MEMBER_BOOKS",
    "Account",
    "AccountState",
    "AuditAction",
    "AuditEntry",
    "Backfill",
    "BackfillState",
    "BandLimits",
    "Book",
    "Consumption",
    "CustomerRollup",
    "CustomerTag",
    "Entry",
    "Erasure",
    "Experiment",
    "ExperimentArm",
    "ExperimentSubject",
    "GiftGiven",
    "GiftPick",
    "Hold",
    "HoldState",
    "LedgerDigest",
    "LookupPace",
    "Lot",
    "LotExtension",
    "Note",
    "Offer",
    "OfferCounter",
    "OfferKind",
    "OfferStamp",
    "OfferUse",
    "OfferUseState",
    "OfferVersion",
    "OrderRecord",
    "PosSale",
    "Program",
    "ProgramChannel",
    "ProgramVersion",
    "Segment",
    "SegmentEvent",
    "SegmentEventKind",
    "SegmentMember",
    "SettleFailure",
    "StoredQuote",
    "TierChange",
    "TierChangeKind",
    "Transaction",
    "TransactionKind",
    "Watermark",
]
