"""The tasks that a worker runs: each one calls a service, in bounded batches.

All are safe to run twice and at the same time, and none has to run on time: what is true by time is
true at its instant for every reader, and orders that no event told of are found by ``reconcile``.
Where there is a broker, what is left after some batches is dispatched again, so that no task
occupies a worker for long; without one, Saleor runs tasks at once and they run to their end.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Callable
from typing import Any

from celery import shared_task
from django.conf import settings

from saleor_retention import host
from saleor_retention.errors import Refusal
from saleor_retention.services import (
    digesting,
    erasing,
    expiring,
    maturing,
    reconciling,
    redeeming,
    repricing,
    settling,
    tiering,
    welcoming,
)

logger = logging.getLogger(__name__)

BATCHES_MAX = 20

ROWS = 500
DAYS = 31


@shared_task(name="saleor_retention.tasks.settle")
def settle(order_ref: str) -> None:
    """Settle one order as it is now; an account that stays busy is left to ``reconcile``."""
    with host.current().writer():
        try:
            settling.settle(order_ref=order_ref)
        except Refusal:
            logger.warning("Order %s was not settled; reconcile will.", order_ref, exc_info=True)


@shared_task(name="saleor_retention.tasks.welcome")
def welcome(user_ref: str) -> None:
    """Open a customer's accounts and claim the orders of the guest he was."""
    with host.current().writer():
        welcoming.welcome(user_ref)


@shared_task(name="saleor_retention.tasks.erase_deleted")
def erase_deleted() -> None:
    """Erase members whose user the shop has deleted."""
    _sweep(erase_deleted, lambda: erasing.erase_deleted(limit=ROWS) >= ROWS)


@shared_task(name="saleor_retention.tasks.erase_guests")
def erase_guests(email_hashes: list[str]) -> None:
    """Erase the guests' accounts of an address whose user the shop has deleted."""
    with host.current().writer():
        erasing.erase_guests(email_hashes)


@shared_task(name="saleor_retention.tasks.mature")
def mature() -> None:
    """Post what became available."""
    _sweep(mature, lambda: maturing.mature_due(limit=ROWS) > 0)


@shared_task(name="saleor_retention.tasks.expire")
def expire() -> None:
    """Post the breakage of lots that died."""
    _sweep(expire, lambda: expiring.expire_due(limit=ROWS) > 0)


@shared_task(name="saleor_retention.tasks.lapse_holds")
def lapse_holds() -> None:
    """Give back the points of holds whose time is over, or all where prices are not ours now."""
    from saleor_retention.services import withdrawing

    with host.current().writer():
        withdrawing.withdraw_if_unpriced()
    _sweep(lapse_holds, lambda: redeeming.lapse_due(limit=ROWS) >= ROWS)


@shared_task(name="saleor_retention.tasks.reconcile")
def reconcile() -> None:
    """Settle what no event told of, and end holds whose checkout is gone."""
    with host.current().writer():
        reconciling.reconcile()


@shared_task(name="saleor_retention.tasks.evaluate_tiers")
def evaluate_tiers(after_id: int = 0, *, warns: bool = False) -> None:
    """Renew, lower and end tiers whose time is over; ``warns`` marks those that will not last."""

    def batch(last_id: int) -> int | None:
        return tiering.evaluate_due(after_id=last_id, limit=ROWS, warns=warns).last_id

    _walk(evaluate_tiers, after_id, batch, warns=warns)


@shared_task(name="saleor_retention.tasks.apply_ladder")
def apply_ladder(program_id: int, after_id: int, at: str) -> None:
    """Move a program's members to where its new ladder puts them; ``at`` is an ISO instant."""
    now = dt.datetime.fromisoformat(at)

    def batch(last_id: int) -> int | None:
        return tiering.apply_ladder(program_id, now, ROWS, after_id=last_id).last_id

    _walk(apply_ladder, after_id, batch, program_id=program_id, at=at)


@shared_task(name="saleor_retention.tasks.reprice")
def reprice(channel_refs: list[str]) -> None:
    """Let the open checkouts of these channels be priced afresh."""
    with host.current().writer():
        repricing.reprice_channels(channel_refs)


@shared_task(name="saleor_retention.tasks.reprice_members")
def reprice_members(account_ids: list[int]) -> None:
    """Let these members' open checkouts be priced afresh."""
    with host.current().writer():
        repricing.reprice_members(account_ids)


@shared_task(name="saleor_retention.tasks.reprice_checkouts")
def reprice_checkouts(checkout_refs: list[str]) -> None:
    """Let these checkouts be priced afresh."""
    with host.current().writer():
        for checkout_ref in checkout_refs:
            host.current().reprice(checkout_ref)


@shared_task(name="saleor_retention.tasks.forget_quotes")
def forget_quotes() -> None:
    """Delete old quotes whose checkout is gone."""
    _sweep(forget_quotes, lambda: repricing.forget_quotes(limit=ROWS) >= ROWS)


@shared_task(name="saleor_retention.tasks.seal_days")
def seal_days() -> None:
    """Seal the ledger's days that are over, also those that were missed."""
    _sweep(seal_days, lambda: digesting.seal_due(limit=DAYS) >= DAYS)


def _sweep(task: Any, has_more: Callable[[], bool]) -> None:
    """Run batches while there are more; leave the rest to another run after some."""
    with host.current().writer():
        for number in itertools.count(1):
            if not has_more():
                return
            if number >= BATCHES_MAX and not _is_eager():
                break
    task.apply_async()


def _walk(task: Any, after_id: int, batch: Callable[[int], int | None], **arguments: Any) -> None:
    """Run batches in id order; leave the rest to another run, from where this one came to."""
    last_id = after_id
    with host.current().writer():
        for number in itertools.count(1):
            next_id = batch(last_id)
            if next_id is None:
                return
            last_id = next_id
            if number >= BATCHES_MAX and not _is_eager():
                break
    task.apply_async(kwargs={"after_id": last_id, **arguments})


def _is_eager() -> bool:
    return bool(getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False))
