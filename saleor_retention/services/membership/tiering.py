"""Members climb, keep, lose and are given tiers; every change is recorded with the sum behind it.

``engine.tiers`` decides. Here the sums are fetched, the decision is written under the account's
lock, and the member's open checkouts are priced afresh when the tier is another one.
Source: semantics, 'Tiers'.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from saleor_retention import host, sql
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.engine.tiers import Decision, DecisionKind
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Note,
    OrderRecord,
    Program,
    TierChange,
    TierChangeKind,
)
from saleor_retention.selectors import qualifying
from saleor_retention.selectors.due import tiers_to_evaluate
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_account, lock_accounts, run_serialized
from saleor_retention.services.setting_up.auditing import note_down

EVALUATE_BATCH = 500
PREVIEW_BATCH = 2000
EXAMPLES_MAX = 10
REASON_LENGTH_MAX = 1000

TIER_FIELDS = ("tier", "tier_since", "tier_valid_until", "is_tier_manual", "tier_warned_at")

CHANGES = {
    DecisionKind.UPGRADE: TierChangeKind.UPGRADE,
    DecisionKind.RENEW: TierChangeKind.RENEW,
    DecisionKind.DOWNGRADE: TierChangeKind.DOWNGRADE,
    DecisionKind.WITHDRAW: TierChangeKind.WITHDRAW,
    DecisionKind.OVERRIDE_END: TierChangeKind.OVERRIDE_END,
    DecisionKind.LADDER: TierChangeKind.LADDER,
}


@dataclass(frozen=True, slots=True)
class Move:
    """Members who would go from one tier to another; "" is no tier."""

    from_tier: str
    to_tier: str
    members: int
    examples: tuple[str, ...]  # member numbers, ten at most


@dataclass(frozen=True, slots=True)
class Swept:
    """What one batch did; ``last_id`` is where the next one starts, None when there is none."""

    looked_at: int
    changed: int
    warned: int
    last_id: int | None


def after_order(account: Account, record: OrderRecord, now: dt.datetime) -> TierChange | None:
    """Give or withdraw a tier after an order was settled; called under the account's lock.

    ``record`` is saved with its sums. A climb is at once; so is a withdrawal where only orders
    that were reversed since had reached the tier. Returns the change, None when there was none.
    """
    return _evaluate_one(account, now, order_ref=record.order_ref)


def begin(account: Account, now: dt.datetime) -> TierChange | None:
    """Give a new member the tier that asks for nothing; called under the account's lock."""
    return _evaluate_one(account, now)


def evaluate_due(
    now: dt.datetime | None = None,
    limit: int = EVALUATE_BATCH,
    *,
    after_id: int = 0,
    warns: bool = False,
) -> Swept:
    """Renew, lower or end the tiers whose time is over, in id order from ``after_id`` on.

    With ``warns`` it also looks at tiers that lapse within their ladder's warning days and marks,
    once, those that will not last. Locks the batch's accounts, skipping those that others hold:
    they come with the next run. Running twice or at the same time does no harm.
    """
    at = now or timezone.now()
    with transaction.atomic():
        due = tiers_to_evaluate(at, warns=warns).filter(pk__gt=after_id).order_by("pk")[:limit]
        ids = list(due.values_list("pk", flat=True))
        changed, warned = _evaluate(ids, at, warns=warns)
    return Swept(len(ids), changed, warned, ids[-1] if len(ids) == limit else None)


def apply_ladder(
    program_id: int,
    now: dt.datetime | None = None,
    limit: int = EVALUATE_BATCH,
    *,
    after_id: int = 0,
) -> Swept:
    """Move a program's members to where its new ladder puts them, in id order from ``after_id`` on.

    Who climbs, climbs at once; who is on a step that is gone goes where he belongs; a raised
    threshold takes nothing away before the tier lapses. Waits for each account's lock.
    """
    at = now or timezone.now()
    accounts = Account.objects.filter(program_id=program_id, state=AccountState.MEMBER)
    ids = list(accounts.filter(pk__gt=after_id).order_by("pk").values_list("pk", flat=True)[:limit])
    changed = run_serialized(lambda: _evaluate(ids, at, skips_locked=False))[0]
    return Swept(len(ids), changed, 0, ids[-1] if len(ids) == limit else None)


def preview(
    program: Program, new_rules: ProgramRules, now: dt.datetime | None = None
) -> list[Move]:
    """Return who would move at once if the program had these rules, most members first.

    Reads in batches of two statements each; writes and locks nothing.
    """
    at = now or timezone.now()
    examples: dict[tuple[str, str], list[str]] = defaultdict(list)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    after_id = 0
    while True:
        members = Account.objects.filter(program=program, state=AccountState.MEMBER)
        batch = list(members.filter(pk__gt=after_id).order_by("pk")[:PREVIEW_BATCH])
        for case in qualifying.cases(batch, new_rules, at):
            decision = case.decide(new_rules.ladder, at)
            move = (case.account.tier, _slug(decision))
            if move[0] == move[1]:
                continue
            counts[move] += 1
            if counts[move] <= EXAMPLES_MAX:
                examples[move].append(case.account.member_number)
        if len(batch) < PREVIEW_BATCH:
            break
        after_id = batch[-1].pk
    moves = [Move(*move, count, tuple(examples[move])) for move, count in counts.items()]
    return sorted(moves, key=lambda move: (-move.members, move.from_tier, move.to_tier))


def override(
    *,
    account_id: int,
    tier: str,
    valid_until: dt.datetime | None,
    reason: str,
    actor_ref: str,
    now: dt.datetime | None = None,
) -> TierChange:
    """Give a member a tier by hand, up or down, until an instant or (None) until it is ended.

    The tier holds meanwhile, unless the member climbs above both it and what the metric gives now.
    Locks the account. Idempotent: the same tier and time again changes nothing. Refusals:
    NOT_FOUND (member, tier), NOT_A_MEMBER, REQUIRED (reason), INVALID (a time that is over, a
    reason too long).
    """
    at = now or timezone.now()
    text = _reason(reason)
    if valid_until is not None and (valid_until.tzinfo is None or valid_until <= at):
        message = "The time until which the tier is given must lie ahead and have a time zone."
        raise Refusal(Code.INVALID, message, "validUntil")

    def give() -> TierChange:
        account = _lock_member(account_id)
        rules = rules_of(account.program.current_version_id)
        if rules.tier(tier) is None:
            there = ", ".join(step.slug for step in rules.ladder.tiers) or "none"
            message = f'There is no tier "{tier}"; there are: {there}.'
            raise Refusal(Code.NOT_FOUND, message, "tier")
        held = (account.tier, account.tier_valid_until)
        if account.is_tier_manual and held == (tier, valid_until):
            newest: TierChange = account.tier_changes.order_by("-id")[0]
            return newest
        value = qualifying.present_values([account], rules, at)[account.pk]
        change = TierChange(
            kind=TierChangeKind.OVERRIDE,
            to_tier=tier,
            metric_value=value,
            valid_until=valid_until,
            actor_ref=actor_ref,
            note=Note.objects.create(text=text),
        )
        _record(account, change, at, is_manual=True)
        return _noted_down(AuditAction.TIER_OVERRIDE, change)

    return run_serialized(give)


def end_override(
    *, account_id: int, reason: str, actor_ref: str, now: dt.datetime | None = None
) -> TierChange:
    """End a tier given by hand: the member goes where the orders put him.

    Locks the account. Refusals: NOT_FOUND, NOT_A_MEMBER, REQUIRED (reason), INVALID (the tier was
    not given by hand).
    """
    at = now or timezone.now()
    text = _reason(reason)

    def end() -> TierChange:
        account = _lock_member(account_id)
        if not account.is_tier_manual:
            message = f"The tier of member {account.member_number} was not given by hand."
            raise Refusal(Code.INVALID, message, "memberId")
        account.tier_valid_until = at
        rules = rules_of(account.program.current_version_id)
        decision = qualifying.cases([account], rules, at)[0].decide(rules.ladder, at)
        change = _change_of(decision)
        change.actor_ref = actor_ref
        change.note = Note.objects.create(text=text)
        _record(account, change, at)
        return _noted_down(AuditAction.TIER_OVERRIDE_END, change)

    return run_serialized(end)


def _noted_down(action: AuditAction, change: TierChange) -> TierChange:
    """Add a change by hand to the audit trail and return it."""
    changes = [f"tier changes from {change.from_tier or 'none'} to {change.to_tier or 'none'}"]
    if change.valid_until is not None:
        changes.append(f"valid until {change.valid_until.isoformat()}")
    note_down(
        action,
        actor_ref=change.actor_ref,
        at=change.at,
        account=change.account,
        changes=changes,
        note=change.note,
    )
    return change


# --- deciding and writing -------------------------------------------------------------------------


def _evaluate(
    ids: list[int], at: dt.datetime, *, warns: bool = False, skips_locked: bool = True
) -> tuple[int, int]:
    """Decide on these members and write what changed; return how many changed and were warned."""
    locked = lock_accounts(ids, skips_locked=skips_locked)
    by_program: dict[int, list[Account]] = defaultdict(list)
    for account in locked.values():
        if account.state == AccountState.MEMBER:
            by_program[account.program_id].append(account)
    changes, warned = [], []
    for program in Program.objects.filter(pk__in=by_program):
        rules = rules_of(program.current_version_id)
        for case in qualifying.cases(by_program[program.pk], rules, at, warns=warns):
            decision = case.decide(rules.ladder, at)
            if decision.kind is DecisionKind.WARN:
                warned.append(case.account.pk)
            elif decision.kind in CHANGES:
                change = _change_of(decision)
                change.version_id = program.current_version_id
                changes.append(_moved(case.account, change, at))
    _write(changes)
    Account.objects.filter(pk__in=warned).update(tier_warned_at=at)
    return len(changes), len(warned)


def _evaluate_one(account: Account, at: dt.datetime, order_ref: str = "") -> TierChange | None:
    if account.state != AccountState.MEMBER:
        return None
    programs = Program.objects.filter(pk=account.program_id)
    version_id = programs.values_list("current_version_id", flat=True)[0]
    rules = rules_of(version_id)
    if not rules.ladder.tiers and not account.tier:
        return None
    decision = qualifying.cases([account], rules, at)[0].decide(rules.ladder, at)
    if decision.kind not in CHANGES:
        return None
    change = _change_of(decision)
    change.version_id = version_id
    change.order_ref = order_ref
    return _record(account, change, at)


def _change_of(decision: Decision) -> TierChange:
    return TierChange(
        kind=CHANGES[decision.kind],
        to_tier=_slug(decision),
        metric_value=decision.metric_value,
        valid_until=decision.valid_until,
    )


def _record(
    account: Account, change: TierChange, at: dt.datetime, *, is_manual: bool = False
) -> TierChange:
    """Write one change to the history and to the account, which is locked."""
    if change.version_id is None:
        change.version_id = account.program.current_version_id
    _write([_moved(account, change, at, is_manual=is_manual)])
    return change


def _moved(
    account: Account, change: TierChange, at: dt.datetime, *, is_manual: bool = False
) -> TierChange:
    """Fill a change in and move its account in memory."""
    change.account = account
    change.from_tier = account.tier
    change.at = at
    if account.tier != change.to_tier:
        account.tier = change.to_tier
        account.tier_since = at if change.to_tier else None
    account.tier_valid_until = change.valid_until
    account.is_tier_manual = is_manual
    account.tier_warned_at = None
    return change


def _write(changes: list[TierChange]) -> None:
    """Write changes and their accounts, and let the members' open checkouts be priced afresh."""
    if not changes:
        return
    TierChange.objects.bulk_create(changes)
    accounts = [change.account for change in changes]
    parameters = {name: [getattr(each, name) for each in accounts] for name in TIER_FIELDS}
    with connection.cursor() as cursor:
        cursor.execute(
            sql.load("write_tiers"), {"ids": [each.pk for each in accounts], **parameters}
        )
    moved = [change.account_id for change in changes if change.from_tier != change.to_tier]
    if moved:
        host.current().dispatch("reprice_members", moved)


def _slug(decision: Decision) -> str:
    return decision.tier.slug if decision.tier is not None else ""


def _lock_member(account_id: int) -> Account:
    account = lock_account(account_id)
    if account.state != AccountState.MEMBER:
        message = f"{account.member_number} is not a member any more."
        raise Refusal(Code.NOT_A_MEMBER, message, "memberId")
    return account


def _reason(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise Refusal(Code.REQUIRED, "Say why the tier is changed.", "reason")
    if len(text) > REASON_LENGTH_MAX:
        message = f"A reason has {REASON_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "reason")
    return text
