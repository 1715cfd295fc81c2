"""Bring the ledger to what an order's state asks for: ``settle``, called from every order hook.

It books target - booked under the member's lock (``engine.settlement`` is its specification), so
that events may come late, three times, in any order or not at all, and an order object that is
stale does no harm: facts are read afresh, after the lock. The terms are frozen when the order is
created, whenever the first event arrives. ``services.ordering.reconciling`` finds what no event
told.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.accrual import EarnTerms, earn, kept_spend
from saleor_retention.engine.accrual import may_earn as origin_may_earn
from saleor_retention.engine.caps import room_for_order
from saleor_retention.engine.facts import OrderFacts, OrderState
from saleor_retention.engine.goods import unseen, with_goods
from saleor_retention.engine.rules import MaturingRule, ProgramRules
from saleor_retention.engine.settlement import Booked, deltas, matures_at, target_of
from saleor_retention.models import Account, AccountState, AuditAction, Lot, OrderRecord
from saleor_retention.selectors.caps import earned_by_others
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.couponing import coupon_plans, coupon_uses
from saleor_retention.services.ledger import lots, posting
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.membership import customers, members, tiering
from saleor_retention.services.ordering import accruing, order_uses, restoring
from saleor_retention.services.ordering.opening import locked_record, open_record
from saleor_retention.services.setting_up.auditing import note_down
from saleor_retention.services.setting_up.differences import differences

WAITS_FOR_FULFILMENT = (MaturingRule.ON_FULFILMENT, MaturingRule.DAYS_AFTER_FULFILMENT)

TOLD = ("earned", "clawed", "redeemed", "restored", "bonus")
"""What the audit trail tells of an order that was settled by hand."""

Reader = Callable[[], OrderFacts | None]


@dataclass(slots=True)
class _Case:
    """One order being settled: the locked account, the record, and the terms frozen on it."""

    account: Account
    record: OrderRecord
    facts: OrderFacts
    now: dt.datetime
    lives_from: dt.datetime | None = None  # the points' life counts from here at the earliest

    @property
    def rules(self) -> ProgramRules:
        return rules_of(self.record.version_id)

    @property
    def terms(self) -> EarnTerms:
        return EarnTerms(self.rules, self.record.tier or None)

    @property
    def valid_from(self) -> dt.datetime | None:
        """When the order's points become available; None while that is not known."""
        if self.record.paid_at is None:
            return None
        return matures_at(self.facts, self.terms, self.record.paid_at)


def settle(*, order_ref: str, now: dt.datetime | None = None) -> OrderRecord | None:
    """Settle an order of the shop as it is now; None for an order that no program has to do with.

    Idempotent. Locks the member's account (then reads the order), and what its callees name: the
    hold, lots, tier. Keys: ``earn|clawback|reinstate:<order>:<rule>:<n>``,
    ``restore|revoke:<order>:points:<n>``. Refuses BUSY when the account stays locked.
    """
    at = now or timezone.now()
    return run_serialized(
        lambda: _settle(order_ref, lambda: host.current().order_facts(order_ref), at)
    )


def settle_by_hand(
    *, order_ref: str, actor_ref: str, now: dt.datetime | None = None
) -> OrderRecord | None:
    """Settle an order because somebody asked for it, which the audit trail tells.

    As ``settle``; there is no entry for an order that no program has to do with.
    """
    at = now or timezone.now()

    def work() -> OrderRecord | None:
        before = OrderRecord.objects.filter(order_ref=order_ref).values(*TOLD).first()
        record = settle(order_ref=order_ref, now=at)
        if record is not None:
            after = {name: getattr(record, name) for name in TOLD}
            note_down(
                AuditAction.ORDER_SETTLE,
                actor_ref=actor_ref,
                at=at,
                account=record.account,
                order_ref=order_ref,
                changes=differences(before or dict.fromkeys(TOLD, 0), after),
            )
        return record

    return run_serialized(work)


def settle_facts(
    facts: OrderFacts, now: dt.datetime | None = None, *, account_id: int | None = None
) -> OrderRecord | None:
    """Settle an order whose facts the caller owns (a point-of-sale receipt, under its row's lock).

    ``account_id`` names the member where the caller has found him by other means than the facts.
    """
    at = now or timezone.now()
    return run_serialized(lambda: _settle(facts.ref, lambda: facts, at, account_id))


def settle_past(
    account: Account,
    record: OrderRecord,
    facts: OrderFacts,
    *,
    lives_from: dt.datetime | None,
    now: dt.datetime,
) -> None:
    """Settle a past order that a backfill has just written down, under the account's lock.

    The record bears the terms. The points' life counts from ``lives_from`` where that is later than
    the day they became available (inactivity). The member's tier is left to the caller, who has
    more orders to come.
    """
    _book(_Case(account, record, facts, now, lives_from))


def _settle(
    order_ref: str, read: Reader, now: dt.datetime, account_id: int | None = None
) -> OrderRecord | None:
    record = locked_record(order_ref)
    if record is not None:
        facts = read()
    else:
        facts = read()
        if facts is None or facts.state is OrderState.DRAFT:
            return None
        record = open_record(facts, account_id, now)
        if record is None:
            coupon_uses.settle_uses_of_nobody(facts, read, now)
            return None
        if record.settled_at is not None:  # another event was faster, and may have seen more
            facts = read()
    if facts is None or record.account is None:
        return record
    case = _Case(record.account, record, facts, now)
    counted = _counted_columns(record)
    _claim(case)
    _book(case)
    if _counted_columns(record) != counted:
        claimed_from = {counted[0]} - {case.account.pk}
        customers.after_settling(case.account, *claimed_from)
    if case.account.state == AccountState.MEMBER:
        tiering.after_order(account=case.account, record=record, now=now)
    return record


# --- a guest's order whose customer turned up -----------------------------------------------------


def _claim(case: _Case) -> None:
    """Move a guest's order to the member that Saleor has attached it to since."""
    facts, shadow = case.facts, case.account
    if shadow.state != AccountState.SHADOW:
        return
    if facts.user_ref is None or not facts.is_user_confirmed:
        return
    member = members.member_of(shadow.program, facts.user_ref, now=case.now)
    if member is None:
        return
    case.account = lock_account(member.pk)
    members.claim_shadow(
        shadow=shadow,
        member=case.account,
        record=case.record,
        rules=case.rules,
        valid_from=case.valid_from,
        now=case.now,
    )
    _share_room(case)


def _share_room(case: _Case) -> None:
    """Leave a guest's order the room that the member's other orders leave; the rest is taken back.

    On the guest's own account it could have all that the caps allow.
    """
    record, caps = case.record, case.rules.earn_caps
    if record.paid_at is None or record.earn_room is None or not caps.look_at_other_orders:
        return
    others = earned_by_others(record, record.paid_at, case.rules.time_zone)
    room = room_for_order(caps, others)
    if room is not None and room < record.earn_room:
        record.earn_room = room
        record.save(update_fields=["earn_room"])


# --- booking --------------------------------------------------------------------------------------


def _book(case: _Case) -> None:
    account, record, now = case.account, case.record, case.now
    before = _kept_columns(record)
    _freeze_goods(case)
    facts = case.facts
    _note_payment(case)
    _capture(case)
    _note_fulfilment(case)
    posting.catch_up(account, now)
    booked = Booked(record.earned, record.clawed, record.restored, record.redeemed)
    _note_room(case)
    target = target_of(facts, case.terms, booked, record.earn_room)
    if not record.earns:
        target = replace(target, earned=booked.earned, clawed=booked.clawed)
    delta = deltas(target, booked)
    cause = accruing.cause_of(facts)
    if delta.earn:
        accruing.earn(
            account,
            record,
            delta.earn,
            case.rules,
            valid_from=case.valid_from,
            lives_from=case.lives_from,
            now=now,
        )
    if delta.claw > 0:
        accruing.claw_back(account, record, delta.claw, case.rules, cause=cause, now=now)
    elif delta.claw < 0:
        accruing.reinstate(account, record, -delta.claw, case.rules, cause=cause, now=now)
    record.clawed += delta.claw
    if delta.restore > 0:
        restoring.restore(account, record, delta.restore, case.rules, cause=cause, now=now)
    elif delta.restore < 0:
        restoring.revoke(account, record, -delta.restore, case.rules, cause=cause, now=now)
    _note_spend(case, is_void=target.is_void)
    accruing.settle_first_order(
        account,
        record,
        case.rules,
        is_void=target.is_void,
        valid_from=case.valid_from,
        lives_from=case.lives_from,
        now=now,
    )
    _settle_coupons(case, is_void=target.is_void)
    _settle_offers(case, is_void=target.is_void)
    record.settled_at = record.settled_at or now
    if _kept_columns(record) != before:
        record.settled_at = now
        record.save()


def _freeze_goods(case: _Case) -> None:
    """Go on with the goods as they were when the order, or a line added later, was first seen."""
    record = case.record
    looks_at_goods = order_uses.looks_at_goods(case.account)
    added = unseen(case.facts, record.goods, case.rules, looks_at_goods=looks_at_goods)
    if added:
        record.goods = {**record.goods, **added}
    case.facts = with_goods(case.facts, record.goods)


def _settle_offers(case: _Case, *, is_void: bool) -> None:
    """Bring uses of offers, gifts and punch cards to what is kept of the order."""
    order_uses.settle_uses(
        order_uses.Settled(case.account, case.record, case.facts, case.rules, is_void, case.now)
    )


def _settle_coupons(case: _Case, *, is_void: bool) -> None:
    """Bring the coupon that the order used, and the one that it brings, to the order's state."""
    if not case.account.program.has_coupons:
        return
    coupon_uses.settle_uses(case.facts, case.now)
    coupon_plans.settle_first_order(case.account, case.record, is_void=is_void, now=case.now)


def _note_payment(case: _Case) -> None:
    """Remember when the order was first seen paid; that is an activity of the member."""
    facts, record = case.facts, case.record
    if not facts.is_paid or record.paid_at is not None:
        return
    record.paid_at = facts.paid_at or case.now
    if facts.state is not OrderState.CANCELED:
        _lengthen(case, record.paid_at)


def _note_room(case: _Case) -> None:
    """Freeze how much the caps let the order earn, looking at the member's other orders.

    It is asked once, when the order is paid, and again only where an order that was edited up asks
    for more than it has: then it can be less, never more, and never less than what is booked.
    """
    record, caps = case.record, case.rules.earn_caps
    if record.paid_at is None or not record.earns or not caps.look_at_other_orders:
        return
    if record.earn_room is not None and earn(case.facts, case.terms).points <= record.earned:
        return
    others = earned_by_others(record, record.paid_at, case.rules.time_zone)
    room = max(record.earned, room_for_order(caps, others) or 0)
    record.earn_room = room if record.earn_room is None else min(record.earn_room, room)


def _capture(case: _Case) -> None:
    """Burn what the order was paid with; spending is an activity too."""
    burned = redeeming.capture_for_order(record=case.record, facts=case.facts, now=case.now)
    if burned:
        _lengthen(case, case.facts.created_at)


def _lengthen(case: _Case, activity_at: dt.datetime) -> None:
    """Keep the member's lots alive for an activity, before time is caught up with."""
    if case.account.state == AccountState.SHADOW:
        return
    lots.lengthen(
        case.account,
        case.account.program,
        activity_at=activity_at,
        cause=f"order:{case.record.order_ref}",
        now=case.now,
    )


def _note_fulfilment(case: _Case) -> None:
    """Tell the order's waiting lots when they become available, or that it is open again."""
    record, now = case.record, case.now
    if case.rules.maturing.rule not in WAITS_FOR_FULFILMENT or not record.earned:
        return
    if case.account.state == AccountState.SHADOW:
        return
    waiting = Lot.objects.filter(
        account=case.account, order_ref=record.order_ref, is_pending=True, parent=None
    )
    for lot in waiting:
        if lot.valid_from is None or lot.valid_from > now:
            lots.set_validity(lot, case.rules, case.valid_from)


def _note_spend(case: _Case, *, is_void: bool) -> None:
    """Keep what tier ladders count: paid, kept, and by an origin that earns."""
    record, facts, rules = case.record, case.facts, case.rules
    record.number = facts.number
    counts = record.may_earn and origin_may_earn(facts, rules) and record.paid_at is not None
    record.is_counted = counts and not is_void
    spend_minor = _in_reference(case, kept_spend(facts, case.terms)) if counts else 0
    if not facts.is_paid:  # edited up: what was added counts when it is paid
        spend_minor = min(spend_minor, record.spend_minor)
    record.spend_minor = spend_minor


def _in_reference(case: _Case, spend_minor: int) -> int:
    """Return spend in minor units of the reference currency, at the merchant's stated rate.

    Rounded down; zero in a currency without a rate.
    """
    rules, facts = case.rules, case.facts
    if not rules.reference_currency or facts.currency == rules.reference_currency:
        return spend_minor
    rate = rules.reference_rates.get(facts.currency)
    if rate is None:
        return 0
    exponent = host.current().currency_exponent(rules.reference_currency)
    scale = Fraction(10**exponent, 10**facts.exponent)
    return math.floor(spend_minor * rate * scale)


def _counted_columns(record: OrderRecord) -> tuple[int, bool, int]:
    """Return what a customer's rollup is made of."""
    return record.account_id, record.is_counted, record.spend_minor


def _kept_columns(record: OrderRecord) -> tuple[object, ...]:
    return (
        record.number,
        record.goods,
        record.paid_at,
        record.earned,
        record.earn_room,
        record.clawed,
        record.redeemed,
        record.restored,
        record.bonus,
        record.spend_minor,
        record.is_counted,
        record.sequence,
        record.settled_at,
    )
