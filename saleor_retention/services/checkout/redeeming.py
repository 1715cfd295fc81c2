"""Points on a checkout: set aside, fitted to the cart, captured by the order or given back.

A hold is placed once and ends once. What it says is changed under three locks, always in this
order: the checkout's row, the member's account, the hold; the lots follow. The account's lock is
what two checkouts that want the same points queue for. The state of the hold under that lock makes
every function here safe to call twice; the keys of its postings only have to be new.

Source: semantics, 'Redemption at checkout'.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from functools import partial
from itertools import islice

from django.db.models import Q
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine import lots as engine_lots
from saleor_retention.engine import pricing, redemption
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.quote_payload import allocations_of
from saleor_retention.engine.redemption import Clamped
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import CheckoutFacts
from saleor_retention.models import (
    Account,
    AuditAction,
    Hold,
    HoldState,
    OrderRecord,
    StoredQuote,
)
from saleor_retention.selectors.due import holds_to_lapse
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.checkout import holding
from saleor_retention.services.checkout.bounds import (
    Place,
    accepted,
    place_of,
    require_pace,
    require_room,
)
from saleor_retention.services.checkout.holding import Grip
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import claim, lock_accounts, run_serialized
from saleor_retention.services.ledger.lots import facts_of
from saleor_retention.services.membership import members
from saleor_retention.services.setting_up.auditing import note_down

logger = logging.getLogger(__name__)

LAPSE_BATCH = 500
SKEW = dt.timedelta(minutes=5)  # by which the clocks of two servers may differ


def set_redemption(
    *,
    checkout_ref: str,
    user_ref: str | None,
    points: int,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Hold | None:
    """Set the points that a checkout is paid with; 0 clears, and the last call counts.

    ``actor_ref`` is who does it on the customer's behalf: the audit trail tells of it where other
    points are set than before.

    Returns the hold, whose ``points`` may be fewer than ``requested`` where the basket, the share
    of an order or the block size bound them (``clamped_by`` says which). More than the member has
    is refused, never cut.

    Locks checkout, account, hold, lots. After it the checkout is priced afresh. Refusals:
    LOGIN_REQUIRED, INVALID, NOT_FOUND (no such checkout), PERMISSION_DENIED (another customer's),
    CHECKOUT_PAID, PROGRAM_INACTIVE, NOT_SUPPORTED (with the host's reason), REDEMPTION_DISABLED,
    CURRENCY_WITHOUT_RATE, NOT_A_MEMBER, IN_DEFICIT, NOT_ENOUGH_POINTS (names what is left),
    NOTHING_TO_REDEEM_ON, BELOW_MINIMUM, LIMIT_REACHED (of the day or month), BUSY,
    TOO_MANY_REQUESTS (more than ``RETENTION_REDEMPTIONS_PER_HOUR``).
    """
    at = now or timezone.now()
    _require_whole(points)
    if points == 0:
        clear_redemption(checkout_ref=checkout_ref, user_ref=user_ref, actor_ref=actor_ref, now=at)
        return None
    user = _require_user(user_ref)
    _lapse_overdue_of(user, at)
    return run_serialized(lambda: _set(checkout_ref, user, points, actor_ref, at))


def clear_redemption(
    *,
    checkout_ref: str,
    user_ref: str | None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> None:
    """Give the points of a checkout back; nothing happens where none are set.

    Locks checkout, account, hold, lots. Refusals: LOGIN_REQUIRED, NOT_FOUND, PERMISSION_DENIED,
    CHECKOUT_PAID, BUSY.
    """
    at = now or timezone.now()
    user = _require_user(user_ref)

    def clear() -> None:
        _own_checkout(checkout_ref, user)
        hold = _placed_on(checkout_ref)
        held = holding.grip(hold, at) if hold is not None else None
        if held is not None:
            _note_down(AuditAction.REDEMPTION_CLEAR, held, held.hold.points, actor_ref)
            holding.finish(held, HoldState.RELEASED, "shopper")
            host.current().reprice(checkout_ref)

    run_serialized(clear)


def fit_hold(checkout_ref: str, now: dt.datetime | None = None) -> Hold | None:
    """Fit the hold of a checkout to its cart and renew its time; None when it ended or is none.

    A smaller cart gives points back; a larger one takes no more than the shopper set. The hold
    ends where the customer changed, the program stopped, or the cart bears fewer points than may
    be spent at once. While money is authorized or charged it is only renewed: the quote is
    honored, and what the order does not use comes back when it is created. Locks checkout,
    account, hold, lots.
    """
    at = now or timezone.now()
    return run_serialized(lambda: _fit(checkout_ref, at))


def capture_for_order(
    *, record: OrderRecord, facts: OrderFacts, now: dt.datetime | None = None
) -> int:
    """Burn the points that an order was paid with and give the rest of its hold back.

    The caller (``settling``) holds the lock of ``record.account``. Burned is what the customer's
    total fell by: the points that the stored quote applied, less what a voucher of the shop on top
    took from them. Lots that died since the hold was placed are valid here; what is not burned of
    them is breakage at its instant. Adds to ``record.redeemed`` and saves that field. Idempotent,
    because a hold ends once; returns the points burned by this call.

    A checkout may outlive its order (``orderCreateFromCheckout`` can keep it). It is priced afresh
    then, and points set on it later are for the next order.
    """
    at = now or timezone.now()
    account = record.account
    if not record.checkout_ref or account is None:
        return 0
    placed = Hold.objects.select_for_update().filter(state=HoldState.PLACED, account=account)
    hold = placed.filter(checkout_ref=record.checkout_ref).first()
    if hold is None or hold.placed_at > facts.created_at + SKEW:
        return 0
    held = Grip(hold, account, at)
    burned = min(hold.points, _points_paid(hold, facts))
    if burned:
        created_at = max(hold.placed_at, facts.created_at)
        holding.capture(held, burned, record.order_ref, created_at)
    state = HoldState.CAPTURED if burned else HoldState.RELEASED
    holding.finish(held, state, "order")
    record.redeemed += burned
    record.save(update_fields=["redeemed"])
    shop = host.current()
    if shop.existing_checkouts([record.checkout_ref]):
        shop.dispatch("reprice_checkouts", [record.checkout_ref])
    return burned


def release(hold: Hold, cause: str, *, now: dt.datetime | None = None) -> bool:
    """Give all points of a hold back; False when it had ended already.

    For a checkout that is gone without an order, a plugin that prices nothing any more, a member
    who is erased. Locks checkout (while it is there), account, hold, lots.
    """
    at = now or timezone.now()
    return run_serialized(lambda: _end(hold, HoldState.RELEASED, cause, at))


def lapse_due(now: dt.datetime | None = None, limit: int = LAPSE_BATCH) -> int:
    """End the holds whose time is over and return how many this call did, ``limit`` at most.

    A hold does not lapse while money is authorized or charged on its checkout, nor when its
    checkout has become an order: that one is settled instead. Each hold has a transaction of its
    own, and one that fails is logged and left to the next run; it takes nobody's turn, whatever
    their number. Running twice or at the same time does no harm: several workers share the holds,
    each passing over what another is at.
    """
    at = now or timezone.now()
    return sum(islice(filter(None, (_lapse_safely(hold, at) for hold in _due(at, limit))), limit))


# --- setting and fitting --------------------------------------------------------------------------


def _note_down(action: AuditAction, held: Grip, points: int, actor_ref: str) -> None:
    """Add to the audit trail what was done on a customer's behalf."""
    if actor_ref:
        lines = [f"{points} points in a cart"]
        note_down(action, actor_ref=actor_ref, at=held.at, account=held.account, changes=lines)


def _set(checkout_ref: str, user: str, points: int, actor_ref: str, at: dt.datetime) -> Hold:
    place = place_of(_own_checkout(checkout_ref, user))
    member = members.member_of(place.program, user, now=at)
    if member is None:
        message = phrase(_('You are not a member of "%(program)s".'), program=place.program.name)
        raise Refusal(Code.NOT_A_MEMBER, message)
    account, hold = _lock(checkout_ref, member.pk, at)
    require_pace(account, at)
    posting.catch_up(account, at)
    if account.deficit:
        message = phrase(
            _(
                "%(points)s points are owed after a return; "
                "points can be spent again when they are earned back."
            ),
            points=str(account.deficit),
        )
        raise Refusal(Code.IN_DEFICIT, message, "points")
    lots = holding.free_lots(account)
    had = hold.points if hold is not None else 0
    available = engine_lots.available(map(facts_of, lots), at) + had
    clamped = accepted(place, account, points, available)
    require_room(place, account, hold, clamped.points, at)
    if hold is None:
        hold = Hold(account=account, checkout_ref=checkout_ref, placed_at=at)
    _write(hold, place, clamped, points, at)
    held = Grip(hold, account, at)
    if clamped.points > had:
        holding.pin(held, lots, clamped.points - had)
    elif clamped.points < had:
        holding.give_back(held, had - clamped.points, holding.shrinking(hold, "shopper"))
    if clamped.points != had:
        _note_down(AuditAction.REDEMPTION_SET, held, clamped.points, actor_ref)
    hold.clamped_by = clamped.reason.value if clamped.reason else ""
    host.current().reprice(checkout_ref)
    return hold


def _fit(checkout_ref: str, at: dt.datetime) -> Hold | None:
    shop = host.current()
    found = _placed_on(checkout_ref)
    if found is None or not shop.lock_checkout(checkout_ref):
        return None
    checkout = shop.checkout_facts(checkout_ref)
    held = holding.grip(found, at)
    if held is None or checkout is None:
        return None
    if checkout.is_money_committed:
        holding.renew(held.hold, at)
        return held.hold
    fitted = _fitted(held, checkout)
    if fitted is None:
        holding.finish(held, HoldState.RELEASED, "cart")
        shop.reprice(checkout_ref)
        return None
    place, clamped = fitted
    surplus = held.hold.points - clamped.points
    _write(held.hold, place, clamped, held.hold.requested, at)
    if surplus:
        holding.give_back(held, surplus, holding.shrinking(held.hold, "cart"))
        shop.reprice(checkout_ref)
    return held.hold


def _fitted(held: Grip, checkout: CheckoutFacts) -> tuple[Place, Clamped] | None:
    """Return what the cart bears of the hold now, or None where it has to end."""
    if checkout.basket.user_ref != str(held.account.user_id):
        return None
    try:
        place = place_of(checkout)
    except Refusal:
        return None
    if place.program.pk != held.account.program_id:
        return None
    # Asked for as the shopper did: the minimum was judged on that, and may lie above what is held.
    requested = held.hold.requested
    clamped = place.clamp(requested, requested, held.account)
    points = min(clamped.points, held.hold.points)
    if not points:
        return None
    return place, Clamped(points, redemption.value_of(points, place.point_value), clamped.reason)


def _write(hold: Hold, place: Place, clamped: Clamped, requested: int, at: dt.datetime) -> None:
    """Store what the hold says from now on; the caller moves the points."""
    hold.requested = requested
    hold.points = clamped.points
    hold.value_minor = clamped.value_minor
    hold.currency = place.checkout.basket.currency
    hold.version = place.version
    hold.lapses_at = holding.lapses_at(place.rules, at)
    hold.save()


def _require_whole(points: object) -> None:
    if isinstance(points, bool) or not isinstance(points, int) or points < 0:
        message = phrase(_("Points must be a whole number, zero or more."))
        raise Refusal(Code.INVALID, message, "points")


def _require_user(user_ref: str | None) -> str:
    if user_ref is None:
        raise Refusal(Code.LOGIN_REQUIRED, phrase(_("Sign in to spend points.")))
    return user_ref


def _own_checkout(checkout_ref: str, user: str) -> CheckoutFacts:
    """Lock the checkout and return it, if this user may still change its points."""
    shop = host.current()
    checkout = shop.checkout_facts(checkout_ref) if shop.lock_checkout(checkout_ref) else None
    if checkout is None:
        raise Refusal(Code.NOT_FOUND, phrase(_("There is no such checkout.")), "checkoutId")
    if checkout.basket.user_ref != user:
        message = phrase(_("This checkout is not attached to your account."))
        raise Refusal(Code.PERMISSION_DENIED, message, "checkoutId")
    if checkout.is_money_committed:
        message = phrase(
            _("Payment of this checkout has begun; its points cannot be changed any more.")
        )
        raise Refusal(Code.CHECKOUT_PAID, message, "checkoutId")
    return checkout


def _lock(checkout_ref: str, account_id: int, at: dt.datetime) -> tuple[Account, Hold | None]:
    """Lock the account and then the checkout's hold; a hold of another member is ended.

    That one is left behind where the checkout changed hands and the shop's notice of it was lost;
    its holder's account is locked too, in id order. The caller holds the checkout's row.
    """
    placed = Hold.objects.filter(checkout_ref=checkout_ref, state=HoldState.PLACED)
    holders = set(placed.values_list("account_id", flat=True))
    accounts = lock_accounts(holders | {account_id})
    hold = placed.select_for_update().first()
    if hold is not None and hold.account_id != account_id:
        foreign = Grip(hold, accounts[hold.account_id], at)
        holding.finish(foreign, HoldState.RELEASED, "customer")
        hold = None
    return accounts[account_id], hold


def _placed_on(checkout_ref: str) -> Hold | None:
    return Hold.objects.filter(checkout_ref=checkout_ref, state=HoldState.PLACED).first()


# --- the end of a hold ----------------------------------------------------------------------------


def _points_paid(hold: Hold, facts: OrderFacts) -> int:
    """Return how many points the order's price fell by; none where it did not use the hold."""
    quote = StoredQuote.objects.filter(checkout_ref=hold.checkout_ref).first()
    if quote is None or quote.account_id != hold.account_id or quote.version_id is None:
        return 0
    point_value = rules_of(quote.version_id).point_values.get(facts.currency)
    if not point_value:
        return 0
    discount_minor = sum(
        allocation.amount_minor
        for allocation in allocations_of(quote.payload)
        if allocation.rule_key == pricing.POINTS_RULE
    )
    return redemption.effective_points(
        quote.points_applied, discount_minor, facts.effective_share_ppm, point_value
    )


def _end(hold: Hold, state: HoldState, cause: str, at: dt.datetime) -> bool:
    """End a hold under all its locks; False when it had ended."""
    shop = host.current()
    is_there = shop.lock_checkout(hold.checkout_ref)
    held = holding.grip(hold, at)
    if held is None:
        return False
    holding.finish(held, state, cause)
    if is_there:
        shop.reprice(hold.checkout_ref)
    return True


def _lapse(hold: Hold, at: dt.datetime) -> None:
    """End an overdue hold, or renew it where it has to wait; within a database transaction."""
    shop = host.current()
    if shop.lock_checkout(hold.checkout_ref):
        checkout = shop.checkout_facts(hold.checkout_ref)
        must_wait = checkout is not None and checkout.is_money_committed
    else:
        order_ref = shop.order_ref_of_checkout(hold.checkout_ref)
        must_wait = order_ref is not None
        if order_ref is not None:
            shop.dispatch("settle", order_ref)
    if must_wait:
        holding.renew(hold, at)
    else:
        _end(hold, HoldState.LAPSED, "job:lapse", at)


def _lapse_claimed(hold: Hold, at: dt.datetime) -> bool:
    """Lapse a hold unless another worker is at it or was."""
    if not claim(f"hold:{hold.pk}") or not holds_to_lapse(at).filter(pk=hold.pk).exists():
        return False
    _lapse(hold, at)
    return True


def _due(at: dt.datetime, size: int) -> Iterator[Hold]:
    """Yield the holds whose time is over, the oldest first, in pages by keyset."""
    after = Q()
    while True:
        page = list(holds_to_lapse(at).filter(after).order_by("lapses_at", "pk")[:size])
        yield from page
        if len(page) < size:
            return
        last = page[-1]
        after = Q(lapses_at__gt=last.lapses_at) | Q(lapses_at=last.lapses_at, pk__gt=last.pk)


def _lapse_safely(hold: Hold, at: dt.datetime) -> bool:
    try:
        return run_serialized(lambda: _lapse_claimed(hold, at))
    except Exception:
        logger.exception("Hold %s could not lapse; the next run tries again.", hold.pk)
        return False


def _lapse_overdue_of(user: str, at: dt.datetime) -> None:
    """End the user's overdue holds, should the task be late.

    Before any lock is taken, because each of them locks its own checkout first.
    """
    overdue = Hold.objects.filter(account__user_id=user, state=HoldState.PLACED)
    for hold in overdue.filter(lapses_at__lte=at):
        run_serialized(partial(_lapse, hold, at))
