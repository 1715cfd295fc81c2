"""Many codes at once: ordered under a key, made in pieces that are kept, ended together.

A piece of a thousand codes is one transaction with its count, so that a run that was killed goes on
where it stopped, two runs at once share the work, and memory does not grow with the size.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F
from django.db.utils import IntegrityError
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.coupons import codes
from saleor_retention.engine.coupons.terms import CouponTerms, parse
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    AuditAction,
    Coupon,
    CouponBatch,
    CouponCause,
    CouponKind,
    CouponState,
    Note,
    Program,
)
from saleor_retention.services.couponing.coupons import (
    CAMPAIGN_LENGTH_MAX,
    COLLISIONS_MAX,
    DAYS_MAX,
    end_after,
    open_batch,
    required_reason,
    spec_of,
)
from saleor_retention.services.ledger.locking import lock_name, run_serialized
from saleor_retention.services.setting_up.auditing import note_down

logger = logging.getLogger(__name__)

PIECE = 1000
SIZE_MAX = 1_000_000
KEY_LENGTH_MAX = 100

INSERT = """
INSERT INTO saleor_retention_coupon
    (program_id, batch_id, code, campaign, cause, state, uses, uses_max, issued_at, valid_until,
     remind_at, key, order_ref, actor_ref)
SELECT %(program_id)s, %(batch_id)s, code, %(campaign)s, %(cause)s, %(state)s, 0, %(uses_max)s,
       %(at)s, %(valid_until)s, NULL, '', '', ''
FROM unnest(%(codes)s::text[]) AS drawn (code)
ON CONFLICT DO NOTHING
RETURNING code
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: so many bearer codes with these terms, for so many days."""

    key: str
    size: int
    terms: CouponTerms
    valid_for_days: int
    prefix: str = ""
    campaign: str = ""


def order_batch(
    program: Program, wanted: Order, *, actor_ref: str, now: dt.datetime | None = None
) -> CouponBatch:
    """Open a batch of bearer codes without making any; ``fill`` does.

    Idempotent by ``wanted.key`` within the program; the same key with anything else is refused as
    KEY_REUSED. Refusals: REQUIRED and INVALID (key, size, prefix, days, currencies), NOT_SUPPORTED
    (prefixes on Saleor 2.10), PROGRAM_INACTIVE.
    """
    at = now or timezone.now()
    _require_order(program, wanted)

    def work() -> CouponBatch:
        lock_name(f"coupon-batch:{program.pk}:{wanted.key}")
        existing = CouponBatch.objects.filter(program=program, key=wanted.key).first()
        if existing is not None:
            return _same(existing, wanted, program)
        batch = open_batch(
            CouponBatch(
                program=program,
                key=wanted.key,
                campaign=wanted.campaign,
                kind=CouponKind.BEARER,
                terms=wanted.terms.document(),
                prefix=wanted.prefix,
                valid_from=at,
                valid_until=end_after(program, wanted.valid_for_days, at),
                size=wanted.size,
                actor_ref=actor_ref,
            ),
            wanted.terms,
        )
        note_down(
            AuditAction.COUPON_BATCH,
            actor_ref=actor_ref,
            at=at,
            program=program,
            changes=[f"{wanted.size} coupons are ordered as {wanted.key}"],
        )
        return batch

    return run_serialized(work)


def fill(batch_id: int, *, piece: int = PIECE, now: dt.datetime | None = None) -> int:
    """Make the next piece of a batch's codes; return how many, 0 when there is nothing left.

    Locks the batch's row. A code that exists already, here or in the shop, is drawn again.
    """
    at = now or timezone.now()
    for _ in range(COLLISIONS_MAX):
        try:
            return run_serialized(lambda: _fill(batch_id, piece, at))
        except IntegrityError:  # the shop has one of the codes: by chance, never twice in a row
            logger.warning("Codes of batch %s are drawn again.", batch_id, exc_info=True)
    raise RuntimeError(f"Batch {batch_id} meets existing codes again and again.")


def unfilled(now: dt.datetime | None = None) -> list[int]:
    """Return the batches whose codes are not all there and that can still be used, oldest first."""
    wanted = CouponBatch.objects.filter(revoked_at=None, valid_until__gt=now or timezone.now())
    short = wanted.filter(size__isnull=False, issued__lt=F("size"))
    return list(short.order_by("pk").values_list("pk", flat=True))


def codes_of(batch: CouponBatch) -> Iterator[Coupon]:
    """Yield a batch's coupons in the order in which they were made, some at a time."""
    rows = Coupon.objects.filter(batch=batch).order_by("pk")
    last = 0
    while part := list(rows.filter(pk__gt=last)[:PIECE]):
        yield from part
        last = part[-1].pk


def revoke_batch(
    batch: CouponBatch, *, actor_ref: str, reason: str, now: dt.datetime | None = None
) -> int:
    """End all codes of a batch that can still be used, and make no more; return how many ended.

    In pieces, each kept: repeating it goes on. Refusals: REQUIRED and INVALID (reason).
    """
    at = now or timezone.now()
    text = required_reason(reason)

    def begin() -> None:
        found = CouponBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        if found.revoked_at is not None:
            return
        found.revoked_at = at
        found.save(update_fields=["revoked_at"])
        note_down(
            AuditAction.COUPON_REVOKE,
            actor_ref=actor_ref,
            at=at,
            program=batch.program,
            changes=[f"all coupons of {batch.key} are ended"],
            note=Note.objects.create(text=text),
        )

    run_serialized(begin)
    ended = 0
    while count := run_serialized(lambda: _end_some(batch, at)):
        ended += count
    return ended


def _require_order(program: Program, wanted: Order) -> None:
    key = wanted.key
    if not key.strip() or len(key) > KEY_LENGTH_MAX or key.startswith("single:"):
        message = (
            f'A key of 1 to {KEY_LENGTH_MAX} characters is needed, which does not begin "single:".'
        )
        raise Refusal(Code.REQUIRED, message, "key")
    if isinstance(wanted.size, bool) or not 1 <= wanted.size <= SIZE_MAX:
        message = f"A batch has from 1 to {SIZE_MAX} codes."
        raise Refusal(Code.INVALID, message, "size")
    if not codes.is_prefix(wanted.prefix):
        message = (
            f"A prefix is at most {codes.PREFIX_LENGTH_MAX} capital letters, digits and hyphens."
        )
        raise Refusal(Code.INVALID, message, "prefix")
    if len(wanted.campaign) > CAMPAIGN_LENGTH_MAX:
        message = f"A campaign has {CAMPAIGN_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "campaign")
    reason = host.current().refusal_of("coupon_prefixes") if wanted.prefix else None
    if reason is not None:
        raise Refusal(Code.NOT_SUPPORTED, reason, "prefix")
    if not 0 <= wanted.valid_for_days <= DAYS_MAX:
        message = f"Days of validity are a whole number from 0 to {DAYS_MAX}."
        raise Refusal(Code.INVALID, message, "validForDays")
    if program.current_version_id is None:
        raise Refusal(Code.PROGRAM_INACTIVE, "The program has no rules yet.", "programId")


def _same(existing: CouponBatch, wanted: Order, program: Program) -> CouponBatch:
    kept = (existing.size, existing.terms, existing.prefix, existing.campaign, existing.valid_until)
    end_at = end_after(program, wanted.valid_for_days, existing.valid_from)
    if kept != (wanted.size, wanted.terms.document(), wanted.prefix, wanted.campaign, end_at):
        message = "This key was used for another batch."
        raise Refusal(Code.KEY_REUSED, message, "key")
    return existing


def _fill(batch_id: int, piece: int, at: dt.datetime) -> int:
    batches = CouponBatch.objects.select_for_update(of=("self",)).select_related("program")
    batch = batches.get(pk=batch_id)
    wanted = min(piece, (batch.size or 0) - batch.issued)
    if wanted <= 0 or batch.revoked_at is not None:
        return 0
    if not host.current().has_voucher(batch.voucher_ref):
        message = f"The voucher of {batch.key} was deleted in the shop; order another batch."
        raise Refusal(Code.NOT_FOUND, message, "key")
    terms = parse(batch.terms)
    drawn = {codes.new_code(batch.prefix, secrets.choice) for _ in range(wanted)}
    made = _insert(batch, terms, sorted(drawn), at)
    host.current().add_codes(batch.voucher_ref, spec_of(batch, terms), made)
    CouponBatch.objects.filter(pk=batch.pk).update(issued=F("issued") + len(made))
    return len(made)


def _insert(batch: CouponBatch, terms: CouponTerms, drawn: list[str], at: dt.datetime) -> list[str]:
    """Insert coupons in one statement; return the codes that nobody had."""
    parameters = {
        "program_id": batch.program_id,
        "batch_id": batch.pk,
        "campaign": batch.campaign,
        "cause": str(CouponCause.BATCH),
        "state": str(CouponState.ACTIVE),
        "uses_max": terms.uses,
        "at": at,
        "valid_until": batch.valid_until,
        "codes": drawn,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, parameters)
        return [row[0] for row in cursor.fetchall()]


def _end_some(batch: CouponBatch, at: dt.datetime) -> int:
    open_ones = Coupon.objects.filter(batch=batch, state=CouponState.ACTIVE).order_by("pk")
    some = dict(open_ones.values_list("pk", "code")[:PIECE])
    if not some:
        return 0
    with transaction.atomic():
        host.current().lock_codes(sorted(some.values()))
        rows = Coupon.objects.filter(pk__in=some, state=CouponState.ACTIVE)
        ended = list(rows.select_for_update().values_list("code", flat=True))
        rows.update(state=CouponState.REVOKED)
        host.current().set_codes(ended, is_open=False, end_at=at)
    return len(some)
