"""Take everything of the plugin out of the shop's own tables, before its package is removed.

Saleor never deletes discount rows of our kind from open checkouts by itself, and a database
scheduler keeps sending tasks that nobody knows any more. Our own tables stay: they hold what
customers were promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import QuerySet

from saleor_retention import conf, host
from saleor_retention.models import Hold, HoldState, Program
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.couponing import coupons
from saleor_retention.services.setting_up import programs


@dataclass(frozen=True, slots=True)
class Removed:
    """How much was taken out."""

    programs: int
    holds: int
    rows: int
    orders: int  # that had something of ours in their metadata
    entries: int
    coupons: int  # personal ones, which would become everybody's


def count() -> Removed:
    """Return what ``uninstall`` would take out; rows and orders are only counted as they go."""
    return Removed(
        programs=Program.objects.filter(is_active=True).count(),
        holds=Hold.objects.filter(state=HoldState.PLACED).count(),
        rows=0,
        orders=0,
        entries=_entries().count() if _has_scheduler() else 0,
        coupons=coupons.personal().count(),
    )


def uninstall() -> Removed:
    """Switch all programs off, give held points back, remove what is ours in the shop's tables.

    Programs first, so that no price pass writes new rows meanwhile. Idempotent.
    """
    active = list(Program.objects.filter(is_active=True))
    for program in active:
        programs.deactivate(program=program)
    held = Hold.objects.filter(state=HoldState.PLACED).order_by("pk")
    released = sum(redeeming.release(hold, "uninstall") for hold in list(held))
    rows = host.current().strip_own_rows()
    orders = host.current().forget_orders()
    entries = _entries().delete()[0] if _has_scheduler() else 0
    return Removed(len(active), released, rows, orders, entries, coupons.end_personal())


def _has_scheduler() -> bool:
    return apps.is_installed("django_celery_beat")


def _entries() -> QuerySet[Any]:
    tasks = apps.get_model("django_celery_beat", "PeriodicTask")
    return tasks.objects.filter(name__startswith=conf.BEAT_PREFIX)
