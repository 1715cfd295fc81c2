"""Coupons one at a time: issued under a key, looked up at a bounded pace, reminded of, ended.

A coupon belongs to a batch of codes with the same terms and the same end, which is the shop's own
voucher. A batch for single coupons is opened by the first of them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.utils import IntegrityError
from django.utils import timezone

from saleor_retention import conf, host, sql
from saleor_retention.engine.coupons import codes
from saleor_retention.engine.coupons.terms import CouponTerms, parse
from saleor_retention.engine.periods import end_of_local_day, local_date
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import ChannelFacts, VoucherSpec
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Coupon,
    CouponBatch,
    CouponCause,
    CouponKind,
    CouponState,
    Note,
    Program,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_name, run_serialized
from saleor_retention.services.setting_up.auditing import note_down

KEY_LENGTH_MAX = 140
REASON_LENGTH_MAX = 1000
CAMPAIGN_LENGTH_MAX = 64
DAYS_MAX = 3660
COLLISIONS_MAX = 5
ROWS = 1000
HOUR = dt.timedelta(hours=1)
UNKNOWN = phrase(_("This code cannot be used."))
"""The one answer to a look-up that finds nothing for who asks, whatever the reason is."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is written down of why a coupon was issued, and how many there may be."""

    cause: CouponCause = CouponCause.CAMPAIGN
    campaign: str = ""  # the key that ``cap`` counts by
    cap: int | None = None  # coupons of the campaign in all
    remind_days: int | None = None  # before the end
    order_ref: str = ""
    actor_ref: str = ""
    note: Note | None = None


NOTHING_SPECIAL = Circumstances()


def issue(
    program: Program,
    kind: CouponKind,
    account: Account | None,
    terms: CouponTerms,
    *,
    key: str,
    valid_for_days: int,
    now: dt.datetime | None = None,
    why: Circumstances = NOTHING_SPECIAL,
) -> Coupon:
    """Issue one coupon; it ends with the local day ``valid_for_days`` after this one.

    Idempotent by ``key`` within the program: a retry returns the first coupon, other terms or
    another member under the same key are refused (KEY_REUSED). Locks the key, the campaign where it
    has a cap, and the batch while it is opened, all by name. Refusals: REQUIRED (key, a personal
    code's member), INVALID (days, campaign, no channel with the terms' currencies), NOT_A_MEMBER,
    LIMIT_REACHED (the campaign's cap), BUSY.
    """
    at = now or timezone.now()
    _require_issuable(program, kind, account, key, valid_for_days, why)

    def work() -> Coupon:
        lock_name(f"coupon:{program.pk}:{key}")
        existing = Coupon.objects.filter(program=program, key=key).select_related("batch").first()
        if existing is not None:
            return _same(existing, kind, account, terms)
        _require_room(program, why)
        batch = _batch_of(program, kind, terms, valid_for_days, at, why)
        made = Coupon(
            program=program,
            batch=batch,
            account=account,
            campaign=why.campaign,
            cause=why.cause,
            uses_max=terms.uses,
            issued_at=at,
            valid_until=batch.valid_until,
            remind_at=batch.remind_at,
            key=key,
            order_ref=why.order_ref,
            actor_ref=why.actor_ref,
            note=why.note,
        )
        _write(made, terms)
        return made

    return run_serialized(work)


def revoke(
    *, coupon: Coupon, actor_ref: str, reason: str, now: dt.datetime | None = None
) -> Coupon:
    """End a coupon that can still be used; what orders have used of it stays.

    Refusals: REQUIRED and INVALID (reason), INVALID (a coupon that has ended already).
    """
    at = now or timezone.now()
    text = required_reason(reason)

    def work() -> Coupon:
        found = locked(coupon.pk, with_code=True)
        if found.state != CouponState.ACTIVE:
            raise Refusal(Code.INVALID, f"This coupon is {found.state} already.", "id")
        close([found], CouponState.REVOKED)
        note_down(
            AuditAction.COUPON_REVOKE,
            actor_ref=actor_ref,
            at=at,
            program=found.program,
            account=found.account,
            changes=[f"a coupon of {found.batch.key} is ended"],
            note=Note.objects.create(text=text),
        )
        return found

    return run_serialized(work)


def lookup(
    code: str, *, user_ref: str | None, asker: str, now: dt.datetime | None = None
) -> Coupon:
    """Return the coupon that somebody typed, if he could use it now.

    Refuses TOO_MANY_REQUESTS past ``RETENTION_COUPON_LOOKUPS_PER_HOUR`` by ``asker``, and in every
    other case NOT_FOUND with the same words: unknown, somebody else's, used, ended, not begun.
    """
    at = now or timezone.now()
    _count_lookup(asker, at)
    typed = codes.as_issued(code)
    found = (
        Coupon.objects.select_related("batch", "account")
        .filter(code=typed, state=CouponState.ACTIVE, valid_until__gt=at)
        .first()
    )
    if found is None or not is_for(found, user_ref) or found.batch.valid_from > at:
        raise Refusal(Code.NOT_FOUND, UNKNOWN, "code")
    return found


def take_reminders(limit: int, now: dt.datetime | None = None) -> list[Coupon]:
    """Return up to ``limit`` coupons whose reminder is due, each to one caller and once.

    What was taken counts as reminded, whatever the caller does with it; the caller's transaction
    decides. Those that others take at the same time are passed over.
    """
    at = now or timezone.now()
    with transaction.atomic():
        due = Coupon.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state=CouponState.ACTIVE,
            reminded_at=None,
            remind_at__lte=at,
            valid_until__gt=at,
            account__state=AccountState.MEMBER,
        )
        found = list(due.select_related("batch", "account").order_by("remind_at", "pk")[:limit])
        Coupon.objects.filter(pk__in=[coupon.pk for coupon in found]).update(reminded_at=at)
    for coupon in found:
        coupon.reminded_at = at
    return found


def expire_due(limit: int = ROWS, now: dt.datetime | None = None) -> int:
    """Mark up to ``limit`` coupons whose time is over as expired; return how many.

    The shop's voucher ends by itself. Safe to run twice and at the same time.
    """
    at = now or timezone.now()
    with transaction.atomic():
        due = Coupon.objects.select_for_update(skip_locked=True).filter(
            state=CouponState.ACTIVE, valid_until__lte=at
        )
        keys = list(due.order_by("valid_until").values_list("pk", flat=True)[:limit])
        return int(Coupon.objects.filter(pk__in=keys).update(state=CouponState.EXPIRED))


def revoke_of(account: Account) -> int:
    """End every usable coupon of a member who is erased; return how many."""
    found = list(Coupon.objects.filter(account=account, state=CouponState.ACTIVE).order_by("pk"))
    close(found, CouponState.REVOKED)
    return len(found)


def personal() -> QuerySet[Coupon]:
    """Return the personal coupons that can still be used."""
    return Coupon.objects.filter(state=CouponState.ACTIVE, batch__kind=CouponKind.PERSONAL)


def end_personal() -> int:
    """End every personal coupon, because nobody will ask whose they are; return how many."""
    ended = 0
    while found := list(personal().order_by("pk")[:ROWS]):
        with transaction.atomic():
            host.current().lock_codes([coupon.code for coupon in found])
            close(found, CouponState.REVOKED)
        ended += len(found)
    return ended


# --- for the other services -----------------------------------------------------------------------


def locked(coupon_id: int, *, with_code: bool = False) -> Coupon:
    """Lock a coupon by name for the transaction and return it afresh, with batch and member.

    Who is going to change the shop's code locks that first, as the shop does when it makes an
    order: the code, then the coupon.
    """
    if with_code:
        code = Coupon.objects.values_list("code", flat=True).get(pk=coupon_id)
        host.current().lock_codes([code])
    lock_name(f"coupon-use:{coupon_id}")
    found: Coupon = Coupon.objects.select_related("batch", "account", "program").get(pk=coupon_id)
    return found


def close(coupons: Sequence[Coupon], state: CouponState) -> None:
    """Let checkouts take these codes no longer; the caller says why they ended."""
    if not coupons:
        return
    now = timezone.now()
    Coupon.objects.filter(pk__in=[coupon.pk for coupon in coupons]).update(state=state)
    for coupon in coupons:
        coupon.state = state
    host.current().set_codes([coupon.code for coupon in coupons], is_open=False, end_at=now)


def is_for(coupon: Coupon, user_ref: str | None) -> bool:
    """Tell whether a customer may use the code, as far as it matters whose it is."""
    if coupon.batch.kind == CouponKind.BEARER:
        return True
    owner = None if coupon.account is None else coupon.account.user_id
    return owner is not None and str(owner) == user_ref


def spec_of(batch: CouponBatch, terms: CouponTerms) -> VoucherSpec:
    """Return the batch as the shop's voucher; refuses INVALID where no channel could use it."""
    refs = set(batch.program.channels.values_list("channel_ref", flat=True))
    spec = _spec(batch, terms, [each for each in host.current().channels() if each.ref in refs])
    if not spec.channels:
        message = "No channel of the program sells in a currency of these amounts."
        raise Refusal(Code.INVALID, message, "terms.amounts")
    return spec


def _spec(batch: CouponBatch, terms: CouponTerms, places: Iterable[ChannelFacts]) -> VoucherSpec:
    return VoucherSpec(
        name=terms.name,
        channels=tuple(place for place in places if terms.fits(place.currency)),
        start_at=batch.valid_from,
        end_at=batch.valid_until,
        uses=terms.uses,
        percent=terms.percent,
        amounts=dict(terms.amounts),
        minimums=dict(terms.minimums),
        is_for_shipping=terms.is_for_shipping,
    )


def end_after(program: Program, days: int, at: dt.datetime) -> dt.datetime:
    """Return the end of the local day that many days after this one; refuses INVALID."""
    if not 0 <= days <= DAYS_MAX:
        message = f"Days of validity are a whole number from 0 to {DAYS_MAX}."
        raise Refusal(Code.INVALID, message, "validForDays")
    zone = rules_of(program.current_version_id).time_zone
    return end_of_local_day(local_date(at, zone) + dt.timedelta(days=days), zone)


def reminder_before(end_at: dt.datetime, days: int | None, at: dt.datetime) -> dt.datetime | None:
    """Return when to remind; None where that is not wanted or has passed already."""
    if days is None:
        return None
    remind_at = end_at - dt.timedelta(days=days)
    return remind_at if remind_at > at else None


def open_batch(batch: CouponBatch, terms: CouponTerms) -> CouponBatch:
    """Save a batch with a new voucher of the shop behind it; the caller holds its key.

    Locks the program's row: the voucher has either the channels from before a change of them, and
    ``open_in`` finds its batch, or those from after it.
    """
    Program.objects.select_for_update(no_key=True).get(pk=batch.program_id)
    batch.voucher_ref = host.current().open_voucher(spec_of(batch, terms))
    batch.save()
    if not batch.program.has_coupons:
        Program.objects.filter(pk=batch.program_id).update(has_coupons=True)
        batch.program.has_coupons = True
    return batch


def open_in(program: Program, channel_refs: Collection[str], now: dt.datetime) -> None:
    """Let codes that can still be used hold in channels that have just joined their program.

    Part of changing a program, whose row is locked. Terms without an amount in a channel's currency
    stay as they are; so do channels that had joined before, where staff may have taken the voucher
    back. A constant number of statements for up to a thousand batches.
    """
    if not channel_refs or not program.has_coupons:
        return
    joined = [place for place in host.current().channels() if place.ref in channel_refs]
    batches = CouponBatch.objects.filter(program=program, revoked_at=None, valid_until__gt=now)
    specs = {
        batch.voucher_ref: _spec(batch, parse(batch.terms), joined)
        for batch in batches.exclude(voucher_ref="")
    }
    host.current().list_vouchers(specs)


def required_reason(reason: str) -> str:
    """Return the words without space around them; refuses REQUIRED and INVALID."""
    if not reason.strip():
        raise Refusal(Code.REQUIRED, "Say why, in a few words.", "reason")
    if len(reason) > REASON_LENGTH_MAX:
        message = f"A reason has {REASON_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "reason")
    return reason.strip()


# --- issuing --------------------------------------------------------------------------------------


def _require_issuable(
    program: Program,
    kind: CouponKind,
    account: Account | None,
    key: str,
    days: int,
    why: Circumstances,
) -> None:
    if not key.strip() or len(key) > KEY_LENGTH_MAX:
        message = (
            f"A key of 1 to {KEY_LENGTH_MAX} characters is needed, so that a retry issues none."
        )
        raise Refusal(Code.REQUIRED, message, "key")
    if len(why.campaign) > CAMPAIGN_LENGTH_MAX:
        message = f"A campaign has {CAMPAIGN_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "campaign")
    if kind == CouponKind.PERSONAL and account is None:
        raise Refusal(Code.REQUIRED, "A personal code needs a member.", "memberId")
    is_member = account is not None and account.state == AccountState.MEMBER
    if account is not None and not (is_member and account.program_id == program.pk):
        message = "Coupons can be given to present members of the program only."
        raise Refusal(Code.NOT_A_MEMBER, message, "memberId")
    if program.current_version_id is None:
        raise Refusal(Code.PROGRAM_INACTIVE, "The program has no rules yet.", "programId")
    if not 0 <= days <= DAYS_MAX:
        message = f"Days of validity are a whole number from 0 to {DAYS_MAX}."
        raise Refusal(Code.INVALID, message, "validForDays")


def _write(coupon: Coupon, terms: CouponTerms) -> None:
    """Save a coupon under a code that nobody has, here and in the shop: the indexes decide."""
    spec = spec_of(coupon.batch, terms)
    for attempt in range(COLLISIONS_MAX):
        coupon.pk = None
        coupon.code = codes.new_code(coupon.batch.prefix, secrets.choice)
        try:
            with transaction.atomic():
                coupon.save(force_insert=True)
                host.current().add_codes(coupon.batch.voucher_ref, spec, [coupon.code])
        except IntegrityError:
            if attempt == COLLISIONS_MAX - 1:
                raise
        else:
            return


def _same(
    existing: Coupon, kind: CouponKind, account: Account | None, terms: CouponTerms
) -> Coupon:
    account_id = None if account is None else account.pk
    batch = existing.batch
    if existing.account_id != account_id or batch.kind != kind or batch.terms != terms.document():
        message = "This key was used for another coupon."
        raise Refusal(Code.KEY_REUSED, message, "key")
    return existing


def _require_room(program: Program, why: Circumstances) -> None:
    """Refuse past the campaign's cap; ended coupons count, so that a budget is one."""
    if why.cap is None:
        return
    lock_name(f"coupons:{program.pk}:{why.campaign}")
    issued = Coupon.objects.filter(program=program, campaign=why.campaign).count()
    if issued >= why.cap:
        message = f"All {why.cap} coupons of this campaign have been issued."
        raise Refusal(Code.LIMIT_REACHED, message, "campaign")


def _batch_of(
    program: Program,
    kind: CouponKind,
    terms: CouponTerms,
    days: int,
    at: dt.datetime,
    why: Circumstances,
) -> CouponBatch:
    """Return the batch of single coupons with these terms and this end, opened if there is none."""
    end_at = end_after(program, days, at)
    # all coupons of a batch are reminded of at one time, whenever they were issued
    days_before = "" if why.remind_days is None else str(why.remind_days)
    content = json.dumps([kind, why.campaign, terms.document(), days_before], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:24]
    key = f"single:{digest}:{end_at:%Y%m%d%H%M}"
    found = CouponBatch.objects.select_related("program")
    batch = found.filter(program=program, key=key).first()
    if batch is None or not host.current().has_voucher(batch.voucher_ref):
        lock_name(f"coupon-batch:{program.pk}:{key}")
        batch = found.filter(program=program, key=key).first()
    if batch is not None and not host.current().has_voucher(batch.voucher_ref):
        open_batch(batch, terms)  # staff deleted the voucher; the coupons issued so far are gone
    if batch is None:
        batch = open_batch(
            CouponBatch(
                program=program,
                key=key,
                campaign=why.campaign,
                kind=kind,
                terms=terms.document(),
                valid_from=at,
                valid_until=end_at,
                remind_at=reminder_before(end_at, why.remind_days, at),
            ),
            terms,
        )
    return batch


def _count_lookup(asker: str, at: dt.datetime) -> None:
    most = int(conf.get("COUPON_LOOKUPS_PER_HOUR"))
    if not most:
        return
    parameters = {"actor_ref": f"coupon:{asker}", "at": at, "step": HOUR // most, "span": HOUR}
    with connection.cursor() as cursor:
        cursor.execute(sql.load("count_lookup"), parameters)
        if cursor.fetchone() is None:
            message = _("Too many codes were tried; try again in a while.")
            raise Refusal(Code.TOO_MANY_REQUESTS, phrase(message), "code")
