"""What an order earns and loses in the ledger: accrual, claw-back, give-back, first-order bonus.

Called by ``services.ordering.settling`` with the difference between target and booked; the caller
holds the account's lock and has caught up with time. Postings are keyed by (order, rule, sequence).
"""

from __future__ import annotations

import datetime as dt
from functools import partial

from saleor_retention.engine.facts import OrderFacts, OrderState
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.models import (
    Account,
    AccountState,
    Book,
    OrderRecord,
    Transaction,
    TransactionKind,
)
from saleor_retention.selectors import persons
from saleor_retention.services.ledger import lots, posting, taking
from saleor_retention.services.ledger.posting import Leg, NewLot
from saleor_retention.services.ordering.order_posting import post_next

BASE = "base"
FIRST_ORDER = "first_order"


def earn(
    account: Account,
    record: OrderRecord,
    points: int,
    rules: ProgramRules,
    *,
    valid_from: dt.datetime | None,
    lives_from: dt.datetime | None = None,
    now: dt.datetime,
) -> None:
    """Book the order's accrual in a lot of its own, dated at payment.

    Pending until ``valid_from``; on a guest's account until it is claimed. Points that are ripe
    repay a deficit first. Where the news of the payment comes after the points' whole life, they
    die at once, at their instant.
    """
    record.earned += points
    lot = _new_lot(account, record, rules, valid_from, lives_from, now)
    legs = _opening_legs(account, points, lot, now)
    post_next(
        account,
        record,
        TransactionKind.EARN,
        BASE,
        legs,
        cause="paid",
        effective_at=record.paid_at,
        now=now,
    )
    _bury(account, lot, now)


def claw_back(
    account: Account,
    record: OrderRecord,
    points: int,
    rules: ProgramRules,
    *,
    cause: str,
    now: dt.datetime,
    rule_key: str = BASE,
) -> None:
    """Take ``points`` of what the order earned back."""
    legs, _ = taking.taken(
        account,
        points,
        Book.CLAWBACK,
        order_ref=record.order_ref,
        policy=rules.deficit,
        now=now,
    )
    post_next(account, record, TransactionKind.CLAWBACK, rule_key, legs, cause=cause, now=now)


def reinstate(
    account: Account,
    record: OrderRecord,
    points: int,
    rules: ProgramRules,
    *,
    cause: str,
    now: dt.datetime,
    rule_key: str = BASE,
) -> None:
    """Give ``points`` of a claw-back back, because the refund was taken back."""
    legs = taking.given_back(
        account, points, order_ref=record.order_ref, rule_key=rule_key, rules=rules, now=now
    )
    post_next(account, record, TransactionKind.REINSTATE, rule_key, legs, cause=cause, now=now)


def settle_first_order(
    account: Account,
    record: OrderRecord,
    rules: ProgramRules,
    *,
    is_void: bool,
    valid_from: dt.datetime | None,
    lives_from: dt.datetime | None = None,
    now: dt.datetime,
) -> None:
    """Book the points for the first order, once per person; they live and go with that order.

    ``record.is_counted`` says whether the order counts now. Reversed when nothing of the
    order is kept, given back when that is taken back; no later order gets them then, or
    canceling and ordering again would pay.
    """
    if not record.earns:
        return
    if record.bonus:
        if is_void:
            points, record.bonus = record.bonus, 0
            claw_back(account, record, points, rules, cause="void", now=now, rule_key=FIRST_ORDER)
        return
    if not rules.first_order_points or not record.is_counted:
        return
    if account.state != AccountState.MEMBER:
        return
    booked = Transaction.objects.filter(program_id=account.program_id, key=_first_key(account.pk))
    first = booked.values_list("order_ref", flat=True).first()
    if first is None and not persons.has_ordered_before(
        account, record, partial(_had_first, account)
    ):
        _book_first_order(account, record, rules, valid_from, lives_from, now)
    elif first == record.order_ref:
        record.bonus = rules.first_order_points
        reinstate(account, record, record.bonus, rules, cause="void", now=now, rule_key=FIRST_ORDER)


def cause_of(facts: OrderFacts) -> str:
    """Return why an order's points change, as the history words it."""
    if facts.state is OrderState.CANCELED:
        return "cancel"
    if any(line.quantity_returned for line in facts.lines):
        return "return"
    return "refund"


def _book_first_order(
    account: Account,
    record: OrderRecord,
    rules: ProgramRules,
    valid_from: dt.datetime | None,
    lives_from: dt.datetime | None,
    now: dt.datetime,
) -> None:
    record.bonus = rules.first_order_points
    lot = _new_lot(account, record, rules, valid_from, lives_from, now)
    legs = _opening_legs(account, record.bonus, lot, now)
    posting.post(
        account,
        kind=TransactionKind.BONUS,
        key=_first_key(account.pk),
        legs=legs,
        content="first order",
        effective_at=record.paid_at or now,
        order_ref=record.order_ref,
        rule_key=FIRST_ORDER,
        cause="paid",
        version=record.version_id,
        now=now,
    )
    _bury(account, lot, now)


def _first_key(account_id: int) -> str:
    return f"first_order:{account_id}"


def _had_first(account: Account, others: list[int]) -> bool:
    """Tell whether one of the other accounts was given the points of a first order."""
    keys = [_first_key(pk) for pk in others]
    return Transaction.objects.filter(program_id=account.program_id, key__in=keys).exists()


def _new_lot(
    account: Account,
    record: OrderRecord,
    rules: ProgramRules,
    valid_from: dt.datetime | None,
    lives_from: dt.datetime | None,
    now: dt.datetime,
) -> NewLot:
    return lots.opened(
        rules,
        opened_at=record.paid_at or now,
        valid_from=None if account.state == AccountState.SHADOW else valid_from,
        lives_from=lives_from,
        order_ref=record.order_ref,
    )


def _opening_legs(account: Account, points: int, lot: NewLot, now: dt.datetime) -> list[Leg]:
    issued = Leg(Book.ISSUANCE, -points)
    if lot.valid_from is None or lot.valid_from > now:
        return [issued, Leg(Book.PENDING, points, lot)]
    return [issued, *posting.credit(account, [(lot, points)])]


def _bury(account: Account, lot: NewLot, now: dt.datetime) -> None:
    """Post the breakage of a lot that was dead when it was opened."""
    if lot.expires_at is not None and lot.expires_at <= now:
        posting.catch_up(account, now)
