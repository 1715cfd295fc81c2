"""What stands ready to be given: by service staff within limits, and by a first order.

A plan holds the terms, so that nobody invents a discount at the desk: staff decide who gets it and
say why. How many they may give in a day is the plan's, or that of their permission group or app.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.caps import day_of
from saleor_retention.engine.coupons.terms import CouponTerms, parse
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Coupon,
    CouponCause,
    CouponKind,
    CouponPlan,
    CouponState,
    CouponTrigger,
    CouponUse,
    CouponUseState,
    Note,
    OrderRecord,
    Program,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.couponing import coupons
from saleor_retention.services.couponing.coupons import DAYS_MAX, Circumstances
from saleor_retention.services.ledger.locking import lock_name, run_serialized
from saleor_retention.services.setting_up.auditing import note_down
from saleor_retention.services.setting_up.differences import differences

logger = logging.getLogger(__name__)

KEY_LENGTH_MAX = 100
SLUG_LENGTH_MAX = 64
COUNT_MAX = 10_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan as staff set it."""

    slug: str
    trigger: CouponTrigger
    terms: CouponTerms
    valid_for_days: int
    remind_days: int | None = None
    cap: int | None = None
    per_day: int | None = None
    per_day_groups: Mapping[str, int] = field(default_factory=dict)
    per_day_apps: Mapping[str, int] = field(default_factory=dict)
    is_active: bool = True


def set_plan(
    program: Program, draft: Draft, *, actor_ref: str, now: dt.datetime | None = None
) -> CouponPlan:
    """Create the plan of that slug, or make it what the draft says; nothing where it is that.

    Refusals: INVALID (slug, days, counts, trigger of an existing plan), UNIQUE (a second plan for
    first orders that is switched on).
    """
    at = now or timezone.now()
    _require_draft(draft)

    def work() -> CouponPlan:
        lock_name(f"coupon-plans:{program.pk}")
        plans = CouponPlan.objects.filter(program=program)
        plan = plans.filter(slug=draft.slug).first()
        if plan is not None and plan.trigger != draft.trigger:
            message = f"{draft.slug} is a plan for something else; choose another slug."
            raise Refusal(Code.INVALID, message, "trigger")
        if draft.trigger == CouponTrigger.NEXT_ORDER and draft.is_active:
            others = plans.filter(trigger=draft.trigger, is_active=True).exclude(slug=draft.slug)
            if others.exists():
                message = "Another plan for first orders is switched on."
                raise Refusal(Code.UNIQUE, message, "isActive")
        before = {} if plan is None else _settings(plan)
        plan = plan or CouponPlan(program=program, slug=draft.slug, created_at=at)
        _fill_in(plan, draft)
        lines = differences(before, _settings(plan))
        if not lines:
            return plan
        plan.save()
        Program.objects.filter(pk=program.pk, has_coupons=False).update(has_coupons=True)
        note_down(
            AuditAction.COUPON_PLAN,
            actor_ref=actor_ref,
            at=at,
            program=program,
            changes=[f"{draft.slug}: {line}" for line in lines],
        )
        return plan

    return run_serialized(work)


def give(
    *,
    plan: CouponPlan,
    account: Account,
    reason: str,
    actor_ref: str,
    key: str,
    now: dt.datetime | None = None,
) -> Coupon:
    """Give a member a personal coupon as goodwill, with a reason; idempotent by ``key``.

    Locks the actor's coupons of the plan by name, then as ``coupons.issue``. Refusals: REQUIRED and
    INVALID (reason, key, a plan for something else or switched off), LIMIT_REACHED (the actor's
    day, the plan's cap), NOT_A_MEMBER, KEY_REUSED.
    """
    at = now or timezone.now()
    text = coupons.required_reason(reason)
    if not key.strip() or len(key) > KEY_LENGTH_MAX:
        message = f"A key of 1 to {KEY_LENGTH_MAX} characters is needed, for retries."
        raise Refusal(Code.REQUIRED, message, "key")
    if plan.trigger != CouponTrigger.GOODWILL or not plan.is_active:
        raise Refusal(Code.INVALID, "This plan is not for staff to give now.", "plan")

    def work() -> Coupon:
        full_key = f"goodwill:{key.strip()}"
        lock_name(f"coupon:{plan.program_id}:{full_key}")
        existing = Coupon.objects.filter(program=plan.program, key=full_key).first()
        if existing is None:
            _require_allowance(plan, actor_ref, at)
        elif existing.campaign != plan.slug:
            raise Refusal(Code.KEY_REUSED, "This key was used for another plan.", "key")
        coupon = coupons.issue(
            plan.program,
            CouponKind.PERSONAL,
            account,
            parse(plan.terms) if existing is None else parse(existing.batch.terms),
            key=full_key,
            valid_for_days=plan.valid_for_days,
            now=at,
            why=Circumstances(
                cause=CouponCause.GOODWILL,
                campaign=plan.slug,
                cap=plan.cap,
                remind_days=plan.remind_days,
                actor_ref=actor_ref,
                note=None if existing else Note.objects.create(text=text),
            ),
        )
        if existing is None:
            note_down(
                AuditAction.COUPON_ISSUE,
                actor_ref=actor_ref,
                at=at,
                account=account,
                changes=[f"a coupon of the plan {plan.slug} is given"],
                note=coupon.note,
            )
        return coupon

    return run_serialized(work)


def settle_first_order(
    account: Account, record: OrderRecord, *, is_void: bool, now: dt.datetime
) -> None:
    """Give a person the coupon of a first order, once; take it back when nothing is kept of that.

    Part of ``settle``, under the member's lock. It comes back when the order does. Orders from
    before the plan bring nothing. A refusal (the cap) is logged and costs the order nothing.
    """
    try:
        with transaction.atomic():
            _settle_first_order(account, record, is_void=is_void, now=now)
    except Refusal as refusal:
        logger.warning("No coupon for order %s: %s", record.order_ref, refusal.message)


def _settle_first_order(
    account: Account, record: OrderRecord, *, is_void: bool, now: dt.datetime
) -> None:
    key = _first_key(account.pk)
    given = Coupon.objects.filter(program_id=account.program_id, key=key).first()
    if given is not None:
        if given.order_ref == record.order_ref:
            _follow(given, is_void=is_void, now=now)
        return
    if not record.is_counted or account.state != AccountState.MEMBER:
        return
    plan = CouponPlan.objects.filter(
        program_id=account.program_id, trigger=CouponTrigger.NEXT_ORDER, is_active=True
    ).first()
    if plan is None or record.paid_at is None or record.paid_at < plan.created_at:
        return
    if persons.has_ordered_before(account, record, partial(_had_coupon, account)):
        return
    coupons.issue(
        account.program,
        CouponKind.PERSONAL,
        account,
        parse(plan.terms),
        key=key,
        valid_for_days=plan.valid_for_days,
        now=now,
        why=Circumstances(
            cause=CouponCause.NEXT_ORDER,
            campaign=plan.slug,
            cap=plan.cap,
            remind_days=plan.remind_days,
            order_ref=record.order_ref,
        ),
    )


def _first_key(account_id: int) -> str:
    return f"next_order:{account_id}"


def _had_coupon(account: Account, others: list[int]) -> bool:
    """Tell whether one of the other accounts was given the coupon of a first order."""
    keys = [_first_key(pk) for pk in others]
    return Coupon.objects.filter(program_id=account.program_id, key__in=keys).exists()


def _follow(given: Coupon, *, is_void: bool, now: dt.datetime) -> None:
    """Take the coupon back, or give it again, as far as it is not used or set aside."""
    wrong = CouponState.ACTIVE if is_void else CouponState.TAKEN_BACK
    if given.state != wrong:
        return
    coupon = coupons.locked(given.pk, with_code=True)
    if coupon.state != wrong:
        return
    in_use = (CouponUseState.RESERVED, CouponUseState.USED)
    live = CouponUse.objects.filter(coupon=coupon, state__in=in_use)
    if is_void and not live.exists():
        coupons.close([coupon], CouponState.TAKEN_BACK)
    elif not is_void and coupon.valid_until > now:
        Coupon.objects.filter(pk=coupon.pk).update(state=CouponState.ACTIVE)
        host.current().set_codes([coupon.code], is_open=True, end_at=coupon.valid_until)


# --- plans ----------------------------------------------------------------------------------------


def _require_draft(draft: Draft) -> None:
    try:
        validate_slug(draft.slug)
    except ValidationError:
        draft_is_slug = False
    else:
        draft_is_slug = len(draft.slug) <= SLUG_LENGTH_MAX
    if not draft_is_slug:
        message = f"A slug is 1 to {SLUG_LENGTH_MAX} letters, digits, hyphens and underscores."
        raise Refusal(Code.INVALID, message, "slug")
    if not 0 <= draft.valid_for_days <= DAYS_MAX:
        message = f"Days of validity are a whole number from 0 to {DAYS_MAX}."
        raise Refusal(Code.INVALID, message, "validForDays")
    if draft.remind_days is not None and not 0 <= draft.remind_days <= draft.valid_for_days:
        message = "A reminder comes before the end, and not before the coupon."
        raise Refusal(Code.INVALID, message, "remindDays")
    counts = {
        "cap": draft.cap,
        "perDay": draft.per_day,
        **{f"perDayGroups.{name}": count for name, count in draft.per_day_groups.items()},
        **{f"perDayApps.{name}": count for name, count in draft.per_day_apps.items()},
    }
    for name, count in counts.items():
        if count is not None and not 0 <= count <= COUNT_MAX:
            raise Refusal(Code.INVALID, f"{name} is from 0 to {COUNT_MAX}.", name)


def _fill_in(plan: CouponPlan, draft: Draft) -> None:
    plan.trigger = draft.trigger
    plan.terms = draft.terms.document()
    plan.valid_for_days = draft.valid_for_days
    plan.remind_days = draft.remind_days
    plan.cap = draft.cap
    plan.per_day = draft.per_day
    plan.per_day_groups = dict(draft.per_day_groups)
    plan.per_day_apps = dict(draft.per_day_apps)
    plan.is_active = draft.is_active


def _settings(plan: CouponPlan) -> dict[str, object]:
    return {
        "trigger": str(plan.trigger),
        "terms": plan.terms,
        "valid_for_days": plan.valid_for_days,
        "remind_days": plan.remind_days,
        "cap": plan.cap,
        "per_day": plan.per_day,
        "per_day_groups": plan.per_day_groups,
        "per_day_apps": plan.per_day_apps,
        "active": plan.is_active,
    }


def _require_allowance(plan: CouponPlan, actor_ref: str, at: dt.datetime) -> None:
    """Refuse more than the actor may give in a local day; commands have no such limit.

    The actor's coupons are locked by name: two at once would both see what is left.
    """
    limit = _limit(plan, actor_ref)
    if limit is None or not actor_ref:
        return
    lock_name(f"goodwill:{plan.pk}:{actor_ref}")
    begin, end = day_of(at, rules_of(plan.program.current_version_id).time_zone)
    given = Coupon.objects.filter(
        program=plan.program,
        actor_ref=actor_ref,
        campaign=plan.slug,
        issued_at__gte=begin,
        issued_at__lt=end,
    ).count()
    if given >= limit:
        message = f"You can give {limit} coupons of this plan a day: none is left today."
        raise Refusal(Code.LIMIT_REACHED, message, "plan")


def _limit(plan: CouponPlan, actor_ref: str) -> int | None:
    """Return how many an actor may give in a day: the highest of his groups, else the plan's."""
    kind, _colon, ref = actor_ref.partition(":")
    named: list[int] = []
    if kind == "app" and plan.per_day_apps:
        name = host.current().app_name(ref)
        named = [count for app, count in plan.per_day_apps.items() if app == name]
    elif kind == "user" and plan.per_day_groups:
        names = host.current().group_names(ref)
        named = [count for group, count in plan.per_day_groups.items() if group in names]
    return max(named, default=plan.per_day)
