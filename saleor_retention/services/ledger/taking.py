"""Taking points back from a member, and giving back what was taken.

Both the claw-back of earned points and the revoking of restored ones take from the same places:
that order's lots, the member's newest others, then the program's deficit policy
(``engine.lots.clawback_plan``). The caller holds the account's lock and has caught up with time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import Sum

from saleor_retention.engine.lots import Take, clawback_plan
from saleor_retention.engine.rules import DeficitPolicy, ProgramRules
from saleor_retention.models import Account, Book, Entry, Lot
from saleor_retention.services.ledger import lots
from saleor_retention.services.ledger.posting import Leg, book_of, credit


def taken(
    account: Account,
    points: int,
    to: str,
    *,
    order_ref: str | None,
    policy: DeficitPolicy,
    now: dt.datetime,
    first_from: Sequence[int] = (),
) -> tuple[list[Leg], list[Take]]:
    """Return the legs that take ``points`` from the member to book ``to``, and from which lots.

    Lots in ``first_from`` (by id) give before all others. What no lot covers becomes the member's
    deficit, or is written off by the program.
    """
    held = {lot.pk: lot for lot in lots.with_points(account)}
    pinned = lots.pinned(held.values())
    preferred = [lots.facts_of(lot) for lot in held.values() if lot.pk in first_from]
    others = [lots.facts_of(lot) for lot in held.values() if lot.pk not in first_from]
    first = clawback_plan(preferred, points, order_ref, pinned, now)
    rest = clawback_plan(others, first.uncovered, order_ref, pinned, now)
    takes = [*first.takes, *rest.takes]
    legs = []
    for take in takes:
        lot = held[take.lot_id]
        legs += [Leg(book_of(lot), -take.points, lot), Leg(to, take.points, lot)]
    if rest.uncovered:
        bearer: str = Book.DEFICIT if policy is DeficitPolicy.DEFICIT else Book.WRITE_OFF
        legs += [Leg(bearer, -rest.uncovered), Leg(to, rest.uncovered)]
    return legs, takes


def given_back(
    account: Account,
    points: int,
    *,
    order_ref: str,
    rule_key: str,
    rules: ProgramRules,
    now: dt.datetime,
) -> list[Leg]:
    """Return the legs that undo the newest ``points`` of an order's claw-back.

    In reverse: what the program wrote off, what became a deficit, other lots, the order's own.
    Points go to the lot they came from while it lives; those whose lot died, and those that had
    become a deficit, go to a new lot under the order's terms. A deficit is repaid first.
    """
    legs = []
    written_off = min(points, -_sum_of(Book.WRITE_OFF, order_ref, rule_key))
    if written_off > 0:
        legs += [Leg(Book.WRITE_OFF, written_off), Leg(Book.CLAWBACK, -written_off)]
        points -= written_off
    incoming: list[tuple[Lot | None, int]] = []
    for lot, clawed in _clawed_by_lot(order_ref, rule_key, written_off):
        back = min(points, clawed)
        if back > 0:
            incoming.append((lot, back))
            points -= back
    return legs + _incoming_legs(account, incoming, order_ref, rules, now)


def _incoming_legs(
    account: Account,
    incoming: Sequence[tuple[Lot | None, int]],
    order_ref: str,
    rules: ProgramRules,
    now: dt.datetime,
) -> list[Leg]:
    new = lots.opened(rules, opened_at=now, valid_from=now, order_ref=order_ref)
    legs, credited = [], []
    for lot, points in incoming:
        legs.append(Leg(Book.CLAWBACK, -points, lot))
        if lot is None or not _takes_back(lot, account, now):
            credited.append((new, points))
        elif lot.is_pending and (lot.valid_from is None or lot.valid_from > now):
            legs.append(Leg(Book.PENDING, points, lot))
        else:
            credited.append((lot, points))
    return legs + credit(account, credited)


def _takes_back(lot: Lot, account: Account, now: dt.datetime) -> bool:
    is_alive = lot.expires_at is None or now < lot.expires_at
    return is_alive and lot.account_id == account.pk


def _clawed_by_lot(order_ref: str, rule_key: str, written_off: int) -> list[tuple[Lot | None, int]]:
    """Return what each lot lost to the order's claw-back and has not got back, last taken first."""
    entries = Entry.objects.filter(
        book=Book.CLAWBACK, transaction__order_ref=order_ref, transaction__rule_key=rule_key
    )
    sums = {
        row["lot_id"]: row["points"]
        for row in entries.values("lot_id").annotate(points=Sum("points"))
    }
    without_lot = sums.pop(None, 0) - written_off
    by_id = Lot.objects.in_bulk([lot_id for lot_id, points in sums.items() if points > 0])
    order = sorted(
        by_id.values(), key=lambda lot: (lot.order_ref == order_ref, lot.opened_at, lot.pk)
    )
    return [(None, without_lot), *((lot, sums[lot.pk]) for lot in order)]


def _sum_of(book: str, order_ref: str, rule_key: str) -> int:
    entries = Entry.objects.filter(
        book=book, transaction__order_ref=order_ref, transaction__rule_key=rule_key
    )
    return entries.aggregate(points=Sum("points"))["points"] or 0
