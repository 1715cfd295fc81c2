"""The job that posts maturing: pending points whose time has come become available."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from saleor_retention import conf
from saleor_retention.services.ledger.sweeping import MATURE, sweep


def mature_due(now: dt.datetime | None = None, limit: int | None = None) -> int:
    """Post the maturing of up to ``limit`` lots, oldest first; return how many postings it took.

    Zero when nothing is left to do (or others hold the rest). Locks the members' accounts, skipping
    those that are held; running twice or at the same time changes nothing.
    ``RETENTION_EXPIRE_BATCH`` lots where no limit is given.
    """
    return sweep(MATURE, now or timezone.now(), limit or int(conf.get("EXPIRE_BATCH")))
