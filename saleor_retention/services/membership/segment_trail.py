"""What the audit trail tells of segments: created, changed, filled by hand, retired, and by whom.

Who is on a list is left out, only how many come and go; so is what staff typed for a task.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from saleor_retention.models import AuditAction, Segment
from saleor_retention.services.setting_up.auditing import note_down
from saleor_retention.services.setting_up.differences import differences

TYPED = "follow_up"


def settings_of(segment: Segment) -> dict[str, Any]:
    """Return what can be changed of a segment."""
    return {
        "name": segment.name,
        "rule": segment.document or {},
        "tag": segment.tag,
        "active": segment.is_active,
        TYPED: segment.follow_up,
        "follow_up_days": segment.follow_up_days,
    }


def note_saved(
    segment: Segment, before: Mapping[str, Any], *, actor_ref: str, at: dt.datetime
) -> None:
    """Add what is other than before; nothing where nothing is. From nothing, it is created."""
    after = settings_of(segment)
    if not before:
        note(AuditAction.SEGMENT_CREATE, segment, actor_ref=actor_ref, at=at)
        return
    lines = differences(
        {key: value for key, value in before.items() if key != TYPED},
        {key: value for key, value in after.items() if key != TYPED},
    )
    if before[TYPED] != after[TYPED]:
        lines.append(f"{TYPED} is other")
    if lines:
        note(AuditAction.SEGMENT_UPDATE, segment, lines, actor_ref=actor_ref, at=at)


def note_list(segment: Segment, came: int, went: int, *, actor_ref: str, at: dt.datetime) -> None:
    """Add how many were put on a list and taken off; nothing where nobody was."""
    counts = (
        f"{came} put on the list" if came else "",
        f"{went} taken off the list" if went else "",
    )
    lines = [line for line in counts if line]
    if lines:
        note(AuditAction.SEGMENT_UPDATE, segment, lines, actor_ref=actor_ref, at=at)


def note(
    action: AuditAction,
    segment: Segment,
    lines: Sequence[str] = (),
    *,
    actor_ref: str,
    at: dt.datetime,
) -> None:
    """Add an entry with these lines after the segment's slug; the slug alone without any."""
    changes = [f"{segment.slug}.{line}" for line in lines] or [segment.slug]
    note_down(action, actor_ref=actor_ref, at=at, program=segment.program, changes=changes)
