"""Everything that is held about a person, row by row in a fixed order, in pages by keyset.

A member may have a hundred thousand postings: no page reads more than it gives, and the place to go
on from is a few characters. ``saleor_retention.export`` puts the rows into words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from saleor_retention import host
from saleor_retention.models import (
    Account,
    AccountAddress,
    AuditEntry,
    ConsentEntry,
    Coupon,
    CouponUse,
    CustomerRollup,
    CustomerTag,
    Dispatch,
    ExperimentSubject,
    FollowUp,
    Hold,
    Lot,
    LotExtension,
    MemberEvent,
    OfferGrant,
    OfferStamp,
    OfferUse,
    OrderRecord,
    PosSale,
    ProfileEntry,
    Referral,
    ReferralCode,
    SegmentEvent,
    SegmentMember,
    StoredQuote,
    Suppression,
    SurveyAnswer,
    TierChange,
)
from saleor_retention.selectors import history
from saleor_retention.services.membership.identity import email_hashes

ROWS_AT_ONCE = 100


class Section(StrEnum):
    """Kinds of rows, in the order in which they are given out."""

    ACCOUNT = "account"
    ADDRESS = "address"
    PROFILE = "profile"
    CONSENT = "consent"
    SUPPRESSION = "suppression"
    TIER_CHANGE = "tier_change"
    LOT = "lot"
    LOT_EXTENSION = "lot_extension"
    ORDER = "order"
    RECEIPT = "receipt"
    CART = "cart"
    HOLD = "hold"
    CUSTOMER = "customer"
    SEGMENT = "segment"
    SEGMENT_EVENT = "segment_event"
    TAG = "tag"
    DISPATCH = "dispatch"
    EXPERIMENT = "experiment"
    OFFER_GRANT = "offer_grant"
    OFFER_USE = "offer_use"
    STAMPS = "stamps"
    COUPON = "coupon"
    COUPON_USE = "coupon_use"
    EVENT = "event"
    REFERRAL_CODE = "referral_code"
    REFERRAL = "referral"
    SURVEY = "survey"
    FOLLOW_UP = "follow_up"
    MOVEMENT = "movement"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Holding:
    """One row of one account; ``number`` is that of the row's order, "" where there is none."""

    section: Section
    account: Account
    row: Any
    number: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the account, the section, and the key of its last row ("": none yet)."""

    account_id: int
    section: Section
    last: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows; ``end`` is where to go on from, None at the end of everything."""

    holdings: tuple[Holding, ...]
    end: Place | None


def page(account_ids: Sequence[int], first: int, after: Place | None = None) -> Page:
    """Return up to ``first`` rows (one or more) of these accounts after a place."""
    found: list[Holding] = []
    for account_id in sorted(account_ids):
        if after is not None and account_id < after.account_id:
            continue
        account = Account.objects.select_related("program").get(pk=account_id)
        is_started = after is not None and account_id == after.account_id
        for section, read in READERS.items():
            last = ""
            if is_started and after is not None:
                if section is not after.section:
                    continue
                is_started, last = False, after.last
            room = first - len(found)
            rows = read(account, last, room + 1)
            keep = rows[:room]
            found += _numbered(section, account, [row for _, row in keep])
            if len(rows) > room:
                end = keep[-1][0] if keep else last
                return Page(tuple(found), Place(account_id, section, end))
    return Page(tuple(found), None)


def walk(account_ids: Sequence[int]) -> Iterator[Holding]:
    """Yield every row of these accounts, page by page."""
    after: Place | None = None
    while True:
        part = page(account_ids, ROWS_AT_ONCE, after)
        yield from part.holdings
        after = part.end
        if after is None:
            return


Rows = list[tuple[str, Any]]


def _account(account: Account, last: str, limit: int) -> Rows:
    return [] if last or limit < 1 else [(str(account.pk), account)]


def _by_key(
    model: Any, *related: str, path: str = "account"
) -> Callable[[Account, str, int], Rows]:
    def read(account: Account, last: str, limit: int) -> Rows:
        rows = model.objects.filter(**{path: account}).order_by("pk")
        if last:
            rows = rows.filter(pk__gt=last)
        if related:
            rows = rows.select_related(*related)
        return [(str(row.pk), row) for row in rows[:limit]]

    return read


def _offer_uses(account: Account, last: str, limit: int) -> Rows:
    rows = OfferUse.objects.filter(account=account, pk__gt=last or 0).order_by("pk")
    found = rows.select_related("offer").prefetch_related("gifts")[:limit]
    return [(str(row.pk), row) for row in found]


def _referrals(account: Account, last: str, limit: int) -> Rows:
    """Return what the account referred and was referred by; keys first, by an index each."""
    rows = Referral.objects.filter(pk__gt=last or 0)
    as_advocate = rows.filter(advocate=account).values_list("id")
    as_friend = rows.filter(friend=account).values_list("id")
    keys = [key for (key,) in as_advocate.union(as_friend).order_by("id")[: max(limit, 0)]]
    found = Referral.objects.filter(pk__in=keys).order_by("pk")
    return [(str(row.pk), row) for row in found]


def _suppressions(account: Account, last: str, limit: int) -> Rows:
    """Return the entries of the list that are about the customer's address, or the guest's."""
    hashes = {account.email_hash} - {""}
    if account.user_id is not None:
        user = host.current().users([str(account.user_id)]).get(str(account.user_id))
        hashes |= set() if user is None else set(email_hashes(user.email))
    rows = Suppression.objects.filter(address_hash__in=hashes, pk__gt=last or 0).order_by("pk")
    return [(str(row.pk), row) for row in rows[: max(limit, 0)]]


def _movements(account: Account, last: str, limit: int) -> Rows:
    rows: Rows = []
    before = int(last) if last else None
    while len(rows) < limit:
        part = history.page(account.pk, limit - len(rows), before)
        rows += [(str(movement.id), movement) for movement in part.movements]
        if not part.has_next:
            break
        before = part.movements[-1].id
    return rows


def _audit(account: Account, last: str, limit: int) -> Rows:
    """Return what was done about the account, or about one of its orders before it was known.

    Keys first, by an index each: together the two conditions would read the whole trail.
    """
    entries = AuditEntry.objects.filter(pk__gt=int(last)) if last else AuditEntry.objects.all()
    refs = OrderRecord.objects.filter(account=account).values("order_ref")
    about = entries.filter(account=account).values_list("id")
    earlier = entries.filter(account=None, order_ref__in=refs).values_list("id")
    keys = [key for (key,) in about.union(earlier).order_by("id")[: max(limit, 0)]]
    found = AuditEntry.objects.filter(pk__in=keys).select_related("note").order_by("pk")
    return [(str(entry.pk), entry) for entry in found]


READERS: dict[Section, Callable[[Account, str, int], Rows]] = {
    Section.ACCOUNT: _account,
    Section.ADDRESS: _by_key(AccountAddress),
    Section.PROFILE: _by_key(ProfileEntry),
    Section.CONSENT: _by_key(ConsentEntry, "version"),
    Section.SUPPRESSION: _suppressions,
    Section.TIER_CHANGE: _by_key(TierChange, "note"),
    Section.LOT: _by_key(Lot),
    Section.LOT_EXTENSION: _by_key(LotExtension, path="lot__account"),
    Section.ORDER: _by_key(OrderRecord),
    Section.RECEIPT: _by_key(PosSale),
    Section.CART: _by_key(StoredQuote),
    Section.HOLD: _by_key(Hold),
    Section.CUSTOMER: _by_key(CustomerRollup),
    Section.SEGMENT: _by_key(SegmentMember, "segment"),
    Section.SEGMENT_EVENT: _by_key(SegmentEvent, "segment"),
    Section.TAG: _by_key(CustomerTag),
    Section.DISPATCH: _by_key(Dispatch, "campaign", "skipped"),
    Section.EXPERIMENT: _by_key(ExperimentSubject, "experiment"),
    Section.OFFER_GRANT: _by_key(OfferGrant, "offer", "campaign"),
    Section.OFFER_USE: _offer_uses,
    Section.STAMPS: _by_key(OfferStamp, "offer"),
    Section.COUPON: _by_key(Coupon, "batch"),
    Section.COUPON_USE: _by_key(CouponUse, "coupon", path="coupon__account"),
    Section.EVENT: _by_key(MemberEvent),
    Section.REFERRAL_CODE: _by_key(ReferralCode),
    Section.REFERRAL: _referrals,
    Section.SURVEY: _by_key(SurveyAnswer),
    Section.FOLLOW_UP: _by_key(FollowUp, "segment"),
    Section.MOVEMENT: _movements,
    Section.AUDIT: _audit,
}


def _numbered(section: Section, account: Account, rows: Sequence[Any]) -> list[Holding]:
    refs = {getattr(row, "order_ref", "") for row in rows} - {""}
    known = OrderRecord.objects.filter(order_ref__in=refs) if refs else OrderRecord.objects.none()
    numbers = dict(known.values_list("order_ref", "number")) if refs else {}
    return [
        Holding(section, account, row, numbers.get(getattr(row, "order_ref", ""), ""))
        for row in rows
    ]
