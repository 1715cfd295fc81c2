"""Uses of coupons: set aside at the last look before an order, and following the order after it.

The shop's own voucher decides what a code is worth; here it is decided who may use it and how
often. Two checkouts that want the last use queue for the coupon's name: exactly one gets it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.facts import OrderFacts, OrderState
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Coupon,
    CouponState,
    CouponUse,
    CouponUseState,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.checkout import holding
from saleor_retention.services.couponing import coupons
from saleor_retention.services.ledger.locking import lock_name, run_serialized

logger = logging.getLogger(__name__)

NOT_YOURS = phrase(
    _("This code belongs to another customer. Log in as that customer, or go on without the code.")
)
ENDED = phrase(_("This code has ended and cannot be used any more."))
USED_UP = phrase(_("This code has been used already."))
FOLLOWS = frozenset({CouponState.ACTIVE, CouponState.USED})
"""States that the uses of a coupon decide; others stay whatever becomes of an order."""


def refusal_of(
    checkout_ref: str, *, code: str, user_ref: str | None, now: dt.datetime | None = None
) -> Refusal | None:
    """Return why a checkout may not take a code; None also for a code that is no coupon.

    One statement, for a coupon that may be taken three more. Nothing is set aside.
    """
    coupon = Coupon.objects.select_related("batch", "account").filter(code=code).first()
    if coupon is None:
        return None
    at = now or timezone.now()
    refusal = _refusal_of(coupon, user_ref, at)
    if refusal is None and _live_uses(coupon, checkout_ref, at) >= coupon.uses_max:
        return Refusal(Code.LIMIT_REACHED, USED_UP, "code")
    return refusal


def reserve_for(
    checkout_ref: str, *, code: str, user_ref: str | None, now: dt.datetime | None = None
) -> None:
    """Set one use of a coupon aside for a checkout that is about to become an order.

    Nothing for a code that is no coupon. Idempotent by checkout; locks the coupon by name.
    Refusals: NOT_FOUND (another customer's), INVALID (ended), LIMIT_REACHED (used), BUSY, which is
    also said where a fault leaves open whether it was used too often.
    """
    at = now or timezone.now()
    try:
        coupon_id = Coupon.objects.filter(code=code).values_list("pk", flat=True).first()
    except Exception:
        logger.exception("Could not look for the code of checkout %s.", checkout_ref)
        return
    if coupon_id is None:
        return
    try:
        run_serialized(lambda: _reserve(coupon_id, checkout_ref, user_ref, at))
    except Refusal:
        raise
    except Exception as error:
        logger.exception("Could not reserve the coupon of checkout %s.", checkout_ref)
        message = _("The code of this cart could not be set aside for you; try again.")
        raise Refusal(Code.BUSY, phrase(message)) from error


def settle_uses(facts: OrderFacts, now: dt.datetime) -> None:
    """Bring what an order uses of coupons to its state: used, or given back when it is canceled.

    Part of ``settle``, under the member's lock; locks the coupon by name. Idempotent. A coupon
    that is given back can be used again until its end.
    """
    if not facts.checkout_ref:
        return
    for use in CouponUse.objects.filter(checkout_ref=facts.checkout_ref).order_by("coupon_id"):
        is_canceled = facts.state is OrderState.CANCELED
        state = CouponUseState.RETURNED if is_canceled else CouponUseState.USED
        if use.state == state and use.order_ref == facts.ref:
            continue
        coupon = coupons.locked(use.coupon_id, with_code=True)
        use.state, use.order_ref = state, facts.ref
        use.ended_at = now if is_canceled else None
        changed = ["state", "order_ref", "ended_at"]
        if not is_canceled:
            use.amount_minor = host.current().coupon_minor(facts.ref, coupon.code)
            use.currency = facts.currency
            changed += ["amount_minor", "currency"]
        use.save(update_fields=changed)
        _count(coupon, now)


def settle_uses_of_nobody(
    facts: OrderFacts, read: Callable[[], OrderFacts | None], now: dt.datetime
) -> None:
    """Do the same for an order that is no member's, of a guest or of a customer who never joined.

    One statement where no coupon was used. There is no account to lock, so the order is locked by
    name and read once more by ``read``.
    """
    uses = CouponUse.objects.filter(checkout_ref=facts.checkout_ref)
    if not facts.checkout_ref or not uses.exists():
        return
    lock_name(f"coupon-order:{facts.ref}")
    afresh = read()
    if afresh is not None:
        settle_uses(afresh, now)


def _refusal_of(coupon: Coupon, user_ref: str | None, at: dt.datetime) -> Refusal | None:
    if not coupons.is_for(coupon, user_ref):
        return Refusal(Code.NOT_FOUND, NOT_YOURS, "code")
    if coupon.state == CouponState.USED:
        return Refusal(Code.LIMIT_REACHED, USED_UP, "code")
    if coupon.state != CouponState.ACTIVE or coupon.valid_until <= at:
        return Refusal(Code.INVALID, ENDED, "code")
    return None


def _reserve(coupon_id: int, checkout_ref: str, user_ref: str | None, at: dt.datetime) -> None:
    coupon = coupons.locked(coupon_id)
    own = CouponUse.objects.filter(coupon=coupon, checkout_ref=checkout_ref).first()
    if own is not None and own.state == CouponUseState.USED:
        return  # its order is there already
    refusal = _refusal_of(coupon, user_ref, at)
    if refusal is not None:
        raise refusal
    if _live_uses(coupon, checkout_ref, at) >= coupon.uses_max:
        raise Refusal(Code.LIMIT_REACHED, USED_UP, "code")
    lapses_at = holding.lapses_at(rules_of(coupon.program.current_version_id), at)
    CouponUse.objects.update_or_create(
        coupon=coupon,
        checkout_ref=checkout_ref,
        defaults={
            "state": CouponUseState.RESERVED,
            "lapses_at": lapses_at,
            "order_ref": "",
            "ended_at": None,
        },
    )


def _live_uses(coupon: Coupon, checkout_ref: str, at: dt.datetime) -> int:
    """Return how often others use the coupon; what they set aside and left lying is not counted.

    Where the time of a checkout is over and an order was made of it all the same, it counts. The
    shop is asked for such orders only where they decide.
    """
    others = CouponUse.objects.filter(coupon=coupon).exclude(checkout_ref=checkout_ref)
    reserved = others.filter(state=CouponUseState.RESERVED)
    count = others.filter(state=CouponUseState.USED).count()
    count += reserved.filter(lapses_at__gt=at).count()
    shop = host.current()
    for use in reserved.filter(lapses_at__lte=at):
        if count >= coupon.uses_max:
            break
        if shop.order_ref_of_checkout(use.checkout_ref) is not None:
            count += 1
        else:
            CouponUse.objects.filter(pk=use.pk, state=CouponUseState.RESERVED).update(
                state=CouponUseState.RETURNED, ended_at=at
            )
    return count


def _count(coupon: Coupon, at: dt.datetime) -> None:
    """Let the coupon and the shop's code follow the uses; the caller holds both.

    A batch may be revoked at the same time, which is not undone here.
    """
    coupon.uses = CouponUse.objects.filter(coupon=coupon, state=CouponUseState.USED).count()
    is_used_up = coupon.uses >= coupon.uses_max
    rows = Coupon.objects.filter(pk=coupon.pk)
    rows.update(uses=coupon.uses)
    follows = rows.filter(state__in=FOLLOWS)
    is_open = bool(
        follows.update(state=CouponState.USED if is_used_up else CouponState.ACTIVE)
        and not is_used_up
    )
    host.current().set_codes(
        [coupon.code],
        is_open=is_open,
        end_at=coupon.valid_until if is_open else at,
        uses=coupon.uses,
    )
