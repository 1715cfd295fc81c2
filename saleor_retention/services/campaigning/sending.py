"""Send what is planned: at most once for each customer and cycle, whatever dies in between.

A worker claims a handful of messages for some minutes, and writes ``sending`` down, committed,
before it hands one over. If it dies before that, the claim runs out and another worker takes the
message; if it dies after, nobody can tell, and the message becomes ``unknown`` and stays unsent.
Consent is asked right before, so that who unsubscribes between planning and sending gets nothing.
Who confirms his consent takes the lock of his messages (``lock_of``) and wakes those that wait for
it; a worker about to let one wait takes the same lock and asks again.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from saleor_retention import conf, sql
from saleor_retention.engine.campaigns.caps import is_over_cap
from saleor_retention.engine.campaigns.terms import CampaignTerms, Channel
from saleor_retention.engine.campaigns.verdicts import Reason, decide, gives_benefit
from saleor_retention.engine.coupons.terms import parse
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    AWAITS_CONSENT,
    CampaignState,
    CouponKind,
    Dispatch,
    DispatchState,
    SkippedSend,
)
from saleor_retention.selectors import persons
from saleor_retention.services.campaigning.campaigns import terms_of_version
from saleor_retention.services.campaigning.messages import render
from saleor_retention.services.campaigning.providers import (
    NotTaken,
    Outgoing,
    Provider,
    provider_of,
)
from saleor_retention.services.campaigning.recipients import HANDED_OVER, Recipients
from saleor_retention.services.consenting.consent_links import unsubscribe_path
from saleor_retention.services.consenting.waking import lock_of
from saleor_retention.services.couponing import coupons
from saleor_retention.services.ledger import granting
from saleor_retention.services.ledger.locking import lock_name
from saleor_retention.services.offering.offer_grants import grant_offer, offer_named

logger = logging.getLogger(__name__)

CLAIM = dt.timedelta(minutes=10)
LOST_AFTER = dt.timedelta(minutes=15)
"""Longer than any provider is waited for: then nobody is at a message that is being sent."""

ATTEMPTS_MAX = 5
RETRY_FIRST = dt.timedelta(minutes=5)  # doubled each time
NOTE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class _Job:
    """One message with all that sending it needs."""

    row: Dispatch
    terms: CampaignTerms
    people: Recipients
    at: dt.datetime


def send_due(
    limit: int | None = None, now: dt.datetime | None = None, account_id: int | None = None
) -> int:
    """Send up to so many messages that are due, of one customer or of all; return how many.

    Several workers share the work. A fault before a message was handed over is written down with
    it; after one, the message stays ``sending`` and becomes ``unknown``.
    """
    token = uuid.uuid4()
    limit = limit or int(conf.get("SEND_BATCH"))
    ids = _claim(token, limit, now or timezone.now(), account_id)
    for pk in ids:
        at = now or timezone.now()
        try:
            _take_up(pk, token, at)
        except Exception as error:
            rows = Dispatch.objects.filter(pk=pk, state=DispatchState.PLANNED, claim=token)
            if isinstance(error, Refusal) and error.code is Code.BUSY:
                rows.update(not_before=at + RETRY_FIRST, claim=None, claimed_until=None)
                continue
            logger.exception("Message %d of a campaign failed.", pk)
            rows.update(
                state=DispatchState.FAILED, finished_at=at, note=type(error).__name__[:NOTE_LENGTH]
            )
    return len(ids)


def _take_up(pk: int, token: uuid.UUID, at: dt.datetime) -> None:
    """See to one message, unless it was taken over, or its campaign does not run any more."""
    row = Dispatch.objects.select_related("account__program", "campaign").get(pk=pk)
    if row.claim != token:
        return
    terms = terms_of_version(row.version_id)
    job = _Job(row, terms, Recipients(terms, [row], at), at)
    if row.campaign.state == CampaignState.RUNNING:
        _see_to(job)
    elif row.campaign.state == CampaignState.ENDED:  # maybe after its messages were left out
        _leave_out(job, Reason.ENDED)
    else:
        _own(job).update(claim=None, claimed_until=None)


def find_lost(now: dt.datetime | None = None) -> int:
    """Mark messages whose worker died while it sent them; return how many."""
    at = now or timezone.now()
    lost = Dispatch.objects.filter(state=DispatchState.SENDING, sending_at__lt=at - LOST_AFTER)
    return lost.update(
        state=DispatchState.UNKNOWN, finished_at=at, note="the worker ended while sending"
    )


def _claim(token: uuid.UUID, limit: int, at: dt.datetime, account_id: int | None) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.load("campaigns/claim"),
            {
                "token": token,
                "until": at + CLAIM,
                "now": at,
                "limit": limit,
                "account": account_id,
            },
        )
        return sorted(row[0] for row in cursor.fetchall())


def _see_to(job: _Job) -> None:
    """Decide on one message, give its benefit, and send it or write down why not."""
    recipient = job.people.of(job.row)
    verdict = decide(recipient, job.terms.limits, job.at)
    waits_until = verdict.at if verdict.at is not None and verdict.at > job.at else None
    if waits_until is not None and verdict.reason is None:
        _postpone(job, waits_until)
        return
    if gives_benefit(verdict.reason, job.terms.benefit) and not _give(job):
        return
    if waits_until is not None:
        _await_consent(job, waits_until)
    elif verdict.reason is not None:
        _leave_out(job, verdict.reason)
    elif job.terms.message is None:
        if _begin(job):
            _finish(job, DispatchState.SENT)
    else:
        _send(job)


def _postpone(job: _Job, until: dt.datetime, note: str = "") -> None:
    _own(job).update(not_before=until, claim=None, claimed_until=None, note=note)


def _await_consent(job: _Job, until: dt.datetime) -> None:
    """Let a message wait for its consent, or decide anew if that was given since it was asked."""
    with transaction.atomic():
        lock_name(lock_of(job.row.account_id))
        job.people.ask_again()
        is_awaited = job.people.of(job.row).is_requested()
        if is_awaited:
            _postpone(job, until, AWAITS_CONSENT)
    if not is_awaited:
        _see_to(job)


def _give(job: _Job) -> bool:
    """Give the benefit, once however often this is tried; False where it cannot be given.

    The key is that of the row: a retry finds what the first try has booked. That it is given is
    written down before, so that the budget never counts less than what was given.
    """
    benefit, row = job.terms.benefit, job.row
    if row.benefit_ref:
        return True
    key = f"campaign:{row.pk}"
    noted = Dispatch.objects.filter(pk=row.pk)
    with transaction.atomic():
        if _was_given(row):
            _leave_out(job, Reason.HAD)
            return False
        is_first = noted.filter(benefit_given_at=None).update(
            benefit_given_at=job.at, points_given=benefit.points
        )
    try:
        if benefit.points:
            granting.grant(
                account_id=row.account_id,
                points=benefit.points,
                reason=f"Campaign {row.campaign.slug}",
                actor_ref="",
                key=key,
                now=job.at,
            )
        if benefit.offer:
            grant = grant_offer(
                offer_named(row.account.program, benefit.offer),
                row.account,
                days=benefit.valid_for_days,
                key=key,
                campaign=row.campaign,
                now=job.at,
            )
            row.benefit_ref = grant.offer.slug
            _own(job).update(benefit_ref=row.benefit_ref)
        if benefit.coupon_kind:
            coupon = coupons.issue(
                row.account.program,
                CouponKind(benefit.coupon_kind),
                row.account,
                parse(dict(benefit.coupon_terms)),
                key=key,
                valid_for_days=benefit.valid_for_days,
                now=job.at,
                why=coupons.Circumstances(campaign=row.campaign.slug),
            )
            row.benefit_ref = coupon.code
            _own(job).update(benefit_ref=row.benefit_ref)
    except Refusal as refusal:
        if is_first:
            noted.update(benefit_given_at=None, points_given=0)
        if not _try_later(job, f"benefit: {refusal.code}", passes=refusal.code is Code.BUSY):
            logger.warning("A benefit of %s was refused: %s", row.campaign.slug, refusal.message)
        return False
    return True


def _was_given(row: Dispatch) -> bool:
    """Tell whether the person was given the same in this cycle, under another account.

    Locks the person by name where there is one, for the rest of the database transaction.
    """
    his = persons.same_person(row.account_id)
    if len(his) == 1:
        return False
    lock_name(f"benefits:{his[0]}")
    given = Dispatch.objects.filter(campaign=row.campaign_id, cycle=row.cycle, account__in=his)
    return given.exclude(pk=row.pk).exclude(benefit_given_at=None).exists()


def _send(job: _Job) -> None:
    message = job.terms.message
    if message is None:
        raise ValueError("There is no message to send.")
    outgoing, provider = _outgoing(job), provider_of(message, job.row.account.program)
    if not _begin(job):
        return
    _hand_over(job, provider, outgoing)


def _hand_over(job: _Job, provider: Provider, outgoing: Outgoing) -> None:
    """Hand a message over that is written down as being sent; write down what came of it."""
    try:
        provider.send(outgoing)
    except NotTaken as fault:
        _try_later(job, fault.why, passes=fault.passes)
    except Exception as error:
        logger.exception("Nobody knows whether a message of %s went out.", job.row.campaign.slug)
        _finish(job, DispatchState.UNKNOWN, type(error).__name__)
    else:
        _finish(job, DispatchState.SENT)


def _begin(job: _Job) -> bool:
    """Write down that the message is being sent now; False if it is not ours any more.

    The frequency cap is asked once more under a lock of the customer's messages: two campaigns that
    come to him at the same moment would both see what there was before.
    """
    cap = job.terms.limits.cap
    with transaction.atomic():
        if cap is not None and job.terms.message is not None:
            lock_name(lock_of(job.row.account_id))
            sent = Dispatch.objects.filter(
                account=job.row.account_id,
                state__in=HANDED_OVER,
                sending_at__gt=job.at - dt.timedelta(days=cap.days),
            ).exclude(channel="")
            if is_over_cap(cap, sent.values_list("sending_at", flat=True), job.at):
                _leave_out(job, Reason.CAP)
                return False
        begun = _own(job).update(
            state=DispatchState.SENDING, sending_at=job.at, attempts=job.row.attempts + 1
        )
    return bool(begun)


def _own(job: _Job) -> Any:
    """Return the row while it is planned and this worker's."""
    return Dispatch.objects.filter(pk=job.row.pk, state=DispatchState.PLANNED, claim=job.row.claim)


def _leave_out(job: _Job, reason: Reason) -> None:
    with transaction.atomic():
        is_ours = _own(job).update(
            state=DispatchState.SKIPPED, finished_at=job.at, claim=None, claimed_until=None
        )
        if is_ours:
            SkippedSend.objects.create(dispatch=job.row, reason=reason, at=job.at)


def _finish(job: _Job, state: DispatchState, note: str = "") -> None:
    """Write down what became of a message; what is known beats ``unknown``."""
    rows = Dispatch.objects.filter(
        pk=job.row.pk,
        claim=job.row.claim,
        state__in=(DispatchState.PLANNED, DispatchState.SENDING, DispatchState.UNKNOWN),
    )
    rows.update(state=state, finished_at=job.at, note=note[:NOTE_LENGTH])


def _try_later(job: _Job, why: str, *, passes: bool) -> bool:
    """Plan a message anew that was surely not taken, or give it up; tell which."""
    attempts = job.row.attempts + 1
    if not passes or attempts >= ATTEMPTS_MAX:
        _finish(job, DispatchState.FAILED, why)
        return False
    rows = Dispatch.objects.filter(
        pk=job.row.pk,
        claim=job.row.claim,
        state__in=(DispatchState.PLANNED, DispatchState.SENDING),
    )
    rows.update(
        state=DispatchState.PLANNED,
        not_before=job.at + RETRY_FIRST * 2 ** (attempts - 1),
        attempts=attempts,
        claim=None,
        claimed_until=None,
        note=why[:NOTE_LENGTH],
    )
    return True


def _outgoing(job: _Job) -> Outgoing:
    message, row = job.terms.message, job.row
    if message is None:
        raise ValueError("There is no message to send.")
    address = job.people.addresses[row.account_id]
    url = unsubscribe_url(row.account_id, message.channel, message.purpose, address)
    user, benefit = job.people.user_of(row), job.terms.benefit
    values = {
        "first_name": " ".join(user.first_name.split()),
        "last_name": " ".join(user.last_name.split()),
        "email": user.email,
        "program": row.account.program.name,
        "points": str(row.account.available),
        "tier": row.account.tier,
        "benefit_points": str(benefit.points) if benefit.points else "",
        "coupon": row.benefit_ref if benefit.coupon_kind else "",
        "offer": _offer_name(row) if benefit.offer else "",
        "feedback": message.feedback,
        "unsubscribe_url": url,
        **row.facts,
    }
    return Outgoing(
        to=address,
        words=render(message, values, job.people.language_of(row)),
        key=f"{row.campaign.slug}-{row.pk}",
        unsubscribe_url=url,
        facts=row.facts,
    )


def _offer_name(row: Dispatch) -> str:
    """Return the offer that came with a message, by the name that shoppers read."""
    offers = row.account.program.offers.filter(slug=row.benefit_ref)
    return offers.values_list("name", flat=True).first() or ""


def unsubscribe_url(account_id: int, channel: Channel, purpose: str, address: str) -> str:
    """Return the link that ends such messages; "" where there is none to give."""
    base = str(conf.get("PUBLIC_URL")).rstrip("/")
    if not base:
        return ""
    return base + unsubscribe_path(
        account_id, channel=channel.value, purpose=purpose, address=address
    )
