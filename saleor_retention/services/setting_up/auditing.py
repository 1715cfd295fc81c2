"""Write down who did what, in the transaction that does it: both are kept, or neither is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from saleor_retention import host
from saleor_retention.models import Account, AuditAction, AuditEntry, Note, Program
from saleor_retention.services.setting_up.differences import differences


def note_down(
    action: AuditAction,
    *,
    actor_ref: str,
    at: dt.datetime,
    program: Program | None = None,
    account: Account | None = None,
    order_ref: str = "",
    changes: Sequence[str] = (),
    note: Note | None = None,
) -> AuditEntry:
    """Add an entry to the audit trail; an account stands for its program too.

    ``changes`` are lines without anything personal; typed words go into ``note``, whose row may be
    that of the posting. Locks nothing. Raises ``RuntimeError`` outside of a transaction, where an
    action could be kept without its entry.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An audit entry is written in the transaction of what it tells of.")
    return AuditEntry.objects.create(
        action=action,
        actor_ref=actor_ref,
        at=at,
        program_id=account.program_id if account is not None else program and program.pk,
        account=account,
        order_ref=order_ref,
        changes=list(changes),
        note=note,
    )


def note_down_program(
    program: Program,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    actor_ref: str,
    at: dt.datetime,
) -> None:
    """Add what an update made of a program, told from its settings; nothing where nothing changed.

    Switching on or off alone is an action of its own.
    """
    lines = differences(before, after)
    if not lines:
        return
    action = AuditAction.PROGRAM_UPDATE
    if {key for key in after if after[key] != before[key]} == {"active"}:
        is_on = after["active"]
        action = AuditAction.PROGRAM_ACTIVATE if is_on else AuditAction.PROGRAM_DEACTIVATE
    note_down(action, actor_ref=actor_ref, at=at, program=program, changes=lines)


def settings_of(
    program: Program, channels: Sequence[str], document: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what can be changed of a program, as the audit trail tells it: channels by slug."""
    slugs = {place.ref: place.slug for place in host.current().channels()}
    return {
        "name": program.name,
        "channels": sorted(slugs.get(ref, ref) for ref in channels),
        "active": program.is_active,
        "rules": document,
    }
