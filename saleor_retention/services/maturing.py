"""The job that posts maturing: pending points whose time has come become available."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from saleor_retention import conf
from saleor_retention.models import Lot
from saleor_retention.services.sweeping import sweep


def mature_due(now: dt.datetime | None = None, limit: int | None = None) -> int:
    """Post the maturing of up to ``limit`` lots, oldest first; return how many postings it took.

    Zero when nothing is left to do (or others hold the rest). Locks the members' accounts, skipping
    those that are held; running twice or at the same time changes nothing.
    """
    at = now or timezone.now()
    due = Lot.objects.filter(is_pending=True, remaining__gt=0, valid_from__lte=at)
    rows = due.order_by("valid_from", "pk").values_list("account_id", flat=True)
    return sweep(rows[: limit or conf.get("EXPIRE_BATCH")], at)
