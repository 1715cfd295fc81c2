"""Points for other things than orders: opened for a member, and taken back from him.

The caller holds the account's lock and has caught up with time.
"""

from __future__ import annotations

import datetime as dt

from saleor_retention.engine.rules import ProgramRules
from saleor_retention.models import Account, AccountState, Book, Lot, TransactionKind
from saleor_retention.services.ledger import lots, posting, taking
from saleor_retention.services.ledger.posting import Leg


def give(
    account: Account,
    points: int,
    rules: ProgramRules,
    *,
    key: str,
    rule_key: str,
    cause: str,
    version_id: int,
    valid_from: dt.datetime | None,
    now: dt.datetime,
) -> int:
    """Book ``points`` in a lot of their own, pending until ``valid_from``; return the lot's id.

    None keeps them pending until somebody sets when they become valid. What is available at once
    repays a deficit first.
    """
    lot = lots.opened(rules, opened_at=now, valid_from=valid_from)
    if valid_from is None or valid_from > now:
        incoming = [Leg(Book.PENDING, points, lot)]
    else:
        incoming = posting.credit(account, [(lot, points)])
    posted = posting.post(
        account,
        kind=TransactionKind.BONUS,
        key=key,
        legs=[Leg(Book.ISSUANCE, -points), *incoming],
        content=f"{rule_key}|{points}",
        effective_at=now,
        rule_key=rule_key,
        cause=cause,
        version=version_id,
        now=now,
    )
    return posted.opened[0]


def take_back(
    account: Account,
    lot_id: int,
    points: int,
    rules: ProgramRules,
    *,
    key: str,
    rule_key: str,
    cause: str,
    actor_ref: str = "",
    version_id: int,
    now: dt.datetime,
) -> int:
    """Take back what ``give`` booked in a lot, and return how many points it was.

    Pending points go as they are; others from their own lot, then from where a claw-back takes
    them. Those that expired unspent are gone already. Nothing is taken from an erased member.
    """
    lot = Lot.objects.get(pk=lot_id)
    owed = points - lot.expired
    if account.state == AccountState.ERASED or owed <= 0:
        return 0
    if lot.is_pending:
        legs = [Leg(Book.PENDING, -lot.remaining, lot), Leg(Book.CLAWBACK, lot.remaining, lot)]
        owed = lot.remaining
    else:
        legs, _takes = taking.taken(
            account,
            owed,
            Book.CLAWBACK,
            order_ref=None,
            policy=rules.deficit,
            now=now,
            first_from=(lot_id,),
        )
    if not owed:
        return 0
    posting.post(
        account,
        kind=TransactionKind.CLAWBACK,
        key=key,
        legs=legs,
        content=f"{rule_key}|{owed}",
        effective_at=now,
        rule_key=rule_key,
        cause=cause,
        actor_ref=actor_ref,
        version=version_id,
        now=now,
    )
    return owed
