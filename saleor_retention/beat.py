"""When the periodic tasks run, and their registration with Celery's beat."""

from __future__ import annotations

import datetime as dt
from typing import Any

from celery.schedules import crontab
from django.conf import settings

from saleor_retention import conf

TASKS = "saleor_retention.tasks."

SCHEDULE: dict[str, dict[str, Any]] = {
    "lapse-holds": {"task": "lapse_holds", "schedule": dt.timedelta(minutes=5)},
    "turn-offers": {"task": "turn_offers", "schedule": dt.timedelta(minutes=5)},
    "lapse-reservations": {"task": "lapse_reservations", "schedule": dt.timedelta(minutes=5)},
    "mature": {"task": "mature", "schedule": crontab(minute=5)},
    "expire": {"task": "expire", "schedule": crontab(minute=10)},
    "expire-coupons": {"task": "expire_coupons", "schedule": crontab(minute=15)},
    "advance-referrals": {"task": "advance_referrals", "schedule": crontab(minute=25)},
    "fill-batches": {"task": "fill_batches", "schedule": crontab(minute=45)},
    "reconcile": {"task": "reconcile", "schedule": crontab(minute=20)},
    "evaluate-tiers": {"task": "evaluate_tiers", "schedule": crontab(minute=30)},
    "warn-of-tiers": {
        "task": "evaluate_tiers",
        "schedule": crontab(hour=6, minute=40),
        "kwargs": {"warns": True},
    },
    "erase-deleted": {"task": "erase_deleted", "schedule": crontab(hour=4, minute=35)},
    "note-addresses": {"task": "note_addresses", "schedule": crontab(hour=2, minute=35)},
    "refresh-segments": {"task": "refresh_segments", "schedule": crontab(hour=3, minute=25)},
    "plan-campaigns": {"task": "plan_campaigns", "schedule": dt.timedelta(minutes=15)},
    "send-messages": {"task": "send_messages", "schedule": dt.timedelta(minutes=5)},
    "seal-days": {"task": "seal_days", "schedule": crontab(hour=7, minute=15)},
    "sum-ledger": {"task": "sum_ledger", "schedule": crontab(hour=7, minute=25)},
    "forget-quotes": {"task": "forget_quotes", "schedule": crontab(hour=4, minute=50)},
}


def entries() -> dict[str, dict[str, Any]]:
    """Return the beat entries by their full names."""
    return {
        conf.BEAT_PREFIX + name: {**entry, "task": TASKS + entry["task"]}
        for name, entry in SCHEDULE.items()
    }


def register() -> None:
    """Add the entries to the shop's schedule; what the shop has set under a name stays.

    Saleor 2.10 has no schedule of its own; one is begun.
    """
    schedule = getattr(settings, "CELERY_BEAT_SCHEDULE", None)
    if schedule is None:
        schedule = settings.CELERY_BEAT_SCHEDULE = {}
    for name, entry in entries().items():
        schedule.setdefault(name, entry)
