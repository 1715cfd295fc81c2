"""What bounds the points on a checkout: the program, the cart, the member's pace and limits.

Nothing is changed here: ``redeeming`` asks before it writes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention import conf, host
from saleor_retention.engine import pricing, redemption
from saleor_retention.engine.caps import least_left
from saleor_retention.engine.facts import CustomerFacts
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.redemption import Clamped, ClampReason
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import CheckoutFacts
from saleor_retention.models import (
    Account,
    AccountState,
    Hold,
    Program,
    ProgramVersion,
    Transaction,
    TransactionKind,
)
from saleor_retention.selectors.caps import redeemed_by
from saleor_retention.selectors.programs import active_program, is_switched_on, rules_of
from saleor_retention.services.checkout.pricing import redeemable_base

HOUR = dt.timedelta(hours=1)
MOVES = (TransactionKind.HOLD, TransactionKind.RELEASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where points are to be spent: the checkout, and the program's rules for it."""

    checkout: CheckoutFacts
    program: Program
    version: ProgramVersion
    rules: ProgramRules
    point_value: Fraction

    def clamp(self, requested: int, available: int, account: Account) -> Clamped:
        """Return what a request comes to on this basket for this member."""
        is_member = account.state == AccountState.MEMBER  # who left has points, but no tier
        tier = account.tier if is_member and account.tier else None
        customer = CustomerFacts(account_id=account.pk, tier=tier)
        base_minor = self._base(customer)
        limits = self.rules.redemption
        return redemption.clamp(requested, available, base_minor, self.point_value, limits)

    def _base(self, customer: CustomerFacts) -> int:
        """Return what the goods cost before points."""
        basket, standing = self.checkout.basket, self.checkout.standing
        if standing is None:
            return pricing.redeemable_base(basket, customer, self.rules)
        return redeemable_base(basket, standing, customer, self.rules)


def place_of(checkout: CheckoutFacts) -> Place:
    """Return where the points of a checkout are spent, or refuse where none can be."""
    program = active_program(checkout.basket.channel_ref) if is_switched_on() else None
    if program is None or program.current_version is None:
        message = phrase(_("There is no active program in the channel of this checkout."))
        raise Refusal(Code.PROGRAM_INACTIVE, message, "checkoutId")
    reason = host.current().refusal_of("line_discounts")
    if reason is not None:
        raise Refusal(Code.NOT_SUPPORTED, reason, "checkoutId")
    rules = rules_of(program.current_version.pk)
    if not rules.redemption.is_enabled:
        message = phrase(
            _('Points of "%(program)s" cannot be spent at the checkout.'), program=program.name
        )
        raise Refusal(Code.REDEMPTION_DISABLED, message, "points")
    currency = checkout.basket.currency
    point_value = rules.point_values.get(currency)
    if not point_value:
        message = phrase(
            _('Points of "%(program)s" have no value in %(currency)s.'),
            program=program.name,
            currency=currency,
        )
        raise Refusal(Code.CURRENCY_WITHOUT_RATE, message, "points")
    return Place(checkout, program, program.current_version, rules, point_value)


def accepted(place: Place, account: Account, points: int, available: int) -> Clamped:
    """Return what is set aside, or refuse: too many points, or a cart that takes none."""
    if points > available:
        message = phrase(
            _("%(points)s points were asked for and %(left)s are left."),
            points=str(points),
            left=str(available),
        )
        raise Refusal(Code.NOT_ENOUGH_POINTS, message, "points")
    clamped = place.clamp(points, available, account)
    if clamped.points:
        return clamped
    limits = place.rules.redemption
    least = max(limits.minimum_points, limits.block_points)
    if points < least:
        message = phrase(
            _("At least %(points)s points have to be spent at once."), points=str(least)
        )
        raise Refusal(Code.BELOW_MINIMUM, message, "points")
    if clamped.reason in (ClampReason.BASKET_TOO_SMALL, ClampReason.ORDER_SHARE):
        message = phrase(
            _("The goods in this cart are too little to spend %(points)s points on."),
            points=str(least),
        )
        raise Refusal(Code.NOTHING_TO_REDEEM_ON, message, "points")
    message = phrase(
        _("%(points)s points are worth nothing in %(currency)s."),
        points=str(points),
        currency=place.checkout.basket.currency,
    )
    raise Refusal(Code.BELOW_MINIMUM, message, "points")


def require_pace(account: Account, at: dt.datetime) -> None:
    """Refuse to move a member's points to and fro without end: every time adds to the ledger.

    The postings of the last hour are what is counted, setting and clearing alike. Clearing itself
    is never refused.
    """
    most = conf.get("REDEMPTIONS_PER_HOUR")
    if not most:
        return
    moves = Transaction.objects.filter(
        account=account, kind__in=MOVES, cause="shopper", recorded_at__gt=at - HOUR
    )
    if moves.count() >= most:
        message = phrase(
            _("Points were set and cleared %(times)s times in an hour; try again later."),
            times=str(most),
        )
        raise Refusal(Code.TOO_MANY_REQUESTS, message)


def require_room(
    place: Place, account: Account, hold: Hold | None, points: int, at: dt.datetime
) -> None:
    """Refuse more points than the program lets a member spend in a day or a month.

    A hold counts from when it was placed, which setting it anew does not change.
    """
    limits = place.rules.redemption
    if limits.points_per_day_max is limits.points_per_month_max is None:
        return
    placed_at = at if hold is None else hold.placed_at
    besides = None if hold is None else hold.pk
    used = redeemed_by(account, placed_at, place.rules.time_zone, besides=besides)
    left = least_left(
        (limits.points_per_day_max, used.in_day), (limits.points_per_month_max, used.in_month)
    )
    if left is not None and points > left:
        message = phrase(
            _(
                "This program limits how many points are spent in a day or a month: "
                "%(left)s are left."
            ),
            left=str(left),
        )
        raise Refusal(Code.LIMIT_REACHED, message, "points")
