"""Write down that staff, an app or a command read all that is held about a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.utils import timezone

from saleor_retention.models import Account, AuditAction, AuditEntry
from saleor_retention.services.ledger.locking import run_serialized
from saleor_retention.services.setting_up.auditing import note_down

ONE_READING = dt.timedelta(hours=1)
"""Pages that the same one reads within this time are one export."""


def note_export(
    account_ids: Iterable[int], *, actor_ref: str = "", now: dt.datetime | None = None
) -> None:
    """Add an entry for each account, unless the same one was reading it just now. Locks nothing."""
    at = now or timezone.now()

    def work() -> None:
        accounts = Account.objects.in_bulk(list(account_ids))
        read = AuditEntry.objects.filter(
            account__in=accounts,
            action=AuditAction.MEMBER_EXPORT,
            actor_ref=actor_ref,
            at__gt=at - ONE_READING,
        )
        known = set(read.values_list("account_id", flat=True))
        for account_id, account in sorted(accounts.items()):
            if account_id not in known:
                action = AuditAction.MEMBER_EXPORT
                note_down(action, actor_ref=actor_ref, at=at, account=account)

    run_serialized(work)
