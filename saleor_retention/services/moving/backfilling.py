"""Orders from before the program: plan what they would bring, book them as a batch, take it back.

Reconcile never earns them: an order that was created before its program is not the program's
business (``services.ordering.opening``). Here they get a record with the tier that the customer
would have had by then and the named version, and are settled like any other order from then on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.accrual import EarnTerms, earn
from saleor_retention.engine.history import (
    History,
    Outcome,
    Reason,
    Setting,
    metric_value,
    replay,
    tier_at_end,
)
from saleor_retention.engine.rules import ExpiryPolicy, ProgramRules
from saleor_retention.engine.tally import Share, without
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Backfill,
    BackfillState,
    OrderRecord,
    Program,
    ProgramVersion,
)
from saleor_retention.selectors import past, qualifying
from saleor_retention.selectors.past import Customer, Scope
from saleor_retention.selectors.past_members import (
    Standing,
    lives_from,
    objection_to,
    standing_of,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.terms import inactivity_since
from saleor_retention.services.ledger.locking import lock_account, run_patiently
from saleor_retention.services.membership import customers, members, tiering
from saleor_retention.services.ordering import settling
from saleor_retention.services.setting_up.auditing import note_down
from saleor_retention.services.setting_up.simulating import joins_on

NAME_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Work:
    """Which orders are to be booked, and under which version of the rules."""

    program: Program
    version: ProgramVersion
    scope: Scope
    at: dt.datetime  # what is decided, is decided as of then
    pinned_at: dt.datetime | None = None  # what is booked is dated then, and not when it is booked
    channel_ref: str = ""  # the one channel that it is about, "" where all of the program's

    @property
    def moment(self) -> dt.datetime:
        """Return when a posting of this moment is recorded: a long run reaches over days."""
        return self.pinned_at or timezone.now()

    @property
    def rules(self) -> ProgramRules:
        """Return the rules that the orders earn by."""
        return rules_of(self.version.pk)

    @property
    def present_rules(self) -> ProgramRules:
        """Return the rules in force: of welcome points, enrolment and the tier at the end."""
        return rules_of(self.program.current_version_id)


@dataclass(frozen=True, slots=True)
class Part:
    """One customer's share of a backfill."""

    share: Share
    member_number: str = ""  # "" where he has no account yet


@dataclass(frozen=True, slots=True)
class Booked:
    """What a run has booked for a chunk of customers."""

    orders: int = 0
    points: int = 0
    members: int = 0
    looked_at: int = 0  # orders


def prepare(
    program: Program,
    *,
    version_number: int | None = None,
    start_at: dt.datetime | None = None,
    end_at: dt.datetime | None = None,
    channel_ref: str | None = None,
    now: dt.datetime | None = None,
) -> Work:
    """Return the work on all orders before the program began, or on those of a part of that time.

    For one channel of the program: on its orders before it joined. Refusals: PROGRAM_INACTIVE,
    NOT_FOUND (no such version; a channel that is not the program's), INVALID (a time that reaches
    into the program's own, or is empty).
    """
    if not program.is_active:
        message = f'The program "{program.name}" is not active; members cannot join it.'
        raise Refusal(Code.PROGRAM_INACTIVE, message, "program")
    versions = ProgramVersion.objects.filter(program=program).defer("document")
    if version_number is None:
        version = versions.filter(pk=program.current_version_id).first()
    else:
        version = versions.filter(number=version_number).first()
    if version is None:
        message = f'The program "{program.slug}" has no version {version_number}.'
        raise Refusal(Code.NOT_FOUND, message, "version")
    places = {place.channel_ref: place for place in program.channels.select_related("program")}
    if channel_ref is None:
        began_at, began, refs = program.created_at, "The program began", sorted(places)
    elif channel_ref in places:
        place = places[channel_ref]
        began = "The program began" if place.joined_at is None else "The channel joined"
        began_at, refs = place.began_at, [channel_ref]
    else:
        message = f'The program "{program.slug}" does not run in this channel.'
        raise Refusal(Code.NOT_FOUND, message, "channel")
    end_at = end_at or began_at
    if end_at > began_at:
        message = f"{began} at {began_at:%Y-%m-%d %H:%M} UTC; later orders earn by themselves."
        raise Refusal(Code.INVALID, message, "to")
    if start_at is not None and start_at >= end_at:
        raise Refusal(Code.INVALID, "The time is empty: it ends before it begins.", "from")
    scope = Scope(tuple(refs), start_at, end_at)
    at = now or timezone.now()
    return Work(program, version, scope, at, pinned_at=now, channel_ref=channel_ref or "")


def plan(work: Work) -> Iterator[list[Part]]:
    """Yield what each customer would get, in chunks; write nothing."""
    for chunk in past.customers(work.scope):
        yield _parts(chunk, work)


def apply(work: Work, name: str) -> Iterator[Booked]:
    """Book the orders as the batch of that name, in chunks; each is told when it is done.

    A customer is one database transaction under the account's lock, in which the shop's orders are
    read afresh, and dated when it is done: a day that was sealed meanwhile gets nothing more. An
    order that has a record is passed over, so that a second run goes on after a kill, and books
    what turned up since. Refusals: REQUIRED and INVALID (name; a batch that was undone),
    KEY_REUSED (the name stands for another time, channel or version), BUSY when an account stays
    locked; what was done before stands.
    """
    batch = _begin(work, name)
    _note(batch, "begins", work)
    total = Booked()
    for chunk in past.customers(work.scope):
        booked = Booked(looked_at=sum(len(customer.orders) for customer in chunk))
        for customer, part in zip(chunk, _parts(chunk, work), strict=True):
            if part.share.counted:
                booked = _added(booked, _book_customer(customer, batch, work))
        total = _added(total, booked)
        yield booked
    ended = Backfill.objects.filter(pk=batch.pk, state=BackfillState.APPLYING)
    ended.update(state=BackfillState.APPLIED, applied_at=work.moment)
    _note(batch, f"ends: {total.orders} orders are booked, {total.points} points", work)


# --- what would be --------------------------------------------------------------------------------


def _parts(chunk: Sequence[Customer], work: Work) -> list[Part]:
    standing = standing_of(chunk, work.program, work.rules, computes_anew=False)
    judged = [_judged(customer, standing, work) for customer in chunk]
    tiers = _tiers(chunk, judged, standing, work)
    parts = []
    for customer, outcomes, tier in zip(chunk, judged, tiers, strict=True):
        account = standing.account_of(customer)
        is_new = account is None and any(outcome.is_counted for outcome in outcomes)
        share = Share(
            user_ref=customer.user_ref,
            outcomes=outcomes,
            at=work.at,
            welcome=work.present_rules.welcome_points if is_new else 0,
            tier=tier,
            tier_before=account.tier if account is not None else "",
        )
        parts.append(Part(share, account.member_number if account is not None else ""))
    return parts


def _judged(customer: Customer, standing: Standing, work: Work) -> tuple[Outcome, ...]:
    """Return what each order would bring; nothing where it is booked, or its buyer no member."""
    reason = objection_to(customer, standing.account_of(customer), work.present_rules)
    if reason is not None:
        return without(customer.orders, reason)
    return tuple(
        Outcome(outcome.order, outcome.tier, Reason.SETTLED)
        if outcome.order.ref in standing.booked
        else outcome
        for outcome in _history(customer, standing, work).outcomes
    )


def _history(customer: Customer, standing: Standing, work: Work) -> History:
    """Return the walk through all of the customer's orders, those that are booked with them."""
    rules, account = work.rules, standing.account_of(customer)
    since = None
    if rules.expiry.policy is ExpiryPolicy.INACTIVITY:
        since = inactivity_since(work.version.pk)
    exponent = 0
    if rules.reference_currency:
        exponent = host.current().currency_exponent(rules.reference_currency)
    setting = Setting(
        rules,
        work.at,
        exponent,
        lives_from(rules, since, account, work.at),
        standing.has_first_order(customer),
        standing.used(customer),
        standing.booked,
    )
    return replay(customer.orders, setting)


def _tiers(
    chunk: Sequence[Customer],
    judged: Sequence[tuple[Outcome, ...]],
    standing: Standing,
    work: Work,
) -> list[str]:
    """Return each customer's tier once the orders count, as evaluating the member would say."""
    rules = work.present_rules
    metric = rules.ladder.metric
    added = {
        account.pk: [
            (outcome.paid_at, metric_value(outcome, metric, work.at))
            for outcome in outcomes
            if outcome.paid_at is not None
        ]
        for customer, outcomes in zip(chunk, judged, strict=True)
        if (account := standing.account_of(customer)) is not None
        and account.state == AccountState.MEMBER
    }
    touched = [account for account in standing.accounts.values() if added.get(account.pk)]
    cases = qualifying.cases(touched, rules, work.at, added=added)
    decided = {}
    for case in cases:
        tier = case.decide(rules.ladder, work.at).tier
        decided[case.account.pk] = tier.slug if tier is not None else ""
    tiers = []
    for customer, outcomes in zip(chunk, judged, strict=True):
        account = standing.account_of(customer)
        if account is not None:
            tiers.append(decided.get(account.pk, account.tier))
        elif any(outcome.is_counted for outcome in outcomes):
            joined_on = joins_on(customer, work.program.created_at, rules.time_zone)
            tiers.append(tier_at_end(outcomes, rules, work.at, joined_on) or "")
        else:
            tiers.append("")
    return tiers


# --- booking --------------------------------------------------------------------------------------


def _begin(work: Work, name: str) -> Backfill:
    """Open the batch, or find the one that a run before has opened."""
    if not name.strip():
        raise Refusal(Code.REQUIRED, "A batch needs a name, to be found again by.", "batch")
    if len(name) > NAME_LENGTH_MAX:
        message = f"A batch's name has {NAME_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "batch")
    batch, _ = Backfill.objects.get_or_create(
        program=work.program,
        name=name.strip(),
        defaults={
            "version": work.version,
            "channel_ref": work.channel_ref,
            "start_at": work.scope.start_at,
            "end_at": work.scope.end_at,
            "began_at": work.at,
        },
    )
    _require_open(batch)
    wanted = (work.version.pk, work.channel_ref, work.scope.start_at, work.scope.end_at)
    if (batch.version_id, batch.channel_ref, batch.start_at, batch.end_at) != wanted:
        message = f'The batch "{batch.name}" is of another time, channel or version of the rules.'
        raise Refusal(Code.KEY_REUSED, message, "batch")
    return batch


def _note(batch: Backfill, change: str, work: Work) -> None:
    """Add to the audit trail that a run begins or ends; one that was killed has no end."""
    changes = [f"{batch.name}: {change}"]
    with transaction.atomic():
        note_down(
            AuditAction.BACKFILL_APPLY,
            actor_ref="",
            at=work.moment,
            program=work.program,
            changes=changes,
        )


def _require_open(batch: Backfill) -> None:
    if batch.state in (BackfillState.UNDOING, BackfillState.UNDONE):
        raise Refusal(Code.INVALID, f'The batch "{batch.name}" was undone.', "batch")


def _book_customer(customer: Customer, batch: Backfill, work: Work) -> Booked:
    account = members.member_of(work.program, customer.user_ref, now=work.moment)
    if account is None:
        return Booked()
    return run_patiently(lambda: _book_locked(customer, account.pk, batch, work))


def _book_locked(customer: Customer, account_id: int, batch: Backfill, work: Work) -> Booked:
    """Book a customer's orders, read afresh, oldest first; then look at the tier once."""
    account = lock_account(account_id)
    now = work.moment
    _require_open(Backfill.objects.get(pk=batch.pk))
    if account.state != AccountState.MEMBER:
        return Booked()
    refs = [order.ref for order in customer.orders]
    facts = host.current().orders_facts(refs)
    fresh = replace(customer, orders=tuple(facts[ref] for ref in refs if ref in facts))
    standing = standing_of([fresh], work.program, work.rules, computes_anew=False)
    history = _history(fresh, standing, work)
    booked = Booked(members=1)
    record = None
    for outcome in history.outcomes:
        if outcome.is_counted and outcome.order.ref not in standing.booked:
            record = _record(account, outcome, batch, work)
            settling.settle_past(
                account, record, outcome.order, lives_from=history.lives_from, now=now
            )
            points = record.earned - record.clawed + record.bonus
            booked = _added(booked, Booked(orders=1, points=points))
    if record is None:
        return Booked()
    customers.sum_up(account)
    tiering.after_order(account, record, now)
    return booked


def _record(account: Account, outcome: Outcome, batch: Backfill, work: Work) -> OrderRecord:
    """Write an order down with the terms that the walk through the customer's orders gave it."""
    order = outcome.order
    terms = EarnTerms(work.rules, outcome.tier)
    grants = not outcome.is_dead(work.at)
    record: OrderRecord = OrderRecord.objects.create(
        order_ref=order.ref,
        number=order.number,
        checkout_ref=order.checkout_ref or "",
        program_id=work.program.pk,
        account=account,
        version=work.version,
        tier=outcome.tier or "",
        channel_ref=order.channel_ref,
        currency=order.currency,
        created_at=order.created_at,
        paid_at=outcome.paid_at,
        grants_points=grants,
        backfill=batch,
        quoted=earn(order, terms).points if grants else 0,
    )
    return record


def _added(one: Booked, other: Booked) -> Booked:
    return Booked(
        orders=one.orders + other.orders,
        points=one.points + other.points,
        members=one.members + other.members,
        looked_at=one.looked_at + other.looked_at,
    )
