"""The tasks that a worker runs: each one calls a service, in bounded batches.

All are safe to run twice and at the same time, and none has to run on time: what is true by time is
true at its instant for every reader, and orders that no event told of are found by ``reconcile``.
Where there is a broker, what is left after some batches is dispatched again, so that no task
occupies a worker for long, and a backlog is shared by several workers (``_share``); without one,
Saleor runs tasks at once and they run to their end.

A worker that is killed loses a message and no work: what it had not committed is due still, and
whoever else shares the work, or the next run of beat, comes to it. Only ``apply_ladder`` is nobody
else's to find; its message is acknowledged when it is done and comes back otherwise.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.errors import Refusal
from saleor_retention.models import Program
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.checkout import redeeming, repricing
from saleor_retention.services.consenting import consent_requests
from saleor_retention.services.couponing import coupon_batches, coupons
from saleor_retention.services.ledger import digesting, expiring, maturing, summing
from saleor_retention.services.membership import (
    addresses,
    attributes,
    erasing,
    referrals,
    segments,
    tiering,
    welcoming,
)
from saleor_retention.services.offering import offer_uses, offer_windows
from saleor_retention.services.ordering import reconciling, settling

logger = logging.getLogger(__name__)

BATCHES_MAX = 20

ROWS = 500
DAYS = 31

ORDERS = 50  # each takes a database transaction of its own and several statements

SHARE = dt.timedelta(minutes=55)
"""How long the runs that one run of an hourly task began go on; then the next one has begun."""

SHARE_OF_HOLDS = dt.timedelta(minutes=5)


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


@shared_task(name="saleor_retention.tasks.note_address")
def note_address(user_ref: str) -> None:
    """Note the address that a customer has now."""
    with host.current().writer():
        addresses.note(user_ref)


@shared_task(name="saleor_retention.tasks.note_addresses")
def note_addresses(after_id: int = 0) -> None:
    """Note the addresses that customers have now, as far as no event told of them."""
    _walk(note_addresses, after_id, lambda last_id: addresses.note_batch(last_id, ROWS))


@shared_task(name="saleor_retention.tasks.consent_requested")
def consent_requested(request_id: int) -> None:
    """Have the link of a double opt-in mailed."""
    with host.current().writer():
        consent_requests.announce(request_id)


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
def mature(until: str | None = None) -> None:
    """Post what became available."""
    _share(mature, maturing.mature_due, int(conf.get("EXPIRE_BATCH")), until)


@shared_task(name="saleor_retention.tasks.expire")
def expire(until: str | None = None) -> None:
    """Post the breakage of lots that died."""
    _share(expire, expiring.expire_due, int(conf.get("EXPIRE_BATCH")), until)


@shared_task(name="saleor_retention.tasks.lapse_holds")
def lapse_holds(until: str | None = None) -> None:
    """Give back the points of holds whose time is over, or all where prices are not ours now."""
    from saleor_retention.services.checkout import withdrawing

    if until is None:
        with host.current().writer():
            withdrawing.withdraw_if_unpriced()
    batch = partial(redeeming.lapse_due, limit=ROWS)
    _share(lapse_holds, batch, ROWS, until, lasts=SHARE_OF_HOLDS)


@shared_task(name="saleor_retention.tasks.lapse_reservations")
def lapse_reservations(until: str | None = None) -> None:
    """Give back the uses of offers that a checkout set aside and did not become an order with."""
    batch = partial(offer_uses.lapse_reservations, limit=ROWS)
    _share(lapse_reservations, batch, ROWS, until, lasts=SHARE_OF_HOLDS)


@shared_task(name="saleor_retention.tasks.expire_coupons")
def expire_coupons(until: str | None = None) -> None:
    """Mark the coupons whose time is over."""
    _share(expire_coupons, partial(coupons.expire_due, limit=ROWS), ROWS, until)


@shared_task(name="saleor_retention.tasks.advance_referrals")
def advance_referrals(until: str | None = None) -> None:
    """Book, make available and take back what referrals bring."""
    _share(advance_referrals, partial(referrals.advance_due, limit=ORDERS), ORDERS, until)


@shared_task(name="saleor_retention.tasks.fill_batch")
def fill_batch(batch_id: int) -> None:
    """Make the codes of a batch; ``fill_batches`` goes on with one that was left."""
    try:
        _sweep(fill_batch, lambda: coupon_batches.fill(batch_id) > 0, batch_id=batch_id)
    except Refusal:
        logger.warning("Batch %s of coupons is not filled.", batch_id, exc_info=True)


@shared_task(name="saleor_retention.tasks.fill_batches")
def fill_batches() -> None:
    """Go on with batches whose codes are not all there."""
    for batch_id in coupon_batches.unfilled():
        fill_batch.run(batch_id)


@shared_task(name="saleor_retention.tasks.reconcile")
def reconcile() -> None:
    """Find what no event told of and have it settled; end holds whose checkout is gone."""
    with host.current().writer():
        reconciling.look()
    settle_noted.run()
    with host.current().writer():
        reconciling.tidy()


@shared_task(name="saleor_retention.tasks.settle_noted")
def settle_noted(until: str | None = None) -> None:
    """Settle the orders that ``reconcile`` has found."""
    batch = partial(reconciling.settle_noted, limit=ORDERS)
    _share(settle_noted, batch, ORDERS, until)


@shared_task(name="saleor_retention.tasks.evaluate_tiers")
def evaluate_tiers(after_id: int = 0, *, warns: bool = False, until: str | None = None) -> None:
    """Renew, lower and end tiers whose time is over; ``warns`` marks those that will not last.

    Workers share it by going through the members in the same order: what another one is at is
    passed over, what another one has done is not due any more. Those who need no warning stay
    where they are, so that the run that warns is not shared.
    """

    def batch(last_id: int) -> int | None:
        return tiering.evaluate_due(after_id=last_id, limit=ROWS, warns=warns).last_id

    _walk(evaluate_tiers, after_id, batch, is_shared=not warns, until=until, warns=warns)


@shared_task(name="saleor_retention.tasks.apply_ladder", acks_late=True, reject_on_worker_lost=True)
def apply_ladder(program_id: int, after_id: int, at: str) -> None:
    """Move a program's members to where its new ladder puts them; ``at`` is an ISO instant."""
    now = dt.datetime.fromisoformat(at)

    def batch(last_id: int) -> int | None:
        return tiering.apply_ladder(program_id, now, ROWS, after_id=last_id).last_id

    _walk(apply_ladder, after_id, batch, program_id=program_id, at=at)


@shared_task(name="saleor_retention.tasks.copy_profile", acks_late=True, reject_on_worker_lost=True)
def copy_profile(account_id: int) -> None:
    """Have a customer's attributes in the shop hold what is known of the customer."""
    with host.current().writer():
        attributes.copy_profile(account_id)


@shared_task(
    name="saleor_retention.tasks.copy_profiles", acks_late=True, reject_on_worker_lost=True
)
def copy_profiles(program_id: int, after_id: int = 0) -> None:
    """Do so for all customers of a program, which names other attributes now."""

    def batch(last_id: int) -> int | None:
        return attributes.copy_profiles(program_id, ROWS, after_id=last_id)

    _walk(copy_profiles, after_id, batch, program_id=program_id)


@shared_task(
    name="saleor_retention.tasks.clear_attributes", acks_late=True, reject_on_worker_lost=True
)
def clear_attributes(user_ref: str, slugs: list[str]) -> None:
    """Have an erased customer's attributes hold nothing any more."""
    with host.current().writer():
        attributes.clear(user_ref, slugs)


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


@shared_task(name="saleor_retention.tasks.turn_offers")
def turn_offers() -> None:
    """Have open checkouts priced afresh where the clock opened or closed an offer."""
    with host.current().writer():
        offer_windows.reprice_turned()


@shared_task(name="saleor_retention.tasks.forget_quotes")
def forget_quotes() -> None:
    """Delete old quotes whose checkout is gone."""
    _sweep(forget_quotes, lambda: repricing.forget_quotes(limit=ROWS) >= ROWS)


@shared_task(name="saleor_retention.tasks.refresh_customers")
def refresh_customers(program_id: int, account_ids: list[int]) -> None:
    """Let segments follow some customers; those of a busy program are left to the night."""
    program = Program.objects.filter(pk=program_id, retired_at=None).first()
    if program is None:
        return
    with host.current().writer():
        try:
            segments.refresh(program, account_ids)
        except Refusal:
            logger.warning("Segments of %s are left to the night.", program.slug, exc_info=True)


@shared_task(name="saleor_retention.tasks.refresh_segments")
def refresh_segments() -> None:
    """Mend the rollups of every program, score its customers, and refresh its segments."""
    with host.current().writer():
        for program in Program.objects.filter(retired_at=None, current_version__isnull=False):
            try:
                segments.nightly(program)
            except Refusal:
                logger.warning("Segments of %s wait a night.", program.slug, exc_info=True)


@shared_task(name="saleor_retention.tasks.plan_campaigns")
def plan_campaigns() -> None:
    """Start and end campaigns whose time has come, and write down whom the others reach."""
    with host.current().writer():
        campaigns.turn_campaigns()
        campaign_planning.plan_due()


@shared_task(name="saleor_retention.tasks.send_messages")
def send_messages(until: str | None = None) -> None:
    """Send what campaigns have planned, and mark what a worker died over."""
    with host.current().writer():
        sending.find_lost()
    _share(
        send_messages,
        sending.send_due,
        int(conf.get("SEND_BATCH")),
        until,
        lasts=SHARE_OF_HOLDS,
    )


@shared_task(name="saleor_retention.tasks.send_messages_to")
def send_messages_to(account_id: int) -> None:
    """Send what is due to one customer, whose messages have waited for a consent."""
    with host.current().writer():
        sending.send_due(account_id=account_id)


@shared_task(name="saleor_retention.tasks.seal_days")
def seal_days() -> None:
    """Seal the ledger's days that are over, also those that were missed."""
    _sweep(seal_days, lambda: digesting.seal_due(limit=DAYS) >= DAYS)


@shared_task(name="saleor_retention.tasks.sum_ledger")
def sum_ledger() -> None:
    """Sum the ledger up by day, for reports."""
    _sweep(sum_ledger, summing.sum_due)


def _sweep(task: Any, has_more: Callable[[], bool], **arguments: Any) -> None:
    """Run batches while there are more; leave the rest to another run after some."""
    with host.current().writer():
        for number in itertools.count(1):
            if not has_more():
                return
            if number >= BATCHES_MAX and not _is_eager():
                break
    task.apply_async(kwargs=arguments)


def _share(
    task: Any, batch: Callable[[], int], size: int, until: str | None, lasts: dt.timedelta = SHARE
) -> None:
    """Run batches until one finds nothing to do, together with other workers.

    ``batch`` returns how much it did and passes over what others are at. The run that beat began
    has no ``until``; where its first batch is full it calls others to help,
    ``RETENTION_TASKS_AT_ONCE`` in all. Each of them dispatches what is left after some batches, and
    ends at ``until``, when beat has begun anew: so runs do not pile up behind a long backlog.
    """
    ends_at = _ends_at(until, lasts)
    if timezone.now() >= ends_at:
        return
    done, has_more = 0, True
    with host.current().writer():
        for number in itertools.count(1):
            count = batch()
            done, has_more = done + count, count > 0
            if not has_more or (number >= BATCHES_MAX and not _is_eager()):
                break
            if number == 1 and until is None and count >= size:
                _call_helpers(task, ends_at)
    logger.info("%s did %s.", task.name, done)
    if has_more:
        task.apply_async(kwargs={"until": ends_at.isoformat()})


def _walk(
    task: Any,
    after_id: int,
    batch: Callable[[int], int | None],
    *,
    is_shared: bool = False,
    until: str | None = None,
    **arguments: Any,
) -> None:
    """Run batches in id order; leave the rest to another run, from where this one came to.

    Where it is shared, as in ``_share``, each run goes through all of it.
    """
    ends_at = _ends_at(until, SHARE)
    if is_shared and timezone.now() >= ends_at:
        return
    kwargs = {**arguments, "until": ends_at.isoformat()} if is_shared else arguments
    last_id = after_id
    with host.current().writer():
        for number in itertools.count(1):
            next_id = batch(last_id)
            if next_id is None:
                return
            last_id = next_id
            if number == 1 and until is None and is_shared:
                _call_helpers(task, ends_at, **arguments)
            if number >= BATCHES_MAX and not _is_eager():
                break
    task.apply_async(kwargs={"after_id": last_id, **kwargs})


def _call_helpers(task: Any, ends_at: dt.datetime, **arguments: Any) -> None:
    """Dispatch the runs that share the work with this one; none where tasks run at once."""
    if _is_eager():
        return
    for _ in range(int(conf.get("TASKS_AT_ONCE")) - 1):
        task.apply_async(kwargs={**arguments, "until": ends_at.isoformat()})


def _ends_at(until: str | None, lasts: dt.timedelta) -> dt.datetime:
    return timezone.now() + lasts if until is None else dt.datetime.fromisoformat(until)


def _is_eager() -> bool:
    return bool(getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False))
