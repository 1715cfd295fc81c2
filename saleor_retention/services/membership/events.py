"""Events of members other than orders: recorded once, rewarded by the program's rules, reversed.

An app (or staff) tells of them, by a source and what the source calls the event. Whether a review
is good or bad is not asked: any honest one is rewarded.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone

from saleor_retention.engine.caps import Span, day_of, month_of
from saleor_retention.engine.engagement import SURVEY, EventRule, Outcome, Rewarded, outcome_of
from saleor_retention.engine.fields import did_you_mean, shown
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    MemberEvent,
    Program,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import granting, posting
from saleor_retention.services.ledger.locking import lock_account, lock_name, run_serialized
from saleor_retention.services.membership import rewards
from saleor_retention.services.membership.identity import digest_of, is_digest_of
from saleor_retention.services.ordering.pos import ERASED_CONTENT
from saleor_retention.services.ordering.pos_checks import Checks
from saleor_retention.services.setting_up.auditing import note_down

REFERENCE_LENGTH_MAX = 64
OBJECT_LENGTH_MAX = 80


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event, and whether it was recorded now."""

    event: MemberEvent
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """An event as it was told."""

    source: str
    reference: str
    kind: str
    object_ref: str
    at: dt.datetime
    actor_ref: str
    is_dated: bool = True  # False: it was told without a time, and happened when it was told

    def content(self, account_id: int) -> str:
        """Return what makes two tellings of one reference the same."""
        at = self.at.isoformat() if self.is_dated else None
        return json.dumps([account_id, self.kind, self.object_ref, at])


def record_event(
    *,
    account: Account,
    source: str,
    reference: str,
    kind: str,
    at: dt.datetime | None = None,
    object_ref: str = "",
    actor_ref: str = "",
    is_own_act: bool = False,
    now: dt.datetime | None = None,
) -> Recorded:
    """Record what a member did and book the points that the program's rules give for it.

    Idempotent by (source, reference): the same again returns the first record, other content is
    refused (KEY_REUSED). Beyond a limit of its rule an event is recorded without points. Locks the
    account, then the event by name, then the allowance of a member of staff, to which the points
    count that staff tell of. What the customer did in the plugin itself (``is_own_act``) is nothing
    for the audit trail, and its source is nobody else's. Refusals: REQUIRED and INVALID (everything
    wrong with the text and the time at once), NOT_FOUND (no rule for the kind), NOT_A_MEMBER,
    PROGRAM_INACTIVE, LIMIT_REACHED (more than the program lets the member of staff grant at once or
    in a day).
    """
    moment = now or timezone.now()
    if source == SURVEY and not is_own_act:
        message = f"source must not be {SURVEY}: answers to the plugin's own survey have it."
        raise Refusal(Code.INVALID, message, "source")
    told = _Told(
        source, reference, kind, object_ref, at or moment, actor_ref, is_dated=at is not None
    )
    _require_sound(told, account.program, moment)

    def work() -> Recorded:
        locked = lock_account(account.pk)
        existing = _named(source, reference)
        if existing is not None:
            _require_same(existing, told, locked.pk)
            return Recorded(existing, is_new=False)
        event = _reward(locked, told, moment)
        if not is_own_act:
            _note_down(AuditAction.EVENT_RECORD, event, locked, actor_ref, moment)
        return Recorded(event, is_new=True)

    return run_serialized(work)


def reverse_event(
    *, source: str, reference: str, actor_ref: str = "", now: dt.datetime | None = None
) -> Recorded:
    """Take back the points of an event that was undone or deleted, such as a review.

    Done before: nothing happens. Its place under the limits stays used. Locks the account. Refuses
    NOT_FOUND where it was never recorded.
    """
    moment = now or timezone.now()
    found = MemberEvent.objects.filter(source=source, reference=reference).first()
    if found is None:
        message = f"{shown(source)} has told of no event {shown(reference)}."
        raise Refusal(Code.NOT_FOUND, message, "reference")

    def work() -> Recorded:
        locked = lock_account(found.account_id)
        event = MemberEvent.objects.get(pk=found.pk)
        if event.reversed_at is not None:
            return Recorded(event, is_new=False)
        posting.catch_up(locked, moment)
        if event.lot_id is not None:
            rewards.take_back(
                locked,
                event.lot_id,
                event.points,
                rules_of(event.version_id),
                key=f"event:{event.pk}:reverse",
                rule_key=_rule_key(event.kind),
                cause="event",
                actor_ref=actor_ref,
                version_id=event.version_id,
                now=moment,
            )
        event.reversed_at = moment
        event.save(update_fields=["reversed_at"])
        _note_down(AuditAction.EVENT_REVERSE, event, locked, actor_ref, moment)
        return Recorded(event, is_new=True)

    return run_serialized(work)


def _reward(account: Account, told: _Told, now: dt.datetime) -> MemberEvent:
    if account.state != AccountState.MEMBER:
        raise Refusal(Code.NOT_A_MEMBER, "Events count of present members only.", "member")
    if not account.program.is_active:
        message = f'The program "{account.program.slug}" is not active.'
        raise Refusal(Code.PROGRAM_INACTIVE, message, "member")
    version_id = account.program.current_version_id
    rules = rules_of(version_id)
    rule = _rule(rules, told.kind, account.program)
    outcome = outcome_of(rule, _rewarded(account, told, rules.time_zone))
    if outcome is Outcome.REWARDED:
        granting.require_staff_allowance(account, rule.points, rules, told.actor_ref, now)
    event = MemberEvent.objects.create(
        account=account,
        source=told.source,
        reference=told.reference,
        kind=told.kind,
        object_ref=told.object_ref,
        at=told.at,
        recorded_at=now,
        content_hash=digest_of(told.content(account.pk)),
        outcome=outcome.value,
        version_id=version_id,
        actor_ref=told.actor_ref,
    )
    if outcome is not Outcome.REWARDED:
        return event
    posting.catch_up(account, now)
    event.points = rule.points
    event.lot_id = rewards.give(
        account,
        rule.points,
        rules,
        key=f"event:{event.pk}",
        rule_key=_rule_key(rule.kind),
        cause=rule.name,
        version_id=version_id,
        valid_from=max(now, told.at + dt.timedelta(days=rule.maturing_days)),
        now=now,
    )
    event.save(update_fields=["points", "lot"])
    return event


def _rule(rules: ProgramRules, kind: str, program: Program) -> EventRule:
    rule = rules.event(kind)
    if rule is None:
        hint = did_you_mean(kind, [known.kind for known in rules.events])
        message = f'The program "{program.slug}" has no rule for the event {shown(kind)}{hint}'
        raise Refusal(Code.NOT_FOUND, message, "kind")
    return rule


def _rewarded(account: Account, told: _Told, tz: str) -> Rewarded:
    """Return how many events of the kind count against its limits, whoever of his users did them.

    Two statements.
    """
    his = persons.same_person(account.pk)
    before = MemberEvent.objects.filter(account__in=his, kind=told.kind, points__gt=0)
    return Rewarded(
        **before.aggregate(
            of_object=Count("pk", filter=Q(object_ref=told.object_ref)),
            in_day=Count("pk", filter=_within(day_of(told.at, tz))),
            in_month=Count("pk", filter=_within(month_of(told.at, tz))),
            ever=Count("pk"),
        )
    )


def _within(span: Span) -> Q:
    return Q(at__gte=span[0], at__lt=span[1])


def _named(source: str, reference: str) -> MemberEvent | None:
    """Return the event of that name; whoever tells of it at the same time for another waits."""
    lock_name(f"event:{source}:{reference}")
    return MemberEvent.objects.filter(source=source, reference=reference).first()


def _require_same(event: MemberEvent, told: _Told, account_id: int) -> None:
    if event.content_hash == ERASED_CONTENT:
        return
    if not is_digest_of(event.content_hash, told.content(account_id)):
        message = f"Event {told.reference} of {told.source} was recorded with other content."
        raise Refusal(Code.KEY_REUSED, message, "reference")


def _require_sound(told: _Told, program: Program, now: dt.datetime) -> None:
    checks = Checks()
    checks.source(told.source)
    checks.text("reference", told.reference, REFERENCE_LENGTH_MAX)
    if told.object_ref:
        checks.text("object", told.object_ref, OBJECT_LENGTH_MAX)
    checks.happened("at", told.at, now)
    checks.end()
    if told.at < program.created_at:
        message = f'at must not be before the program "{program.slug}" began.'
        raise Refusal(Code.INVALID, message, "at")


def _rule_key(kind: str) -> str:
    return f"event:{kind}"


def _note_down(
    action: AuditAction, event: MemberEvent, account: Account, actor_ref: str, at: dt.datetime
) -> None:
    """Add it to the audit trail; what an object is called at its source may name a person."""
    note_down(
        action,
        actor_ref=actor_ref,
        at=at,
        account=account,
        changes=[f"{event.kind}: {event.points} points, {event.outcome.replace('_', ' ')}"],
    )
