"""Experiments that staff begin themselves, on anything that asks for a segment.

Everybody in a segment is dealt to an arm, and those who are treated are put on an explicit list. An
offer or a campaign whose audience is that list is then done for the treated alone; who is held out
is compared with them, whatever reached anybody. A campaign's own holdout is left to the campaign.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from saleor_retention.engine.experiments.assignment import Arm
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    AccountState,
    AuditAction,
    Campaign,
    Experiment,
    Program,
    Segment,
    SegmentMember,
)
from saleor_retention.services.campaigning import experiments
from saleor_retention.services.membership.segments import change_list
from saleor_retention.services.setting_up.auditing import note_down

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Dealt:
    """How many of a segment are in each arm."""

    treated: int
    held_out: int


def is_of_campaign(experiment: Experiment) -> bool:
    """Tell whether an experiment is a campaign's own holdout: it shares its secret."""
    return Campaign.objects.filter(
        program=experiment.program_id, slug=experiment.slug, secret=experiment.secret
    ).exists()


def begin(
    program: Program,
    *,
    slug: str,
    name: str,
    held_out_per_mille: int,
    window_days: int,
    now: dt.datetime | None = None,
    actor_ref: str = "",
) -> Experiment:
    """Create an experiment, as ``experiments.create_experiment`` does and refuses.

    UNIQUE also where a campaign has the slug, whose holdout would want it.
    """
    if Campaign.objects.filter(program=program, slug=slug).exists():
        message = f'A campaign of this program has the slug "{slug}".'
        raise Refusal(Code.UNIQUE, message, "slug")
    at = now or timezone.now()
    with transaction.atomic():
        made = experiments.create_experiment(
            program,
            slug=slug,
            name=name,
            held_out_per_mille=held_out_per_mille,
            window_days=window_days,
            now=at,
        )
        lines = [
            f"{slug}.held_out_per_mille is {held_out_per_mille}",
            f"{slug}.window_days is {window_days}",
        ]
        _note(AuditAction.EXPERIMENT_CREATE, made, lines, actor_ref=actor_ref, at=at)
    return made


def end(
    experiment: Experiment, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Experiment:
    """Let nobody new into an experiment. Idempotent. Refuses INVALID for a campaign's holdout."""
    _require_own(experiment)
    at = now or timezone.now()
    with transaction.atomic():
        was_over = experiment.ended_at is not None
        ended = experiments.end_experiment(experiment, now=at)
        if not was_over:
            lines = [experiment.slug]
            _note(AuditAction.EXPERIMENT_END, ended, lines, actor_ref=actor_ref, at=at)
    return ended


def deal(
    experiment: Experiment,
    segment: Segment,
    treated_list: Segment,
    now: dt.datetime | None = None,
    *,
    actor_ref: str = "",
) -> Dealt:
    """Assign everybody who is in a segment now, and put the treated on the list.

    Idempotent: who was assigned stays in his arm, and who is on the list stays there. A thousand at
    a time, each with its list. Refusals: INVALID (a campaign's holdout, an experiment that has
    ended, a segment that is its own list, no list that is in use), NOT_FOUND (a segment of another
    program).
    """
    _require_own(experiment)
    _require_segments(experiment, segment, treated_list)
    if experiment.ended_at is not None:
        raise Refusal(Code.INVALID, "This experiment has ended.", "id")
    at = now or timezone.now()
    counts = dict.fromkeys(Arm, 0)
    for account_ids in _pages(segment):
        arms = experiments.assign(experiment, account_ids, now=at)
        treated = [account_id for account_id, arm in arms.items() if arm is Arm.TREATED]
        change_list(treated_list, add=treated, now=at, actor_ref=actor_ref)
        for arm in arms.values():
            counts[arm] += 1
    dealt = Dealt(counts[Arm.TREATED], counts[Arm.HELD_OUT])
    lines = [
        f"{experiment.slug}.{segment.slug}: {dealt.treated} treated, {dealt.held_out} held out"
    ]
    with transaction.atomic():
        _note(AuditAction.EXPERIMENT_DEAL, experiment, lines, actor_ref=actor_ref, at=at)
    return dealt


def _note(
    action: AuditAction,
    experiment: Experiment,
    lines: Sequence[str],
    *,
    actor_ref: str,
    at: dt.datetime,
) -> None:
    note_down(action, actor_ref=actor_ref, at=at, program=experiment.program, changes=lines)


def _require_own(experiment: Experiment) -> None:
    if is_of_campaign(experiment):
        message = "This is a campaign's holdout: it begins and ends with the campaign."
        raise Refusal(Code.INVALID, message, "id")


def _require_segments(experiment: Experiment, segment: Segment, treated_list: Segment) -> None:
    for each, field in ((segment, "segmentId"), (treated_list, "treatedListId")):
        if each.program_id != experiment.program_id:
            raise Refusal(Code.NOT_FOUND, "There is no such segment.", field)
    if segment.pk == treated_list.pk:
        message = "The list of the treated is another segment than that of everybody."
        raise Refusal(Code.INVALID, message, "treatedListId")
    if treated_list.document is not None or treated_list.retired_at is not None:
        message = "The treated are put on an explicit list that is in use."
        raise Refusal(Code.INVALID, message, "treatedListId")


def _pages(segment: Segment) -> Iterator[list[int]]:
    members = SegmentMember.objects.filter(segment=segment, account__state=AccountState.MEMBER)
    last = 0
    while True:
        rows = members.filter(account__gt=last).order_by("account")
        page = list(rows.values_list("account_id", flat=True)[:AT_ONCE])
        if not page:
            return
        yield page
        last = page[-1]
