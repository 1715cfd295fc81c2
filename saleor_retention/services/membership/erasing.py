"""Forget a person: profile and identity go, the ledger stays under the pseudonym.

Three ways lead here: staff or a command erase somebody on purpose (``erase``); Saleor deleted the
user, and the database cleared our reference to him (``erase_deleted``); with the user went the
address that a guest's account was known by (``erase_guests``). Holds are released first, the open
balance becomes breakage, and every sum stays what it was. Source: semantics, 'Consent, erasure'.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountAddress,
    AccountState,
    AuditAction,
    AuditEntry,
    Book,
    Coupon,
    CustomerRollup,
    CustomerTag,
    Dispatch,
    Erasure,
    GiftGiven,
    GiftPick,
    Hold,
    HoldState,
    LookupPace,
    Lot,
    MemberEvent,
    Note,
    OfferGrant,
    OfferStamp,
    PosSale,
    Profile,
    ProfileEntry,
    ReferralCode,
    SegmentEvent,
    SegmentMember,
    StoredQuote,
    SurveyAnswer,
    TierChange,
    Transaction,
    TransactionKind,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.persons import Person
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.couponing import coupons
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.ledger.posting import Leg
from saleor_retention.services.membership import follow_ups
from saleor_retention.services.membership.identity import email_hashes
from saleor_retention.services.ordering.pos import ERASED_CONTENT
from saleor_retention.services.setting_up.auditing import note_down

ATTEMPTS_MAX = 5
REASON_LENGTH_MAX = 1000
NOBODYS = (AccountState.MEMBER, AccountState.LEFT)
"""States in which an account without a user is one whose user was deleted."""


@dataclass(frozen=True, slots=True)
class _Why:
    """What is recorded of an erasure; ``parts`` says whether it takes an account from its user."""

    cause: str
    actor_ref: str = ""
    reason: str = ""
    parts: bool = False


DELETED = _Why("deleted")


def erase(
    person: Person,
    *,
    reason: str,
    actor_ref: str,
    cause: str = "staff",
    now: dt.datetime | None = None,
) -> list[int]:
    """Erase everything held about a person, in every program; return the accounts' ids.

    The user of the shop stays and can begin anew. Ends holds, then locks one account after the
    other. Refusals: REQUIRED and INVALID (reason), NOT_FOUND (nothing is held), CHECKOUT_PAID (an
    order is being paid at prices that would change), BUSY; BUSY may come when some of the accounts
    are erased already, and repeating it goes on with the others.
    """
    at = now or timezone.now()
    _require_reason(reason)
    account_ids = persons.account_ids(person)
    if not account_ids:
        raise Refusal(Code.NOT_FOUND, "Nothing is held about this customer.", "id")
    _refuse_begun_payments(account_ids)
    why = _Why(cause, actor_ref, reason.strip(), parts=True)
    for account_id in account_ids:
        if not any(_erase(account_id, why, at) for _ in range(ATTEMPTS_MAX)):
            message = "Points of this customer are being set aside just now; try again."
            raise Refusal(Code.BUSY, message)
    if person.user_ref is not None:
        actor = f"user:{person.user_ref}"
        LookupPace.objects.filter(pk__in=(actor, f"coupon:{actor}")).delete()
        _forget_quotes(Q(user_ref=person.user_ref))
    return account_ids


def erase_deleted(now: dt.datetime | None = None, limit: int = 100) -> int:
    """Erase up to ``limit`` members whose user is gone; return how many.

    Also what came back to an erased account since: points by a late refund, a cart's quote; and how
    fast anybody looked codes or members up, once that holds nobody back. Ends the member's holds,
    then locks the account. Safe to run twice and at the same time.
    """
    at = now or timezone.now()
    LookupPace.objects.filter(free_at__lte=at).delete()
    with_points = Q(available__gt=0) | Q(pending__gt=0) | Q(held__gt=0) | Q(deficit__gt=0)
    with_quotes = Exists(StoredQuote.objects.filter(account=OuterRef("pk")))
    left_over = Q(state=AccountState.ERASED) & (with_points | with_quotes)
    gone = Q(user=None) & (Q(state__in=NOBODYS) | left_over)
    ids = Account.objects.filter(gone).order_by("pk").values_list("pk", flat=True)[:limit]
    return sum(_erase(account_id, DELETED, at) for account_id in list(ids))


def erase_guests(hashes: Collection[str], now: dt.datetime | None = None) -> int:
    """Erase the guests' accounts of an address whose user was deleted; return how many."""
    at = now or timezone.now()
    known = Account.objects.exclude(state=AccountState.ERASED)
    guests = known.filter(user=None, email_hash__in=list(hashes)).order_by("pk")
    return sum(_erase(pk, DELETED, at) for pk in list(guests.values_list("pk", flat=True)))


def tasks_of_deleted(user: Any) -> list[tuple[Any, ...]]:
    """Return the tasks (name, arguments) that erase a user whom Saleor has just deleted.

    Only hashes of the address travel. Guests of an address that was never confirmed are left
    alone: anybody could have typed it (Saleor 2.10: a user who has not confirmed is not active).
    """
    tasks: list[tuple[Any, ...]] = [("erase_deleted",)]
    if getattr(user, "is_confirmed", user.is_active):
        tasks.append(("erase_guests", email_hashes(user.email)))
    return tasks


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Refusal(Code.REQUIRED, "Say why, in a few words.", "reason")
    if len(reason) > REASON_LENGTH_MAX:
        message = f"A reason has {REASON_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "reason")


def _refuse_begun_payments(account_ids: Collection[int]) -> None:
    """Refuse while money is authorized or charged on prices that would go with the account."""
    shop = host.current()
    quotes = StoredQuote.objects.filter(account_id__in=account_ids, order_ref="")
    holds = Hold.objects.filter(account_id__in=account_ids, state=HoldState.PLACED)
    refs = {*quotes.values_list("checkout_ref", flat=True)}
    refs |= {*holds.values_list("checkout_ref", flat=True)}
    for ref in sorted(shop.existing_checkouts(refs)):
        checkout = shop.checkout_facts(ref)
        if checkout is not None and checkout.is_money_committed:
            message = (
                "This customer is paying for an order just now; "
                "erase again when it is placed or given up."
            )
            raise Refusal(Code.CHECKOUT_PAID, message)


def _erase(account_id: int, why: _Why, at: dt.datetime) -> bool:
    """Erase one account with the guests' accounts it claimed; False if it was held up."""
    for hold in Hold.objects.filter(account_id=account_id, state=HoldState.PLACED):
        redeeming.release(hold, "erasure", now=at)
    guests = persons.claimed_by([account_id])
    is_done = run_serialized(lambda: _erase_locked(account_id, why, at))
    if is_done:
        _forget_quotes(Q(account_id=account_id))
        for guest_id in guests:
            _erase(guest_id, why, at)
    return is_done


def _erase_locked(account_id: int, why: _Why, at: dt.datetime) -> bool:
    account = lock_account(account_id)
    if account.held or (account.user_id is not None and not why.parts):
        return False  # a hold was placed in between; the next run comes to it
    posting.catch_up(account, at)
    legs = _closing_legs(account)
    if legs:
        posting.post(
            account,
            kind=TransactionKind.ERASE,
            key=f"erase:{account.pk}:{uuid4().hex}",
            legs=legs,
            effective_at=at,
            cause="erasure",
            actor_ref=why.actor_ref,
            now=at,
        )
    coupons.revoke_of(account)
    _redact_words(account, at)
    account.tier_changes.all().delete()
    _forget_customer(account, at)
    _empty_cards(account)
    PosSale.objects.filter(account=account).update(content_hash=ERASED_CONTENT)
    if account.state != AccountState.ERASED:
        note = Note.objects.create(text=why.reason) if why.reason else None
        Erasure.objects.create(
            account=account, at=at, cause=why.cause, actor_ref=why.actor_ref, note=note
        )
        if why.parts:
            note_down(
                AuditAction.MEMBER_ERASE,
                actor_ref=why.actor_ref,
                at=at,
                account=account,
                note=note,
            )
    _clear_attributes(account)
    _clear_identity(account)
    return True


def _forget_customer(account: Account, at: dt.datetime) -> None:
    told = (AccountAddress, ProfileEntry, Profile, SurveyAnswer)
    for model in (*told, SegmentEvent, SegmentMember, CustomerTag, CustomerRollup):
        model.objects.filter(account=account).delete()
    Dispatch.objects.filter(account=account).update(facts={}, benefit_ref="")
    follow_ups.forget([account], at)
    ReferralCode.objects.filter(account=account).delete()
    MemberEvent.objects.filter(account=account).update(object_ref="", content_hash=ERASED_CONTENT)


def _clear_attributes(account: Account) -> None:
    """Have the shop's own attributes of the customer hold nothing that was copied there."""
    if account.user_id is None:
        return
    copies = rules_of(account.program.current_version_id).questions.attributes
    if copies:
        slugs = [copy.attribute for copy in copies]
        host.current().dispatch("clear_attributes", str(account.user_id), slugs)


def _empty_cards(account: Account) -> None:
    """Delete stamps, gifts, picks and offers given.

    Uses of offers stay under the pseudonym, for their sums.
    """
    OfferStamp.objects.filter(account=account).delete()
    GiftGiven.objects.filter(account=account).delete()
    OfferGrant.objects.filter(account=account).delete()
    carts = StoredQuote.objects.filter(account=account).values("checkout_ref")
    GiftPick.objects.filter(checkout_ref__in=carts).delete()


def _clear_identity(account: Account) -> None:
    account.user = None
    account.state = AccountState.ERASED
    account.member_number = f"erased-{account.pk}"
    account.email_hash = ""
    account.tier = ""
    account.tier_since = account.tier_valid_until = account.tier_warned_at = None
    account.is_tier_manual = False
    account.save(
        update_fields=[
            "user",
            "state",
            "member_number",
            "email_hash",
            "tier",
            "tier_since",
            "tier_valid_until",
            "tier_warned_at",
            "is_tier_manual",
        ]
    )


def _closing_legs(account: Account) -> list[Leg]:
    """Return the legs that turn all open points into breakage and write a deficit off."""
    legs = []
    for lot in Lot.objects.filter(account=account, remaining__gt=0).order_by("pk"):
        legs += [
            Leg(posting.book_of(lot), -lot.remaining, lot),
            Leg(Book.BREAKAGE, lot.remaining, lot),
        ]
    if account.deficit:
        legs += [Leg(Book.DEFICIT, account.deficit), Leg(Book.WRITE_OFF, -account.deficit)]
    return legs


def _redact_words(account: Account, at: dt.datetime) -> None:
    """Redact what staff typed about the member; why he was erased stays on record."""
    of_postings = Transaction.objects.filter(account=account, note__isnull=False)
    of_tiers = TierChange.objects.filter(account=account, note__isnull=False)
    of_trail = AuditEntry.objects.filter(account=account, note__isnull=False)
    of_trail = of_trail.exclude(action=AuditAction.MEMBER_ERASE)
    of_coupons = Coupon.objects.filter(account=account, note__isnull=False)
    notes = Q(pk__in=[])
    for rows in (of_postings, of_tiers, of_trail, of_coupons):
        notes |= Q(pk__in=rows.values("note_id"))
    Note.objects.filter(notes, redacted_at=None).update(text="", redacted_at=at)


def _forget_quotes(whose: Q) -> None:
    """Delete the quotes of carts, and with them the discounts in carts that are still open.

    Locks the checkouts, and so runs after the account's lock is given back. A quote that a price
    pass of this moment writes afterwards is left to ``erase_deleted``.
    """
    refs = list(StoredQuote.objects.filter(whose).values_list("checkout_ref", flat=True))
    there = host.current().existing_checkouts(refs)
    if there:
        host.current().strip_own_rows(sorted(there))
    StoredQuote.objects.filter(whose, checkout_ref__in=refs).delete()
