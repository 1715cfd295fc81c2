"""Tasks of staff about customers: opened by hand or by a segment, changed, and closed.

A segment may ask for a task for each customer who comes into it, once for each coming in. Who is in
it from the start asks for none, nobody has two open tasks of one segment, and a segment has
``RETENTION_FOLLOW_UPS_OPEN_MAX`` open ones at most: where more come, those who spent most.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from saleor_retention import conf
from saleor_retention.engine.fields import LIMIT_MAX
from saleor_retention.engine.periods import local_date
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    CustomerRollup,
    FollowUp,
    FollowUpOutcome,
    FollowUpState,
    Program,
    Segment,
    SegmentEvent,
    SegmentEventKind,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.setting_up.auditing import note_down

logger = logging.getLogger(__name__)

TEXT_LENGTH_MAX = 2000
DAYS_AHEAD_MAX = 3650
TASKS_AT_ONCE = 1000
WITH_PEOPLE = (AccountState.MEMBER, AccountState.LEFT)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, by when, and by whom; ``assignee_ref`` "" for nobody yet."""

    reason: str
    due_on: dt.date
    assignee_ref: str = ""


def open_task(
    account: Account, plan: Plan, *, actor_ref: str, now: dt.datetime | None = None
) -> FollowUp:
    """Open a task about a customer. Locks the account.

    Refusals, all at once: REQUIRED and INVALID (reason, dueOn), NOT_FOUND (assigneeId); before them
    NOT_A_MEMBER where nobody is known behind the account.
    """
    at = now or timezone.now()

    def work() -> FollowUp:
        locked = lock_account(account.pk)
        if locked.state not in WITH_PEOPLE:
            raise Refusal(Code.NOT_A_MEMBER, "Nobody is known behind this account.", "memberId")
        _require_sound(plan, _today(locked.program, at))
        task = FollowUp.objects.create(
            program_id=locked.program_id,
            account=locked,
            reason=plan.reason.strip(),
            due_on=plan.due_on,
            assignee_ref=plan.assignee_ref,
            created_at=at,
            created_by=actor_ref,
        )
        lines = [f"due on {plan.due_on}", *_assigned("", plan.assignee_ref)]
        _note_down(AuditAction.FOLLOW_UP_OPEN, task, lines, actor_ref, at)
        return task

    return run_serialized(work)


def change_task(
    task: FollowUp, plan: Plan, *, actor_ref: str, now: dt.datetime | None = None
) -> FollowUp:
    """Change an open task; nothing is written where nothing changes.

    Locks the account. Refuses as ``open_task`` does, and INVALID (id) one that is closed.
    """
    at = now or timezone.now()

    def work() -> FollowUp:
        locked = _open(task)
        lines = _differences(locked, plan)
        if not lines:
            return locked
        # A task may stay overdue while something else of it changes.
        earliest = min(_today(locked.program, at), locked.due_on)
        _require_sound(plan, earliest)
        locked.reason = plan.reason.strip()
        locked.due_on, locked.assignee_ref = plan.due_on, plan.assignee_ref
        locked.save(update_fields=["reason", "due_on", "assignee_ref"])
        _note_down(AuditAction.FOLLOW_UP_CHANGE, locked, lines, actor_ref, at)
        return locked

    return run_serialized(work)


def close_task(
    task: FollowUp,
    outcome: FollowUpOutcome | None,
    *,
    note: str = "",
    actor_ref: str,
    now: dt.datetime | None = None,
) -> FollowUp:
    """Close a task as done with an outcome, or (None) as dropped.

    Locks the account. Refuses INVALID (id) one that is closed, and INVALID (note) too long a
    note.
    """
    at = now or timezone.now()
    if len(note) > TEXT_LENGTH_MAX:
        message = f"A note has {TEXT_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "note")

    def work() -> FollowUp:
        locked = _open(task)
        locked.state = FollowUpState.DROPPED if outcome is None else FollowUpState.DONE
        locked.outcome = "" if outcome is None else outcome
        locked.note = note.strip()
        locked.closed_at, locked.closed_by = at, actor_ref
        locked.save(update_fields=["state", "outcome", "note", "closed_at", "closed_by"])
        said = "dropped" if outcome is None else outcome.value.replace("_", " ")
        _note_down(AuditAction.FOLLOW_UP_CLOSE, locked, [said], actor_ref, at)
        return locked

    return run_serialized(work)


def forget(accounts: Any, at: dt.datetime) -> None:
    """Drop the open tasks about erased accounts, and empty what was typed about their customers."""
    tasks = FollowUp.objects.filter(account__in=accounts)
    tasks.filter(state=FollowUpState.OPEN).update(state=FollowUpState.DROPPED, closed_at=at)
    tasks.exclude(reason="", note="").update(reason="", note="")


def ask_for_those_who_came(program: Program, moved: Mapping[int, int], at: dt.datetime) -> int:
    """Open a task for each who has just come into a segment that asks for them; return how many.

    ``moved`` is how many events of each segment were written last, under the lock that the caller
    holds on the program's segments.
    """
    asking = Segment.objects.filter(pk__in=list(moved), program=program).exclude(follow_up="")
    return sum(_ask(program, segment, moved[segment.pk], at) for segment in asking)


def _ask(program: Program, segment: Segment, count: int, at: dt.datetime) -> int:
    latest = SegmentEvent.objects.filter(segment=segment).order_by("-pk")
    rows = latest.values_list("pk", "account_id", "kind")[:count]
    came = {account_id: pk for pk, account_id, kind in rows if kind == SegmentEventKind.ENTERED}
    open_ones = FollowUp.objects.filter(segment=segment, state=FollowUpState.OPEN)
    asked = set(open_ones.values_list("account_id", flat=True))
    chosen = _best_of(
        segment, came.keys() - asked, int(conf.get("FOLLOW_UPS_OPEN_MAX")) - len(asked)
    )
    due_on = _today(program, at) + dt.timedelta(days=segment.follow_up_days)
    made = FollowUp.objects.bulk_create(
        [
            FollowUp(
                program=program,
                account_id=account_id,
                reason=segment.follow_up,
                due_on=due_on,
                segment=segment,
                segment_event=came[account_id],
                created_at=at,
            )
            for account_id in chosen
        ],
        batch_size=TASKS_AT_ONCE,
    )
    return len(made)


def _best_of(segment: Segment, account_ids: Collection[int], room: int) -> list[int]:
    """Return as many accounts as there is room for, those that spent most, in the order of ids."""
    if len(account_ids) <= room:
        return sorted(account_ids)
    logger.warning(
        "The segment %s has as many open tasks as it may; %s of %s who came are not asked for.",
        segment.slug,
        len(account_ids) - max(0, room),
        len(account_ids),
    )
    spent = dict(
        CustomerRollup.objects.filter(account__in=account_ids).values_list("pk", "spend_minor")
    )
    return sorted(sorted(account_ids, key=lambda pk: (-spent.get(pk, 0), pk))[: max(0, room)])


def _open(task: FollowUp) -> FollowUp:
    """Return the task as it is now, its account locked; refuse one that is closed."""
    lock_account(task.account_id)
    current = FollowUp.objects.select_related("program", "account").get(pk=task.pk)
    if current.state != FollowUpState.OPEN:
        raise Refusal(Code.INVALID, "This task is closed.", "id")
    return current


def _require_sound(plan: Plan, earliest: dt.date) -> None:
    refusals = []
    if not plan.reason.strip():
        refusals.append(Refusal(Code.REQUIRED, "Say what is to be done, and why.", "reason"))
    if len(plan.reason) > TEXT_LENGTH_MAX:
        message = f"A reason has {TEXT_LENGTH_MAX} characters at most."
        refusals.append(Refusal(Code.INVALID, message, "reason"))
    latest = earliest + dt.timedelta(days=DAYS_AHEAD_MAX)
    if not earliest <= plan.due_on <= latest:
        message = f"A task is due from {earliest} to {latest}; {plan.due_on} is not."
        refusals.append(Refusal(Code.INVALID, message, "dueOn"))
    if plan.assignee_ref and not _is_staff(plan.assignee_ref):
        message = "There is no such member of staff."
        refusals.append(Refusal(Code.NOT_FOUND, message, "assigneeId"))
    if refusals:
        raise Refusals(refusals)


def _is_staff(user_ref: str) -> bool:
    if not (user_ref.isascii() and user_ref.isdecimal() and int(user_ref) <= LIMIT_MAX):
        return False
    staff = get_user_model().objects.filter(pk=int(user_ref), is_staff=True, is_active=True)
    return staff.exists()


def _differences(task: FollowUp, plan: Plan) -> list[str]:
    lines = [] if plan.reason.strip() == task.reason else ["the reason is another"]
    if plan.due_on != task.due_on:
        lines.append(f"due on {plan.due_on} instead of {task.due_on}")
    return [*lines, *_assigned(task.assignee_ref, plan.assignee_ref)]


def _assigned(before: str, after: str) -> list[str]:
    """Say that somebody else has it; who that is, is no customer's business (exports)."""
    if before == after:
        return []
    return ["given to a member of staff" if after else "given to nobody"]


def _note_down(
    action: AuditAction, task: FollowUp, lines: list[str], actor_ref: str, at: dt.datetime
) -> None:
    """Add it to the audit trail; what was typed stands in the task alone."""
    changes = [f"task {task.pk}: {line}" for line in lines]
    note_down(action, actor_ref=actor_ref, at=at, account=task.account, changes=changes)


def _today(program: Program, at: dt.datetime) -> dt.date:
    return local_date(at, rules_of(program.current_version_id).time_zone)
