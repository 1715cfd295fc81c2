"""Forget members whose user the shop has deleted; the ledger stays, under their pseudonym.

Saleor deletes the user and the database clears our reference to him. What is left of the person is
a member number, words that staff typed, quotes of his carts; the open balance becomes breakage.
Source: semantics, 'Consent, erasure'.
"""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.db.models import Q
from django.utils import timezone

from saleor_retention.models import (
    Account,
    AccountState,
    Book,
    Hold,
    HoldState,
    Lot,
    Note,
    StoredQuote,
    TierChange,
    Transaction,
    TransactionKind,
)
from saleor_retention.services import posting, redeeming
from saleor_retention.services.locking import lock_account, run_serialized
from saleor_retention.services.posting import Leg

LIVE = (AccountState.MEMBER, AccountState.LEFT)


def erase_deleted(now: dt.datetime | None = None, limit: int = 100) -> int:
    """Erase up to ``limit`` members whose user is gone; return how many.

    Also what came back to an erased account since, by a late refund. Ends the member's holds, then
    locks the account. Safe to run twice and at the same time.
    """
    at = now or timezone.now()
    with_points = Q(available__gt=0) | Q(pending__gt=0) | Q(held__gt=0) | Q(deficit__gt=0)
    gone = Q(user=None) & (Q(state__in=LIVE) | Q(state=AccountState.ERASED) & with_points)
    ids = Account.objects.filter(gone).order_by("pk").values_list("pk", flat=True)[:limit]
    return sum(_erase(account_id, at) for account_id in list(ids))


def _erase(account_id: int, at: dt.datetime) -> bool:
    for hold in Hold.objects.filter(account_id=account_id, state=HoldState.PLACED):
        redeeming.release(hold, "erasure", now=at)
    return run_serialized(lambda: _erase_locked(account_id, at))


def _erase_locked(account_id: int, at: dt.datetime) -> bool:
    account = lock_account(account_id)
    if account.user_id is not None or account.held:
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
            now=at,
        )
    _redact_words(account, at)
    StoredQuote.objects.filter(account=account).delete()
    account.state = AccountState.ERASED
    account.member_number = f"erased-{account.pk}"
    account.email_hash = ""
    account.save(update_fields=["state", "member_number", "email_hash"])
    return True


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
    of_postings = Transaction.objects.filter(account=account, note__isnull=False)
    of_tiers = TierChange.objects.filter(account=account, note__isnull=False)
    notes = Q(pk__in=of_postings.values("note_id")) | Q(pk__in=of_tiers.values("note_id"))
    Note.objects.filter(notes, redacted_at=None).update(text="", redacted_at=at)
