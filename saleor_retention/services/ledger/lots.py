"""Lots as the engine sees them, when they become valid and how long they live.

Validity and life change without points moving; points move through ``services.ledger.posting``
only. The caller holds the account's lock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from saleor_retention.engine import lots as engine
from saleor_retention.engine.lots import LotFacts
from saleor_retention.engine.rules import ExpiryPolicy, ProgramRules
from saleor_retention.models import Account, Lot, LotExtension, Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.terms import inactivity_since
from saleor_retention.services.ledger.posting import NewLot

LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)


def facts_of(lot: Lot) -> LotFacts:
    """Return a lot as the engine's functions take it.

    What the ledger holds as available is valid, also for a process whose clock, or whose wait for
    the lock, is behind that of the one that posted it.
    """
    return LotFacts(
        id=lot.pk,
        remaining=lot.remaining,
        opened_at=lot.opened_at,
        valid_from=lot.valid_from if lot.is_pending else LONG_AGO,
        expires_at=lot.expires_at,
        order_ref=lot.order_ref or None,
    )


def with_points(account: Account) -> list[Lot]:
    """Return the member's lots that hold free points, pending ones and dead ones included."""
    return list(Lot.objects.filter(account_id=account.pk, remaining__gt=0).order_by("pk"))


def pinned(lots: Iterable[Lot]) -> set[int]:
    """Return the ids of those that a hold pins."""
    return {lot.pk for lot in lots if lot.held}


def opened(
    rules: ProgramRules,
    *,
    opened_at: dt.datetime,
    valid_from: dt.datetime | None,
    lives_from: dt.datetime | None = None,
    order_ref: str = "",
) -> NewLot:
    """Return a new lot that lives as long as the rules say from the instant it becomes valid.

    Or from ``lives_from``, where that is given and later.
    """
    counts_from = valid_from
    if valid_from is not None and lives_from is not None:
        counts_from = max(valid_from, lives_from)
    return NewLot(
        opened_at=opened_at,
        valid_from=valid_from,
        expires_at=_expires_at(rules, counts_from),
        order_ref=order_ref,
    )


def set_validity(lot: Lot, rules: ProgramRules, valid_from: dt.datetime | None) -> None:
    """Set when a pending lot becomes available; its life counts from then.

    None again where the order's fulfilment was taken back before that instant. A life that an
    activity has lengthened is not shortened.
    """
    if lot.valid_from == valid_from:
        return
    lot.valid_from = valid_from
    lot.expires_at = _later(_expires_at(rules, valid_from), lot.expires_at)
    lot.save(update_fields=["valid_from", "expires_at"])


def lengthen(
    account: Account, program: Program, *, activity_at: dt.datetime, cause: str, now: dt.datetime
) -> int:
    """Lengthen the member's living lots for an activity, under the inactivity policy only.

    Each lengthening is recorded (``LotExtension``); nothing is ever shortened. Returns how many.
    """
    if program.current_version_id is None:
        return 0
    rules = rules_of(program.current_version_id)
    if rules.expiry.policy is not ExpiryPolicy.INACTIVITY:
        return 0
    switched_at = inactivity_since(program.current_version_id)
    extensions, lots = [], []
    for lot in Lot.objects.filter(account_id=account.pk, expires_at__gt=activity_at).order_by("pk"):
        later = engine.lengthened(
            facts_of(lot), rules.expiry, activity_at, switched_at, rules.time_zone
        )
        if later == lot.expires_at or not (lot.remaining or lot.held):
            continue
        extensions.append(
            LotExtension(
                lot=lot,
                recorded_at=now,
                activity_at=activity_at,
                from_at=lot.expires_at,
                to_at=later,
                cause=cause,
            )
        )
        lot.expires_at = later
        lots.append(lot)
    LotExtension.objects.bulk_create(extensions)
    Lot.objects.bulk_update(lots, ["expires_at"])
    return len(extensions)


def _expires_at(rules: ProgramRules, valid_from: dt.datetime | None) -> dt.datetime | None:
    if valid_from is None:
        return None
    return engine.expires_at(rules.expiry, valid_from, rules.time_zone)


def _later(new: dt.datetime | None, known: dt.datetime | None) -> dt.datetime | None:
    """Return the later end of a life; without a new one the life has not begun."""
    return new if new is None or known is None else max(new, known)
